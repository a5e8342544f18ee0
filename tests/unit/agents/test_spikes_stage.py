"""The spikes stage over a table: what it writes is enough to go on from."""

from dataclasses import dataclass

import pytest

from streams.agents.spikes import SpikesStage
from streams.core.activity import Activity, Hop, Trial
from streams.core.failure import FailureClass
from streams.core.instant import Instant
from streams.engine.stage import Batch
from streams.engine.table import MemoryTable
from streams.wire import activity as activity_wire
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
