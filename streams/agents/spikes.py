"""Spikes: the activity of tenants, folded into one detector state a tenant.

What the tenants of a batch have to tell goes to the roll-up as one digest, in
the transaction of the states.
"""

from dataclasses import dataclass, field

from streams.agents import tally
from streams.agents.journal import Codec, Journal, Live
from streams.core.activity import Activity
from streams.core.instant import Instant
from streams.core.spike import snapshot
from streams.core.spike.detector import step, wake_at
from streams.core.spike.tenant import Tenant
from streams.core.spike.word import Digest, Word
from streams.engine.stage import Batch, Message, Output, PartitionTable
from streams.wire import activity as activity_wire
from streams.wire import digest as digest_wire
from streams.wire.activity import TenantActivity
from streams.wire.reject import Reject

_QUIET = b""
"""Heard when nothing but time has passed."""


@dataclass(slots=True)
class SpikesStage:
    """The stage; pure apart from the table that it is given and its memory."""

    _journal: Journal[Tenant] = field(init=False)
    _unheard: list[Word] = field(default_factory=list, init=False)
    """Said while steps were taken again, which only new code can do."""

    def __post_init__(self) -> None:
        """Keep states as snapshots and steps."""
        self._journal = Journal(
            Codec(Tenant, snapshot.load, snapshot.dump, self._again)
        )

    def process(self, batch: Batch, table: PartitionTable, now: Instant) -> Output:
        """Fold a batch of activity into the states of its tenants."""
        output, digest = Output(), Digest()
        told: dict[str, TenantActivity] = {}
        for record in batch.records:
            heard = activity_wire.decode(record.value)
            if isinstance(heard, Reject):
                output.tallies[tally.rejected(batch.topic, heard.reason)] += 1
                continue
            first = told.get(heard.tenant_id)
            if first is None:
                told[heard.tenant_id] = heard
            else:
                first.activity.merge(heard.activity)
        for tenant_id, heard in told.items():
            live = self._journal.open(table, tenant_id.encode(), now)
            self._advance(table, live, heard, now, digest)
        self._tell(digest, batch.partition, output)
        return output

    def due_at(self, key: bytes, value: bytes) -> Instant | None:
        """Answer when a tenant wants a step without activity."""
        del key
        return Journal.due_at(value)

    def due(self, table: PartitionTable, now: Instant) -> Output:
        """Let the tenants whose time has come take a step."""
        output, digest = Output(), Digest()
        for name in dict.fromkeys(map(Journal.name_of, table.due(now))):
            if table.get(name) is None:
                continue
            live = self._journal.open(table, name, now)
            wanted = wake_at(live.state)
            if wanted is None:
                continue
            if wanted <= now:
                self._advance(table, live, None, now, digest)
        self._tell(digest, _BY_TIME, output)
        return output

    def _advance(
        self,
        table: PartitionTable,
        live: Live[Tenant],
        heard: TenantActivity | None,
        now: Instant,
        digest: Digest,
    ) -> None:
        """Take one step of one tenant."""
        tenant = live.state
        activity = None if heard is None else heard.activity
        word = step(tenant, activity, now)
        digest.add(word, activity)
        if word.verdicts or word.mismatches or live.dirty:
            self._journal.seal(table, live, now, wake_at(tenant))
            return
        value = _QUIET if heard is None else activity_wire.encode(heard)
        self._journal.keep(table, live, value, now, wake_at(tenant))

    def _again(self, tenant: Tenant, heard: bytes, now: Instant) -> bool:
        """Take a step that was taken before; answers whether it said anything new."""
        activity: Activity | None = None
        if heard:
            told = activity_wire.decode(heard)
            if isinstance(told, Reject):
                return True  # written by other code: the state is kept as it is
            activity = told.activity
        word = step(tenant, activity, now)
        if not word.verdicts and not word.mismatches:
            return False
        only = Word(
            tenant.id, verdicts=list(word.verdicts), mismatches=list(word.mismatches)
        )
        self._unheard.append(only)
        return True

    def _tell(self, digest: Digest, partition: int, output: Output) -> None:
        for word in self._unheard:
            digest.add(word, None)
        self._unheard.clear()
        for outgoing in digest_wire.messages(digest, partition):
            output.messages.append(Message(*outgoing))


_BY_TIME = 0
"""The key of a digest says where it came from, for people; a sweep has no batch."""
