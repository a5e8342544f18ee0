"""Tenants whose mail goes through the spikes and roll-up stages, as in a worker."""

from dataclasses import dataclass

from streams.agents.rollup import RollupStage
from streams.agents.spikes import SpikesStage
from streams.core.activity import MINUTE, Activity, Hop, Trial
from streams.core.failure import FailureClass
from streams.core.instant import Instant
from streams.engine.stage import Batch
from streams.engine.table import MemoryTable
from streams.wire import activity as activity_wire
from streams.wire import alert as alert_wire
from streams.wire.topic import Topic

START = Instant(1_767_571_200_000)
AUTH = FailureClass.SUBMISSION_AUTH_FAILED
PROVIDERS = ("google", "microsoft", "yahoo", "isp.test")


@dataclass
class Piece:
    key: bytes | None
    value: bytes | None
    offset: int = 0
    timestamp: int = START
    headers: tuple = ()


def activity(now, good=0, bad=0, failure_class=AUTH, customer="c"):
    made = Activity()
    for n in range(good):
        made.accept(now, now, PROVIDERS[n % 4], Hop.MX)
    for n in range(bad):
        made.add(
            Trial(
                arrived_at=now,
                at=now,
                tried_at=now,
                customer=f"{customer}-{now}-{n}",
                reported=False,
                attempt=1,
                final=True,
                counted=None,
                hop=Hop.SUBMISSION,
                failure_class=failure_class,
                provider="google",
                known=True,
            )
        )
    return made


class Tenants:
    """Two stages and their tables, minute after minute."""

    def __init__(self):
        self.now = START
        self.offset = 0
        self.spikes, self.rollup = SpikesStage(), RollupStage()
        self.tenants = MemoryTable(self.spikes.due_at)
        self.all = MemoryTable(self.rollup.due_at)
        self.said = []
        self.output = None

    def minute(self, good=0, bad=0, tenant="t-1"):
        """Let one minute pass, with mail in it if there is any."""
        self.now = Instant(self.now + MINUTE)
        self.timers()
        if good or bad:
            self.hear(self.record(activity(self.now, good, bad), tenant))

    def minutes(self, count, **mail):
        for _ in range(count):
            self.minute(**mail)

    def record(self, told, tenant="t-1", partition=0):
        self.offset += 1
        record = activity_wire.message(tenant, told, partition, self.offset)
        return Piece(record.key, record.value, self.offset)

    def hear(self, *records):
        batch = Batch(Topic.TENANT_ACTIVITY, 0, records)
        self.output = self.spikes.process(batch, self.tenants, self.now)
        self.roll_up(self.output)

    def timers(self):
        self.roll_up(self.spikes.due(self.tenants, self.now))
        self.tell(self.rollup.due(self.all, self.now))

    def roll_up(self, output):
        records = [Piece(m.key, m.value) for m in output.messages]
        if records:
            batch = Batch(Topic.SPIKE_DIGESTS, 0, records)
            self.tell(self.rollup.process(batch, self.all, self.now))

    def tell(self, output):
        told = [m for m in output.messages if m.topic == Topic.ALERTS]
        self.said += [alert_wire.decode(m.value) for m in told]

    def types(self):
        return [a.type for a in self.said if a.type != "alert-updated"]

    def restart(self):
        """Take the partitions over with new stages, from the changelog alone."""
        self.spikes, self.rollup = SpikesStage(), RollupStage()
        self.tenants = _recovered(self.tenants, self.spikes)
        self.all = _recovered(self.all, self.rollup)


def journal_of(stage):
    """Answer where a stage keeps its states: what it holds is what is tested."""
    return stage._journal  # noqa: SLF001  # nobody else needs to see it


def _recovered(old, stage):
    new = MemoryTable(stage.due_at)
    for key, value in old.scan():
        new.apply(key, value)
    new.recovered()
    return new
