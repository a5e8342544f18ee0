"""Plays a day: publishes its events, and follows what the worker makes of them.

One loop does both, so nothing has to be shared. It never runs further ahead of the
worker than the embedded Kafka can hold, and at the end of a beat it waits until all
stages have heard everything.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic
from typing import cast

from confluent_kafka import Consumer, Producer, TopicPartition

from streams.adapters.kafka_client import Cluster
from streams.core.instant import Instant
from streams.demo.beat import Beat, beats
from streams.demo.hired import HiredWorker
from streams.demo.logbook import Event
from streams.demo.progress import NOTHING, Progress, Watch
from streams.demo.story import Story
from streams.settings import Settings
from streams.wire.topic import INPUTS, Topic

_AHEAD = 8_000
"""Records on their way at most: what the embedded Kafka can hold."""
_AHEAD_SHARE = 40
"""At most one in so many of the day's: what happened an hour later comes later."""
_FIRST = 500
"""What is published before the worker is at work."""
_CHUNK = 250
_UPBEAT = Beat(0, firm=True)
_LOOK = 0.25
"""Seconds between two looks at the worker's progress."""
_GLANCE = 0.05
"""The same while a beat is waited for."""
_CALM = 3.0
"""Seconds without news after which a finished run is over: the stages behind the
flags have heard everything then, and timers have run."""
_STUCK = 60.0
"""Seconds without progress after which something must be wrong."""
_OUTPUTS = (
    Topic.FLAG_CHANGES,
    Topic.FLAGS,
    Topic.ALERTS,
    *(topic.dead_letters for topic in INPUTS),
)


@dataclass
class Moment:
    """How the play stands."""

    total: int
    """Events of the day."""
    started: float
    heard: float
    """When there was last a sign of life: progress, or an output."""
    published: int = 0
    beat: Beat = _UPBEAT
    clock: Instant | None = None
    """Time of the day that is being played."""
    progress: Progress = NOTHING
    first_done: float | None = None
    """When the worker was first seen to have done something."""
    last_done: float = 0.0
    """When it was last seen to have done something."""

    @property
    def seconds(self) -> float:
        """Seconds since the curtain rose."""
        return monotonic() - self.started

    @property
    def done(self) -> int:
        """Events that have reached the flags; ingest may have read some twice."""
        return min(self.progress.folded, self.published)

    @property
    def per_second(self) -> float:
        """Events that the worker has done, a second since its first."""
        busy = self.last_done - (self.first_done or self.last_done)
        return self.progress.folded / busy if busy else 0.0

    @property
    def beat_is_over(self) -> bool:
        """Whether the beat was published, and every stage has heard it."""
        played = self.published == self.beat.end
        return played and self.progress.is_heard(self.published)

    @property
    def is_done(self) -> bool:
        """Whether the last beat is over."""
        return self.published == self.total and self.beat_is_over


class Player:
    """Plays events on a Kafka, with a worker that is running."""

    def __init__(self, settings: Settings, worker: HiredWorker, story: Story) -> None:
        """Connect."""
        self._cluster = Cluster(settings)
        self._worker = worker
        self._story = story
        self._watch = Watch(settings)
        self._producer: Producer = self._cluster.producer(
            linger_ms=20, compression_type="lz4"
        )
        self._follower: Consumer = self._cluster.consumer(
            auto_offset_reset="earliest", fetch_wait_max_ms=50
        )
        self._follower.assign(
            [
                TopicPartition(name, number, 0)
                for name in map(self._cluster.topic, _OUTPUTS)
                for number in self._follower.list_topics(name, timeout=10)
                .topics[name]
                .partitions
            ]
        )

    def close(self) -> None:
        """Let go of the connections."""
        self._producer.purge()
        self._follower.close()
        self._watch.close()

    def play(
        self, events: list[Event], start: Instant, pace: float
    ) -> Iterator[Moment]:
        """Publish all events, over `pace` seconds or as fast as the worker goes.

        The day begins at `start`. Answers often how it stands, the last time when all
        is done.

        Raises:
            WorkerFailed: the worker ended, or has done nothing for a minute.
            Unavailable: Kafka does not answer.
        """
        now = monotonic()
        moment = Moment(len(events), now, heard=now)
        coming = beats(events, start)
        looked = shown = 0.0
        while True:
            if moment.beat_is_over or self._may_hurry(moment, pace):
                moment.beat = next(coming, moment.beat)
            self._publish(events, moment, pace)
            busy = self._may_publish(moment, pace)
            if self._listen(0.0 if busy else _GLANCE):
                moment.heard = monotonic()
            now = monotonic()
            waits = moment.published == moment.beat.end
            if now - looked >= (_GLANCE if waits else _LOOK):
                looked = now
                self._look(moment)
            if now - shown >= _LOOK:
                shown = now
                yield moment
                if moment.is_done and monotonic() - moment.heard >= _CALM:
                    return

    def _may_publish(self, moment: Moment, pace: float) -> bool:
        if moment.published >= moment.beat.end:
            return False
        ahead = min(max(moment.total // _AHEAD_SHARE, _FIRST), _AHEAD)
        if moment.progress.waiting(moment.published) >= ahead:
            return False
        if moment.first_done is None:
            return moment.published < _FIRST
        return moment.published < self._due(moment, pace)

    def _may_hurry(self, moment: Moment, pace: float) -> bool:
        """Say whether the worker need not be waited for: the day is late."""
        played = moment.published == moment.beat.end and not moment.beat.firm
        return played and pace > 0 and moment.published < self._due(moment, pace)

    @staticmethod
    def _due(moment: Moment, pace: float) -> float:
        """Answer how many events should be published by now."""
        if moment.first_done is None:
            return 0.0
        share = (monotonic() - moment.first_done) / pace if pace else 1.0
        return share * moment.total

    def _publish(self, events: list[Event], moment: Moment, pace: float) -> None:
        if not self._may_publish(moment, pace):
            return
        until = min(moment.published + _CHUNK, moment.beat.end)
        chunk = events[moment.published : until]
        for event in chunk:
            self._producer.produce(
                self._cluster.topic(event.topic),
                value=event.value,
                key=event.key,
                timestamp=event.arrived_at,
            )
        moment.published += len(chunk)
        moment.clock = chunk[-1].arrived_at
        self._producer.poll(0)

    def _listen(self, patience: float) -> int:
        """Take in what the worker has published since; answer how much."""
        heard = self._follower.consume(1_000, timeout=patience)
        for message in heard:
            error = message.error()
            if error is not None:
                raise self._cluster.failure(error)
            self._story.observe(
                self._cluster.logical(message.topic() or ""),
                message.key(),
                message.value(),
                cast("list[tuple[str, bytes | None]]", message.headers() or []),
            )
        return len(heard)

    def _look(self, moment: Moment) -> None:
        self._worker.check()
        progress = self._watch.look()
        now = monotonic()
        if progress is not None and progress != moment.progress:
            moment.progress, moment.heard = progress, now
            moment.first_done, moment.last_done = moment.first_done or now, now
        elif now - moment.heard > _STUCK:
            what = f"the worker has done nothing for {_STUCK:.0f} s"
            raise self._worker.failure(what)
