"""Flags of an incident: held while it is open, and cleared with it if so wished."""

from dataclasses import dataclass

import pytest

from streams.agents import flags as flags_stage
from streams.agents.flags import FlagsStage
from streams.core.address import key
from streams.core.evidence import Attempt, Failure, Outcome
from streams.core.failure import (
    TRAITS,
    Confidence,
    FailureClass,
    PeerRole,
    Phase,
)
from streams.core.flag import ClearedBy
from streams.core.instant import Instant
from streams.core.policy import FlagPolicy, OpenIncident, PolicyBook
from streams.engine.stage import Batch
from streams.engine.table import MemoryTable
from streams.wire import address_state, evidence
from streams.wire.topic import Topic

MINUTE = 60_000
NOON = 1_790_000_000_000
AUTH = FailureClass.SUBMISSION_AUTH_FAILED
BAD = FailureClass.BAD_MAILBOX
INCIDENT = "0b8d6f0e-5d2a-5c0e-9a53-2f6d6c61696c"
CLEARING = FlagPolicy(clear_on_incident_resolve=True)


@dataclass
class Piece:
    key: bytes | None
    value: bytes | None
    offset: int = 0
    timestamp: int = NOON
    headers: tuple = ()


class Flags:
    """A stage whose tenant's incident is opened and resolved by hand."""

    def __init__(self, policy=CLEARING, classes=(AUTH,)):
        self.open = ()
        self.resolved = {}
        self.policy, self.classes = policy, classes
        self.changes = []
        self.stage = self.new()
        self.table = MemoryTable(self.stage.due_at)

    def new(self):
        book = PolicyBook(default=self.policy)
        return FlagsStage(book, 60, lambda _: self.open, self.resolved.get)

    def opened(self, minutes):
        at = Instant(NOON + minutes * MINUTE)
        self.open = (OpenIncident(INCIDENT, frozenset(self.classes), at),)

    def over(self, minutes):
        self.open = ()
        self.resolved[INCIDENT] = Instant(NOON + minutes * MINUTE)

    def mail(self, minutes, outcome, name="ada", failure_class=AUTH):
        piece = attempt(minutes, outcome, f"{name}@example.com", failure_class)
        record = Piece(key(piece.tenant_id, piece.address), evidence.encode(piece))
        batch = Batch(Topic.EVIDENCE, 0, [record])
        self.take(self.stage.process(batch, self.table, piece.arrived_at))

    def sweep(self, minutes):
        now = Instant(NOON + int(minutes * MINUTE))
        return self.take(self.stage.due(self.table, now))

    def take(self, output):
        told = [m for m in output.messages if m.topic == Topic.FLAG_CHANGES]
        self.changes += [m.value for m in told]
        return output

    def flag(self, name="ada"):
        return self.state(name).flag

    def state(self, name="ada"):
        value = self.table.get(key("t-1", f"{name}@example.com"))
        return address_state.decode(value)

    def restart(self):
        self.stage = self.new()
        table = MemoryTable(self.stage.due_at)
        for pair in self.table.scan():
            table.apply(*pair)
        table.recovered()
        self.table = table


def attempt(minutes, outcome, address, failure_class):
    at = Instant(NOON + int(minutes * MINUTE))
    traits = TRAITS[failure_class]
    failure = Failure(
        failure_class,
        traits.side,
        traits.address_policy,
        Confidence.HIGH,
        "test.rule",
        permanent=True,
        phase=Phase.AUTH,
        peer="smtp.example.net",
        code=535,
        enhanced="5.7.8",
        text="refused",
    )
    return Attempt(
        id=f"{address}-{minutes}-{outcome}",
        tenant_id="t-1",
        address=address,
        customer_id=None,
        message_id=f"{address}-{minutes}",
        at=at,
        arrived_at=at,
        attempt=1,
        outcome=Outcome(outcome),
        failure=None if outcome == "accepted" else failure,
        peer_role=PeerRole.RELAY,
        provider="example.com",
        template_id=None,
        host="mail.example.org",
    )


def causes(output):
    return {t[1]: n for t, n in output.tallies.items() if t[0] == "flag_clears"}


def test_a_flag_of_an_incident_carries_its_key():
    flags = Flags()
    flags.mail(0, "failed")
    assert flags.flag().incident is None
    flags.opened(5)
    flags.mail(6, "failed")
    assert flags.flag().incident == INCIDENT


def test_a_failure_of_an_open_incident_never_recommends_suppression():
    flags = Flags(classes=(BAD,))
    flags.opened(0)
    for minute in range(1, 6):
        flags.mail(minute, "failed", failure_class=BAD)
    assert not flags.flag().suppress_recommended


def test_the_same_failure_without_an_incident_does():
    flags = Flags()
    flags.mail(1, "failed", failure_class=BAD)
    assert flags.flag().suppress_recommended


def test_the_flags_of_an_incident_are_cleared_when_it_is_over():
    flags = Flags()
    flags.opened(0)
    flags.mail(1, "failed")
    flags.over(30)
    output = flags.sweep(31)
    assert flags.flag() is None
    assert causes(output) == {ClearedBy.INCIDENT_RESOLVED: 1}
    assert b'"cleared_by":"incident_resolved"' in flags.changes[-1]
    assert [m.topic for m in output.messages] == [Topic.FLAG_CHANGES, Topic.FLAGS]
    assert output.messages[1].value is None


def test_it_is_said_once():
    flags = Flags()
    flags.opened(0)
    flags.mail(1, "failed")
    flags.over(30)
    flags.sweep(31)
    for minute in range(32, 40):
        assert flags.sweep(minute).messages == []


def test_without_the_policy_they_wait_for_the_next_delivery():
    flags = Flags(FlagPolicy())
    flags.opened(0)
    flags.mail(1, "failed")
    flags.over(30)
    for minute in range(31, 35):
        assert flags.sweep(minute).messages == []
    assert flags.flag() is not None
    flags.mail(40, "accepted")
    assert flags.flag() is None


def test_nothing_is_cleared_while_the_incident_is_open():
    flags = Flags()
    flags.opened(0)
    flags.mail(1, "failed")
    assert flags.sweep(30).messages == []
    assert flags.flag() is not None


def test_a_failure_after_the_end_keeps_the_flag():
    flags = Flags()
    flags.opened(0)
    flags.mail(1, "failed")
    flags.over(30)
    flags.mail(31, "failed")
    flags.sweep(32)
    flags.sweep(33)
    assert flags.flag() is not None
    assert flags.flag().last_failure_at == NOON + 31 * MINUTE


def test_a_flag_that_came_before_the_incident_stays():
    flags = Flags()
    flags.mail(0, "failed", failure_class=BAD)
    flags.opened(5)
    flags.over(30)
    flags.sweep(31)
    assert flags.flag() is not None


def test_an_address_that_turned_out_to_be_bad_meanwhile_stays_flagged():
    flags = Flags()
    flags.opened(0)
    flags.mail(1, "failed")
    flags.mail(10, "failed", failure_class=BAD)
    assert flags.flag().incident == INCIDENT
    assert flags.flag().suppress_recommended
    flags.over(30)
    flags.sweep(31)
    assert flags.flag() is not None


def test_many_flags_go_a_few_at_a_time_until_all_are_gone(monkeypatch):
    monkeypatch.setattr(flags_stage, "_RELEASED", 10)
    flags = Flags()
    flags.opened(0)
    for n in range(25):
        flags.mail(1, "failed", name=f"c{n}")
    flags.over(30)
    counts = [
        causes(flags.sweep(31 + n / 60)).get(ClearedBy.INCIDENT_RESOLVED, 0)
        for n in range(4)
    ]
    assert counts == [10, 10, 5, 0]


@pytest.mark.parametrize("when", ["open", "over"])
def test_flags_from_before_a_restart_are_cleared_too(when):
    flags = Flags()
    flags.opened(0)
    flags.mail(1, "failed")
    if when == "over":
        flags.over(30)
        flags.restart()
    else:
        flags.restart()
        flags.over(30)
    for minute in range(31, 35):
        flags.sweep(minute)
    assert flags.flag() is None
    assert sum(b"incident_resolved" in change for change in flags.changes) == 1


def test_a_late_report_about_mail_from_the_incident_sets_nothing_again():
    flags = Flags()
    flags.opened(0)
    flags.mail(1, "failed")
    flags.over(30)
    flags.sweep(31)
    flags.mail(29, "failed")
    assert flags.flag() is None
    flags.mail(35, "failed")
    assert flags.flag() is not None


def test_revisions_grow_through_all_of_it():
    flags = Flags()
    flags.opened(0)
    revisions = []
    for minute in (1, 2, 3):
        flags.mail(minute, "failed")
        revisions.append(flags.state().revision)
    flags.over(30)
    flags.sweep(31)
    revisions.append(flags.state().revision)
    assert revisions == sorted(set(revisions))
