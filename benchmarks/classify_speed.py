"""CPU microseconds a reply, and milliseconds a mail: reading and judging them.

    nice -n 10 .venv/bin/python benchmarks/classify_speed.py [--corpus FOLDER]
        [--result FILE]

`fresh` is a reply that was never seen, read from the mailer's line and classified;
`known` is one that ingest's memory answers. Replies are the rules' own examples, half
of them in Postfix's wrapping, each with an address of its own; mails are the demo's
bounces, or those of a corpus. Each figure is the best of several rounds, so that other
work on the machine counts as little as possible.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from rig import report

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


def unseen_replies(classifier: Classifier) -> dict[str, float]:
    made = texts(classifier)

    def fresh() -> None:
        for text in made:
            classifier.classify(replies.parse(text))

    parsed = [replies.parse(text) for text in made]
    judged = best(lambda: [classifier.classify(reply) for reply in parsed])
    return {
        "characters_of_a_reply": round(sum(map(len, made)) / len(made)),
        "fresh_reply_us": _each(best(fresh)),
        "of_that_to_classify_us": _each(judged),
    }


def _each(seconds: float) -> float:
    return round(seconds / REPLIES * 1e6, 2)


def known_replies(classifier: Classifier) -> dict[str, float]:
    judge = Classifiers(classifier.rules, PolicyBook()).judge
    made = texts(classifier)
    for text in made:
        judge("t", text)
    seconds = best(lambda: [judge("t", text) for text in made])
    return {"known_reply_us": _each(seconds)}


def mails(classifier: Classifier, corpus: Path | None) -> dict[str, float]:
    folder = corpus or BOUNCES
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    raws = [file.read_bytes() for file in files if file.suffix != ".json"]

    def read(raw: bytes) -> None:
        for one in dsn.parse(raw).reports:
            classifier.classify_report(one)

    times = sorted(best(lambda raw=raw: read(raw)) * 1000 for raw in raws)
    return {
        "mails": len(raws),
        "median_mail_kib": round(statistics.median(map(len, raws)) / 1024, 1),
        "median_mail_ms": round(statistics.median(times), 2),
        "slowest_mail_ms": round(times[-1], 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, help="a folder of mails")
    parser.add_argument("--result", help="file under benchmarks/results")
    options = parser.parse_args()
    classifier = Classifier(rulebook.load())
    started = time.process_time()
    rulebook.load()
    loading = round((time.process_time() - started) * 1000)
    figures = {
        **unseen_replies(classifier),
        **known_replies(classifier),
        **mails(classifier, options.corpus),
        "loading_the_rules_ms": loading,
    }
    for name, value in figures.items():
        print(f"{name:24} {value:8}")
    report.save("classify_speed", {"figures": figures}, options.result)


if __name__ == "__main__":
    main()
