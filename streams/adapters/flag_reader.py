"""Flags as the topics tell them: one address, its history, or a whole tenant.

The state topic is compacted, so the last record of a key is the truth about it,
and a key lies in one partition that Java's default partitioner decides: looking
an address up reads that partition and no other.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from confluent_kafka import Message

from streams.adapters.kafka_reader import (
    KafkaReader,
    KafkaRecord,
    Progress,
    record,
    unwatched,
)
from streams.core.flag import Flag, FlagChange
from streams.core.instant import Instant, parse
from streams.wire.flag import decode_change, decode_flag
from streams.wire.reject import Reject


class State(NamedTuple):
    """What the state topic says about one address."""

    key: bytes
    value: bytes | None
    """As published; None: not flagged."""
    flag: Flag | Reject | None
    """The same, decoded; a Reject when this version cannot read it."""
    cleared_at: Instant | None
    """When the flag was cleared, as long as the topic remembers."""


class Change(NamedTuple):
    """One event of the changes topic."""

    value: bytes
    """As published."""
    change: FlagChange | Reject


class FlagReader:
    """Answers questions about flags from the two topics, by their real names."""

    def __init__(self, reader: KafkaReader, states: str, changes: str) -> None:
        """Take the topics of flags as they are now, and of their changes."""
        self._reader = reader
        self._states = states
        self._changes = changes

    def states(
        self, keys: Iterable[bytes], progress: Progress = unwatched
    ) -> dict[bytes, State]:
        """Answer the state of each key, also of those never heard of."""
        newest: dict[bytes, Message | None] = dict.fromkeys(keys)
        for message in self._of_keys(self._states, newest.keys(), None, progress):
            newest[message.key() or b""] = message
        return {
            key: State(key, None, None, None)
            if message is None
            else _state(key, record(message))
            for key, message in newest.items()
        }

    def history(
        self,
        keys: Iterable[bytes],
        since: Instant | None = None,
        progress: Progress = unwatched,
    ) -> dict[bytes, list[Change]]:
        """Answer the changes of each key, oldest first, as far back as kept."""
        told: dict[bytes, list[Change]] = {key: [] for key in keys}
        for message in self._of_keys(self._changes, told.keys(), since, progress):
            value = message.value() or b""
            told[message.key() or b""].append(Change(value, decode_change(value)))
        return told

    def of_tenant(
        self, tenant_id: str, progress: Progress = unwatched
    ) -> Iterator[State]:
        """Go through a tenant's standing flags, in no order.

        One partition at a time: memory is for the flags of one.
        """
        prefix = f"{tenant_id}/".encode()
        spans = self._reader.spans(self._states)
        total, before = sum(span.extent for span in spans), 0
        for span in spans:
            standing: dict[bytes, bytes] = {}
            for chunk in self._reader.read([span]):
                for message in chunk:
                    key = message.key()
                    if key is None or not key.startswith(prefix):
                        continue
                    value = message.value()
                    if value is None:
                        standing.pop(key, None)
                    else:
                        standing[key] = value
                progress(before + (chunk[-1].offset() or 0) - span.first, total)
            before += span.extent
            for key, value in standing.items():
                yield State(key, value, decode_flag(value), None)

    def _of_keys(
        self,
        topic: str,
        keys: Iterable[bytes],
        since: Instant | None,
        progress: Progress,
    ) -> Iterator[Message]:
        """Go through the messages of some keys, in order for each key."""
        wanted = frozenset(keys)
        spans = self._reader.spans(topic, self._partitions(topic, wanted), since=since)
        for chunk in self._reader.read(spans, progress):
            for message in chunk:
                if message.key() in wanted:
                    yield message

    def _partitions(self, topic: str, keys: Iterable[bytes]) -> set[int]:
        return {self._reader.partition_of(topic, key) for key in keys}


def _state(key: bytes, newest: KafkaRecord) -> State:
    if newest.value is not None:
        return State(key, newest.value, decode_flag(newest.value), None)
    said = dict(newest.headers).get("ce_time") or b""
    cleared_at = parse(said.decode(errors="replace"))
    return State(
        key, None, None, newest.timestamp if cleared_at is None else cleared_at
    )
