"""Dead letters on their topics: found, chosen, and put back where they came from.

A record is put back with its own key, value and headers, without ours, and with
the header `replayed-from`; it counts only once the brokers have acknowledged it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from confluent_kafka import KafkaError, KafkaException, Message

from streams.adapters.kafka_client import Cluster
from streams.adapters.kafka_reader import (
    Headers,
    KafkaReader,
    KafkaRecord,
    Progress,
    Span,
    record,
    unwatched,
)
from streams.core.instant import Instant
from streams.wire import contract, dead_letter
from streams.wire.contract import Role
from streams.wire.dead_letter import DeadLetter
from streams.wire.reject import Reject, RejectReason

SUFFIX = ".dlq"
"""What a dead-letter topic's name adds to that of its input."""

REPLAYED_FROM = "replayed-from"
"""Header that says which dead letter a record was: `topic/partition/offset`."""

MAX_BYTES = int(
    next(
        m.settings["max.message.bytes"]
        for m in contract.manifests().values()
        if m.role is Role.DEAD_LETTER
    )
)
"""Largest record of a dead-letter topic, so the largest one to put back."""

_IN_FLIGHT = 10_000
_LINGER = 20
_DELIVERY = 30.0
"""Seconds in which a record must be acknowledged."""
_TICK = 0.1
_TOO_LARGE = frozenset(
    {KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE}
)
_REFUSED = _TOO_LARGE | {KafkaError.INVALID_RECORD, KafkaError.INVALID_TIMESTAMP}
"""About this one record; the others may well be taken."""


def topics() -> tuple[str, ...]:
    """Answer the logical names of all dead-letter topics."""
    return tuple(
        name for name, m in contract.manifests().items() if m.role is Role.DEAD_LETTER
    )


class Place(NamedTuple):
    """Where a dead letter lies."""

    topic: str
    """Logical name."""
    partition: int
    offset: int

    def __str__(self) -> str:
        """Answer `topic/partition/offset`."""
        return f"{self.topic}/{self.partition}/{self.offset}"


class Found(NamedTuple):
    """One record of a dead-letter topic."""

    record: KafkaRecord
    letter: DeadLetter | None
    """None: not written by mailflag, so where it came from is not known."""
    place: Place

    @property
    def headers(self) -> Headers:
        """Answer the record's own headers, as its producer wrote them."""
        whole = self.record.headers
        return whole if self.letter is None else whole[: len(self.letter.headers)]

    @property
    def replayed_from(self) -> str | None:
        """Answer which dead letter this record was before, when it has come back."""
        said = dict(self.headers).get(REPLAYED_FROM)
        return None if said is None else said.decode(errors="replace")


class Choice(NamedTuple):
    """Which dead letters are meant."""

    reasons: frozenset[RejectReason] = frozenset()
    """Empty: all."""
    since: Instant | None = None
    until: Instant | None = None

    def takes(self, found: Found) -> bool:
        """Say whether a record is meant; one that is none of ours has no reason."""
        letter = found.letter
        at = found.record.timestamp if letter is None else letter.at
        if self.since is not None and at < self.since:
            return False
        if self.until is not None and at >= self.until:
            return False
        if not self.reasons:
            return True
        return letter is not None and letter.reject.reason in self.reasons


class DeadLetters:
    """The dead letters of some topics, as they are now."""

    def __init__(
        self, cluster: Cluster, reader: KafkaReader, names: Sequence[str]
    ) -> None:
        """Take the topics by their logical names."""
        self._cluster = cluster
        self._reader = reader
        self._names = names

    def spans(self, since: Instant | None = None) -> list[Span]:
        """Answer what there is to read, up to the present end."""
        return [
            span
            for name in self._names
            for span in self._reader.spans(self._cluster.topic(name), since=since)
        ]

    def read(
        self, spans: Sequence[Span], progress: Progress = unwatched
    ) -> Iterator[Found]:
        """Go through all records, oldest first in each partition."""
        for chunk in self._reader.read(spans, progress):
            for message in chunk:
                yield find(record(message), self._cluster.logical)


def find(one: KafkaRecord, logical: Callable[[str], str]) -> Found:
    """Answer what a record of a dead-letter topic is.

    Whoever may write to the topic may write any headers: a record that claims to
    be from elsewhere than this topic's own input is none of ours.
    """
    plain = tuple((name, value or b"") for name, value in one.headers)
    letter = dead_letter.read(_Plain(one.key, one.value, plain, one.offset))
    place = Place(logical(one.topic), one.partition, one.offset)
    if isinstance(letter, Reject) or letter.topic.dead_letters != place.topic:
        return Found(one, None, place)
    return Found(one, letter, place)


class _Plain(NamedTuple):
    """A record as the codec reads it: every header has a value."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    offset: int


class Replay:
    """Puts dead letters back; counts what the brokers have acknowledged."""

    def __init__(
        self,
        cluster: Cluster,
        reader: KafkaReader,
        inputs: Iterable[str],
        done: Callable[[Sequence[Place]], None],
    ) -> None:
        """Take the logical names of the topics that records go back to.

        `done` is told, in the caller's thread, what is safely put back.

        Raises:
            ConfigurationError: one of the topics is not there.
        """
        self.acknowledged = 0
        self.refused: list[tuple[Place, str]] = []
        """Which records the brokers do not take, and what they say."""
        self._cluster = cluster
        # Asked now: while records are read the reader has no time for questions.
        self._partitions = {t: reader.partitions(cluster.topic(t)) for t in inputs}
        self._done = done
        self._news: list[Place] = []
        self._failure: KafkaError | None = None
        self._producer = cluster.producer(
            linger_ms=_LINGER,
            message_max_bytes=MAX_BYTES,
            delivery_timeout_ms=int(_DELIVERY * 1000),
            queue_buffering_max_messages=_IN_FLIGHT,
        )

    def put_back(self, found: Iterable[Found]) -> None:
        """Put dead letters back and wait until all are acknowledged.

        Raises:
            Unavailable: the brokers do not take them; what was acknowledged before
                is counted and told.
        """
        try:
            for one in found:
                self._send(one)
                self._hear(0)
        finally:
            # Also when interrupted: what is on its way will arrive, so wait for it.
            self._settle()
        self._check()

    def _send(self, found: Found) -> None:
        letter, one = found.letter, found.record
        if letter is None or letter.value_bytes is not None:
            message = "there is nothing to put back"
            raise ValueError(message)
        place = found.place
        headers: list[tuple[str, str | bytes | None]] = [
            (name, value) for name, value in found.headers if name != REPLAYED_FROM
        ]
        headers.append((REPLAYED_FROM, str(place).encode()))
        topic = self._cluster.topic(letter.topic)
        there = letter.partition < self._partitions[letter.topic]

        def report(error: KafkaError | None, message: Message) -> None:
            del message
            self._report(place, error)

        while True:
            try:
                self._producer.produce(
                    topic,
                    value=one.value,
                    key=one.key,
                    # The producer's own choice; keys need not have decided it.
                    partition=letter.partition if there else -1,
                    headers=headers,
                    on_delivery=report,
                )
            except BufferError:
                self._hear(_TICK)
            except KafkaException as error:
                self._report(place, error.args[0])
                return
            else:
                return

    def _report(self, place: Place, error: KafkaError | None) -> None:
        if error is None:
            self._news.append(place)
        elif error.code() in _REFUSED:
            self.refused.append((place, error.str()))
        elif self._failure is None:
            self._failure = error

    def _hear(self, seconds: float) -> None:
        """Take in what the brokers have acknowledged."""
        self._producer.poll(seconds)
        self._tell()
        self._check()

    def _tell(self) -> None:
        if self._news:
            news, self._news = self._news, []
            self.acknowledged += len(news)
            self._done(news)

    def _check(self) -> None:
        if self._failure is not None:
            raise self._cluster.failure(self._failure)

    def _settle(self) -> None:
        """Wait for what is on its way, at most as long as a delivery may take."""
        try:
            while self._failure is None and len(self._producer):
                self._producer.poll(_TICK)
                self._tell()
        finally:
            self._tell()
