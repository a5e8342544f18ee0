"""The offline twin: the same stages without Kafka, over a file of events.

Time is the file's. Events are taken in order of arrival and arrival drives the
timers, so a file gives the same flags and alerts each time, however fast it runs.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

import orjson

from streams.core.instant import Instant
from streams.engine.bulletin import Bulletin
from streams.engine.stage import Batch, Message, Output, Stage, Tally
from streams.engine.table import MemoryTable
from streams.wire.event import moment
from streams.wire.reject import Reject, RejectReason
from streams.wire.topic import INPUTS, Topic

TYPES: dict[str, Topic] = {
    "send-attempt": Topic.SEND_ATTEMPTS,
    "dsn": Topic.DSN_EVENTS,
    "flag-command": Topic.FLAG_COMMANDS,
}
"""The `type` of a line to the topic on which it would have come."""

_TOGETHER_MS = 10_000
"""Events that arrived within this time are one batch: no alert needs it sooner, and
each batch has its price for every tenant in it. Each event keeps its own time, and
their order is kept from topic to topic."""
_TOGETHER = 1_000
"""Most events of a batch."""


_LEAP_MS = 24 * 3_600_000
"""Who is so far ahead of all before is asked for by those who come after."""
_COMING = 16
"""So many lines are asked."""
_EPOCH = Instant(0)
_SWEEP_MS = 1_000
"""A worker looks around so often."""


class Arrived(NamedTuple):
    """One event of the file, as a record of its topic."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    offset: int
    """Line number."""
    timestamp: int
    """When it arrived."""


class _Line(NamedTuple):
    """A line of the file that is not empty."""

    number: int
    value: bytes
    event: object
    """What it says, as any JSON; itself when it is none."""


_Onward = dict[str, list[Arrived]]
"""Records for other stages, by topic."""


class Refused(NamedTuple):
    """An event that could not be used."""

    line: int
    reason: str
    detail: str


@dataclass(slots=True)
class _Pending:
    """Events of the current batch: runs of one topic, in their order."""

    runs: list[tuple[str, list[Arrived]]] = field(default_factory=list)
    first: int = 0
    count: int = 0

    def add(self, topic: str, record: Arrived) -> None:
        if not self.count:
            self.first = record.timestamp
        if not self.runs or self.runs[-1][0] != topic:
            self.runs.append((topic, []))
        self.runs[-1][1].append(record)
        self.count += 1

    def full(self, arrived: int) -> bool:
        return bool(self.count) and (
            self.count >= _TOGETHER or arrived - self.first >= _TOGETHER_MS
        )


@dataclass(slots=True)
class Offline:
    """Runs stages over events; what they publish goes to `emit`."""

    stages: Mapping[str, Stage]
    """Input topic to the stage that reads it."""
    emit: Callable[[Message], None]
    """Takes what goes to subscribers: changes, current flags, alerts."""
    refuse: Callable[[Refused], None]
    bulletins: Sequence[Bulletin] = ()
    tallies: Counter[Tally] = field(default_factory=Counter)
    events: int = 0
    now: Instant = _EPOCH
    """The latest arrival so far."""
    _tables: dict[int, MemoryTable] = field(default_factory=dict)
    _pending: _Pending = field(default_factory=_Pending)
    _offsets: Counter[str] = field(default_factory=Counter)
    _sweep_at: Instant | None = None
    """When stages look at what has changed on a bulletin."""

    def run(self, lines: Iterable[bytes]) -> Iterator[int]:
        """Go through the events; answers the number of the line it is at, often.

        At the end, timers run up to the last arrival.
        """
        for line, coming in _with_coming(_read(lines)):
            self.events += 1
            taken = self._take(line, coming)
            if isinstance(taken, Refused):
                self.refuse(taken)
                continue
            topic, record = taken
            if self._pending.full(record.timestamp):
                self._flush()
                yield line.number
            self._pending.add(topic, record)
            self.now = max(self.now, Instant(record.timestamp))
        self._flush()
        self._run_timers(self.now)
        yield self.events

    def _take(
        self, line: _Line, coming: Sequence[_Line]
    ) -> tuple[str, Arrived] | Refused:
        """Answer a line as a record of the topic that its type says."""
        number, value, event = line
        if event is value:
            return Refused(number, RejectReason.NOT_JSON, "not UTF-8 JSON text")
        if not isinstance(event, dict):
            return Refused(number, RejectReason.SCHEMA_VIOLATION, "/: type")
        kind = event.get("type")
        topic = TYPES.get(kind) if isinstance(kind, str) else None
        if topic is None:
            return Refused(number, RejectReason.SCHEMA_VIOLATION, "/type: enum")
        arrived = self._arrival(event, coming)
        if arrived is None:
            return Refused(number, RejectReason.BAD_TIME, "/arrived_at")
        return topic, Arrived(None, value, (), number, arrived)

    def _arrival(
        self, event: dict[str, object], coming: Sequence[_Line]
    ) -> Instant | None:
        """Answer when an event reached us: as it says, else the latest so far.

        A time that no event may have moves nothing, nor does one that most of those
        after it are far behind: one host's clock would take all of them to its year.
        """
        said = event.get("arrived_at")
        if said is not None:
            return _moment(said)
        at = _moment(event.get("time")) or _EPOCH
        if at - self.now > _LEAP_MS:
            after = [then for line in coming if (then := _claimed(line)) is not None]
            behind = [then for then in after if at - then > _LEAP_MS]
            if 2 * len(behind) > len(after):
                at = self.now or min(behind)
        return max(self.now, at)

    def _flush(self) -> None:
        """Process the events that arrived together."""
        pending, self._pending = self._pending, _Pending()
        if not pending.count:
            return
        self._run_timers(Instant(pending.first))
        onward: _Onward = {}
        for topic, records in pending.runs:
            self._route(self._output(topic, records, self.now), self.now, onward)
        self._go_on(onward, self.now)

    def _output(self, topic: str, records: Sequence[Arrived], now: Instant) -> Output:
        stage = self.stages[topic]
        table = self._table(stage)
        output = stage.process(Batch(topic, 0, records), table, now)
        table.take_changes()  # for a changelog, which nobody keeps here
        return output

    def _table(self, stage: Stage) -> MemoryTable:
        table = self._tables.get(id(stage))
        if table is None:
            table = self._tables[id(stage)] = MemoryTable(stage.due_at)
        return table

    def _publish(self, output: Output, now: Instant) -> None:
        """Hand on what a stage wrote: to the next stages, or to the outside."""
        onward: _Onward = {}
        self._route(output, now, onward)
        self._go_on(onward, now)

    def _go_on(self, onward: _Onward, now: Instant) -> None:
        for topic, records in onward.items():
            self._publish(self._output(topic, records, now), now)

    def _route(self, output: Output, now: Instant, onward: _Onward) -> None:
        """Sort what a stage wrote: for other stages into `onward`, else outside."""
        self.tallies.update(output.tallies)
        for message in output.messages:
            if message.topic in self.stages:
                offset = self._offsets[message.topic]
                self._offsets[message.topic] += 1
                record = Arrived(
                    message.key, message.value, message.headers, offset, now
                )
                onward.setdefault(message.topic, []).append(record)
            elif message.topic.endswith(_DEAD_LETTERS):
                self.refuse(_refused(message))
            else:
                self._tell(message, now)

    def _tell(self, message: Message, now: Instant) -> None:
        for bulletin in self.bulletins:
            if bulletin.topic == message.topic:
                bulletin.apply(message.key, message.value, now)
                self._sweep_at = Instant(now + _SWEEP_MS)
        self.emit(message)

    def _run_timers(self, until: Instant) -> None:
        """Let every stage do what became due, each thing at its own time."""
        stages = {id(stage): stage for stage in self.stages.values()}
        while True:
            waiting = [
                (at, name)
                for name, table in self._tables.items()
                if (at := table.next_due()) is not None and at <= until
            ]
            first = min(waiting, default=None)
            sweep_at = self._sweep_at
            if sweep_at is not None and sweep_at <= (first[0] if first else until):
                self._sweep(sweep_at)
            elif first is None:
                return
            else:
                at, name = first
                self._publish(stages[name].due(self._tables[name], at), at)

    def _sweep(self, at: Instant) -> None:
        """Let every stage look around, and again until none has anything to say."""
        self._sweep_at = None
        for stage in {id(stage): stage for stage in self.stages.values()}.values():
            output = stage.due(self._table(stage), at)
            if output.messages:
                self._sweep_at = Instant(at + _SWEEP_MS)
            self._publish(output, at)


_DEAD_LETTERS = INPUTS[0].dead_letters.removeprefix(INPUTS[0])


def _read(lines: Iterable[bytes]) -> Iterator[_Line]:
    for number, value in enumerate(lines, start=1):
        if not value.strip():
            continue
        try:
            event = orjson.loads(value)
        except orjson.JSONDecodeError:
            event = value
        yield _Line(number, value, event)


def _with_coming(lines: Iterator[_Line]) -> Iterator[tuple[_Line, Sequence[_Line]]]:
    """Answer each line together with those that come next."""
    coming = deque(islice(lines, _COMING))
    while coming:
        line = coming.popleft()
        coming.extend(islice(lines, 1))
        yield line, coming


def _claimed(line: _Line) -> Instant | None:
    """Answer when an event came, or was made, by its own word."""
    event = line.event
    if not isinstance(event, dict):
        return None
    said = event.get("arrived_at")
    return _moment(event.get("time") if said is None else said)


def _moment(said: object) -> Instant | None:
    at = moment(said, "") if isinstance(said, str) else None
    return None if isinstance(at, Reject) else at


def _refused(message: Message) -> Refused:
    said = {name: value.decode() for name, value in message.headers}
    return Refused(
        int(said.get("dlq-offset", "0")),
        said.get("dlq-reason", ""),
        said.get("dlq-detail", ""),
    )


def reject_line(refused: Refused) -> bytes:
    """Write a refused event as a line of output."""
    return orjson.dumps(
        {
            "type": "rejected",
            "line": refused.line,
            "reason": refused.reason,
            "detail": refused.detail,
        }
    )
