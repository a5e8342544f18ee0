"""What must have come out, computed from what went in.

The stage under test sets a key's flag at `set` and clears it at `clear`, and
names the input record in what it writes. Producers of the tests choose the
partition, so the offset of every record is known when it is sent.
"""

import uuid
from collections import Counter
from typing import NamedTuple

from confluent_kafka import Producer
from log_reader import (
    COMPACTED,
    Row,
    committed,
    compacted,
    ends,
    make_topic,
    read,
)

from streams.engine.partitioner import partition_of
from streams.engine.recovery import OFFSET_KEY


class Findings(NamedTuple):
    """What differs; everything empty is right."""

    lost: set
    invented: set
    repeated: list
    wrong_state: dict
    """Key to (wanted, found)."""
    not_forwarded: set
    """Topic, partition and offset of inputs that never came out."""

    @property
    def nothing(self) -> bool:
        return not any(self)


class Flow:
    """Topics of one application, what was sent to them, and what is expected.

    With `inputs` the records go through a forwarding stage first, from topics of
    different partition counts; else straight to the stateful stage.
    """

    def __init__(
        self, kafka: str, *, inputs: dict[str, int] | None = None, partitions: int = 4
    ) -> None:
        self.kafka = kafka
        self.app = f"t{uuid.uuid4().hex[:8]}"
        self.partitions = partitions
        self.inputs = {f"{self.app}.{name}": n for name, n in (inputs or {}).items()}
        self.evidence = f"{self.app}.evidence"
        self.out = f"{self.app}.out"
        self.changelog = f"{self.app}-flags-changelog"
        for name, count in self.inputs.items():
            make_topic(kafka, name, count)
        make_topic(kafka, self.evidence, partitions)
        make_topic(kafka, self.out, partitions)
        make_topic(kafka, self.changelog, partitions, **COMPACTED)
        self._producer = Producer(
            {
                "bootstrap.servers": kafka,
                "linger.ms": 5,
                "enable.idempotence": True,
                "message.timeout.ms": 120000,
                "log_level": 0,
            }
        )
        self._sent: Counter = Counter()
        self._forwarded: Counter = Counter()
        self.state: dict[bytes, bytes] = {}
        self.announced: set[tuple[bytes, bytes]] = set()

    @property
    def told(self) -> dict:
        """What a worker of this flow must be told."""
        told = {"evidence": self.evidence, "out": self.out}
        if self.inputs:
            told["forward"] = list(self.inputs)
        return told

    def send(self, key: bytes, value: bytes) -> None:
        """Send straight to the stateful stage, and remember what must follow."""
        partition = partition_of(key, self.partitions)
        offset = self._sent[partition]
        self._sent[partition] += 1
        self._produce(self.evidence, key, value, partition)
        self._expect(key, value, partition, offset)

    def _expect(self, key: bytes, value: bytes, partition: int, offset: int) -> None:
        source = b"%d:%d" % (partition, offset)
        if value.startswith(b"set"):
            self.state[key] = source + b" " + value
            self.announced.add((key, b"set " + source))
        elif value.startswith(b"clear") and self.state.pop(key, None) is not None:
            self.announced.add((key, b"clear " + source))

    def forward(self, topic: str, key: bytes, value: bytes, partition: int) -> None:
        """Send to an input of the forwarding stage."""
        self._forwarded[topic, partition] += 1
        self._produce(topic, key, value, partition)

    def _produce(self, topic: str, key: bytes, value: bytes, partition: int) -> None:
        while True:
            try:
                self._producer.produce(topic, value, key, partition)
            except BufferError:
                self._producer.poll(0.2)
            else:
                return

    def flush(self, limit: float = 30.0) -> None:
        left = self._producer.flush(limit)
        assert not left, f"{left} records of the test could not be sent"

    def poll(self) -> None:
        """Let the producer work without waiting for it."""
        self._producer.poll(0)

    @property
    def left(self) -> int:
        """How many records of the stateful stage's input are not committed yet."""
        if self.inputs:
            for number, (_, high) in ends(self.kafka, self.evidence).items():
                self._sent[number] = high
        have: dict[int, int] = {}
        for row in read(self.kafka, self.changelog):
            if row.key == OFFSET_KEY:
                have[row.partition] = int(row.value)
        return sum(sent - have.get(p, 0) for p, sent in self._sent.items())

    @property
    def group_left(self) -> int:
        """How many records of all inputs the group has not committed yet.

        The group's offsets follow what is committed, for monitors of lag.
        """
        left = 0
        for topic in (self.evidence, *self.inputs):
            done = committed(self.kafka, self.app, topic)
            for number, (_, high) in ends(self.kafka, topic).items():
                left += high - max(done[number], 0)
        return left

    @property
    def all_forwarded(self) -> bool:
        """Say whether every input record has come out of the forwarding stage."""
        if not self.inputs:
            return True
        rows = read(self.kafka, self.evidence)
        return self._sources() <= {_source(row) for row in rows}

    def findings(self) -> Findings:
        """Compare everything sent with everything that a subscriber received.

        With a forwarding stage, what it made of the input is the truth for the next
        stage: it may repeat and interleave, but not lose.
        """
        missing = set()
        if self.inputs:
            rows = read(self.kafka, self.evidence)
            for row in rows:
                self._expect(row.key, row.value, row.partition, row.offset)
            missing = self._sources() - {_source(row) for row in rows}
        seen = Counter((row.key, row.value) for row in read(self.kafka, self.out))
        state = compacted(read(self.kafka, self.changelog))
        state.pop(OFFSET_KEY, None)
        wrong = {
            key: (self.state.get(key), state.get(key))
            for key in self.state.keys() | state.keys()
            if self.state.get(key) != state.get(key)
        }
        return Findings(
            self.announced - seen.keys(),
            seen.keys() - self.announced,
            [one for one, times in seen.items() if times > 1],
            wrong,
            missing,
        )

    def _sources(self) -> set[tuple[str, int, int]]:
        return {
            (topic, partition, offset)
            for (topic, partition), count in self._forwarded.items()
            for offset in range(count)
        }


def _source(row: Row) -> tuple[str, int, int]:
    """Answer which input a forwarded record came from."""
    topic, partition, offset = dict(row.headers)["source"].decode().rsplit(":", 2)
    return topic, int(partition), int(offset)
