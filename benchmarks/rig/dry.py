"""Stages without Kafka: records made by hand, a batch at a time."""

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from streams.agents.ingest import IngestStage
from streams.core.instant import Instant
from streams.engine.stage import Batch, Message
from streams.engine.table import NoTable

BATCH = 1_000
"""What a busy worker hands to a stage at a time."""


def clock() -> Instant:
    """Answer the present."""
    return Instant(time.time_ns() // 1_000_000)


class Arrival(NamedTuple):
    """A record as the log has it."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    offset: int
    timestamp: int


def arrivals(pairs: Iterable[tuple[bytes | None, bytes | None]]) -> list[Arrival]:
    """Answer records that have just arrived."""
    now = clock()
    return [Arrival(k, v, (), number, now) for number, (k, v) in enumerate(pairs)]


def batches(topic: str, records: Sequence[Arrival]) -> Iterator[Batch]:
    """Answer the records in batches of one partition."""
    for first in range(0, len(records), BATCH):
        yield Batch(topic, 0, records[first : first + BATCH])


def evidence(stage: IngestStage, topic: str, values: Sequence[bytes]) -> list[Message]:
    """Answer what ingest makes of events."""
    made: list[Message] = []
    for batch in batches(topic, arrivals((None, value) for value in values)):
        made += stage.process(batch, NoTable(), clock()).messages
    return made
