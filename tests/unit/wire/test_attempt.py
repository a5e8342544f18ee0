"""What a send attempt says, also where it leaves things out."""

import orjson
import pytest

from streams.core.evidence import Outcome
from streams.core.failure import PeerRole, Phase
from streams.wire import attempt
from streams.wire.attempt import SendAttempt

GOOD = {
    "id": "a-1",
    "time": "2026-03-02T08:14:07Z",
    "tenant_id": "t-42",
    "address": "Karl@EXAMPLE.org",
    "message_id": "m-1",
}


def decode(**members):
    return attempt.decode(orjson.dumps(GOOD | members))


def test_every_member_of_an_attempt_is_read():
    read = decode(
        customer_id="c-1",
        attempt=3,
        outcome="failed",
        envelope_id="e-1",
        template_id="invoice",
        smtp={
            "phase": "rcpt",
            "code": 550,
            "enhanced": "5.1.1",
            "text": "User unknown",
            "peer": "mx.example.org",
            "peer_ip": "192.0.2.25",
            "peer_role": "mx",
        },
        error="gave up",
        relay="smtp.example.net",
        sending_ip="198.51.100.1",
        mail_from="",
        helo="mail.example.net",
    )
    assert read == SendAttempt(
        id="a-1",
        at=1772439247000,
        tenant_id="t-42",
        customer_id="c-1",
        address="Karl@EXAMPLE.org",
        message_id="m-1",
        attempt=3,
        outcome=Outcome.FAILED,
        envelope_id="e-1",
        template_id="invoice",
        phase=Phase.RCPT,
        code=550,
        enhanced="5.1.1",
        text="User unknown",
        peer="mx.example.org",
        peer_ip="192.0.2.25",
        peer_role=PeerRole.MX,
        error="gave up",
        relay="smtp.example.net",
        sending_ip="198.51.100.1",
        mail_from="",
        helo="mail.example.net",
    )


def test_null_and_empty_are_the_same_as_left_out():
    bare = decode(outcome="accepted")
    nothing = dict.fromkeys(
        ("customer_id", "attempt", "envelope_id", "error", "smtp", "relay", "helo")
    )
    assert decode(outcome="accepted", **nothing) == bare
    empty = dict.fromkeys(("customer_id", "envelope_id", "error", "relay", "helo"), "")
    assert decode(outcome="accepted", **empty) == bare
    assert bare.attempt == 1


def test_a_whole_number_may_be_written_as_a_fraction():
    read = decode(attempt=2.0, smtp={"code": 250.0})
    assert (read.attempt, read.code) == (2, 250)
    assert type(read.attempt) is type(read.code) is int


def test_of_a_long_text_the_first_8192_characters_are_read():
    read = decode(outcome="failed", smtp={"text": "x" * 9000}, error="y" * 9000)
    assert (len(read.text), len(read.error)) == (8192, 8192)


@pytest.mark.parametrize(
    ("members", "outcome"),
    [
        ({"smtp": {"code": 250}}, Outcome.ACCEPTED),
        ({"smtp": {"code": 250, "phase": "data_end"}}, Outcome.ACCEPTED),
        ({"smtp": {"code": 221, "phase": "quit"}}, Outcome.ACCEPTED),
        ({"smtp": {"code": 451}}, Outcome.DEFERRED),
        ({"smtp": {"code": 354, "phase": "data"}}, Outcome.DEFERRED),
        ({"smtp": {"code": 550}}, Outcome.FAILED),
        ({"smtp": {"code": 451}, "final": True}, Outcome.FAILED),
        ({"error": "timed out"}, Outcome.DEFERRED),
        ({"error": "timed out", "final": False}, Outcome.DEFERRED),
        ({"error": "timed out", "final": True}, Outcome.FAILED),
        ({"outcome": "deferred", "smtp": {"code": 550}}, Outcome.DEFERRED),
        ({"outcome": "accepted", "error": "QUIT timed out"}, Outcome.ACCEPTED),
    ],
)
def test_the_outcome_follows_from_the_reply_when_it_is_not_stated(members, outcome):
    assert decode(**members).outcome is outcome


@pytest.mark.parametrize("phase", ["banner", "ehlo", "tls", "auth", "mail", "rcpt"])
def test_a_2xx_before_the_message_was_sent_is_no_acceptance(phase):
    assert decode(smtp={"code": 250, "phase": phase}).outcome is Outcome.DEFERRED


def test_a_2xx_beside_an_error_is_no_acceptance():
    read = decode(smtp={"code": 250}, error="connection reset")
    assert read.outcome is Outcome.DEFERRED
