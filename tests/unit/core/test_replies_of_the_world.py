"""Replies as servers of many makes and languages word them: one file a class."""

# ruff: noqa: RUF001  # letters of other scripts are what these tests are about

from pathlib import Path

import pytest

from streams.core.classify import Classifier
from streams.core.failure import AddressPolicy, FailureClass
from streams.core.phrase import words
from streams.core.reply import parse
from streams.wire import rulebook

REPLIES = Path(__file__).parents[2] / "data" / "replies"
NOT_ABOUT_AN_ADDRESS = REPLIES / "not-about-an-address.txt"
BY_CLASS = sorted(set(REPLIES.iterdir()) - {NOT_ABOUT_AN_ADDRESS})


@pytest.fixture(scope="module")
def classifier():
    return Classifier(rulebook.load())


def lines(file):
    return file.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("file", BY_CLASS, ids=lambda file: file.stem)
def test_what_servers_say_is_understood(classifier, file):
    expected = FailureClass(file.stem.replace("-", "_"))
    found = {
        text: classifier.classify(parse(text)).failure_class for text in lines(file)
    }
    assert {t: c for t, c in found.items() if c is not expected} == {}


def test_what_is_said_of_others_never_speaks_against_an_address(classifier):
    policies = {
        text: classifier.classify(parse(text)).address_policy
        for text in lines(NOT_ABOUT_AN_ADDRESS)
    }
    wrong = [t for t, p in policies.items() if p is AddressPolicy.IMMEDIATE]
    assert wrong == []


@pytest.mark.parametrize(
    ("spelled", "plain"),
    [
        ("Nachricht ist zu groß", "nachricht ist zu gross"),
        ("skrzynka przepełniona", "skrzynka przepelniona"),
        ("Kullanıcı bulunamadı", "kullanici bulunamadi"),
        ("Ukjent bruker på tøys", "ukjent bruker pa toys"),
    ],
)
def test_letters_that_have_no_accent_to_take_off_are_plain_too(spelled, plain):
    assert words(spelled) == plain.split()
