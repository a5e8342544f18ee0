"""Roll-up: what all tenants tell, folded into as few alerts as there are faults.

One partition, one state; alerts are written in the transaction of the state.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from zlib import crc32

from streams.agents import tally
from streams.agents.journal import Codec, Journal, Live
from streams.agents.refusal import refuse
from streams.core.instant import Instant
from streams.core.spike import rollup_snapshot
from streams.core.spike.alert import Alert
from streams.core.spike.rollup import Rollup
from streams.core.spike.word import Digest
from streams.engine.stage import Batch, Message, Output, PartitionTable
from streams.wire import alert as alert_wire
from streams.wire import digest as digest_wire
from streams.wire.reject import Reject

_NAME = b"rollup"
_LINE = b"\n"
"""Between the digests of a step: no JSON that we write holds one."""
_TOLD = b"!"
"""Begins the last line of a step that told of something: no JSON begins so."""


def _fresh(name: str, now: Instant) -> Rollup:
    del name, now
    return Rollup()


class _News(NamedTuple):
    """One record of a partition's digests."""

    digest: Digest
    value: bytes
    """As it was read, which is how it is kept as a step."""


@dataclass(slots=True)
class RollupStage:
    """The stage; pure apart from the table that it is given and its memory."""

    _journal: Journal[Rollup] = field(init=False)
    _unheard: list[Alert] = field(default_factory=list, init=False)
    """Said while steps were taken again, which only new code can do."""

    def __post_init__(self) -> None:
        """Keep the state as a snapshot and steps."""
        self._journal = Journal(
            Codec(_fresh, rollup_snapshot.load, rollup_snapshot.dump, self._again),
            most_steps=256,
            most_bytes=262_144,
        )

    def process(self, batch: Batch, table: PartitionTable, now: Instant) -> Output:
        """Fold a batch of digests into the state."""
        output = Output()
        told: list[_News] = []
        for record in batch.records:
            digest = digest_wire.decode(record.value)
            if isinstance(digest, Reject):
                refuse(batch, record, digest, now, output)
                continue
            value = record.value or b""
            if _LINE in value:  # written by somebody else
                value = digest_wire.encode(digest)
            told.append(_News(digest, value))
        if not told:
            return output
        live = self._journal.open(table, _NAME, now)
        news = [one for one in told if _take(live.state, one.digest)]
        if news:
            self._advance(table, live, news, now, output)
        if len(news) < len(told):
            output.tallies[tally.repeated(batch.topic)] += len(told) - len(news)
        return output

    def due_at(self, key: bytes, value: bytes) -> Instant | None:
        """Answer when the state wants a step without news."""
        del key
        return Journal.due_at(value)

    def due(self, table: PartitionTable, now: Instant) -> Output:
        """Let the state take a step when its time has come."""
        output = Output()
        if not table.due(now) or table.get(_NAME) is None:
            return output
        live = self._journal.open(table, _NAME, now)
        wanted = live.state.wake_at()
        if wanted is not None and wanted <= now:
            self._advance(table, live, (), now, output)
        return output

    def _advance(
        self,
        table: PartitionTable,
        live: Live[Rollup],
        news: Sequence[_News],
        now: Instant,
        output: Output,
    ) -> None:
        alerts = live.state.step([one.digest for one in news], now)
        wake_at = live.state.wake_at()
        if live.dirty:
            self._journal.seal(table, live, now, wake_at)
        else:
            heard = _LINE.join([*(one.value for one in news), *_mark(alerts)])
            self._journal.keep(table, live, heard, now, wake_at)
        for alert in (*self._unheard, *alerts):
            outgoing = alert_wire.record(alert)
            output.messages.append(Message(*outgoing))
            event = alert_wire.TYPES[alert.turn]
            told = tally.alert(alert.kind, event, alert.scope, alert.cause)
            output.tallies[told] += 1
        self._unheard.clear()

    def _again(self, rollup: Rollup, heard: bytes, now: Instant) -> bool:
        """Take a step that was taken before; answers whether it said anything new."""
        values = [value for value in heard.split(_LINE) if value]
        told = values[-1:] if values and values[-1].startswith(_TOLD) else []
        read = [digest_wire.decode(value) for value in values if [value] != told]
        digests = [digest for digest in read if not isinstance(digest, Reject)]
        for digest in digests:
            _take(rollup, digest)
        alerts = rollup.step(digests, now)
        new = _mark(alerts) != told
        if new:
            self._unheard += alerts
        return new or len(digests) < len(read)


def _mark(alerts: Sequence[Alert]) -> list[bytes]:
    """Answer the line that says which alerts a step told of; none if it told nothing.

    It is about what is told of what, not about words: these may change.
    """
    if not alerts:
        return []
    said = [f"{alert.key} {alert.turn} {alert.revision}" for alert in alerts]
    return [_TOLD + b"%08x" % crc32("\n".join(said).encode())]


def _take(rollup: Rollup, digest: Digest) -> bool:
    """Note a digest; answers False for one that was heard before."""
    origin = digest.origin
    return origin is None or rollup.taken.take(*origin, digest.newest)
