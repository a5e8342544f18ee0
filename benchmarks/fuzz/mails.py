"""Mails to a bounce mailbox: anybody can write one."""

# ruff: noqa: PLR2004 - chances are numbers

from pathlib import Path
from random import Random

from benchmarks.fuzz import examples, mutation
from benchmarks.fuzz.target import Target, fair, hold
from streams.agents.reporting import Reporter
from streams.core import dsn
from streams.core.reply import MAX_TEXT
from streams.wire import contract, evidence
from streams.wire.dsn_event import RawDsn
from streams.wire.reject import Reject
from streams.wire.topic import Topic

FRAGMENTS = (
    *(b"\r\n\r\n", b"\n\n", b"\0", b"\xff\xfe", b"\x1b[31m", b"\xe2\x80\xa8", b"\r"),
    b"Content-Type: multipart/report; report-type=delivery-status; boundary=x\n\n--x\n",
    b"Content-Type: message/delivery-status\nContent-Transfer-Encoding: base64\n\n",
    b"Content-Type: message/rfc822\n\nContent-Type: message/rfc822\n\n",
    b'Content-Type: text/plain; charset="no-such-charset"\n\n',
    b"Content-Type: text/plain; charset*=utf-8''%FF%FE\n\n",
    b"Content-Type: text/plain; charset=idna\n\nxn--\xff",
    b"Content-Type: text/plain; charset=utf-7\n\n+AD4-+",
    b"Content-Type: text/plain; charset=unicode_escape\n\n\\N{",
    b"Content-Type: text/plain; charset=zlib\n\nx\x9c",
    b"Content-Type: text/plain; charset=undefined\n\n",
    b"Content-Type: application/gzip\nContent-Transfer-Encoding: base64\n\nH4sIAAAA\n",
    b"Content-Type: application/zip\nContent-Transfer-Encoding: base64\n\nUEsDBBQA\n",
    b"Content-Transfer-Encoding: x-uuencode\n\nbegin 666 a\n#",
    b"Content-Transfer-Encoding: quoted-printable\n\n=\n=XX=3D=\n",
    b"Content-Type: multipart/report; boundary*0=a; boundary*1*=utf-8''%78\n\n--ax\n",
    *(b"--x--\n", b"--x\n", b"Final-Recipient: rfc822;\n", b"Action: failed\n"),
    *(b"Status: 5.1.1\n", b"Status: 999.999.999\n", b"Diagnostic-Code: smtp; 550\n"),
    *(b"Final-Recipient: utf-8; a\\x{110000}@example.com\n", b"<a@example.com>:\n"),
    *(b"Subject: =?utf-8?b?=FF=?=\n", b"Subject: =?unknown?q?x?=\n", b"From: <>\n"),
    *(b"Subject: =?utf-8?q?x?= \n " * 40, b"X: " + b"a " * 2000, b"\n " * 500),
    *(b"Date: Mon, 99 Foo 0000 99:99:99 +9999\n", b"Arrival-Date: 1\n"),
    b"Arrival-Date: Mon, 2 Mar 2026 08:14:07 +99999999999999999999\n",
    b"Last-Attempt-Date: Mon, 2 Mar 99999999999 08:14:07 +0000\n",
    *(b'{"notificationType":"Bounce","bounce":', b"[" * 200, b'{"a":' * 200),
    *(b"host a.example[192.0.2.1] said: ", b"(in reply to RCPT TO command)"),
    *(b"550-5.1.1 ", b"550 ", b">>> RCPT TO:<", b"<<< 550 ", b"=?" * 50, b"@" * 50),
    *(b"<" * 100, b"((((((((", b"a@" * 100, b"a" * 300 + b"@", b" " * 500, b"-" * 200),
    *(b"&#x110000;&#99999999999;&lt", b"<style>", b"<p " * 60, b"</" * 90),
)
_HOW_OFTEN = (3, 30, 300, 3_000, 30_000)


def bomb(chance: Random) -> bytes:
    """Answer a mail that is too much of something."""
    often = chance.choice(_HOW_OFTEN)
    head = b"From: mailer-daemon@example.com\nSubject: Undelivered Mail\n"
    match chance.randrange(10):
        case 0:  # deep
            raw = b"".join(
                b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n)
                for n in range(min(often, 5_000))
            )
        case 1:  # wide
            raw = b"Content-Type: multipart/report; boundary=x\n\n" + (
                b"--x\nContent-Type: text/plain\n\nno\n" * often
            )
        case 2:  # many fields
            raw = head + b"X-Failed-Recipients: a@example.com\n" * often + b"\nno\n"
        case 3:  # a long field
            raw = head + b"References: " + b"<a@example.com>\n " * often + b"\n\nno\n"
        case 4:  # parameters in pieces
            pieces = b"".join(b"; name*%d*=%%41" % n for n in range(min(often, 3_000)))
            raw = b"Content-Type: text/plain; charset*0=u" + pieces + b"\n\nno\n"
        case 5:  # encoded words
            raw = b"Subject: " + b"=?utf-8?q?=41?= =?x?b?!?= " * often + b"\n\nno\n"
        case 6:  # many recipients
            block = b"Final-Recipient: rfc822;a@example.com\nAction: failed\n\n"
            raw = b"Content-Type: message/delivery-status\n\n" + block * often
        case 7:  # base64 without end
            coding = chance.choice((b"base64", b"quoted-printable", b"x-uuencode"))
            body = chance.choice((b"QUFB", b"=41", b"=\n", b"M" * 61 + b"\n"))
            raw = b"Content-Transfer-Encoding: " + coding + b"\n\n" + body * often
        case 8:  # HTML
            body = chance.choice((b"<p>", b"<style>", b"<a ", b"&#65;", b"<!--"))
            raw = b"Content-Type: text/html\n\n" + body * often
        case _:  # one of the fragments
            raw = head + b"\n" + chance.choice(FRAGMENTS) * often
    return raw[: mutation.LONGEST]


def spliced(chance: Random, mails: list[bytes]) -> bytes:
    """Answer a mail with pieces of others, and pieces of no mail."""
    raw = chance.choice(mails)
    for _ in range(chance.choice((0, 1, 1, 3))):
        at = chance.randrange(len(raw) + 1)
        piece = chance.choice(FRAGMENTS) * chance.choice((1, 1, 1, 10, 1000))
        raw = raw[:at] + piece + raw[at:]
    if chance.random() < 0.1:
        raw = raw.replace(b"\n", chance.choice((b"\r", b"\r\n", b"\n\n")))
    if chance.random() < 0.7:
        raw = mutation.garbled(chance, raw, mails)
    return raw[: mutation.LONGEST]


def _read(raw: bytes) -> bool:
    """Read a mail, and make evidence of what it reports."""
    mail = dsn.parse(raw)
    for report in mail.reports:
        hold(report.replies, "a report without a reply")
        for reply in report.replies:
            hold(len(reply.text) <= MAX_TEXT, "more than is looked at")
    event = RawDsn("d-1", examples.NOW, "t-42", None, None, None, None, raw)
    reporter = Reporter(examples.classifiers(), fold_local_part=True)
    told = reporter.evidence(event, examples.NOW)
    if isinstance(told, Reject):
        fair(told)
        return False
    limit = contract.manifest(Topic.EVIDENCE).value_max_bytes
    for piece in told.reports:
        value = evidence.encode(piece)
        hold(len(value) <= limit, "too large for its topic")
        hold(evidence.decode(value) == piece, "read again it is something else")
    return bool(told.reports)


def targets(corpus: Path | None) -> list[Target]:
    """Answer the reader of mails, with mails as they come and with bombs."""
    mails = examples.mails(corpus)
    return [
        Target("mail", lambda chance: spliced(chance, mails), _read, share=10),
        Target("mail bomb", bomb, _read, share=1, seconds=2.0, weighed=10),
    ]
