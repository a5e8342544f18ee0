"""Figures in documents are those of the result files beside their benchmarks."""

import json
import re
from pathlib import Path

import pytest

RESULTS = Path("benchmarks/results")
EARLIER = {"detection_beside_rivals", "detector_cost"}
"""Made when results had no command yet; docs/alerting.md says how."""
README, OPERATING = Path("README.md"), Path("docs/operating.md")


def result(texts, name):
    return json.loads(texts[RESULTS / f"{name}.json"])


def said(text):
    """Answer a document's words in one line."""
    return " ".join(text.split())


@pytest.mark.parametrize("page", [README, OPERATING])
def test_a_document_says_what_an_address_takes_in_memory(texts, page):
    accepted, refused = result(texts, "memory")["rows"]
    text = said(texts[page])
    assert f"{accepted['bytes_an_address']:,} bytes with one accepted mail" in text
    assert re.search(rf"\b{refused['bytes_an_address']:,} when ", text)
    assert f"{accepted['of_these_the_key']} bytes of key" in text


def test_the_readme_says_what_a_replay_takes(texts):
    calm, stormy, *_ = result(texts, "replay_speed")["rows"]
    row = re.search(r"^\| a \[replay of a file\].*$", texts[README], re.MULTILINE)[0]
    assert f"{round(calm['cpu_us'][0])} us of CPU an event" in row
    assert f"{round(stormy['cpu_us'][0])} when 60 % of the mail fails" in row


def test_the_readme_says_what_classifying_takes(texts):
    told = result(texts, "classify_speed")["figures"]
    row = re.search(r"^\| one reply classified.*$", texts[README], re.MULTILINE)[0]
    assert f"| {round(told['fresh_reply_us'])} us," in row
    assert f"{told['known_reply_us']:.1f} us when it was seen before" in row
    assert f"a bounce mail {told['median_mail_ms']:.1f} ms" in row


def test_every_result_names_the_command_that_made_it(texts):
    for path, text in texts.items():
        results = path.parent == RESULTS and path.suffix == ".json"
        if results and path.stem not in EARLIER:
            told = json.loads(text)
            program = re.match(r"python (benchmarks/\w+\.py)", told["command"])
            assert Path(program[1]) in texts, path
            assert told["machine"]["cpu"], path
