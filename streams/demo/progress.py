"""How far the worker is: what it has committed, against what was written."""

from collections.abc import Sequence
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


class Progress(NamedTuple):
    """Counts of records."""

    ingested: int
    """Input records that ingest has done."""
    evidence: int
    """Pieces of evidence that it has written."""
    folded: int
    """Pieces of evidence that have reached a flag's state."""
    unheard: int
    """Records that the stages behind the flags have not heard yet; never quite 0,
    since the markers of transactions count, and nobody hears them."""

    def waiting(self, published: int) -> int:
        """Answer how many records are on their way, at the fuller place."""
        return max(published - self.ingested, self.evidence - self.folded)


NOTHING = Progress(0, 0, 0, 0)


class Watch:
    """Asks the group of the worker how far it is; commits nothing."""

    def __init__(self, settings: Settings) -> None:
        """Connect under the worker's group, without joining it."""
        self._cluster = Cluster(settings)
        self._consumer: Consumer = self._cluster.consumer(group_id=settings.app_id)
        self._inputs = [
            partition for topic in INPUTS for partition in self._partitions(topic)
        ]
        self._evidence = self._partitions(Topic.EVIDENCE)
        self._behind = [
            partition
            for topic in (Topic.TENANT_ACTIVITY, Topic.SPIKE_DIGESTS)
            for partition in self._partitions(topic)
        ]

    def close(self) -> None:
        """Let go of the connections."""
        self._consumer.close()

    def look(self) -> Progress | None:
        """Answer how far the worker is; None when the brokers cannot say just now.

        Raises:
            Unavailable: the brokers do not answer.
        """
        try:
            return Progress(
                ingested=self._committed(self._inputs),
                evidence=self._written(self._evidence),
                folded=self._committed(self._evidence),
                unheard=self._written(self._behind) - self._committed(self._behind),
            )
        except KafkaException as error:
            if error.args[0].code() in _BUSY:
                return None
            raise self._cluster.failure(error.args[0]) from None

    def _partitions(self, topic: Topic) -> list[TopicPartition]:
        name = self._cluster.topic(topic)
        try:
            found = self._consumer.list_topics(name, timeout=_PATIENCE).topics[name]
        except KafkaException as error:
            raise self._cluster.failure(error.args[0]) from None
        if not found.partitions:
            message = f"topic {name} has no partitions"
            raise Unavailable(message)
        return [TopicPartition(name, number) for number in found.partitions]

    def _committed(self, partitions: Sequence[TopicPartition]) -> int:
        found = self._consumer.committed(list(partitions), timeout=_PATIENCE)
        return sum(max(each.offset, 0) for each in found)

    def _written(self, partitions: Sequence[TopicPartition]) -> int:
        return sum(
            self._consumer.get_watermark_offsets(each, timeout=_PATIENCE)[1]
            for each in partitions
        )
