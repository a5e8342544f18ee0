"""The short way of an accepted mail comes to what the long one comes to."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.agents.flags import FlagsStage
from streams.core.address import key
from streams.core.evidence import (
    Action,
    Attempt,
    Command,
    CommandAction,
    Failure,
    Outcome,
    Report,
)
from streams.core.failure import (
    AddressPolicy,
    Confidence,
    FailureClass,
    PeerRole,
    Phase,
    Side,
)
from streams.core.flags import is_calm
from streams.core.instant import Instant
from streams.core.state import EMPTY, REMEMBERED, AddressState, fold
from streams.engine.stage import Batch
from streams.engine.table import MemoryTable
from streams.wire import evidence
from streams.wire.address_state import decode, encode, newest
from streams.wire.calm_state import with_accepted
from streams.wire.topic import Topic

NOON = 1_790_000_000_000
MAILS = [f"m{number}" for number in range(9)]
"""More than are remembered of an address."""
FAILURE = Failure(
    FailureClass.BAD_MAILBOX,
    Side.RECIPIENT,
    AddressPolicy.IMMEDIATE,
    Confidence.HIGH,
    "test.rule",
    permanent=True,
    phase=Phase.RCPT,
    peer="mx.example.com",
    code=550,
    enhanced="5.1.1",
    text="User unknown",
)


def attempt(mail, minute, outcome="accepted", customer="c-1", number=1):
    at = Instant(NOON + minute * 60_000)
    return Attempt(
        id=f"a-{mail}-{minute}-{number}",
        tenant_id="t-1",
        address="ada@example.com",
        customer_id=customer,
        message_id=mail,
        at=at,
        arrived_at=at,
        attempt=number,
        outcome=Outcome(outcome),
        failure=None if outcome == "accepted" else FAILURE,
        peer_role=None,
        provider="example.com",
        template_id=None,
        host=None,
    )


def report(mail, minute, action, *, blames):
    at = Instant(NOON + minute * 60_000)
    return Report(
        id=f"r-{mail}-{minute}",
        tenant_id="t-1",
        address="ada@example.com",
        customer_id=None,
        message_id=mail,
        at=at,
        arrived_at=at,
        message_at=None,
        action=action,
        failure=FAILURE if blames else None,
        reporting_mta="relay.example.org",
        provider="example.com",
    )


def command(minute, action, mail):
    at = Instant(NOON + minute * 60_000)
    return Command(
        "c", "t-1", "ada@example.com", at, at, action, mail, "other", "", "support-7"
    )


mails = st.sampled_from(MAILS)
minutes = st.integers(0, 20)
customers = st.sampled_from(["c-1", "c-1", "c-1", "c-2", "", None])
roles = st.none() | st.sampled_from(PeerRole)
numbers = st.sampled_from([1, 2, 65_535])


def of_any_role(outcomes):
    """Answer attempts with these outcomes, whomever they met."""
    made = st.builds(attempt, mails, minutes, outcomes, customers, numbers)
    return st.builds(lambda one, role: one._replace(peer_role=role), made, roles)


accepted = of_any_role(st.just("accepted"))
attempts = of_any_role(st.sampled_from(Outcome))
reports = st.builds(
    report, mails, minutes, st.sampled_from(Action), blames=st.booleans()
)
commands = st.builds(command, minutes, st.sampled_from(CommandAction), mails)
pieces = st.lists(
    st.one_of(accepted, accepted, accepted, attempts, reports, commands), max_size=12
)


def folded(history):
    state = EMPTY
    for piece in history:
        state = fold(state, piece).state
    return state


in_order = st.permutations(MAILS).map(
    lambda ones: [attempt(one, minute) for minute, one in enumerate(ones)]
)
"""A calm address's life, with which the long random ones begin."""
lives = st.builds(lambda calm, n, then: calm[:n] + then, in_order, minutes, pieces)


@settings(max_examples=500, deadline=None)
@given(pieces | lives, accepted)
def test_the_bytes_are_those_of_the_state(history, mail):
    before = folded(history)
    value = with_accepted(encode(before), mail)
    if value is None:
        return
    after = fold(decode(encode(before)), mail).state
    assert is_calm(after)
    assert value == encode(after)


@settings(max_examples=200, deadline=None)
@given(pieces | lives)
def test_the_newest_mail_can_be_told_from_the_bytes(history):
    state = folded(history)
    known = state.messages[0].at if state.messages else None
    assert newest(encode(state)) == known


@settings(max_examples=200, deadline=None)
@given(accepted)
def test_a_first_mail_gives_the_bytes_of_the_state(mail):
    assert with_accepted(None, mail) == encode(fold(EMPTY, mail).state)


def test_of_very_many_attempts_as_many_are_kept_as_the_encoding_holds():
    mail = attempt("m1", 1, number=70_000)
    assert with_accepted(None, mail) == encode(fold(EMPTY, mail).state)


def test_newer_mails_of_a_calm_address_take_the_short_way():
    value, state = None, EMPTY
    for minute, mail in enumerate(MAILS):
        value = with_accepted(value, attempt(mail, minute))
        state = fold(state, attempt(mail, minute)).state
        assert value == encode(state)
    assert len(state.messages) == REMEMBERED
    assert state.confirmed_at == attempt("m2", 2).at


def test_an_address_whose_mails_were_forgotten_takes_the_short_way():
    state = AddressState(customer_id="c-1", confirmed_at=Instant(NOON))
    mail = attempt("m1", 5)
    assert with_accepted(encode(state), mail) == encode(fold(state, mail).state)


@pytest.mark.parametrize(
    ("history", "mail"),
    [
        ([attempt("m1", 1, "failed")], attempt("m2", 2)),
        ([attempt("m1", 1, "deferred")], attempt("m1", 2, number=2)),
        ([attempt("m1", 1)], attempt("m1", 2, number=2)),
        ([attempt(m, n) for n, m in enumerate(MAILS[:6])], attempt("m0", 9, number=2)),
        ([attempt("m2", 2)], attempt("m1", 1)),
        ([attempt("m1", 1)], attempt("m2", 2, customer="c-2")),
        ([attempt("m1", 1)], attempt("m2", 2, "failed")),
        ([report("m1", 1, Action.RELAYED, blames=False)], attempt("m2", 2)),
        ([command(1, CommandAction.CLEAR, None)], attempt("m2", 2)),
    ],
)
def test_what_is_not_just_another_mail_needs_a_closer_look(history, mail):
    assert with_accepted(encode(folded(history)), mail) is None


@pytest.mark.parametrize("damaged", [b"", b"\x01\x01", b"\x02" + bytes(49)])
def test_what_cannot_be_read_is_left_to_the_closer_look(damaged):
    assert with_accepted(damaged, attempt("m1", 1)) is None


class Piece:
    """A record of evidence."""

    headers, timestamp = (), NOON

    def __init__(self, piece, offset):
        self.key = key(piece.tenant_id, piece.address)
        self.value = evidence.encode(piece)
        self.offset = offset


def run(stage, batches):
    """Answer what a stage writes, counts and keeps."""
    table = MemoryTable(stage.due_at)
    told = []
    for batch in batches:
        records = [Piece(piece, offset) for offset, piece in enumerate(batch)]
        now = Instant(NOON + 3_600_000)
        output = stage.process(Batch(Topic.EVIDENCE, 0, records), table, now)
        told += [output.messages, output.tallies, table.take_changes()]
    return told


class LongWay(FlagsStage):
    """Looks closer at everything."""

    def _passes(self, *_):
        return False


@settings(max_examples=150, deadline=None)
@given(st.lists(pieces.filter(bool), min_size=1, max_size=3), st.sampled_from([0, 60]))
def test_a_stage_says_and_keeps_the_same_on_both_ways(batches, days):
    short = run(FlagsStage(success_memory_days=days), batches)
    assert short == run(LongWay(success_memory_days=days), batches)
