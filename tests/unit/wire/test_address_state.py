"""The encoding of an address's state: what older workers wrote stays readable."""

import pytest

from streams.core.evidence import Failure, Outcome
from streams.core.failure import (
    AddressPolicy,
    Confidence,
    FailureClass,
    PeerRole,
    Phase,
    Side,
)
from streams.core.flag import ClearedBy, EvidenceSource, Flag, FlagEvidence
from streams.core.instant import Instant
from streams.core.message import Bounce, Message, Session
from streams.core.state import EMPTY, AddressState, Marker
from streams.errors import MailflagError
from streams.wire.address_state import UnreadableState, decode, due_at, encode

FAILURE = Failure(
    FailureClass.BAD_MAILBOX,
    Side.RECIPIENT,
    AddressPolicy.IMMEDIATE,
    Confidence.HIGH,
    "recipient.unknown",
    permanent=True,
    phase=Phase.RCPT,
    peer="mx.example.com",
    code=550,
    enhanced="5.1.1",
    text="User unknown",
)
ACCEPTED = Message(
    7,
    "",
    Session(Outcome.ACCEPTED, 2, Instant(1_790_000_000_000), 5, None, PeerRole.MX),
    0,
    None,
    None,
)
BOUNCED = Message(
    8,
    "m-8@mail.example.org",
    Session(Outcome.FAILED, 1, Instant(1_790_000_000_001), 6, FAILURE, None),
    17,
    Instant(1_790_000_000_002),
    Bounce(Instant(1_790_000_000_003), 9, FAILURE, "relay.example.org"),
)
FLAG = Flag(
    "t-1",
    "ada@example.com",
    "c-1",
    Instant(1),
    Instant(2),
    3,
    FailureClass.BAD_MAILBOX,
    Side.RECIPIENT,
    "summary",
    "where",
    "what",
    suppress_recommended=True,
    persistent=False,
    consecutive_failures=1,
    first_failure_at=Instant(4),
    last_failure_at=Instant(5),
    evidence=(
        FlagEvidence(
            "m-8",
            Instant(5),
            EvidenceSource.DSN,
            Phase.RCPT,
            "mx.example.com",
            550,
            "5.1.1",
            "User unknown",
            "recipient.unknown",
        ),
    ),
    incident="inc-1",
)
FULL = AddressState(
    messages=(BOUNCED, ACCEPTED),
    marker=Marker(Instant(6), 1, ClearedBy.OPERATOR, "support-7", "other"),
    customer_id="c-1",
    confirmed_at=Instant(1_780_000_000_000),
    revision=11,
    flag=FLAG,
    cause_at=Instant(12),
    late_by=13,
    accepted_since=Instant(14),
    clear_at=Instant(15),
)

VERSION_1 = (
    "0101000000000000000"
    "0ffffffffffffffff"
    "0700000000000000"
    "006c50c4a0010000"
    "ffffffffffffffff"
    "05000000"
    "0200"
    "21"
    "00"
)
"""`ACCEPTED` alone, as the first release wrote it."""


def test_everything_survives_the_encoding():
    assert decode(encode(FULL)) == FULL
    assert decode(encode(EMPTY)) == EMPTY


def test_a_calm_address_takes_fifty_bytes():
    assert len(encode(AddressState(messages=(ACCEPTED,)))) == 50


def test_what_version_1_wrote_is_read_for_ever():
    state = AddressState(messages=(ACCEPTED,))
    assert decode(bytes.fromhex(VERSION_1)) == state
    assert encode(state).hex() == VERSION_1


@pytest.mark.parametrize("value", [b"", b"\x00", b"\xff" + encode(FULL)[1:], b"{}"])
def test_a_version_that_is_not_known_is_refused_with_the_way_out(value):
    with pytest.raises(MailflagError, match="run the newer one again"):
        decode(value)


def test_each_message_keeps_its_own_customer():
    two = (BOUNCED._replace(customer_id="c-2"), ACCEPTED)
    for state in (
        FULL,
        FULL._replace(messages=two),
        AddressState(messages=two, customer_id="c-2"),
        AddressState(messages=(ACCEPTED,), customer_id="c-1"),
    ):
        assert decode(encode(state)) == state
        assert encode(state)[0] == 2


def test_one_customer_of_all_messages_is_written_as_version_1_wrote_it():
    state = AddressState(messages=(ACCEPTED._replace(customer_id="c-1"),))
    state = state._replace(customer_id="c-1")
    written = bytes.fromhex(VERSION_1) + b'["c-1"]'
    assert encode(state) == written
    assert decode(written) == state


def test_the_due_time_is_read_without_the_rest():
    assert due_at(encode(FULL)) == 15
    assert due_at(encode(AddressState(messages=(ACCEPTED,)))) is None


def test_more_attempts_than_fit_are_as_many_as_fit():
    many = ACCEPTED._replace(session=ACCEPTED.session._replace(attempt=10**6))
    read = decode(encode(AddressState(messages=(many,))))
    assert read.messages[0].session.attempt == 65_535


@pytest.mark.parametrize(
    "tail",
    [
        b"[",
        b"\xff",
        b"1",
        b"{}",
        b'["c",1,[1]]',
        b'["c",1,null,null,[[9,"m"]]]',
    ],
)
def test_what_nobody_can_have_written_is_refused(tail):
    calm = encode(AddressState((ACCEPTED,), None, None, Instant(0)))
    for value in (calm + tail, calm[:-3], calm[:5]):
        with pytest.raises(UnreadableState, match="damaged"):
            decode(value)
