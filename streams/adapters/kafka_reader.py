"""Topics read from a position to their present end, once, without a group.

Where a partition ends is asked before it is read, so reading is bounded however
fast others write; only what was committed is read. Nothing is left on the broker.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from time import monotonic
from typing import NamedTuple, Self, cast

from confluent_kafka import (
    OFFSET_END,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # no __all__
    ClusterMetadata,
)

from streams.adapters.kafka_client import Cluster
from streams.core.instant import Instant
from streams.engine.partitioner import partition_of
from streams.errors import ConfigurationError, MailflagError

Headers = tuple[tuple[str, bytes | None], ...]
"""Kafka allows a header without a value."""
Progress = Callable[[int, int], None]
"""Told how many offsets are done, of how many."""

_CHUNK = 1_000
_FIRST_WAIT = 1.0
_TICK = 0.2
"""Seconds after which a wait looks up, so that Ctrl-C is heard."""
_EOF = KafkaError._PARTITION_EOF  # noqa: SLF001  # librdkafka's own codes begin so
_NOT_OURS = frozenset({KafkaError.GROUP_AUTHORIZATION_FAILED})
"""About a group that we are in by name only."""


class Span(NamedTuple):
    """A stretch of one partition: from `first` up to, not including, `end`."""

    topic: str
    """Real name."""
    partition: int
    first: int
    end: int

    @property
    def extent(self) -> int:
        """How many offsets it has; not all of them hold a record."""
        return max(self.end - self.first, 0)


class KafkaRecord(NamedTuple):
    """One record as it was read, free of the client's own types."""

    topic: str
    """Real name."""
    partition: int
    offset: int
    timestamp: Instant
    key: bytes | None
    value: bytes | None
    headers: Headers
    """In order; names may repeat."""


def record(message: Message) -> KafkaRecord:
    """Answer a message of the client as a record."""
    return KafkaRecord(
        message.topic() or "",
        message.partition() or 0,
        message.offset() or 0,
        Instant(message.timestamp()[1]),
        message.key(),
        message.value(),
        tuple(cast("list[tuple[str, bytes | None]]", message.headers() or [])),
    )


def unwatched(done: int, total: int) -> None:
    """Show no progress."""
    del done, total


class KafkaReader:
    """Reads spans of topics; a context manager, since it holds connections."""

    def __init__(self, cluster: Cluster) -> None:
        """Make the client; it connects at the first question."""
        self._cluster = cluster
        self._partitions: dict[str, int] = {}
        self._consumer: Consumer = cluster.consumer(
            enable_partition_eof=True,
            auto_offset_reset="earliest",
            # The end of a partition is only known from an empty answer.
            fetch_wait_max_ms=10,
        )

    def __enter__(self) -> Self:
        """Answer itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the connections."""
        self._consumer.close()

    def cluster_id(self) -> str:
        """Answer the id that the cluster gave itself."""
        return str(self._metadata().cluster_id)

    def partitions(self, topic: str) -> int:
        """Answer how many partitions a topic has, by its real name.

        Ask before reading, not meanwhile: a question may cost a message.

        Raises:
            ConfigurationError: there is no such topic.
            Unavailable: Kafka does not answer.
        """
        known = self._partitions.get(topic)
        if known is not None:
            return known
        found = self._metadata(topic).topics[topic]
        if found.error is not None and found.error.code() in {
            KafkaError.UNKNOWN_TOPIC_OR_PART,
            KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001  # the same
        }:
            raise self._cluster.missing(topic)
        if found.error is not None:
            raise self._cluster.failure(found.error)
        self._partitions[topic] = len(found.partitions)
        return len(found.partitions)

    def _metadata(self, topic: str | None = None) -> ClusterMetadata:
        """Ask for the cluster and one topic; it is the first question of all.

        A little at a time: a refused login is no reason to wait for long.
        """
        end = monotonic() + self._cluster.patience
        while True:
            left = min(_FIRST_WAIT, max(end - monotonic(), _TICK))
            try:
                found: ClusterMetadata = self._consumer.list_topics(topic, timeout=left)
            except KafkaException as error:
                failure = self._failure(error)
                if isinstance(failure, ConfigurationError) or monotonic() >= end:
                    raise failure from None
            else:
                return found

    def partition_of(self, topic: str, key: bytes) -> int:
        """Answer in which partition of a topic the records of a key are."""
        return partition_of(key, self.partitions(topic))

    def spans(
        self,
        topic: str,
        partitions: Collection[int] | None = None,
        *,
        since: Instant | None = None,
    ) -> list[Span]:
        """Answer what is to be read of a topic: all of it, or what came `since`."""
        count = self.partitions(topic)
        asked = sorted(range(count) if partitions is None else partitions)
        patience = self._cluster.patience
        try:
            marks = {
                p: self._consumer.get_watermark_offsets(
                    TopicPartition(topic, p), timeout=patience
                )
                for p in asked
            }
            if since is None:
                return [Span(topic, p, *marks[p]) for p in asked]
            times = [TopicPartition(topic, p, max(since, 0)) for p in asked]
            found = self._consumer.offsets_for_times(times, timeout=patience)
        except KafkaException as error:
            raise self._failure(error) from None
        firsts = {f.partition: f.offset for f in found}
        return [
            Span(topic, p, end if firsts[p] == OFFSET_END else firsts[p], end)
            for p, (_, end) in marks.items()
        ]

    def read(
        self, spans: Sequence[Span], progress: Progress = unwatched
    ) -> Iterator[list[Message]]:
        """Go through the messages of spans, a few at a time, in order by partition.

        Raises:
            Unavailable: Kafka has said nothing for the cluster's patience.
        """
        waiting = {(span.topic, span.partition): span for span in spans if span.extent}
        total = sum(span.extent for span in spans)
        reached = {place: span.first for place, span in waiting.items()}
        self._consumer.assign(
            [TopicPartition(s.topic, s.partition, s.first) for s in waiting.values()]
        )
        heard = monotonic()
        while waiting:
            chunk = self._chunk()
            if chunk:
                heard = monotonic()
            elif monotonic() - heard > self._cluster.patience:
                raise self._cluster.silence()
            inside = self._sorted_out(chunk, waiting, reached)
            left = sum(s.end - reached[place] for place, s in waiting.items())
            progress(total - left, total)
            if inside:
                yield inside

    def _chunk(self) -> list[Message]:
        """Answer what has arrived, after waiting for the first of it.

        `consume` alone would wait until it has as many as it may.
        """
        first = self._consumer.poll(_TICK)
        if first is None:
            return []
        return [first, *self._consumer.consume(_CHUNK, timeout=0)]

    def _sorted_out(
        self,
        chunk: list[Message],
        waiting: dict[tuple[str, int], Span],
        reached: dict[tuple[str, int], int],
    ) -> list[Message]:
        """Answer the messages inside their spans; take off what has ended."""
        inside: list[Message] = []
        for message in chunk:
            place = (message.topic() or "", message.partition() or 0)
            error = message.error()
            if error is not None and error.code() not in _NOT_OURS | {_EOF}:
                raise self._cluster.failure(error)
            span = waiting.get(place)
            if span is None:
                continue
            if error is not None:
                ended = error.code() == _EOF
            else:
                offset = message.offset() or 0
                reached[place] = offset + 1
                ended = offset + 1 >= span.end
                if offset < span.end:
                    inside.append(message)
            if ended:
                del waiting[place]
                if waiting:
                    self._consumer.incremental_unassign([TopicPartition(*place)])
        return inside

    def _failure(self, error: KafkaException) -> MailflagError:
        """Answer what went wrong, after listening to what the client has to say."""
        self._consumer.poll(0)
        return self._cluster.failure(error.args[0])
