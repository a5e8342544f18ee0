"""Hostile mails and replies: none may raise, none may take long.

    .venv/bin/python benchmarks/fuzz.py [--inputs N] [--seed N] [--corpus FOLDER]

Mails are the demo's bounces, and those of a corpus when one is given, changed by
chance: cut, repeated, spliced, with bytes, headers and structures that no mail should
have. Replies are their diagnostics and pieces of rules. Prints the slowest input and
exits with 1 when anything raised or took longer than a second.
"""

import argparse
import random
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from streams.core import dsn
from streams.core import reply as replies
from streams.core.classify import Classifier
from streams.wire import rulebook

SLOW_SECONDS = 1.0
MAX_INPUT = 1 << 20
BOUNCES = Path(__file__).parent.parent / "streams" / "demo" / "bounces"

FRAGMENTS = (
    *(b"\r\n\r\n", b"\n\n", b"\0", b"\xff\xfe", b"\x1b[31m", b"\xe2\x80\xa8"),
    b"Content-Type: multipart/report; report-type=delivery-status; boundary=x\n\n--x\n",
    b"Content-Type: message/delivery-status\nContent-Transfer-Encoding: base64\n\n",
    b"Content-Type: message/rfc822\n\nContent-Type: message/rfc822\n\n",
    b'Content-Type: text/plain; charset="no-such-charset"\n\n',
    b"Content-Type: text/plain; charset*=utf-8''%FF%FE\n\n",
    *(b"--x--\n", b"--x\n", b"Final-Recipient: rfc822;\n", b"Action: failed\n"),
    *(b"Status: 5.1.1\n", b"Status: 999.999.999\n", b"Diagnostic-Code: smtp; 550\n"),
    *(b"Final-Recipient: utf-8; a\\x{110000}@example.com\n", b"<a@example.com>:\n"),
    *(b"Subject: =?utf-8?b?=FF=?=\n", b"Subject: =?unknown?q?x?=\n", b"From: <>\n"),
    *(b"Date: Mon, 99 Foo 0000 99:99:99 +9999\n", b"Arrival-Date: 1\n"),
    *(b'{"notificationType":"Bounce","bounce":', b"[" * 200, b'{"a":' * 200),
    *(b"host a.example[192.0.2.1] said: ", b"(in reply to RCPT TO command)"),
    *(b"550-5.1.1 ", b"550 ", b">>> RCPT TO:<", b"<<< 550 ", b"=?" * 50, b"@" * 50),
    *(b"<" * 100, b"((((((((", b"a@" * 100, b"a" * 300 + b"@", b" " * 500, b"-" * 200),
)


def seeds(corpus: Path | None) -> list[bytes]:
    folders = [BOUNCES, *([corpus] if corpus else [])]
    files = [f for folder in folders for f in sorted(folder.rglob("*")) if f.is_file()]
    return [
        file.read_bytes() for file in files if file.suffix not in {".json", ".jsonl"}
    ]


def mutate(random_: random.Random, mails: Sequence[bytes]) -> bytes:
    mail = bytearray(random_.choice(mails))
    for _ in range(random_.choice((1, 1, 2, 3, 8))):
        at = random_.randrange(len(mail) + 1)
        to = min(len(mail), at + random_.choice((1, 10, 100, 2000)))
        match random_.randrange(9):
            case 0:
                del mail[at:to]
            case 1:
                mail[at:to] = mail[at:to] * random_.choice((2, 10, 200))
            case 2:
                mail[at:at] = random_.choice(FRAGMENTS)
            case 3:
                mail[at:at] = random_.choice(FRAGMENTS) * random_.choice((10, 1000))
            case 4:
                other = random_.choice(mails)
                mail[at:to] = other[: random_.randrange(len(other) + 1)]
            case 5:
                mail[at:to] = random_.randbytes(to - at)
            case 6:
                lines = bytes(mail).split(b"\n")
                random_.shuffle(lines)
                mail = bytearray(b"\n".join(lines))
            case 7:
                mail = mail.replace(b"\n", random_.choice((b"\r", b"\r\n", b"\n\n")))
            case _:
                mail[at:to] = bytes(mail[at:to]).upper()
        del mail[MAX_INPUT:]
    return bytes(mail)


def mutate_reply(random_: random.Random, texts: Sequence[str]) -> str:
    pieces = []
    for _ in range(random_.choice((1, 2, 5))):
        text = random_.choice(texts)
        start = random_.randrange(len(text) + 1)
        pieces.append(text[start:] * random_.choice((1, 1, 2, 300)))
    return random_.choice(("", " ", "\n", "-")).join(pieces)[:20_000]


def words_of_rules(classifier: Classifier) -> list[str]:
    rules = classifier.rules.rules
    return [text for rule in rules for text in (*rule.examples, *rule.say)]


def timed(work: Callable[[], object]) -> tuple[float, str | None]:
    started = time.process_time()
    try:
        work()
    except Exception:  # noqa: BLE001  # any of them is what is looked for
        return time.process_time() - started, traceback.format_exc(limit=-3)
    return time.process_time() - started, None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--corpus", type=Path)
    options = parser.parse_args()
    random_ = random.Random(options.seed)
    classifier = Classifier(rulebook.load())
    mails, texts = seeds(options.corpus), words_of_rules(classifier)
    slowest, raised = 0.0, 0

    def read(raw: bytes) -> None:
        for report in dsn.parse(raw).reports:
            classifier.classify_report(report)

    for number in range(options.inputs):
        if number % 4:
            raw = mutate(random_, mails)
            seconds, error = timed(lambda raw=raw: read(raw))
        else:
            text = mutate_reply(random_, texts)
            raw = text.encode()
            seconds, error = timed(
                lambda text=text: classifier.classify(replies.parse(text))
            )
        if error:
            raised += 1
            print(f"input {number} raised\n{error}")
        if seconds > slowest:
            slowest = seconds
            print(f"input {number}: {seconds * 1000:.1f} ms, {len(raw)} bytes")
    print(f"{options.inputs} inputs, {raised} raised, slowest {slowest * 1000:.1f} ms")
    sys.exit(raised > 0 or slowest > SLOW_SECONDS)


if __name__ == "__main__":
    main()
