"""How often a verdict is right, on a labelled corpus that is not part of the project.

    .venv/bin/python benchmarks/accuracy.py [--corpus FOLDER] [--flufl PYTHON] [--show]

FOLDER, `shared/corpus/dev` beside the checkout unless named, has `responses.jsonl`
(replies and what they may mean), `mails.jsonl` (whom a mail reports, and what that may
mean) and `mails/`. Rules are written on two thirds of it; the rest, chosen by a hash of
the file's name, is held out. `strict` rows are those on which several systems and
people agree. `--flufl` names a Python that has flufl.bounce, which runs in a process of
its own.
"""

import argparse
import hashlib
import json
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streams.core import dsn
from streams.core import reply as replies
from streams.core.address import Address, canonical
from streams.core.classify import Classifier
from streams.core.dsn import ParsedMail, RecipientReport
from streams.core.failure import AddressPolicy, FailureClass, Phase, Side
from streams.wire import rulebook

Row = dict[str, Any]

BESIDE = Path(__file__).resolve().parents[2] / "shared" / "corpus" / "dev"
"""Where the corpus lies when it is there."""

FLUFL = """
import json, sys
from email import message_from_bytes
from flufl.bounce import all_failures
out = {}
for name in json.load(sys.stdin):
    with open(name, "rb") as file:
        temporary, permanent = all_failures(message_from_bytes(file.read()))
    out[name] = [sorted(a.decode("latin-1") for a in found) for found in
                 (temporary, permanent)]
json.dump(out, sys.stdout)
"""


def is_held_out(name: str) -> bool:
    """Say whether a file, with all its rows, is in the third that rules never saw."""
    return hashlib.sha256(f"mailflag:{name}".encode()).digest()[0] % 3 == 0


@dataclass
class Score:
    """Counts of what was right."""

    rows: int = 0
    right_class: int = 0
    right_side: int = 0
    right_policy: int = 0
    bad_and_said: int = 0
    said_bad: int = 0
    bad: int = 0
    bad_found: int = 0
    found: int = 0
    labelled: int = 0
    right_recipients: int = 0
    named: int = 0

    def add(
        self, row: Row, failure_class: str, side: str, policy: AddressPolicy
    ) -> None:
        self.rows += 1
        self.right_class += failure_class in row["acceptable_classes"]
        self.right_side += side in row["acceptable_sides"]
        self.right_policy += policy in row["acceptable_flags"]
        said = policy is AddressPolicy.IMMEDIATE
        self.said_bad += said
        self.bad_and_said += said and "immediate" in row["acceptable_flags"]
        sure = row["acceptable_flags"] == ["immediate"]
        self.bad += sure
        self.bad_found += sure and said

    def line(self) -> str:
        return (
            f"rows {self.rows:4}  class {share(self.right_class, self.rows)}"
            f"  side {share(self.right_side, self.rows)}"
            f"  policy {share(self.right_policy, self.rows)}"
            f"  address bad: precision {share(self.bad_and_said, self.said_bad)}"
            f" recall {share(self.bad_found, self.bad)}"
        )

    def recipients(self) -> str:
        return (
            f"recipients found {share(self.found, self.labelled)} of {self.labelled},"
            f" precision {share(self.right_recipients, self.named)}"
        )


def share(part: int, whole: int) -> str:
    return f"{part / whole:.3f}" if whole else "  -  "


def read(path: Path) -> list[Row]:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


Judge = Callable[[Row], tuple[str, str, AddressPolicy]]


def by_us(classifier: Classifier) -> Judge:
    def judge(row: Row) -> tuple[str, str, AddressPolicy]:
        code = int(row["code"]) if row["code"] else None
        phase = Phase(row["phase"]) if row["phase"] else None
        reply = replies.parse(row["text"], code, row["enhanced"], phase)
        verdict = classifier.classify(reply)
        return verdict.failure_class, verdict.side, verdict.address_policy

    return judge


def by_code(row: Row) -> tuple[str, str, AddressPolicy]:
    """Judge as many systems do: a 5xx is a bad address."""
    code = row["code"] or row["enhanced"] or "5"
    if code.startswith("5"):
        return FailureClass.BAD_MAILBOX, Side.RECIPIENT, AddressPolicy.IMMEDIATE
    return FailureClass.UNKNOWN, Side.TRANSIENT, AddressPolicy.AFTER_N


def judged(rows: Iterable[Row], judge: Judge, *, show: bool) -> Score:
    score = Score()
    for row in rows:
        answer = judge(row)
        score.add(row, *answer)
        if show and not is_right(row, answer):
            print(f"    {row['id']}: {answer[0]}, not {row['acceptable_classes']}")
    return score


def is_right(row: Row, answer: tuple[str, str, AddressPolicy]) -> bool:
    failure_class, side, policy = answer
    return (
        failure_class in row["acceptable_classes"]
        and side in row["acceptable_sides"]
        and policy in row["acceptable_flags"]
    )


def show_replies(corpus: Path, classifier: Classifier, *, show: bool) -> None:
    rows = [r for r in read(corpus / "responses.jsonl") if r["expected_class"]]
    for part, chosen in parts(rows, lambda row: row["file"] or str(row["id"])).items():
        strict = [row for row in chosen if row["strict"]]
        print(f"replies, {part}")
        for name, judge in (("mailflag", by_us(classifier)), ("any 5xx", by_code)):
            listed = show and name == "mailflag"
            print(f"  {name:9} all     {judged(chosen, judge, show=listed).line()}")
            print(f"  {name:9} strict  {judged(strict, judge, show=False).line()}")


def parts(rows: Sequence[Row], name: Callable[[Row], str]) -> dict[str, list[Row]]:
    return {
        "written on": [row for row in rows if not is_held_out(name(row))],
        "held out": [row for row in rows if is_held_out(name(row))],
    }


def show_mails(
    corpus: Path, classifier: Classifier, flufl: str | None, *, show: bool
) -> None:
    rows = read(corpus / "mails.jsonl")
    theirs = ask_flufl(corpus, rows, flufl) if flufl else {}
    for part, chosen in parts(rows, lambda row: row["file"]).items():
        by_file: dict[str, list[Row]] = defaultdict(list)
        for row in chosen:
            by_file[row["file"]].append(row)
        print(f"mails, {part}")
        ours = {
            name: dsn.parse((corpus / "mails" / name).read_bytes()) for name in by_file
        }
        scores = Score(), Score()
        wrong: list[str] = []
        for name, labelled in by_file.items():
            mail = ours[name]
            named = [
                (folded(r.original_recipient), folded(r.final_recipient))
                for r in mail.reports
            ]
            recipients(scores[0], labelled, named)
            wrong += meanings(classifier, labelled, mail, scores)
        print(f"  mailflag  {scores[0].recipients()}")
        print(f"  mailflag  all     {scores[0].line()}")
        print(f"  mailflag  strict  {scores[1].line()}")
        delays(by_file, kinds_of(ours), "mailflag")
        if show:
            print("\n".join(f"    {line}" for line in wrong))
        if theirs:
            score = Score()
            for name, labelled in by_file.items():
                temporary, permanent = theirs[name]
                recipients(score, labelled, [(a, None) for a in temporary + permanent])
            print(f"  flufl     {score.recipients()}")
            delays(by_file, lambda name, _: flufl_kind(theirs[name]), "flufl")


def is_report(rows: Sequence[Row]) -> bool:
    return not {"complaint", "auto_reply", "not_a_bounce"} & {
        name for row in rows for name in row["acceptable_classes"]
    }


def recipients(
    score: Score, rows: Sequence[Row], named: Sequence[tuple[str | None, str | None]]
) -> None:
    """Count the recipients that are found, and those that are named wrongly."""
    labelled = {_canonical(row["recipient"]) for row in rows if row["recipient"]}
    if not is_report(rows) or not labelled:
        return
    found = {address for pair in named for address in pair if address}
    score.labelled += len(labelled)
    score.found += len(labelled & found)
    known = [pair for pair in named if any(pair)]
    score.named += len(known)
    score.right_recipients += sum(bool(labelled & set(pair)) for pair in known)


def folded(address: str | None) -> str | None:
    return _canonical(address) if address else None


def _canonical(address: str) -> str:
    found = canonical(address)
    return str(found) if isinstance(found, Address) else address.lower()


def meanings(
    classifier: Classifier,
    rows: Sequence[Row],
    mail: ParsedMail,
    scores: tuple[Score, Score],
) -> list[str]:
    """Count the verdicts on each labelled recipient of a mail; answer the wrong ones.

    The first score is of all rows, the second of the strict ones.
    """
    wrong = []
    for row in rows:
        if not row["acceptable_classes"] or not is_report(rows):
            continue
        report = of_recipient(mail.reports, row["recipient"])
        answer = (str(mail.kind), "", AddressPolicy.NEVER)
        if report is not None:
            verdict = classifier.classify_report(report).verdict
            answer = verdict.failure_class, verdict.side, verdict.address_policy
        for score in scores[: 1 + row["strict"]]:
            score.add(row, *answer)
        if not is_right(row, answer):
            wrong.append(f"{row['file']}: {answer[0]}, {row['acceptable_classes']}")
    return wrong


def of_recipient(
    reports: Sequence[RecipientReport], recipient: str | None
) -> RecipientReport | None:
    for report in reports:
        named = folded(report.original_recipient), folded(report.final_recipient)
        if recipient and _canonical(recipient) in named:
            return report
    return reports[0] if reports else None


def kinds_of(mails: Mapping[str, ParsedMail]) -> Callable[[str, Row], str]:
    """Answer a function that says what kind of report a labelled row is."""

    def kind(name: str, row: Row) -> str:
        report = of_recipient(mails[name].reports, row["recipient"])
        return report.kind if report else mails[name].kind

    return kind


def flufl_kind(found: Sequence[Sequence[str]]) -> str:
    temporary, permanent = found
    return "bounce" if permanent else "delayed" if temporary else "not_a_bounce"


def delays(
    by_file: Mapping[str, Sequence[Row]], kind: Callable[[str, Row], str], who: str
) -> None:
    """Print how many delay notices, and mails that are no report, are bounces."""
    notices = [(n, r) for n, rows in by_file.items() for r in rows if r["delay_notice"]]
    others = [(n, rows[0]) for n, rows in by_file.items() if not is_report(rows)]
    called = [name for name, row in notices if kind(name, row) == "bounce"]
    mistaken = [name for name, row in others if kind(name, row) == "bounce"]
    print(
        f"  {who:9} called a bounce: {len(called)} of {len(notices)} rows labelled as"
        f" delay notices, {len(mistaken)} of {len(others)} complaints, auto-replies"
        f" and others {called or ''}{mistaken or ''}"
    )


def ask_flufl(
    corpus: Path, rows: Sequence[Row], python: str
) -> dict[str, list[list[str]]]:
    """Answer what flufl.bounce finds: temporary and permanent failures a mail."""
    names = sorted({row["file"] for row in rows})
    paths = [str(corpus / "mails" / name) for name in names]
    done = subprocess.run(
        [python, "-c", FLUFL],
        input=json.dumps(paths),
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    return {name: found[path] for name, path in zip(names, paths, strict=True)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, default=BESIDE)
    parser.add_argument("--flufl", metavar="PYTHON")
    parser.add_argument("--show", action="store_true", help="list what is wrong")
    options = parser.parse_args()
    if not options.corpus.is_dir():
        parser.exit(1, f"no corpus at {options.corpus}: --corpus names another\n")
    classifier = Classifier(rulebook.load())
    show_replies(options.corpus, classifier, show=options.show)
    show_mails(options.corpus, classifier, options.flufl, show=options.show)


if __name__ == "__main__":
    main()
