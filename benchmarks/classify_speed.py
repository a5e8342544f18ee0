"""CPU microseconds a reply, and milliseconds a mail: reading and judging them.

    nice -n 10 .venv/bin/python benchmarks/classify_speed.py [--corpus FOLDER]

`fresh` is a reply that was never seen, read from the mailer's line and classified;
`known` is one that ingest's memory answers. Replies are the rules' own examples, half
of them in Postfix's wrapping, each with an address of its own; mails are the demo's
bounces, or those of a corpus. Each figure is the best of several rounds, so that other
work on the machine counts as little as possible.
"""

import argparse
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from streams.agents.classifying import Classifiers
from streams.core import dsn
from streams.core import reply as replies
from streams.core.classify import Classifier
from streams.core.policy import PolicyBook
from streams.wire import rulebook

ROUNDS = 15
REPLIES = 4_000
BOUNCES = Path(__file__).parent.parent / "streams" / "demo" / "bounces"
WRAPPED = "host mx{}.example.com[192.0.2.1] said: {} (in reply to RCPT TO command)"


def best(work: Callable[[], object]) -> float:
    """Answer the CPU seconds of the fastest of several rounds."""
    fastest = float("inf")
    for _ in range(ROUNDS):
        started = time.process_time()
        work()
        fastest = min(fastest, time.process_time() - started)
    return fastest


def texts(classifier: Classifier) -> list[str]:
    """Answer replies, no two alike, half of them as Postfix logs them."""
    examples = [text for rule in classifier.rules.rules for text in rule.examples]
    made = []
    for number in range(REPLIES):
        text = examples[number % len(examples)].replace("a@", f"a{number}@")
        text = f"{text} id={number:x}"
        made.append(WRAPPED.format(number, text) if number % 2 else text)
    return made


def replies_per_call(classifier: Classifier) -> None:
    made = texts(classifier)

    def fresh() -> None:
        for text in made:
            classifier.classify(replies.parse(text))

    seconds = best(fresh)
    length = sum(map(len, made)) / len(made)
    print(f"fresh reply ({length:.0f} characters) {seconds / REPLIES * 1e6:6.2f} us")
    parsed = [replies.parse(text) for text in made]
    seconds = best(lambda: [classifier.classify(reply) for reply in parsed])
    print(f"  of that, to classify        {seconds / REPLIES * 1e6:6.2f} us")


def known_replies(classifier: Classifier) -> None:
    judge = Classifiers(classifier.rules, PolicyBook()).judge
    made = texts(classifier)
    for text in made:
        judge("t", text)
    seconds = best(lambda: [judge("t", text) for text in made])
    print(f"known reply                   {seconds / REPLIES * 1e6:6.2f} us")


def mails(classifier: Classifier, corpus: Path | None) -> None:
    folder = corpus or BOUNCES
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    raws = [file.read_bytes() for file in files if file.suffix != ".json"]

    def read(raw: bytes) -> None:
        for report in dsn.parse(raw).reports:
            classifier.classify_report(report)

    times = sorted(best(lambda raw=raw: read(raw)) * 1000 for raw in raws)
    size = statistics.median(map(len, raws)) / 1024
    print(
        f"bounce mail ({len(raws)} mails, median {size:.1f} KiB): median"
        f" {statistics.median(times):.2f} ms, slowest {times[-1]:.2f} ms"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, help="a folder of mails")
    options = parser.parse_args()
    classifier = Classifier(rulebook.load())
    print(f"Python {platform.python_version()}, {platform.machine()}")
    replies_per_call(classifier)
    known_replies(classifier)
    mails(classifier, options.corpus)
    started = time.process_time()
    rulebook.load()
    print(f"loading the rules {(time.process_time() - started) * 1000:.0f} ms, once")


if __name__ == "__main__":
    main()
