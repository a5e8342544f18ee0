"""Spikes: the activity of tenants, folded into one detector state a tenant.

What the tenants of a batch have to tell goes to the roll-up as one digest, in
the transaction of the states.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from struct import Struct
from typing import NamedTuple

from streams.agents import tally
from streams.agents.journal import Codec, Journal, Live
from streams.agents.refusal import refuse
from streams.core.activity import Activity
from streams.core.instant import Instant
from streams.core.spike import snapshot
from streams.core.spike.detector import step, wake_at
from streams.core.spike.taken import newest
from streams.core.spike.tenant import Tenant
from streams.core.spike.word import Digest, Origin, Word
from streams.engine.stage import Batch, Message, Output, PartitionTable, Record
from streams.wire import activity as activity_wire
from streams.wire import digest as digest_wire
from streams.wire.activity import TenantActivity
from streams.wire.reject import Reject, RejectReason

_STEPS_BYTES = 65_536
"""A large tenant's batches are kilobytes each, and a snapshot costs as much as ten."""
_LINE = b"\n"
"""Between the records of a step: no JSON that we write holds one."""


_TOLD = b"/told"
"""Key of the origin of the next digest; no tenant id holds a slash."""
_ORIGIN = Struct(">iq")


class _News(NamedTuple):
    """One record of a tenant's activity."""

    told: TenantActivity
    value: bytes
    """As it was read, which is how it is kept as a step."""


@dataclass(slots=True)
class SpikesStage:
    """The stage; pure apart from the table that it is given and its memory."""

    _journal: Journal[Tenant] = field(init=False)
    _unheard: list[Word] = field(default_factory=list, init=False)
    """Said while steps were taken again, which only new code can do."""

    def __post_init__(self) -> None:
        """Keep states as snapshots and steps."""
        self._journal = Journal(
            Codec(Tenant, snapshot.load, snapshot.dump, self._again),
            most_bytes=_STEPS_BYTES,
        )

    def process(self, batch: Batch, table: PartitionTable, now: Instant) -> Output:
        """Fold a batch of activity into the states of its tenants."""
        output, digest = Output(), Digest()
        told: dict[str, list[_News]] = {}
        for record in batch.records:
            heard = _read(record)
            if isinstance(heard, Reject):
                refuse(batch, record, heard, now, output)
                continue
            value = record.value or b""
            if _LINE in value:  # written by somebody else
                value = activity_wire.encode(heard)
            told.setdefault(heard.tenant_id, []).append(_News(heard, value))
        for tenant_id, several in told.items():
            live = self._journal.open(table, tenant_id.encode(), now)
            news = [one for one in several if _take(live.state, one.told)]
            if news:
                self._advance(table, live, news, now, digest)
            if len(news) < len(several):
                repeated = len(several) - len(news)
                output.tallies[tally.repeated(batch.topic)] += repeated
        self._tell(digest, table, batch.partition, output)
        return output

    def due_at(self, key: bytes, value: bytes) -> Instant | None:
        """Answer when a tenant wants a step without activity."""
        return None if key == _TOLD else Journal.due_at(value)

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
                self._advance(table, live, (), now, digest)
        self._tell(digest, table, None, output)
        return output

    def _advance(
        self,
        table: PartitionTable,
        live: Live[Tenant],
        news: Sequence[_News],
        now: Instant,
        digest: Digest,
    ) -> None:
        """Take one step of one tenant."""
        tenant = live.state
        activity = _joined([one.told for one in news])
        word = step(tenant, activity, now)
        digest.add(word, activity)
        if word.verdicts or word.mismatches or live.dirty:
            self._journal.seal(table, live, now, wake_at(tenant))
            return
        heard = _LINE.join(one.value for one in news)
        self._journal.keep(table, live, heard, now, wake_at(tenant))

    def _again(self, tenant: Tenant, heard: bytes, now: Instant) -> bool:
        """Take a step that was taken before; answers whether it said anything new."""
        told = []
        for value in heard.split(_LINE) if heard else ():
            one = activity_wire.decode(value)
            if isinstance(one, Reject):
                return True  # written by other code: the state is kept as it is
            _take(tenant, one)
            told.append(one)
        word = step(tenant, _joined(told), now)
        if not word.verdicts and not word.mismatches:
            return False
        only = Word(
            tenant.id, verdicts=list(word.verdicts), mismatches=list(word.mismatches)
        )
        self._unheard.append(only)
        return True

    def _tell(
        self,
        digest: Digest,
        table: PartitionTable,
        partition: int | None,
        output: Output,
    ) -> None:
        """Write a digest, numbered; a sweep knows its partition by the table alone."""
        for word in self._unheard:
            digest.add(word, None)
        self._unheard.clear()
        if digest.empty:
            return
        counted = table.get(_TOLD)
        origin = None if partition is None else Origin(partition, 0)
        if counted is not None:
            origin = Origin(*_ORIGIN.unpack(counted))
        outgoing = digest_wire.messages(digest, origin)
        output.messages += [Message(*one) for one in outgoing]
        if origin is not None:
            number = origin.number + len(outgoing)
            table.put(_TOLD, _ORIGIN.pack(origin.partition, number))


def _read(record: Record) -> TenantActivity | Reject:
    """Read a record; one of another partition's tenant would be a second state."""
    heard = activity_wire.decode(record.value)
    if not isinstance(heard, Reject) and heard.tenant_id.encode() != record.key:
        return Reject(RejectReason.SCHEMA_VIOLATION, "key: mismatch")
    return heard


def _take(tenant: Tenant, told: TenantActivity) -> bool:
    minute = newest(told.activity)
    return tenant.taken.take(told.partition, told.offset, minute)


def _joined(told: Sequence[TenantActivity]) -> Activity | None:
    """Answer the sum of some records; None when nothing but time has passed."""
    if not told:
        return None
    activity = told[0].activity
    for other in told[1:]:
        activity.merge(other.activity)
    return activity
