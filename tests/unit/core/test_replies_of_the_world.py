"""Replies as servers of many makes and languages word them: one file a class."""

# ruff: noqa: RUF001  # letters of other scripts are what these tests are about

from pathlib import Path

import pytest

from streams.core.classify import Classifier
from streams.core.failure import (
    AddressPolicy,
    FailureClass,
    PeerRole,
    Phase,
    Side,
)
from streams.core.phrase import words
from streams.core.reply import parse
from streams.wire import rulebook

REPLIES = Path(__file__).parents[2] / "data" / "replies"
NOT_ABOUT_AN_ADDRESS = REPLIES / "not-about-an-address.txt"
BY_CLASS = sorted(set(REPLIES.iterdir()) - {NOT_ABOUT_AN_ADDRESS})
AT_OUR_RELAY = sorted((REPLIES.parent / "replies-at-our-relay").iterdir())
"""A line is the phase, or -, a tab, and what our own relay or a mail library said."""


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


@pytest.mark.parametrize("file", AT_OUR_RELAY, ids=lambda file: file.stem)
def test_what_our_own_relay_says_is_understood(classifier, file):
    expected = FailureClass(file.stem.replace("-", "_"))
    found = {}
    for line in lines(file):
        phase, _, text = line.partition("\t")
        reply = parse(text, phase=None if phase == "-" else Phase(phase))
        found[line] = classifier.classify(reply, PeerRole.RELAY).failure_class
    assert {line: c for line, c in found.items() if c is not expected} == {}


@pytest.mark.parametrize("phase", ["mail", "rcpt", "data", "data_end", None])
@pytest.mark.parametrize(
    "state",
    [
        *(
            "is disabled",
            "has been suspended",
            "is inactive",
            "is over quota",
            "is full",
        ),
        *("was closed", "does not exist", "has expired", "is not active", "is locked"),
    ],
)
def test_your_account_is_never_the_recipients_at_our_relay(classifier, state, phase):
    reply = parse(f"550 5.2.1 Your account {state}.", phase=phase and Phase(phase))
    verdict = classifier.classify(reply, PeerRole.RELAY)
    assert verdict.side is Side.SENDER_CONFIG
    assert verdict.address_policy is AddressPolicy.NEVER


THINGS = (
    *("account", "mailbox", "domain", "IP address", "subscription", "login", "server"),
    *("email address", "user", "customer account", "sending domain", "API key"),
)
STATES = (
    *("is disabled", "has been suspended", "was closed", "is locked", "has expired"),
    *("does not exist", "is unknown", "could not be found", "is not valid"),
    *("is not active", "has been deactivated", "is not registered"),
)


@pytest.mark.parametrize("role", [PeerRole.RELAY, None])
@pytest.mark.parametrize(
    "subject",
    [
        *("Your {}", "Sorry, your {}", "The sender's {}", "Your sending {}"),
        *("Authenticated {}", "The {} of the sender", "The {} you are sending from"),
    ],
)
def test_what_is_ours_never_speaks_against_the_recipient(classifier, subject, role):
    said = [f"550 5.7.1 {subject.format(a)} {b}" for a in THINGS for b in STATES]
    found = {
        text: classifier.classify(parse(text, phase=Phase.RCPT), role).address_policy
        for text in said
    }
    assert [t for t, p in found.items() if p is AddressPolicy.IMMEDIATE] == []


@pytest.mark.parametrize("code", ["454", "535 5.7.1", "550", "554 5.7.0"])
def test_a_login_that_is_refused_without_a_reason_is_about_the_login(classifier, code):
    reply = parse(f"{code} That is how it is", phase=Phase.AUTH)
    verdict = classifier.classify(reply)
    assert verdict.failure_class is FailureClass.SUBMISSION_AUTH_FAILED


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
