"""The number of standing flags is right at any moment, and after a restart."""

from itertools import product

import pytest

from streams.agents.census import Census
from streams.agents.flags import FlagsStage
from streams.core import address as addresses
from streams.core.evidence import Attempt, Failure, Outcome
from streams.core.failure import TRAITS, Confidence, FailureClass, PeerRole, Phase, Side
from streams.core.flag import Flag
from streams.core.instant import Instant
from streams.core.state import EMPTY
from streams.engine.stage import Batch
from streams.engine.table import MemoryTable
from streams.wire import evidence as evidence_wire
from streams.wire.address_state import Standing, encode, standing

NOON = 1_790_000_000_000
BAD_ADDRESS = Standing(Side.RECIPIENT, suppress_recommended=True)
BAD_LOGIN = Standing(Side.SENDER_CONFIG, suppress_recommended=False)


class Arrived:
    """A record of the evidence topic."""

    headers = ()
    offset = 0

    def __init__(self, evidence):
        self.key = addresses.key(evidence.tenant_id, evidence.address)
        self.value = evidence_wire.encode(evidence)
        self.timestamp = evidence.arrived_at


def attempt(who, minute, kind=None):
    at = Instant(NOON + minute * 60_000)
    failure = None
    if kind is not None:
        failure_class = FailureClass(kind)
        traits = TRAITS[failure_class]
        failure = Failure(
            failure_class=failure_class,
            side=traits.side,
            address_policy=traits.address_policy,
            confidence=Confidence.HIGH,
            rule="test.rule",
            permanent=True,
            phase=Phase.RCPT,
            peer="mx.example.net",
            code=550,
            enhanced=None,
            text="no",
        )
    return Attempt(
        id=f"{who}-{minute}",
        tenant_id="t-1",
        address=f"{who}@example.com",
        customer_id=None,
        message_id=f"m-{who}-{minute}",
        at=at,
        arrived_at=at,
        attempt=1,
        outcome=Outcome.ACCEPTED if kind is None else Outcome.FAILED,
        failure=failure,
        peer_role=PeerRole.MX,
        provider="example.com",
        template_id=None,
        host=None,
    )


@pytest.fixture
def stage():
    return FlagsStage()


@pytest.fixture
def table(stage):
    return MemoryTable(stage.due_at)


def fold(stage, table, *evidence):
    records = [Arrived(one) for one in evidence]
    stage.process(Batch("mailflag.evidence.v1", 0, records), table, Instant(NOON))


def test_flags_are_counted_by_side_as_they_are_set_and_cleared(stage, table):
    fold(stage, table, attempt("ada", 1, "bad_mailbox"), attempt("bob", 1))
    fold(stage, table, attempt("cy", 2, "submission_auth_failed"))
    assert stage.census.total() == {BAD_ADDRESS: 1, BAD_LOGIN: 1}
    fold(stage, table, attempt("ada", 3, "submission_auth_failed"))
    assert +stage.census.total() == {BAD_LOGIN: 2}
    fold(stage, table, attempt("ada", 4), attempt("cy", 4))
    assert +stage.census.total() == {}


def test_a_recovered_table_is_counted_when_the_stage_first_sees_it(stage, table):
    fold(stage, table, attempt("ada", 1, "bad_mailbox"), attempt("bob", 1))
    restarted = FlagsStage()
    restarted.due(table, Instant(NOON))
    assert restarted.census.total() == {BAD_ADDRESS: 1}


def test_a_large_table_is_counted_by_and_by_whatever_changes(stage, table, monkeypatch):
    monkeypatch.setattr("streams.agents.census.STRETCH", 2)
    names = ("ada", "bob", "cy", "dee", "eve")
    fold(stage, table, *(attempt(name, 1, "bad_mailbox") for name in names))
    restarted = FlagsStage()
    restarted.due(table, Instant(NOON))
    assert restarted.census.total() == {}, "nothing is better than too little"
    fold(restarted, table, attempt("ada", 2), attempt("eve", 2))
    fold(restarted, table, attempt("fay", 2, "bad_mailbox"))
    assert restarted.census.total() == {BAD_ADDRESS: 4}


def test_a_table_given_up_is_counted_no_more(stage, table):
    fold(stage, table, attempt("ada", 1, "bad_mailbox"))
    other = MemoryTable(stage.due_at)
    fold(stage, other, attempt("bob", 1, "bad_mailbox"))
    assert stage.census.total() == {BAD_ADDRESS: 2}
    table.clear()
    assert stage.census.total() == {BAD_ADDRESS: 1}
    del other
    assert stage.census.total() == {}


def test_what_stands_is_read_from_a_value_without_decoding_it():
    for side, suppress in product(Side, (True, False)):
        flag = Flag(**dict.fromkeys(Flag._fields))._replace(
            side=side, suppress_recommended=suppress, evidence=()
        )
        value = encode(EMPTY._replace(flag=flag))
        assert standing(value) == Standing(side, suppress)
    assert standing(encode(EMPTY)) is None


def test_a_change_that_is_not_of_the_flag_changes_no_count(stage, table):
    census = Census()
    census.meet(table)
    census.note(table, None, encode(EMPTY))
    assert census.total() == {}
