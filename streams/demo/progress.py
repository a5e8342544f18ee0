"""How far the worker is: what it has committed, against what was written."""

from collections.abc import Iterable
from time import monotonic
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from streams.adapters.kafka_client import Cluster
from streams.errors import Unavailable
from streams.settings import Settings
from streams.wire.topic import INPUTS, Topic

_PATIENCE = 5.0
_BUSY = frozenset(
    {
        KafkaError.NOT_COORDINATOR,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    }
)
"""A group of which nobody has heard before has no coordinator for a moment."""
_BETWEEN = (Topic.EVIDENCE, Topic.TENANT_ACTIVITY, Topic.SPIKE_DIGESTS)
"""What stages tell each other."""
_FETCH_MS = 10
_AT_HAND = 0.005
"""Seconds in which a record that was fetched is handed out."""
_VISIBLE = 0.04
"""Seconds after which a record that was written has been fetched."""


class Progress(NamedTuple):
    """Counts of records."""

    ingested: int
    """Input records that ingest has done."""
    evidence: int
    """Pieces of evidence that it has written."""
    folded: int
    """Pieces of evidence that have reached a flag's state."""
    calm: bool
    """Whether every stage has done what it was told, and none has told more since."""

    def waiting(self, published: int) -> int:
        """Answer how many records are on their way, at the fuller place."""
        return max(published - self.ingested, self.evidence - self.folded)

    def is_heard(self, published: int) -> bool:
        """Say whether all that follows from what was published is done."""
        return self.calm and self.ingested >= published


NOTHING = Progress(0, 0, 0, calm=True)
Place = tuple[str | None, int | None]
"""A topic's real name and a partition."""


class Watch:
    """Asks the group of the worker how far it is; commits nothing.

    What the stages tell each other it reads along, since the end of a partition says
    too little: it counts the markers of transactions, which nobody hears.
    """

    def __init__(self, settings: Settings) -> None:
        """Connect under the worker's group, without joining it."""
        self._cluster = Cluster(settings)
        self._consumer: Consumer = self._cluster.consumer(
            group_id=settings.app_id, fetch_wait_max_ms=_FETCH_MS
        )
        inputs = [place for topic in INPUTS for place in self._partitions(topic)]
        between = [place for topic in _BETWEEN for place in self._partitions(topic)]
        self._asked = [TopicPartition(*place) for place in (*inputs, *between)]
        self._inputs = frozenset(inputs)
        self._evidence = frozenset(self._partitions(Topic.EVIDENCE))
        self._told: dict[Place, int] = dict.fromkeys(between, 0)
        """Offset after the newest record that was seen."""
        self._done: dict[Place, int] = {}
        """Offset after the newest record that was done."""
        self._still_since = monotonic()
        """Since when nothing new was seen, and all that was seen is done."""
        self._consumer.assign([TopicPartition(*place, 0) for place in between])

    def close(self) -> None:
        """Let go of the connections."""
        self._consumer.close()

    def look(self) -> Progress | None:
        """Answer how far the worker is; None when the brokers cannot say just now.

        Raises:
            Unavailable: the brokers do not answer.
        """
        began = monotonic()
        try:
            found = self._consumer.committed(self._asked, timeout=_PATIENCE)
        except KafkaException as error:
            if error.args[0].code() in _BUSY:
                return None
            raise self._cluster.failure(error.args[0]) from None
        before, done = self._done, {_place(each): max(each.offset, 0) for each in found}
        self._done = done
        news = self._read() or done != before
        if news or any(done[place] < told for place, told in self._told.items()):
            self._still_since = monotonic()
        return Progress(
            ingested=_sum(done, self._inputs),
            evidence=_sum(self._told, self._evidence),
            folded=_sum(done, self._evidence),
            calm=began - self._still_since > _VISIBLE,
        )

    def _partitions(self, topic: Topic) -> list[tuple[str, int]]:
        name = self._cluster.topic(topic)
        try:
            found = self._consumer.list_topics(name, timeout=_PATIENCE).topics[name]
        except KafkaException as error:
            raise self._cluster.failure(error.args[0]) from None
        if not found.partitions:
            message = f"topic {name} has no partitions"
            raise Unavailable(message)
        return [(name, number) for number in found.partitions]

    def _read(self) -> int:
        """Read what was told since; answer how much."""
        count = 0
        while told := self._consumer.consume(1_000, timeout=_AT_HAND):
            for record in told:
                error, offset = record.error(), record.offset()
                if error is not None:
                    raise self._cluster.failure(error)
                self._told[record.topic(), record.partition()] = (offset or 0) + 1
            count += len(told)
        return count


def _place(partition: TopicPartition) -> Place:
    return partition.topic, partition.partition


def _sum(counts: dict[Place, int], places: Iterable[Place]) -> int:
    return sum(counts[place] for place in places)
