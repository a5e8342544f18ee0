"""What comes again from one stage to the next counts once, whatever it is."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tenants import Piece, Tenants, activity, journal_of

from streams.agents.rollup import RollupStage
from streams.agents.spikes import SpikesStage
from streams.core.activity import MINUTE
from streams.core.instant import Instant
from streams.core.spike import rollup_snapshot, snapshot
from streams.engine.stage import Batch
from streams.engine.table import MemoryTable
from streams.wire import digest as digest_wire
from streams.wire.topic import Topic

TENANTS = tuple(f"t-{n}" for n in range(8))
QUIET, FAILING, WELL = 20, 15, 60


class Recorded(Tenants):
    """Tenants whose records are noted, minute by minute."""

    def __init__(self):
        super().__init__()
        self.activity, self.digests = {}, {}

    def hear(self, *records):
        self.activity.setdefault(self.now, []).extend(records)
        super().hear(*records)

    def roll_up(self, output):
        self.digests.setdefault(self.now, []).extend(
            Piece(m.key, m.value) for m in output.messages
        )
        super().roll_up(output)


@pytest.fixture(scope="module")
def fault():
    """A fault of many tenants, from its first mail to its end."""
    world = Recorded()
    for minute in range(QUIET + FAILING + WELL):
        bad = QUIET <= minute < QUIET + FAILING
        world.now = Instant(world.now + MINUTE)
        world.timers()
        told = activity(world.now, good=0 if bad else 4, bad=4 if bad else 0)
        world.hear(*(world.record(told, tenant) for tenant in TENANTS))
    assert {"alert-opened", "alert-resolved"} <= set(world.types())
    return world


repeats = st.lists(
    st.tuples(
        st.integers(1, QUIET + FAILING + WELL - 1), st.floats(0, 1, exclude_max=True)
    ),
    min_size=1,
    max_size=30,
)
"""In which minute a record comes again, and which of those before."""


def with_repeats(by_minute, repeated):
    """Answer records by minute, some of them again later."""
    minutes = sorted(by_minute)
    before = [
        [r for m in minutes[:n] for r in by_minute[m]] for n in range(len(minutes) + 1)
    ]
    again = {}
    for n, which in repeated:
        minute = min(n, len(minutes) - 1)
        records = before[minute]
        again.setdefault(minutes[minute], []).append(records[int(which * len(records))])
    return {m: [*by_minute[m], *again.get(m, ())] for m in minutes}


def run(stage, topic, by_minute):
    """Let a stage hear records; answer what it wrote and what it counted."""
    table, said, counted = MemoryTable(stage.due_at), [], Counter()
    for now, records in by_minute.items():
        for output in (
            stage.due(table, now),
            stage.process(Batch(topic, 0, records), table, now),
        ):
            said += output.messages
            counted += output.tallies
    return table, said, counted


@given(repeats)
@settings(max_examples=15, deadline=None)
def test_a_digest_that_comes_again_changes_nothing(fault, repeated):
    plain, again = (
        (stage := RollupStage(), *run(stage, Topic.SPIKE_DIGESTS, records))
        for records in (fault.digests, with_repeats(fault.digests, repeated))
    )
    assert again[2] == plain[2]
    assert _rollup(*again[:2], fault.now) == _rollup(*plain[:2], fault.now)
    more = again[3] - plain[3]
    assert more == {("sums_repeated", Topic.SPIKE_DIGESTS): len(repeated)}


@given(repeats)
@settings(max_examples=10, deadline=None)
def test_activity_that_comes_again_changes_nothing(fault, repeated):
    plain, again = (
        (stage := SpikesStage(), *run(stage, Topic.TENANT_ACTIVITY, records))
        for records in (fault.activity, with_repeats(fault.activity, repeated))
    )
    assert again[2] == plain[2]
    for tenant in TENANTS:
        assert _tenant(*again[:2], tenant, fault.now) == _tenant(
            *plain[:2], tenant, fault.now
        )
    more = again[3] - plain[3]
    assert more == {("sums_repeated", Topic.TENANT_ACTIVITY): len(repeated)}


def test_every_digest_says_which_one_it_is(fault):
    origins = [
        digest_wire.decode(r.value).origin for rs in fault.digests.values() for r in rs
    ]
    assert [one.number for one in origins] == list(range(len(origins)))
    assert {one.partition for one in origins} == {0}


def test_a_worker_that_takes_over_goes_on_counting_digests(fault):
    world = Recorded()
    for now, records in list(fault.activity.items())[:40]:
        world.now = now
        world.timers()
        world.hear(*records)
        world.restart()
    numbers = [
        digest_wire.decode(r.value).origin.number
        for rs in world.digests.values()
        for r in rs
    ]
    assert numbers == list(range(len(numbers)))


def _rollup(stage, table, now):
    return rollup_snapshot.dump(journal_of(stage).open(table, b"rollup", now).state)


def _tenant(stage, table, tenant, now):
    return snapshot.dump(journal_of(stage).open(table, tenant.encode(), now).state)
