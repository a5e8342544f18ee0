"""Words that tell what a notification is, whatever the case they are written in."""

import re

import pytest

from streams.core.dsn import wording
from streams.core.dsn.wording import FAILED, LISTED, SUBJECT, Wording

ALL = {name: w for name, w in vars(wording).items() if isinstance(w, Wording)}


@pytest.mark.parametrize("name", ALL)
def test_phrases_are_in_small_letters_for_texts_are_put_into_them(name):
    for phrase in ALL[name].phrases:
        letters = re.sub(r"\\.", "", phrase)
        assert letters == letters.lower()


@pytest.mark.parametrize(
    "text",
    [
        "THE MESSAGE COULD NOT BE DELIVERED",
        "\u0130LET\u0130LEMED\u0130",
        "\u0131let\u0131lemed\u0131",
        "СБОЙ ДОСТАВКИ",
        "\u017fmtp error",
    ],
)
def test_case_alone_does_not_count(text):
    assert FAILED.is_in(text)


def test_a_line_that_starts_so_is_found_after_others():
    assert wording.AUTO_SUBJECT.is_in("Fw:\nAuto: away")
    assert not wording.AUTO_SUBJECT.is_in("an auto: sold")


@pytest.mark.parametrize("words", [FAILED, SUBJECT, LISTED])
def test_no_text_says_nothing(words):
    assert not words.is_in("")
