"""No mail may raise or make the worker wait, whatever is in it."""

import random
from email.message import Message
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import streams.demo
from streams.core import dsn
from streams.core.classify import Classifier
from streams.core.dsn import ReportKind, boundary, html, mime
from streams.core.reply import MAX_TEXT
from streams.wire import rulebook

BOUNCES = sorted((Path(streams.demo.__file__).parent / "bounces").glob("*.eml"))
MAILS = [file.read_bytes() for file in BOUNCES]
CLASSIFIER = Classifier(rulebook.load())

FRAGMENTS = [
    *(
        b"\n\n",
        b"\r",
        b"\0",
        b"\xff",
        b"--x\n",
        b"--x--\n",
        b"From: <>\n",
        b"Status: 9.9\n",
    ),
    b"Content-Type: multipart/report; boundary=x\n\n--x\n",
    b"Content-Type: message/delivery-status\nContent-Transfer-Encoding: base64\n\n=",
    b"Content-Type: message/rfc822\n\n",
    b'Content-Type: text/plain; charset="no-such"\n\n',
    b"Content-Type: text/plain; charset*=utf-8''%FF\n\n",
    b"Content-Type: multipart/report; boundary*=idna''x\n\n--x\n",
    b"Content-Type: multipart/report; boundary*0*=utf\0 8''x\n\n--x\n",
    b"Final-Recipient: utf-8; a\\x{110000}@example.com\nAction: failed\n",
    b"Subject: =?utf-8?b?=FF=?= =?\xe5?q?x?=\n",
    b"Arrival-Date: Mon, 99 Foo 0000 99:99:99 +9999\n",
    b'{"notificationType":"Bounce","bounce":[',
    b"<a@example.com>: host b.example[192.0.2.1] said: 550-5.1.1 (in reply to RCPT TO",
]


def read(raw):
    parsed = dsn.parse(raw)
    for report in parsed.reports:
        CLASSIFIER.classify_report(report)
        assert all(len(reply.text) <= MAX_TEXT for reply in report.replies)
    assert (
        parsed.kind in {"complaint", "auto_reply", "challenge", "not_a_bounce"}
    ) == (not parsed.reports)
    return parsed


@given(st.binary(max_size=400))
@example(b"Content-Type: multipart/mixed\n\n")
def test_any_bytes_are_a_mail(raw):
    read(raw)


@given(st.lists(st.sampled_from(FRAGMENTS) | st.binary(max_size=30), max_size=12))
def test_any_pieces_of_a_report_are_a_mail(pieces):
    read(b"".join(pieces))


@pytest.mark.parametrize("seed", range(40))
def test_mutated_reports_are_mails(seed):
    chance = random.Random(seed)
    for _ in range(50):
        raw = bytearray(chance.choice(MAILS))
        for _ in range(chance.randint(1, 6)):
            at = chance.randrange(len(raw) + 1)
            to = min(len(raw), at + chance.choice((1, 20, 400)))
            match chance.randrange(5):
                case 0:
                    del raw[at:to]
                case 1:
                    raw[at:to] = raw[at:to] * chance.choice((2, 20))
                case 2:
                    raw[at:at] = chance.choice(FRAGMENTS)
                case 3:
                    raw[at:to] = chance.randbytes(to - at)
                case _:
                    other = chance.choice(MAILS)
                    raw[at:to] = other[: chance.randrange(len(other))]
        read(bytes(raw))


def nested(depth):
    raw = b""
    for level in range(depth):
        raw += b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (
            level,
            level,
        )
    return raw


@pytest.mark.parametrize(
    "raw",
    [
        nested(5_000),
        b"Content-Type: message/rfc822\n\n" * 20_000,
        b"Content-Type: multipart/mixed; boundary=x\n\n" + b"--x\n\n\n" * 150_000,
        b"Content-Type: multipart/mixed; boundary=" + b"x" * 900_000 + b"\n\n--x\n",
        b'Content-Type: multipart/mixed; boundary="' + b"x\n " * 300_000 + b'"\n\n',
        b"From: mailer-daemon@example.com\n\n" + b"<a@example.com>: no\n" * 50_000,
        b"From: mailer-daemon@example.com\n\n" + b"a@" * 400_000,
        b"From: mailer-daemon@example.com\n\n" + b"<<< 550 " * 100_000,
        b"From: mailer-daemon@example.com\n\n" + b"host a" * 150_000 + b" said: 550",
        b"Subject: " + b"=?utf-8?q?x?= " * 60_000 + b"\n\n",
        b"X: y\n" * 200_000,
        (b"Subject: " + b"=?utf-8?q?=41?= =?x?b?!?= " * 2_500 + b"\n") * 15,
        b"Content-Type: message/delivery-status\n\n"
        + b"Final-Recipient: rfc822;a@example.com\n" * 25_000,
        b'{"eventType":' + b"[" * 900_000,
        b"Content-Type: text/html\n\n" + b"<style>" * 100_000,
        b"Content-Type: text/html\n\n" + b"<p " * 300_000,
        b"Content-Type: multipart/mixed; boundary=x\n\n"
        + (b"--x\nContent-Type: text/html\n\n" + b"<style>" * 1_000) * 100,
    ],
    ids=lambda raw: raw[:40].decode("latin-1").strip(),
)
def test_what_is_too_much_is_cut_before_it_is_parsed(raw):
    read(raw)


@pytest.mark.parametrize("code", [b"idna", b"undefined", b"utf\0 8"])
def test_a_boundary_in_no_character_set_hides_no_report(code):
    told = mime.read(
        b"Content-Type: multipart/report; boundary*=%s''x\n\n"
        b"--x\nContent-Type: text/plain\n\nHello\n"
        b"--x\nContent-Type: message/delivery-status\n\n"
        b"Reporting-MTA: dns; a.example\n\nAction: failed\n--x--\n" % code
    )
    assert [dict(block) for block in told.status] == [
        {"reporting-mta": "dns; a.example"},
        {"action": "failed"},
    ]


def test_a_status_in_no_character_set_is_read_all_the_same():
    mail = read(
        b"Content-Type: message/delivery-status\n\n"
        b"Final-Recipient: rfc822; a@example.com\nAction: failed\n"
        b'Content-Type: text/plain; charset="\0"\n\xff is no field\n\n'
    )
    assert [report.recipient for report in mail.reports] == ["a@example.com"]


def test_a_part_remembers_the_content_type_that_python_finds():
    for raw in MAILS:
        for one in boundary.parsed(raw).walk():
            assert one.get_content_type() == Message.get_content_type(one)


@pytest.mark.parametrize(
    ("line", "most"),
    [("--x\n", 2 * mime.MAX_PARTS), ("boundary message/partial\n", 3 * mime.MAX_DEPTH)],
)
def test_as_much_as_is_allowed_is_read_and_no_more(line, most):
    times = most // len(line.split())
    for more in (0, 1, 5):
        letter = mime.read(b"Subject: x\n\n" + line.encode() * (times + more))
        assert letter.texts == [line * times]


def test_what_is_cut_off_was_not_needed():
    raw = MAILS[0] + b"\n" + b"x" * mime.MAX_BYTES
    assert read(raw).kind is ReportKind.BOUNCE


def test_the_words_of_html_are_those_that_a_reader_shows():
    shown = html.words(
        "<head><title>no</title></head><P>a<style>no</style >no</STYLE>b<br/>c &amp; d"
        "<script><style>no</style></script> e<style>f</p>"
    )
    assert shown.split() == ["a", "b", "c", "&", "d", "e", "f"]


def test_a_field_without_end_is_read_to_the_length_that_addresses_are_looked_for_in():
    letter = mime.read(b"Subject: " + b"=?utf-8?q?=41?= b " * 50_000 + b"\n\n")
    assert letter.header("subject").startswith("A b A b")
    assert len(letter.header("subject")) < mime.MAX_VALUE
