"""The committed runs of faults: what they come to, and that the pages say no more."""

import re
from collections import Counter
from pathlib import Path

import pytest

from tools import faults

ROOT = Path(__file__).parents[2]


@pytest.fixture
def rows():
    return faults.load()


def run(**told):
    usual = {
        "commit": "c1",
        "kafka": "4.1.1",
        "seed": 1,
        "faults": 3,
        "by_fault": {"kill": 2, "lose": 1},
        "transactions_aborted": {"fenced": 1, "unknown_outcome": 2},
        "requests": {"lose Produce": 4, "lose EndTxn": 1, "delay Produce": 9},
        "broker_away_seconds": 1.4,
        "violations": {},
    }
    return usual | told


def test_runs_on_one_version_are_summed_with_what_they_violated():
    two = run(seed=2, violations={"lag": 3})
    assert faults.runs([run(), two, run(commit="c2+")]) == [
        ("`c1`", "4.1.1", "1, 2", "6", "6", "10", "0", "3 s", "1"),
        ("`c2+`", "4.1.1", "1", "3", "3", "5", "0", "1 s", "0"),
    ]


def test_every_fault_is_counted_over_all_runs():
    struck = faults.struck([run(), run(by_fault={"kill": 1})])
    assert [(name, n) for name, _, n in struck] == [
        ("`kill`", "3"),
        ("`lose`", "1"),
        ("", "4"),
    ]


def test_the_readme_says_what_runs_on_one_version_came_to(rows):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    said = re.search(r"(\d+) faults of (\d+) kinds in (\d+) runs", readme)
    assert said is not None
    commits = Counter(row["commit"] for row in rows)
    ((commit, count),) = commits.most_common(1)
    own = [row for row in rows if row["commit"] == commit]
    kinds = {kind for row in own for kind in row["by_fault"]}
    told = sum(row["faults"] for row in own), len(kinds), count
    assert tuple(map(int, said.groups())) == told
    assert not any(row["violations"] for row in own)
    assert not commit.endswith("+")
