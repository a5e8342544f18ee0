"""Dead letters: a rejected record as it was, with the reason in its last headers.

Value, key and headers stay the record's own, so that it can be put back; what we
add is always the last block of headers, whatever the record's own headers are
called. What fits no record of ours is left out, so that no input can stop a worker:
the size of the value and where the record lies are said instead.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from streams import __version__
from streams.core.instant import Instant, parse, render
from streams.wire import contract
from streams.wire.envelope import Headers, Outgoing
from streams.wire.reject import Reject, RejectReason
from streams.wire.topic import Topic

LIMIT = contract.manifest(Topic.SEND_ATTEMPTS.dead_letters).value_max_bytes
"""Largest value of a dead letter, key and headers included, in bytes."""

_DETAIL_LIMIT = 500
_NAMES = (
    "dlq-reason",
    "dlq-detail",
    "dlq-topic",
    "dlq-partition",
    "dlq-offset",
    "dlq-time",
    "dlq-version",
)
_LEFT_OUT = "dlq-value-bytes"


class Source(Protocol):
    """Where a record was read from; a batch of the engine is one."""

    @property
    def topic(self) -> str:
        """Logical topic name, without the prefix."""

    @property
    def partition(self) -> int:
        """Partition of the topic."""


class Record(Protocol):
    """A record as it was read."""

    @property
    def key(self) -> bytes | None:
        """Key as the producer wrote it."""

    @property
    def value(self) -> bytes | None:
        """Value as the producer wrote it."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes]]:
        """Headers in order; names may repeat."""

    @property
    def offset(self) -> int:
        """Position in the partition."""


class DeadLetter(NamedTuple):
    """A record that could not be used, and why."""

    key: bytes | None
    value: bytes | None
    headers: Headers
    """The record's own."""
    reject: Reject
    topic: Topic
    partition: int
    offset: int
    at: Instant
    """When it was rejected."""
    version: str
    """Version of mailflag that rejected it."""
    value_bytes: int | None
    """Size of the value when it had to be left out, else None.

    The record's key and headers are missing too when they alone were too large.
    """


def build(source: Source, record: Record, reject: Reject, now: Instant) -> Outgoing:
    """Answer the dead letter of a record that was read from `source`."""
    said = (
        reject.reason,
        reject.detail[:_DETAIL_LIMIT],
        source.topic,
        str(source.partition),
        str(record.offset),
        render(now),
        __version__,
    )
    ours = tuple((name, text.encode()) for name, text in zip(_NAMES, said, strict=True))
    topic = Topic(source.topic).dead_letters
    key, value, own = record.key, record.value, tuple(record.headers)
    rest = len(key or b"") + sum(len(n) * 4 + len(v or b"") + 10 for n, v in own)
    size = len(value or b"")
    if size + rest <= LIMIT:
        return Outgoing(topic, key, value, own + ours)
    left_out = (_LEFT_OUT, str(size).encode())
    if rest <= LIMIT:
        return Outgoing(topic, key, None, (*own, *ours, left_out))
    return Outgoing(topic, None, None, (*ours, left_out))


def read(record: Record) -> DeadLetter | Reject:
    """Answer what a dead letter holds; a Reject when the record is none of ours."""
    headers = tuple(record.headers)
    value_bytes = None
    try:
        if headers and headers[-1][0] == _LEFT_OUT:
            value_bytes = int(headers[-1][1] or b"")
            headers = headers[:-1]
        own, block = headers[: -len(_NAMES)], headers[-len(_NAMES) :]
        if tuple(name for name, _ in block) != _NAMES:
            return _not_ours("dlq-reason: required")
        said = [(text or b"").decode() for _, text in block]
        at = parse(said[5])
        if at is None:
            return _not_ours("dlq-time: format")
        return DeadLetter(
            key=record.key,
            value=record.value,
            headers=own,
            reject=Reject(RejectReason(said[0]), said[1]),
            topic=Topic(said[2]),
            partition=int(said[3]),
            offset=int(said[4]),
            at=at,
            version=said[6],
            value_bytes=value_bytes,
        )
    except ValueError:
        return _not_ours("dlq headers: format")


def _not_ours(detail: str) -> Reject:
    return Reject(RejectReason.SCHEMA_VIOLATION, detail)
