"""States kept as a snapshot and the steps since: small writes for large states.

A detector's state is kilobytes and changes with every batch. So a batch writes
only what it heard, and now and then the state as a whole; whoever takes a
partition over loads the snapshot and takes the steps again, which gives the same
state because a step depends on nothing else. Live states are remembered as long
as the table still says what they were made of.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from struct import Struct
from typing import Generic, NamedTuple, TypeVar
from weakref import WeakKeyDictionary
from zlib import crc32

from streams.core.instant import Instant
from streams.engine.stage import PartitionTable
from streams.wire.address_state import UnreadableState

_HEAD = Struct(">qqI")
"""When it wants attention (0: never), when it was made, the chain's checksum."""
_SEPARATOR = b"/"
"""Between a state's name and a step's number; no tenant id holds one."""

S = TypeVar("S")


class Codec(NamedTuple, Generic[S]):
    """How a state becomes bytes, and how it takes a step."""

    fresh: Callable[[str, Instant], S]
    load: Callable[[bytes], S | None]
    """None for a snapshot of another version, or a damaged one."""
    dump: Callable[[S], bytes]
    step: Callable[[S, bytes, Instant], bool]
    """Take a step again; answers whether it said something that nobody heard."""


@dataclass(slots=True)
class Live(Generic[S]):
    """A state in memory, and what the table holds of it."""

    name: bytes
    state: S
    chain: int
    """Checksum of the snapshot and of all steps since."""
    steps: int = 0
    size: int = 0
    """Bytes of the steps."""
    weight: int = 0
    """Bytes of the snapshot."""
    cold: bool = False
    """It was not remembered when it was last wanted."""
    dirty: bool = False
    """It is not a snapshot and steps: it must be written whole."""


@dataclass(slots=True)
class Journal(Generic[S]):
    """The states of one stage."""

    codec: Codec[S]
    most_steps: int = 64
    """A snapshot costs as much as ten steps; who takes over takes these again."""
    most_bytes: int = 16_384
    most_cold_steps: int = 4
    """Of a state that is not remembered: each time that it is wanted it is loaded,
    which takes all of its steps again."""
    most_live: int = 8 << 20
    """Bytes of the snapshots of all states that are remembered; a state in memory
    is up to 80 times as large."""
    most_record: int = 500_000
    """Bytes of a snapshot in one record, by the changelog's contract: the roll-up
    outgrows it when ten thousand tenants have an incident at once."""
    _live: WeakKeyDictionary[PartitionTable, "_Shelf[S]"] = field(
        default_factory=WeakKeyDictionary, init=False
    )

    def open(self, table: PartitionTable, name: bytes, now: Instant) -> Live[S]:
        """Answer a state as the table has it.

        Raises:
            UnreadableState: another version of the program wrote it.
        """
        shelf = self._shelf(table)
        live = shelf.take(name)
        if live is None or not self._fits(table, live):
            live = self._load(table, name, now)
        else:
            live.cold = False
        shelf.put(live, self.most_live // len(self._live))
        return live

    def keep(
        self,
        table: PartitionTable,
        live: Live[S],
        heard: bytes,
        now: Instant,
        wake_at: Instant | None,
    ) -> None:
        """Write the step that the state has just taken."""
        most_steps = self.most_cold_steps if live.cold else self.most_steps
        full = live.steps >= most_steps
        large = live.size + len(heard) > self.most_bytes
        if live.dirty or full or large:
            self.seal(table, live, now, wake_at)
            return
        live.chain = crc32(heard, live.chain)
        value = _HEAD.pack(wake_at or 0, now, live.chain) + heard
        table.put(_step(live.name, live.steps), value)
        live.steps += 1
        live.size += len(value)

    def seal(
        self,
        table: PartitionTable,
        live: Live[S],
        now: Instant,
        wake_at: Instant | None,
    ) -> None:
        """Write the state as a whole; what it has announced is never said again."""
        snapshot = self.codec.dump(live.state)
        for number in range(live.steps):
            table.delete(_step(live.name, number))
        live.chain = crc32(snapshot)
        self._write_rest(table, live, snapshot, now)
        self._shelf(table).weigh(live, len(snapshot))
        live.steps = live.size = 0
        live.dirty = False
        head = _HEAD.pack(wake_at or 0, now, live.chain)
        table.put(live.name, head + snapshot[: self.most_record])

    def _write_rest(
        self, table: PartitionTable, live: Live[S], snapshot: bytes, now: Instant
    ) -> None:
        """Write what is too large for one record into others, and remove old ones."""
        head, number = _HEAD.pack(0, now, live.chain), 0
        for start in range(self.most_record, len(snapshot), self.most_record):
            part = snapshot[start : start + self.most_record]
            table.put(_part(live.name, number), head + part)
            number += 1
        while table.get(_part(live.name, number)) is not None:
            table.delete(_part(live.name, number))
            number += 1

    @staticmethod
    def due_at(value: bytes) -> Instant | None:
        """Answer when a value wants attention."""
        wake_at, _, _ = _HEAD.unpack_from(value)
        return Instant(wake_at) if wake_at else None

    @staticmethod
    def name_of(key: bytes) -> bytes:
        """Answer which state a key belongs to."""
        name, _, _ = key.partition(_SEPARATOR)
        return name

    def _shelf(self, table: PartitionTable) -> "_Shelf[S]":
        shelf = self._live.get(table)
        if shelf is None:
            shelf = self._live[table] = _Shelf()
        return shelf

    def _fits(self, table: PartitionTable, live: Live[S]) -> bool:
        """Whether the table still holds exactly what the state was made of."""
        if live.dirty or table.get(_step(live.name, live.steps)) is not None:
            return False
        key = _step(live.name, live.steps - 1) if live.steps else live.name
        last = table.get(key)
        return last is not None and _HEAD.unpack_from(last)[2] == live.chain

    def _load(self, table: PartitionTable, name: bytes, now: Instant) -> Live[S]:
        head = table.get(name)
        if head is None:
            steps = list(_values(table, name, _step))
            fresh = self.codec.fresh(name.decode(), now)
            return Live(name, fresh, 0, steps=len(steps), dirty=True, cold=True)
        parts = [head, *_values(table, name, _part)]
        state = self.codec.load(b"".join([part[_HEAD.size :] for part in parts]))
        if state is None:
            # To start anew would forget an open incident, and never resolve it.
            message = (
                "a detector's state of another version, or a damaged one, cannot be"
                " read by this program; run the one that wrote it again"
            )
            raise UnreadableState(message)
        chain = _HEAD.unpack_from(head)[2]
        weight = sum(map(len, parts))
        live = Live(name, state, chain, weight=weight, cold=True)
        for value in _values(table, name, _step):
            _, at, live.chain = _HEAD.unpack_from(value)
            heard = value[_HEAD.size :]
            live.dirty |= self.codec.step(state, heard, Instant(at))
            live.steps += 1
            live.size += len(value)
        return live


class _Shelf(Generic[S]):
    """The states of one table that are remembered, the one wanted last at the end."""

    def __init__(self) -> None:
        self._states: OrderedDict[bytes, Live[S]] = OrderedDict()
        self._weight = 0

    def take(self, name: bytes) -> Live[S] | None:
        live = self._states.pop(name, None)
        if live is not None:
            self._weight -= live.weight
        return live

    def put(self, live: Live[S], most: int) -> None:
        """Remember a state; those that were not wanted for longest make room."""
        self._states[live.name] = live
        self._weight += live.weight
        while self._weight > most and len(self._states) > 1:
            _, gone = self._states.popitem(last=False)
            self._weight -= gone.weight

    def weigh(self, live: Live[S], weight: int) -> None:
        """Note how large a state has become; it may be remembered no more."""
        if self._states.get(live.name) is live:
            self._weight += weight - live.weight
        live.weight = weight


def _step(name: bytes, number: int) -> bytes:
    return name + _SEPARATOR + b"%d" % number


def _part(name: bytes, number: int) -> bytes:
    return name + _SEPARATOR + b"+%d" % number


def _values(
    table: PartitionTable, name: bytes, key: Callable[[bytes, int], bytes]
) -> Iterator[bytes]:
    """Answer what the table has of a state's steps or parts, from the first on."""
    number = 0
    while (value := table.get(key(name, number))) is not None:
        yield value
        number += 1
