"""A batch of evidence becomes states, changes, current flags and activity."""

from collections import Counter
from dataclasses import dataclass

import pytest

from streams.agents.flags import FlagsStage, remembered
from streams.core.activity import Activity
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
from streams.core.flag import ClearedBy
from streams.core.instant import Instant
from streams.core.message import QUEUE_LIFE
from streams.core.spike.blame import PASSING, SENDER, UNREACHED
from streams.core.state import EMPTY
from streams.engine.stage import Batch
from streams.engine.table import MemoryTable
from streams.wire import activity as activity_wire
from streams.wire import address_state, evidence, flag
from streams.wire.topic import Topic

MINUTE = 60_000
DAY = 24 * 60 * MINUTE
NOON = 1_790_000_000_000


@dataclass
class Piece:
    key: bytes | None
    value: bytes | None
    offset: int = 0
    timestamp: int = NOON
    headers: tuple = ()


def failure(kind=FailureClass.BAD_MAILBOX, side=Side.RECIPIENT):
    return Failure(
        kind,
        side,
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


def attempt(message, minutes, outcome, address="ada@example.com", tenant="t-1"):
    at = Instant(NOON + int(minutes * MINUTE))
    return Attempt(
        id=f"{message}-{minutes}-{outcome}",
        tenant_id=tenant,
        address=address,
        customer_id="c-1",
        message_id=message,
        at=at,
        arrived_at=at,
        attempt=1,
        outcome=Outcome(outcome),
        failure=None if outcome == "accepted" else failure(),
        peer_role=PeerRole.RELAY,
        provider="example.com",
        template_id=None,
        host="mail.example.org",
    )


def bounce(message, minutes, address="ada@example.com"):
    at = Instant(NOON + int(minutes * MINUTE))
    return Report(
        id=f"r-{message}",
        tenant_id="t-1",
        address=address,
        customer_id=None,
        message_id=message,
        at=at,
        arrived_at=at,
        message_at=None,
        action=Action.FAILED,
        failure=failure(),
        reporting_mta="relay.example.org",
        provider="example.com",
    )


class Run:
    """One partition's stage and table."""

    def __init__(self, **options) -> None:
        self.stage = FlagsStage(**options)
        self.table = MemoryTable(self.stage.due_at)
        self.tallies: Counter = Counter()
        self.offset = 0

    def feed(self, *pieces):
        records = []
        for piece in pieces:
            where = key(piece.tenant_id, piece.address)
            records.append(Piece(where, evidence.encode(piece), self.offset))
            self.offset += 1
        return self._took(
            self.stage.process(
                Batch(Topic.EVIDENCE, 2, records), self.table, pieces[-1].arrived_at
            )
        )

    def wait(self, minutes):
        now = Instant(NOON + int(minutes * MINUTE))
        return self._took(self.stage.due(self.table, now))

    def _took(self, output):
        self.tallies.update(output.tallies)
        by_topic: dict[str, list] = {}
        for message in output.messages:
            by_topic.setdefault(message.topic, []).append(message)
        return by_topic


@pytest.fixture
def run():
    return Run()


def test_a_failure_writes_state_change_current_flag_and_activity(run):
    told = run.feed(attempt("m1", 0, "failed"))
    (change,) = told[Topic.FLAG_CHANGES]
    (now,) = told[Topic.FLAGS]
    (activity,) = told[Topic.TENANT_ACTIVITY]
    assert change.key == now.key == b"t-1/ada@example.com"
    assert flag.decode_change(change.value).flag == flag.decode_flag(now.value)
    assert dict(change.headers)["ce_type"] == b"mailflag.flag-set.v1"
    assert activity.key == b"t-1"
    assert address_state.decode(run.table.get(change.key)).flag is not None
    assert run.table.take_changes().keys() == {change.key}


def test_a_clear_writes_a_tombstone(run):
    run.feed(attempt("m1", 0, "failed"))
    told = run.feed(attempt("m2", 5, "accepted"))
    (change,) = told[Topic.FLAG_CHANGES]
    (now,) = told[Topic.FLAGS]
    assert now.value is None
    assert flag.decode_change(change.value).cleared_by is ClearedBy.ACCEPTED
    assert run.tallies["flag_clears", "accepted"] == 1


def test_the_same_evidence_again_writes_nothing(run):
    pieces = [attempt("m1", 0, "failed"), attempt("m2", 1, "failed", "b@example.com")]
    first = run.feed(*pieces)
    run.table.take_changes()
    again = run.feed(*pieces)
    assert again == {}
    assert run.table.take_changes() == {}
    assert _activity(first).outcomes == 2


def _activity(told) -> Activity:
    merged = Activity()
    for message in told.get(Topic.TENANT_ACTIVITY, ()):
        merged.merge(activity_wire.decode(message.value).activity)
    return merged


def test_activity_is_one_record_a_batch_and_tenant_and_names_the_batch(run):
    run.feed(attempt("m0", 0, "accepted"))
    told = run.feed(
        *[
            attempt(f"m{n}", n, "accepted", f"c{n}@example.com", f"t-{n % 2}")
            for n in range(10)
        ]
    )
    records = [activity_wire.decode(m.value) for m in told[Topic.TENANT_ACTIVITY]]
    assert [r.tenant_id for r in records] == ["t-0", "t-1"]
    assert {(r.partition, r.offset) for r in records} == {(2, 1)}
    assert sum(r.activity.outcomes for r in records) == 10


def test_a_bounce_of_a_counted_mail_takes_the_250_back(run):
    run.feed(attempt("m1", 0, "accepted"))
    told = run.feed(bounce("m1", 30))
    ((_, counts),) = _activity(told).passed.items()
    assert counts == [0, 0, -1]


@pytest.mark.parametrize(
    ("session", "role", "reporter", "host"),
    [
        ("accepted", PeerRole.RELAY, "relay.example.org", "relay.example.org"),
        ("accepted", None, "relay.example.org", "relay.example.org"),
        ("accepted", PeerRole.MX, "inner.example.org", ""),
        ("accepted", None, "inner.example.com", ""),
        ("failed", None, "mail.example.org", ""),
        (None, None, "mail.example.org", "mail.example.org"),
        (None, None, None, ""),
    ],
)
def test_a_report_names_a_host_of_ours_only_where_no_session_could(
    run, session, role, reporter, host
):
    if session is not None:
        first = _activity(run.feed(attempt("m1", 0, session)._replace(peer_role=role)))
        assert {w.host for w in first.failed.values()} <= {"mail.example.org"}
    kind = failure(FailureClass.SENDER_BLOCKED, Side.REPUTATION_POLICY)
    report = bounce("m1", 30)._replace(failure=kind, reporting_mta=reporter)
    ((_, weighed),) = _activity(run.feed(report)).failed.items()
    assert weighed.host == host


def test_each_host_that_delivers_is_named_with_the_place_and_the_newest_minute(run):
    big = {"provider": "google", "peer_role": PeerRole.MX}
    told = run.feed(
        attempt("m1", 3, "accepted")._replace(host="app1.example.org", **big),
        attempt("m2", 1, "accepted")._replace(host="app1.example.org", **big),
        attempt("m3", 2, "accepted")._replace(peer_role=PeerRole.MX),
        attempt("m4", 0, "accepted"),
        attempt("m5", 1, "accepted")._replace(host=None),
    )
    noon = NOON - NOON % MINUTE
    assert _activity(told).delivered == {
        "app1.example.org": {"google": noon + 3 * MINUTE},
        "mail.example.org": {"mx": noon + 2 * MINUTE, "relay": noon},
    }


def delay(message, minutes, kind=FailureClass.TLS_FAILED):
    notice = bounce(message, minutes)
    return notice._replace(
        id=f"d-{message}-{minutes}", action=Action.DELAYED, failure=failure(kind)
    )


def test_a_delay_is_told_to_the_detector_once_and_sets_no_flag(run):
    run.feed(attempt("m1", 0, "accepted"))
    told = run.feed(delay("m1", 240))
    assert set(told) == {Topic.TENANT_ACTIVITY}
    ((failed, weighed),) = _activity(told).failed.items()
    assert failed.failure_class is FailureClass.TLS_FAILED
    assert failed.minute == NOON - NOON % MINUTE
    assert weighed.lag == 240 * 60
    assert _activity(told).passed == {}  # it may still arrive
    assert _activity(run.feed(delay("m1", 480))).failed == {}


def test_a_delay_counts_when_it_may_be_a_fault_of_ours(run):
    counted = {
        kind
        for n, kind in enumerate(FailureClass)
        if _activity(run.feed(delay(f"m{n}", n, kind))).failed
    }
    assert (SENDER & PASSING) - UNREACHED <= counted <= SENDER - UNREACHED


@pytest.mark.parametrize("kind", sorted(UNREACHED))
def test_that_a_relay_reaches_nobody_counts_of_addresses_that_worked(run, kind):
    assert _activity(run.feed(delay("m1", 0, kind))).failed == {}
    run.feed(attempt("m2", 10, "accepted"))
    assert _activity(run.feed(delay("m3", 600, kind))).failed


def test_a_second_deferral_counts_although_the_platform_numbers_no_attempts(run):
    blocked = failure(FailureClass.SENDER_BLOCKED, Side.REPUTATION_POLICY)
    first, second = (
        attempt("m1", minutes, "deferred")._replace(
            failure=blocked, peer_role=PeerRole.MX
        )
        for minutes in (0, 5)
    )
    assert _activity(run.feed(first)).failed == {}
    ((_, weighed),) = _activity(run.feed(second)).failed.items()
    assert weighed.weight == 1.0


@pytest.mark.parametrize(
    ("phase", "kind", "fails"),
    [
        (Phase.QUIT, FailureClass.UNKNOWN, 0),
        (Phase.DATA_END, FailureClass.UNKNOWN, 1),
        (Phase.QUIT, FailureClass.SENDER_BLOCKED, 1),
    ],
)
def test_a_refused_goodbye_is_no_refused_mail(run, phase, kind, fails):
    run.feed(attempt("m0", -1_000, "accepted"))
    said = failure(kind)._replace(phase=phase)
    told = run.feed(attempt("m1", 0, "failed")._replace(failure=said))
    assert len(_activity(told).failed) == fails


@pytest.mark.parametrize("action", [Action.FAILED, Action.DELIVERED])
def test_a_delay_that_is_told_after_the_end_says_nothing_new(run, action):
    run.feed(attempt("m1", 0, "accepted"))
    run.feed(bounce("m1", 300)._replace(action=action))
    assert _activity(run.feed(delay("m1", 310))).failed == {}


def proof(message, minutes):
    return bounce(message, minutes)._replace(
        id=f"{message}-proof", action=Action.DELIVERED, failure=None
    )


def test_proof_of_delivery_counts_where_nobody_tells_of_attempts(run):
    told = run.feed(proof("m1", 0), proof("m2", 5))
    assert [counts for _, counts in _activity(told).passed.items()] == [
        [1, 1, 0],
        [1, 1, 0],
    ]
    again = proof("m2", 5)._replace(id="m2-again")
    assert _activity(run.feed(again)).passed == {}


@pytest.mark.parametrize("overtakes", [True, False])
def test_a_mail_counts_once_for_its_attempt_and_the_proof(run, overtakes):
    both = [attempt("m1", 0, "accepted"), proof("m1", 5)]
    if overtakes:
        both.reverse()
    passed = _activity(run.feed(*both)).passed
    assert sum(counts[0] for counts in passed.values()) == 1


def test_a_bounce_after_a_delay_takes_the_250_back(run):
    run.feed(attempt("m1", 0, "accepted"), delay("m1", 240))
    told = run.feed(bounce("m1", 2880))
    ((_, counts),) = _activity(told).passed.items()
    assert counts == [0, 0, -1]


def test_a_bounce_finds_its_customer_through_the_message(run):
    run.feed(attempt("m1", 0, "accepted"))
    told = run.feed(bounce("m1", 30))
    (change,) = told[Topic.FLAG_CHANGES]
    assert flag.decode_change(change.value).flag.customer_id == "c-1"


def test_a_pending_clear_is_due_at_its_time_and_not_before(run):
    run.feed(attempt("m1", 0, "accepted"), bounce("m1", 30))
    run.feed(attempt("m2", 100, "accepted"))
    assert run.wait(159) == {}
    told = run.wait(160)
    assert told[Topic.FLAGS][0].value is None
    assert run.wait(161) == {}


def test_a_pending_clear_survives_recovery(run):
    run.feed(attempt("m1", 0, "accepted"), bounce("m1", 30))
    run.feed(attempt("m2", 100, "accepted"))
    fresh = MemoryTable(run.stage.due_at)
    for where, value in run.table.scan():
        fresh.apply(where, value)
    fresh.recovered()
    run.table = fresh
    assert Topic.FLAGS in run.wait(160)


def test_evidence_under_a_foreign_key_is_dead_lettered(run):
    piece = attempt("m1", 0, "failed")
    record = Piece(b"t-2/eve@example.com", evidence.encode(piece))
    output = run.stage.process(
        Batch(Topic.EVIDENCE, 0, [record]), run.table, Instant(NOON)
    )
    (message,) = output.messages
    assert message.topic == Topic.EVIDENCE.dead_letters
    assert len(run.table) == 0


@pytest.mark.parametrize("value", [None, b"", b"x", b"{}", b'{"kind":"attempt"}'])
def test_poison_among_the_evidence_stops_nothing(run, value):
    good = attempt("m1", 0, "failed")
    records = [
        Piece(b"k", value),
        Piece(key("t-1", good.address), evidence.encode(good), 1),
    ]
    output = run.stage.process(
        Batch(Topic.EVIDENCE, 0, records), run.table, Instant(NOON)
    )
    topics = [m.topic for m in output.messages]
    assert topics.count(Topic.EVIDENCE.dead_letters) == 1
    assert topics.count(Topic.FLAG_CHANGES) == 1


def test_late_evidence_is_counted(run):
    for n in range(6):
        run.feed(attempt(f"m{n}", 10 + n, "accepted"))
    run.feed(attempt("old", 0, "accepted"))
    assert run.tallies[("late_evidence_ignored",)] == 1


def test_without_success_memory_a_first_success_is_not_stored():
    run = Run(success_memory_days=0)
    told = run.feed(attempt("m1", 0, "accepted"))
    assert len(run.table) == 0
    assert _activity(told).outcomes == 1
    run.feed(attempt("m2", 1, "failed"))
    assert len(run.table) == 1


def test_what_can_matter_no_more_is_forgotten(run):
    run.feed(attempt("m1", 0, "accepted"))
    run.wait(8 * 24 * 60 - 1)
    assert len(address_state.decode(run.table.get(b"t-1/ada@example.com")).messages)
    run.wait(8 * 24 * 60 + 1)
    state = address_state.decode(run.table.get(b"t-1/ada@example.com"))
    assert state.messages == ()
    assert state.confirmed_at == NOON
    run.wait(61 * 24 * 60)
    assert len(run.table) == 0


def test_a_standing_flag_is_never_forgotten(run):
    run.feed(attempt("m1", 0, "failed"))
    run.wait(400 * 24 * 60)
    assert len(run.table) == 1


def test_forgetting_an_empty_state_leaves_nothing():
    assert remembered(EMPTY, Instant(NOON + QUEUE_LIFE), DAY) is None


def test_revisions_grow_though_an_address_was_forgotten_and_the_past_comes_later():
    run = Run()
    told = run.feed(attempt("m1", 0, "failed"))[Topic.FLAGS]
    cleared = Command(
        id="c-1",
        tenant_id="t-1",
        address="ada@example.com",
        at=Instant(NOON + MINUTE),
        arrived_at=Instant(NOON + MINUTE),
        action=CommandAction.CLEAR,
        message_id=None,
        reason="other",
        note="",
        actor="support-7",
    )
    told += run.feed(cleared)[Topic.FLAGS]
    run.wait(9 * 24 * 60)
    assert len(run.table) == 0
    late = attempt("m0", -60, "failed")
    late = late._replace(arrived_at=Instant(NOON + 10 * DAY))
    told += run.feed(late)[Topic.FLAGS]
    revisions = [int(dict(m.headers)["ce_revision"]) for m in told]
    assert revisions == sorted(set(revisions))
    assert len(revisions) == 3


class Large(MemoryTable):
    """Says that it has more keys than it has, and notes how many it is asked for."""

    def __init__(self, keys):
        super().__init__(lambda _key, _value: None)
        self.keys, self.asked = keys, []

    def __len__(self):
        return self.keys

    def hand(self, limit):
        self.asked.append(limit)
        return super().hand(limit)


@pytest.mark.parametrize(
    ("keys", "pairs"), [(0, 20), (1_200, 20), (6_000, 100), (1_000_000, 500)]
)
def test_housekeeping_looks_at_a_share_of_the_table(keys, pairs):
    table = Large(keys)
    FlagsStage().due(table, Instant(NOON))
    assert table.asked == [pairs]
