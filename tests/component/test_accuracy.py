"""The judgement, on labelled public bounces that are not part of the repository."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from streams.core.address import canonical

BESIDE = Path(__file__).resolve().parents[3] / "shared" / "corpus" / "dev"
CORPUS = Path(os.environ.get("MAILFLAG_TEST_CORPUS", BESIDE))

pytestmark = pytest.mark.corpus


@pytest.fixture(scope="module")
def corpus():
    if not (CORPUS / "responses.jsonl").is_file():
        pytest.skip("no labelled corpus: MAILFLAG_TEST_CORPUS names it")
    return CORPUS


def rows_of(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def mailflag(*arguments, text=""):
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli.main", *arguments],
        input=text,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def quality(pairs):
    """Answer precision and recall of "the address is bad", and right sides, classes."""
    said = [label for label, row in pairs if row["address_policy"] == "immediate"]
    bad = [row for label, row in pairs if label["acceptable_flags"] == ["immediate"]]
    return (
        sum("immediate" in label["acceptable_flags"] for label in said) / len(said),
        sum(row["address_policy"] == "immediate" for row in bad) / len(bad),
        sum(row["side"] in label["acceptable_sides"] for label, row in pairs)
        / len(pairs),
        sum(row["class"] in label["acceptable_classes"] for label, row in pairs)
        / len(pairs),
    )


def test_replies_are_judged_as_people_judge_them(corpus):
    labels = [row for row in rows_of(corpus / "responses.jsonl") if row["strict"]]
    asked = "\n".join(
        json.dumps({k: row[k] for k in ("code", "enhanced", "text", "phase")})
        for row in labels
    )
    answers = mailflag("classify", text=asked)
    precision, recall, side, kind = quality(list(zip(labels, answers, strict=True)))
    assert precision >= 0.97
    assert recall >= 0.85
    assert side >= 0.85
    assert kind >= 0.80


def test_bounce_mails_name_their_recipients_and_mean_what_people_say(corpus):
    labels = rows_of(corpus / "mails.jsonl")
    named: dict[str, list] = {}
    for row in mailflag("dsn", str(corpus / "mails")):
        name = "/".join(Path(row["file"]).parts[-2:])
        named.setdefault(name, []).append(row)
    pairs = []
    for label in labels:
        if label["strict"] and label["recipient"] and label["acceptable_classes"]:
            who = canonical(label["recipient"])
            found = [
                row
                for row in named[label["file"]]
                if who in {canonical(row[k] or "") for k in ("recipient", *_OTHERS)}
            ]
            pairs += [(label, row) for row in found[:1]]
    wanted = [r for r in labels if r["strict"] and r["recipient"]]
    assert len(pairs) >= 0.95 * len(wanted)
    precision, recall, side, _ = quality(pairs)
    assert precision >= 0.97
    assert recall >= 0.85
    assert side >= 0.85


_OTHERS = ("original_recipient", "final_recipient")


def test_no_notice_that_says_delayed_is_called_a_bounce(corpus):
    rows = mailflag("dsn", str(corpus / "mails"))
    delayed = [row for row in rows if row["action"] == "delayed"]
    assert delayed
    assert not [row for row in delayed if row["kind"] == "bounce"]
