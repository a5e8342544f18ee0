"""Plays a day: publishes its events, and follows what the worker makes of them.

One loop does both, so nothing has to be shared. It never runs further ahead of the
worker than the embedded Kafka can hold.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic
from typing import cast

from confluent_kafka import Consumer, Producer, TopicPartition

from streams.adapters.kafka_client import Cluster
from streams.core.instant import Instant
from streams.demo.hired import HiredWorker
from streams.demo.logbook import Event
from streams.demo.progress import NOTHING, Progress, Watch
from streams.demo.story import Story
from streams.settings import Settings
from streams.wire.topic import INPUTS, Topic

_AHEAD = 8_000
"""Records on their way at most: what the embedded Kafka can hold."""
_AHEAD_SHARE = 20
"""At most one in so many of the day's: what happened hours later comes later."""
_FIRST = 500
"""What is published before the worker is at work."""
_CHUNK = 250
_LOOK = 0.25
"""Seconds between two looks at the worker's progress."""
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
    def is_done(self) -> bool:
        """Whether everything that was published has reached the flags."""
        finished = self.published == self.total
        return finished and not self.progress.waiting(self.published)


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

    def play(self, events: list[Event], pace: float) -> Iterator[Moment]:
        """Publish all events, over `pace` seconds or as fast as the worker goes.

        Answers often how it stands, the last time when all is done.

        Raises:
            WorkerFailed: the worker ended, or has done nothing for a minute.
            Unavailable: Kafka does not answer.
        """
        now = monotonic()
        moment = Moment(len(events), now, heard=now)
        looked = 0.0
        while True:
            self._publish(events, moment, pace)
            if self._listen(0.0 if self._may_publish(moment, pace) else 0.05):
                moment.heard = monotonic()
            if monotonic() - looked >= _LOOK:
                looked = monotonic()
                self._look(moment)
                yield moment
                if moment.is_done and monotonic() - moment.heard >= _CALM:
                    return

    def _may_publish(self, moment: Moment, pace: float) -> bool:
        if moment.published >= moment.total:
            return False
        ahead = min(max(moment.total // _AHEAD_SHARE, _FIRST), _AHEAD)
        if moment.progress.waiting(moment.published) >= ahead:
            return False
        if moment.first_done is None:
            return moment.published < _FIRST
        share = (monotonic() - moment.first_done) / pace if pace else 1.0
        return moment.published < share * moment.total

    def _publish(self, events: list[Event], moment: Moment, pace: float) -> None:
        if not self._may_publish(moment, pace):
            return
        chunk = events[moment.published : moment.published + _CHUNK]
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
