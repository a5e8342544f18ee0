"""The spikes stage over a table: what it writes is enough to go on from."""

from collections import Counter
from dataclasses import dataclass

import pytest

from streams.agents.spikes import SpikesStage
from streams.core.activity import Activity, Hop, Trial
from streams.core.failure import FailureClass
from streams.core.instant import Instant
from streams.engine.stage import Batch
from streams.engine.table import MemoryTable
from streams.wire import activity as activity_wire
from streams.wire import dead_letter
from streams.wire.topic import Topic

NOW = Instant(1_790_000_040_000)
SECOND = 1_000


@dataclass
class Record:
    key: bytes
    value: bytes
    offset: int
    timestamp: int = NOW
    headers: tuple = ()


def said(number, now, failing):
    activity = Activity()
    for customer in range(8):
        activity.accept(now, now, "example.com", Hop.MX)
        if failing:
            trial = Trial(
                now,
                now,
                now,
                f"c-{number}-{customer}",
                "example.com",
                Hop.SUBMISSION,
                reported=False,
                attempt=1,
                final=True,
                failure_class=FailureClass.SUBMISSION_AUTH_FAILED,
                known=True,
                counted=None,
            )
            activity.add(trial)
    return activity_wire.message("t-1", activity, 0, number).value


def batches(records):
    """Answer batches of so many records, quiet at first and then failing."""
    number = 0
    for turn in range(150):
        now = Instant(NOW + turn * 2 * SECOND)
        values = []
        for _ in range(records):
            values.append(said(number, now, failing=turn > 80))
            number += 1
        told = [Record(b"t-1", value, n) for n, value in enumerate(values)]
        yield Batch(Topic.TENANT_ACTIVITY, 0, told), now


POISON = {
    b"nonsense": "not_json",
    None: "empty_value",
    b"": "empty_value",
    b"[" * 100_000: "not_json",
    b"{}": "schema_violation",
    said(0, NOW, failing=True).replace(b"submission", b"somewhere"): "schema_violation",
    said(0, NOW, failing=True).replace(b"2026-", b"2026/"): "schema_violation",
    said(0, NOW, failing=True).replace(b"t-1", b"t-2"): "schema_violation",
}
"""Values under the key of `t-1`, and why they cannot be used."""


def test_activity_that_cannot_be_read_is_a_dead_letter_and_stops_nothing():
    records = [Record(b"t-1", value, n) for n, value in enumerate(POISON)]
    batch = Batch(Topic.TENANT_ACTIVITY, 3, records)
    stage = SpikesStage()
    output = stage.process(batch, MemoryTable(stage.due_at), NOW)
    letters = [
        dead_letter.read(Record(m.key, m.value, 0, headers=m.headers))
        for m in output.messages
    ]
    assert {m.topic for m in output.messages} == {Topic.TENANT_ACTIVITY.dead_letters}
    assert {one.value: one.reject.reason for one in letters} == POISON
    assert [(one.partition, one.offset) for one in letters] == [
        (3, n) for n in range(len(POISON))
    ]
    assert output.tallies == Counter(
        ("records_rejected", Topic.TENANT_ACTIVITY, reason)
        for reason in POISON.values()
    )


def test_activity_beside_poison_counts():
    alone, among = MemoryTable(SpikesStage().due_at), MemoryTable(SpikesStage().due_at)
    good = Record(b"t-1", said(1, NOW, failing=True), 1)
    poison = [Record(b"t-1", value, 0) for value in POISON]
    for table, records in ((alone, [good]), (among, [*poison, good, *poison])):
        SpikesStage().process(Batch(Topic.TENANT_ACTIVITY, 0, records), table, NOW)
    assert dict(among.scan()) == dict(alone.scan()) != {}


def outcome(records, forgets):
    stage = SpikesStage()
    table = MemoryTable(stage.due_at)
    told = []
    for turn, (batch, now) in enumerate(batches(records)):
        if turn in forgets:
            stage = SpikesStage()
        told.append(stage.due(table, now).messages)
        told.append(stage.process(batch, table, now).messages)
    return told


@pytest.mark.parametrize("records", [1, 3])
def test_a_worker_that_takes_over_says_what_the_first_one_would_have_said(records):
    stays = outcome(records, forgets=())
    assert any(b'"verdicts":[{' in m.value for told in stays for m in told)
    assert outcome(records, forgets=(5, 70, 83, 149)) == stays
