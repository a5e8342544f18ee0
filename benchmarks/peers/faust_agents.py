"""Stock Faust agents: one event at a time, a table with a changelog, at least once.

Faust's `exactly_once` is not used, because under restarts it loses and invents
events, so this is the weaker guarantee and the cheaper mode.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import faust
from job import JOBS, stages
from told import Told, now, ready, told

from streams.core.instant import Instant
from streams.engine.stage import Batch, Message, PartitionTable, Stage
from streams.engine.table import NoTable
from streams.wire.topic import Topic


class Arrival:
    """A Faust message as a record of the engine's face."""

    __slots__ = ("headers", "key", "offset", "timestamp", "value")

    def __init__(self, event: Any) -> None:  # noqa: ANN401 - untyped upstream
        message = event.message
        self.key: bytes | None = message.key
        self.value: bytes | None = message.value
        self.headers = tuple((message.headers or {}).items())
        self.offset: int = message.offset
        self.timestamp = int(message.timestamp * 1000)


class FaustTable:
    """Faust's table as a stage sees one; the changelog is Faust's."""

    def __init__(self, table: Any) -> None:  # noqa: ANN401 - untyped upstream
        self._table = table

    def get(self, key: bytes) -> bytes | None:
        return self._table.get(key)  # type: ignore[no-any-return] # untyped

    def put(self, key: bytes, value: bytes) -> None:
        self._table[key] = value

    def delete(self, key: bytes) -> None:
        self._table.pop(key, None)

    def due(self, now: Instant) -> list[bytes]:
        del now
        return []

    def hand(self, limit: int) -> list[tuple[bytes, bytes]]:
        del limit
        return []

    def scan(self) -> Iterator[tuple[bytes, bytes]]:
        return iter(())

    def __len__(self) -> int:
        return len(self._table)


def app(given: Told) -> faust.App:  # noqa: C901 - agents are closures in Faust
    """Answer an app with an agent for each stage."""
    made = faust.App(
        given.app,
        broker=f"kafka://{given.kafka}",
        key_serializer="raw",
        value_serializer="raw",
        store="memory://",
        topic_partitions=given.partitions,
        topic_disable_leader=True,
        web_enabled=False,
        datadir=given.state,
        consumer_auto_offset_reset="earliest",
        broker_commit_interval=1.0,
        stream_recovery_delay=0.1,
    )
    topics: dict[str, Any] = {}

    def topic(name: str) -> Any:  # noqa: ANN401 - untyped upstream
        if name not in topics:
            topics[name] = made.topic(
                given.prefix + name,
                key_type=bytes,
                value_type=bytes,
                key_serializer="raw",
                value_serializer="raw",
            )
        return topics[name]

    async def send(message: Message) -> None:
        headers: Mapping[str, bytes] = dict(message.headers)
        await topic(message.topic).send(
            key=message.key, value=message.value, headers=headers
        )

    def agent(name: str, stage: Stage, table: PartitionTable) -> None:
        @made.agent(topic(name), name=name)  # type: ignore[untyped-decorator] # upstream
        async def work(stream: Any) -> None:  # noqa: ANN401 - untyped upstream
            async for event in stream.events():
                batch = Batch(name, event.message.partition, [Arrival(event)])
                output = stage.process(batch, table, Instant(now()))
                for message in output.messages:
                    await send(message)

    kept = made.Table(
        "flags",
        key_type=bytes,
        value_type=bytes,
        partitions=given.partitions,
        changelog_topic=made.topic(
            given.changelog,
            key_type=bytes,
            value_type=bytes,
            key_serializer="raw",
            value_serializer="raw",
            compacting=True,
            partitions=given.partitions,
        ),
    )
    table = FaustTable(kept)
    if given.job in JOBS:
        agent(given.input, JOBS[given.job](), table)
    else:
        ours = stages(given)
        agent(given.input, ours.ingest, NoTable())
        agent(Topic.EVIDENCE, ours.flags, table)

    @made.task  # type: ignore[untyped-decorator] # upstream
    async def tell() -> None:
        while made.rebalancing or not made.tables.recovery.completed.is_set():
            await made.sleep(0.1)
        ready()

    return made


if __name__ == "__main__":
    faust.Worker(app(told()), loglevel="WARNING").execute_from_commandline()
