"""Messages on their way out: which partition, which record batch, which topic."""

import asyncio
import functools
import itertools
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from aiokafka import AIOKafkaProducer
from aiokafka.errors import UnknownTopicOrPartitionError

from streams.engine.clock import Clock
from streams.engine.config import EngineConfig
from streams.engine.partitioner import murmur2_of, placed
from streams.engine.stage import Message

T = TypeVar("T")
_PAUSE = 0.1
"""Seconds before a topic is asked for again."""
NO_HEADERS: list[tuple[str, bytes]] = []
"""Shared; aiokafka's record writer takes a list and nothing else."""
Row = tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]
"""Key, value and headers of a record to be written."""
Destination = tuple[str, int]
"""Real topic name and partition."""


class Outbox:
    """Packs messages into record batches and hands them to a producer.

    Batches of one partition go out one after the other, in order; those of
    different partitions share a request.
    """

    def __init__(
        self, config: EngineConfig, producer: AIOKafkaProducer, clock: Clock
    ) -> None:
        """Write through `producer`, which the caller starts and stops."""
        self._clock = clock
        self._config = config
        self._producer = producer
        self._counts: dict[str, int] = {}
        self._turn = itertools.count()
        self.stamped = clock()
        """Time that the newest records bear."""

    async def send(
        self,
        messages: Sequence[Message],
        changelog: tuple[Destination, Mapping[bytes, bytes | None]] | None = None,
    ) -> list[asyncio.Future[Any]]:
        """Hand everything over; each future is one batch's acknowledgement.

        Every one of them must be awaited: aiokafka commits a transaction although
        a produce in it failed (producer/message_accumulator.py:308 waits for the
        batches and never looks at their results).
        """
        rows = await self._by_destination(messages)
        self.stamped = self._clock()
        queues = [iter(self._batches(rows[place], place)) for place in rows]
        if changelog is not None:
            place, changes = changelog
            queues.append(
                self._batches(((k, v, NO_HEADERS) for k, v in changes.items()), place)
            )
        sent: list[asyncio.Future[Any]] = []
        while queues:
            for queue in list(queues):
                batch = next(queue, None)
                if batch is None:
                    queues.remove(queue)
                    continue
                builder, (topic, partition) = batch
                send = functools.partial(
                    self._producer.send_batch, builder, topic, partition=partition
                )
                sent.append(await _known(send))
        return sent

    async def _by_destination(
        self, messages: Sequence[Message]
    ) -> dict[Destination, list[Row]]:
        rows: dict[Destination, list[Row]] = defaultdict(list)
        hashes = iter(murmur2_of([m.key for m in messages if m.key is not None]))
        names: dict[str, str] = {}
        for topic, key, value, headers, partition in messages:
            name = names.get(topic)
            if name is None:
                name = names[topic] = self._config.topic(topic)
                asked = functools.partial(self._producer.partitions_for, name)
                self._counts[name] = len(await _known(asked))
            hashed = next(self._turn) if key is None else next(hashes)
            if partition is None:
                partition = placed(hashed, self._counts[name])  # noqa: PLW2901
            listed = list(headers) if headers else NO_HEADERS
            rows[name, partition].append((key, value, listed))
        return rows

    def _batches(
        self, rows: Iterable[Row], place: Destination
    ) -> Iterator[tuple[Any, Destination]]:
        now = self.stamped
        builder = self._producer.create_batch()
        append = builder.append
        for key, value, headers in rows:
            if append(key=key, value=value, timestamp=now, headers=headers) is None:
                yield builder, place
                builder = self._producer.create_batch()
                append = builder.append
                append(key=key, value=value, timestamp=now, headers=headers)
        yield builder, place


async def _known(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask until the topic is known; the deadline of the commit ends it.

    It was there when the worker started, but a broker that has just come back does
    not know its topics at once, and aiokafka waits for one request time-out only
    (client.py:514), counted from before the outage. Nothing has been sent by then.
    """
    while True:
        try:
            return await ask()
        except UnknownTopicOrPartitionError:
            await asyncio.sleep(_PAUSE)


def per_topic(messages: Iterable[Message]) -> Counter[str]:
    """Count messages by logical topic."""
    return Counter(message.topic for message in messages)
