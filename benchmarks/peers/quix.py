"""Quix Streams 3: one event at a time, state in RocksDB, exactly once.

Runs in an environment of its own. Headers are left out, to its advantage.
"""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from job import JOBS, stages
from quixstreams import Application, State, message_context
from quixstreams.models.serializers.base import SerializationContext, Serializer
from told import Told, ready, told

from streams.core.instant import Instant
from streams.engine.stage import Batch, Message, Stage
from streams.engine.table import NoTable
from streams.wire.topic import Topic

COMMIT_SECONDS = 1.0
VALUE = "value"


class Values(Serializer):
    """Takes the value out of a message."""

    def __call__(self, value: Message, ctx: SerializationContext) -> bytes | None:
        """Answer the bytes to be written."""
        del ctx
        return value.value


class StateTable:
    """The state of the event's key, as a stage sees a table."""

    def __init__(self) -> None:
        self.state: Any = None

    def get(self, key: bytes) -> bytes | None:
        del key
        found: bytes | None = self.state.get_bytes(VALUE)
        return found

    def put(self, key: bytes, value: bytes) -> None:
        del key
        self.state.set_bytes(VALUE, value)

    def delete(self, key: bytes) -> None:
        del key
        self.state.delete(VALUE)

    def due(self, now: Instant) -> list[bytes]:
        del now
        return []

    def hand(self, limit: int) -> list[tuple[bytes, bytes]]:
        del limit
        return []

    def scan(self) -> Iterator[tuple[bytes, bytes]]:
        return iter(())

    def __len__(self) -> int:
        return 0


def application(given: Told) -> Application:
    """Answer the application and its flow."""
    app = Application(
        broker_address=given.kafka,
        consumer_group=given.app,
        auto_offset_reset="earliest",
        commit_interval=COMMIT_SECONDS,
        state_dir=given.state,
        loglevel="WARNING",
        processing_guarantee="exactly-once",
        auto_create_topics=True,
        consumer_poll_timeout=0.2,
    )
    topics: dict[str, Any] = {}

    def topic(name: str) -> Any:  # noqa: ANN401 - Quix's own type of a topic
        if name not in topics:
            topics[name] = app.topic(
                given.prefix + name,
                key_deserializer="bytes",
                value_deserializer="bytes",
                key_serializer="bytes",
                value_serializer=Values(),
            )
        return topics[name]

    def run(stage: Stage, name: str, table: Any, row: tuple[Any, ...]) -> list[Message]:  # noqa: ANN401
        value, key, timestamp = row
        place = message_context()
        record = SimpleNamespace(
            key=key, value=value, headers=(), offset=place.offset, timestamp=timestamp
        )
        batch = Batch(name, place.partition, [record])
        return stage.process(batch, table, Instant(timestamp)).messages

    def flow(stage: Stage, name: str, *, stateful: bool) -> None:
        if stateful:
            kept = StateTable()

            def work(
                value: bytes, key: bytes, timestamp: int, _: object, state: State
            ) -> list[Message]:
                kept.state = state
                return run(stage, name, kept, (value, key, timestamp))
        else:
            nothing = NoTable()

            def work(
                value: bytes, key: bytes, timestamp: int, _: object
            ) -> list[Message]:
                return run(stage, name, nothing, (value, key, timestamp))

        frame = app.dataframe(topic(name))
        frame = frame.apply(work, stateful=stateful, expand=True, metadata=True)
        frame.to_topic(
            lambda message, *_: topic(message.topic), key=lambda message: message.key
        )

    for output in (Topic.FLAG_CHANGES, Topic.FLAGS, Topic.TENANT_ACTIVITY):
        topic(output)
    if given.job in JOBS:
        flow(JOBS[given.job](), given.input, stateful=True)
    else:
        ours = stages(given)
        flow(ours.ingest, given.input, stateful=False)
        flow(ours.flags, Topic.EVIDENCE, stateful=True)
    return app


if __name__ == "__main__":
    flowing = application(told())
    ready()
    flowing.run()
