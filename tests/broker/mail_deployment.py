"""One deployment of mailflag on a real Kafka: its topics, workers and producers.

Workers are `mailflag worker` as processes, each with a port of its own; everything
that was produced is remembered with the offset it got.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import stores
from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, NewTopic
from kafka_broker import free_port
from mail_traffic import Sending, Traffic

from streams.engine.recovery import OFFSET_KEY
from streams.wire import contract
from streams.wire.topic import INPUTS, Topic

MAILFLAG = Path(sys.executable).with_name("mailflag")
PARTITIONS = {
    Topic.SEND_ATTEMPTS: 3,
    Topic.DSN_EVENTS: 5,
    Topic.FLAG_COMMANDS: 1,
    Topic.EVIDENCE: 4,
    Topic.TENANT_ACTIVITY: 2,
}
"""No two inputs have the same number, and none that of the evidence."""
_END = KafkaError._PARTITION_EOF  # noqa: SLF001 - confluent has no public name
POLL = 0.1
RATE = 20
"""Records between two polls: 200 a second."""


def wait_for(what: Callable[[], object], limit: float = 60.0) -> bool:
    """Wait until `what` answers something true; False when it does not in time."""
    end = time.monotonic() + limit
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(POLL)
    return True


class Row(NamedTuple):
    """One record as it stands in a topic."""

    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


class Sent(NamedTuple):
    """One record that was produced, and where it came to stand."""

    partition: int
    offset: int
    sending: Sending


class Tail:
    """A topic followed from its start; reading again costs only what is new."""

    def __init__(self, kafka: str, topic: str, partitions: int) -> None:
        self._kafka = kafka
        self._topic = topic
        self.next = dict.fromkeys(range(partitions), 0)
        self.rows: list[Row] = []

    def read(self) -> list[Row]:
        """Answer every committed record so far, by partition and offset."""
        consumer = Consumer(
            {
                "bootstrap.servers": self._kafka,
                "group.id": f"tail-{uuid.uuid4().hex[:8]}",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "isolation.level": "read_committed",
                "auto.offset.reset": "earliest",
                "fetch.wait.max.ms": 20,
                "log_level": 0,
            }
        )
        try:
            self._read(consumer)
        finally:
            consumer.close()
        self.rows.sort()
        return self.rows

    def _read(self, consumer: Consumer) -> None:
        left = set(self.next)
        consumer.assign([TopicPartition(self._topic, p, self.next[p]) for p in left])
        end = time.monotonic() + 30
        while left and time.monotonic() < end:
            for message in consumer.consume(2000, 0.05):
                partition = message.partition()
                if message.error() is None:
                    self._take(message)
                elif message.error().code() == _END:
                    self.next[partition] = message.offset()
                    left.discard(partition)
        if left:
            error = f"{self._topic} cannot be read to its end"
            raise TimeoutError(error)

    def _take(self, message: object) -> None:
        self.next[message.partition()] = message.offset() + 1
        self.rows.append(
            Row(
                message.partition(),
                message.offset(),
                message.timestamp()[1],
                message.key(),
                message.value(),
                tuple(message.headers() or ()),
            )
        )


def _create(kafka: str, topics: list[NewTopic]) -> None:
    """Make topics; a broker that was frozen before may need to be asked again."""
    refusals: list[Exception] = []

    def made() -> bool:
        admin = AdminClient({"bootstrap.servers": kafka, "log_level": 0})
        refusals.clear()
        for answer in admin.create_topics(topics, request_timeout=15).values():
            try:
                answer.result(20)
            except TimeoutError as late:
                refusals.append(late)
            except KafkaException as refusal:
                if refusal.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    refusals.append(refusal)
        return not refusals

    assert wait_for(made, 120), refusals


def _listed(admin: AdminClient, wanted: set[str]) -> Mapping[str, object]:
    """Wait until a broker knows all topics that were made, and answer its list."""
    known: dict[str, object] = {}

    def complete() -> bool:
        known.update(admin.list_topics(timeout=10).topics)
        return wanted <= known.keys()

    assert wait_for(complete), wanted - known.keys()
    return known


def _options(told: Mapping[str, object]) -> list[str]:
    return [f"--{name}={value}" for name, value in told.items()]


class MailWorker:
    """One `mailflag worker`; what it writes is read back from a file."""

    def __init__(
        self, log: Path, options: Mapping[str, object], environment: Mapping[str, str]
    ) -> None:
        self.port = free_port()
        self.log = log
        told = {**options, "web-port": self.port}
        with log.open("wb") as written:
            self.process = subprocess.Popen(
                [str(MAILFLAG), "worker", *_options(told)],
                stdout=written,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, **environment},
            )
        self.asked_to_stop = False
        self.was_ready = False
        self.frozen = False

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    @property
    def code(self) -> int | None:
        """Exit code; negative: the signal that ended it."""
        return self.process.poll()

    @property
    def text(self) -> str:
        return self.log.read_text(errors="replace")

    def said(self, event: str) -> list[dict]:
        """Answer the log lines of one kind."""
        found = []
        for line in self.text.splitlines():
            with contextlib.suppress(ValueError):  # half written
                told = json.loads(line)
                if isinstance(told, dict) and told.get("event") == event:
                    found.append(told)
        return found

    @property
    def ready(self) -> bool:
        now = self._get("readyz") is not None
        self.was_ready = self.was_ready or now
        return now

    def wait_ready(self, limit: float = 60.0) -> "MailWorker":
        wait_for(lambda: self.ready or not self.alive, limit)
        assert self.ready, self.text[-3000:]
        return self

    def metric(self, name: str) -> dict[str, float]:
        """Answer the series of a metric by their labels; empty without an answer."""
        page = self._get("metrics") or ""
        series = [line for line in page.splitlines() if line.startswith(name)]
        parts = [line.rpartition(" ") for line in series]
        return {
            labels.removeprefix(name): float(value)
            for labels, _, value in parts
            if labels.removeprefix(name)[:1] in {"", "{"}
        }

    @property
    def lanes(self) -> int:
        """How many partitions it serves."""
        return int(sum(self.metric("mailflag_lanes").values()))

    def _get(self, page: str) -> str | None:
        if not self.alive or self.frozen:
            return None
        url = f"http://127.0.0.1:{self.port}/{page}"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.read().decode()
        except (urllib.error.URLError, OSError):
            return None

    def signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process.pid, number)

    def freeze(self) -> None:
        self.frozen = True
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.signal(signal.SIGCONT)
        self.frozen = False

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait()

    def stop(self, limit: float = 45.0) -> int:
        """Ask it to stop, unless it was asked before, and answer its exit code.

        Asked again in its last moments, a process would die of that.
        """
        if not self.asked_to_stop:
            self.asked_to_stop = True
            self.signal(signal.SIGTERM)
        try:
            return self.process.wait(limit)
        except subprocess.TimeoutExpired:
            self.kill()
            error = f"did not stop: {self.text[-3000:]}"
            raise AssertionError(error) from None

    def clean_up(self) -> None:
        if self.alive:
            self.kill()


class Deployment:
    """Topics under a prefix of their own, and all that happens in them."""

    def __init__(
        self,
        kafka: str,
        *,
        policy: str | None = None,
        partitions: Mapping[Topic, int] | None = None,
        changelog: Mapping[str, str] | None = None,
        workers_kafka: str | None = None,
    ) -> None:
        """Make the topics; workers may reach Kafka by another way than the test."""
        self.kafka = kafka
        # The group and the transactional ids have no prefix, so the id is new too.
        self.app_id = f"m{uuid.uuid4().hex[:8]}"
        self.prefix = f"{self.app_id}."
        self.policy = policy
        self.environment: dict[str, str] = {}
        """Variables of the workers besides the test's own."""
        self.store = stores.DEFAULT
        """Where workers keep their tables."""
        self.sent: list[Sent] = []
        self.workers: list[MailWorker] = []
        self.revive: Callable[[MailWorker], object] = lambda _: self.start()
        """What a supervisor does for a worker that ended by itself."""
        self._workers_kafka = workers_kafka or kafka
        self.folder = Path(tempfile.mkdtemp(prefix="mailflag-deployment-"))
        self._partitions = {**PARTITIONS, **(partitions or {})}
        self._ends: Counter[tuple[Topic, int]] = Counter()
        self.counts = self._make_topics(changelog or {})
        self.tails = {
            name: Tail(kafka, self.prefix + name, count)
            for name, count in self.counts.items()
        }
        self._producer = Producer(
            {
                "bootstrap.servers": kafka,
                "linger.ms": 5,
                "enable.idempotence": True,
                "message.max.bytes": 4_000_000,
                "message.timeout.ms": 120_000,
                "log_level": 0,
            }
        )
        self._failed: list[str] = []

    def _make_topics(self, changelog: Mapping[str, str]) -> dict[str, int]:
        """Make topics as a platform has them; `mailflag topics apply` adds ours."""
        admin = AdminClient({"bootstrap.servers": self.kafka, "log_level": 0})
        manifests = contract.manifests()
        tables = list(contract.changelogs(self.app_id))
        topics = [
            NewTopic(
                self.prefix + name, count, 1, config=dict(manifests[name].settings)
            )
            for name, count in self._partitions.items()
        ]
        if changelog:
            topics += [
                NewTopic(
                    self.prefix + table.topic,
                    self._partitions.get(table.partitions_of, table.partitions),
                    1,
                    config={**table.settings, **changelog},
                )
                for table in tables
            ]
        _create(self.kafka, topics)
        # What is asked to add ours must see these: the numbers follow from them.
        _listed(admin, {topic.topic for topic in topics})
        ours = {"topic-prefix": self.prefix, "app-id": self.app_id}
        told = {"bootstrap-servers": self.kafka, **ours}
        applied = subprocess.run(
            [str(MAILFLAG), "topics", "apply", *_options(told)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert applied.returncode == 0, applied.stdout + applied.stderr
        names = (*manifests, *(table.topic for table in tables))
        wanted = {self.prefix + name for name in names}
        listed = _listed(admin, wanted)
        return {
            name.removeprefix(self.prefix): len(listed[name].partitions)
            for name in wanted
        }

    @property
    def lanes(self) -> int:
        """How many partitions there are to serve."""
        tables = contract.changelogs(self.app_id)
        read = (*INPUTS, *(table.partitions_of for table in tables))
        return sum(self.counts[topic] for topic in read)

    # Workers ------------------------------------------------------------------

    def options(self) -> dict[str, object]:
        """Answer what every worker is told."""
        told: dict[str, object] = {
            "bootstrap-servers": self._workers_kafka,
            "topic-prefix": self.prefix,
            "app-id": self.app_id,
            "log-level": "warning",
            "session-timeout-seconds": 6,
            "transaction-timeout-seconds": 6,
        }
        if self.policy is not None:
            path = self.folder / "policy.toml"
            path.write_text(self.policy)
            told["policy-file"] = path
        return told

    def start(self, **options: object) -> MailWorker:
        """Start a worker; options as on the command line."""
        named = {name.replace("_", "-"): value for name, value in options.items()}
        log = self.folder / f"worker-{len(self.workers) + 1}.log"
        environment = {**stores.environment(self.store, self.app_id)}
        environment |= self.environment
        worker = MailWorker(log, {**self.options(), **named}, environment)
        self.workers.append(worker)
        return worker

    # Producers ----------------------------------------------------------------

    def send(self, sendings: Iterable[Sending], at: int = 0) -> None:
        """Produce records; where each came to stand is known after `flush`.

        `at` is the time that they bear where topics keep it; 0: now.
        """
        for sending in sendings:
            count = self.counts[sending.topic]

            def told(error, message, sending=sending) -> None:
                self._delivered(sending, error, message)

            while True:
                try:
                    self._producer.produce(
                        self.prefix + sending.topic,
                        sending.value,
                        sending.key,
                        sending.lot % count,
                        headers=sending.headers,
                        timestamp=at,
                        on_delivery=told,
                    )
                except BufferError:
                    self._producer.poll(0.2)
                else:
                    break
        self._producer.poll(0)

    def _delivered(self, sending: Sending, error: object, message: object) -> None:
        if error is not None:
            self._failed.append(str(error))
            return
        partition, offset = message.partition(), message.offset()
        self.sent.append(Sent(partition, offset, sending))
        place = sending.topic, partition
        self._ends[place] = max(self._ends[place], offset + 1)

    def flush(self, limit: float = 60.0) -> None:
        left = self._producer.flush(limit)
        assert not left, f"{left} records of the test could not be sent"
        assert not self._failed, self._failed[:3]

    def play(
        self, traffic: Traffic, until: Callable[[], object], limit: float = 60.0
    ) -> bool:
        """Produce mail at a steady rate until something is so."""

        def sending() -> object:
            self.send(traffic.take(RATE))
            return until()

        return wait_for(sending, limit)

    # What became of it ----------------------------------------------------------

    def lag(self) -> dict[str, int]:
        """Answer how many records every stage has still before it."""
        lags = {"ingest": self._ingest_lag()}
        for changelog in contract.changelogs(self.app_id):
            assert changelog.partitions_of is not None
            lags[changelog.topic] = self._lag(changelog.partitions_of, changelog.topic)
        return lags

    def _ingest_lag(self) -> int:
        return sum(self._group_lag(self._ends).values())

    def group_lag(self) -> dict[str, int]:
        """Answer what each stage has before it, as monitors of the group see it.

        Markers of transactions take up offsets and are nothing to be processed.
        """
        ends = dict(self._ends)
        for changelog in contract.changelogs(self.app_id):
            topic = Topic(changelog.partitions_of or "")
            for row in self.tails[topic].read():
                place = topic, row.partition
                ends[place] = max(ends.get(place, 0), row.offset + 1)
        return dict(self._group_lag(ends))

    def _group_lag(self, ends: Mapping[tuple[Topic, int], int]) -> Counter[str]:
        """Answer how many records the group has not committed, by topic."""
        consumer = Consumer(
            {
                "bootstrap.servers": self.kafka,
                "group.id": self.app_id,
                "enable.auto.commit": False,
                "log_level": 0,
            }
        )
        try:
            asked = [TopicPartition(self.prefix + topic, p) for topic, p in ends]
            found = consumer.committed(asked, timeout=10)
        finally:
            consumer.close()
        done = {(tp.topic, tp.partition): max(tp.offset, 0) for tp in found}
        lags: Counter[str] = Counter()
        for (topic, partition), end in ends.items():
            lags[topic] += max(end - done[self.prefix + topic, partition], 0)
        return lags

    def _lag(self, topic: str, changelog: str) -> int:
        """Answer what a stateful stage has before it, as its own table knows."""
        ends = {row.partition: row.offset + 1 for row in self.tails[topic].read()}
        done: dict[int, int] = {}
        for row in self.tails[changelog].read():
            if row.key == OFFSET_KEY:
                done[row.partition] = int(row.value or b"0")
        return sum(end - done.get(p, 0) for p, end in ends.items())

    def read(self) -> dict[str, list[Row]]:
        """Answer every record that a subscriber of any topic sees now."""
        return {name: tail.read() for name, tail in self.tails.items()}

    def settle(self, limit: float = 90.0, *, supervise: bool = False) -> None:
        """Wait until everything that was sent has come through.

        With `supervise`, workers that ended by themselves are started again, as
        in production.
        """
        self.flush()
        seen: dict[str, int] = {}

        def settled() -> bool:
            if supervise:
                self.restart_the_dead()
            with contextlib.suppress(KafkaException, TimeoutError):
                seen.update(self.lag())
                return not any(seen.values())
            return False

        assert wait_for(settled, limit), f"still before them: {seen}; {self.exits}"

    def restart_the_dead(self) -> list[MailWorker]:
        """Do what a supervisor does; answers the workers that had ended."""
        dead = [w for w in self.workers if not w.alive and not w.asked_to_stop]
        for worker in dead:
            worker.asked_to_stop = True
            self.revive(worker)
        return dead

    def replace(self, worker: MailWorker) -> MailWorker:
        """Start a worker for one that was ended on purpose."""
        worker.asked_to_stop = True
        return self.start()

    @property
    def running(self) -> list[MailWorker]:
        """The workers that have not ended."""
        return [w for w in self.workers if w.alive]

    @property
    def exits(self) -> list[int]:
        """Exit codes of the workers that have ended."""
        return [w.code for w in self.workers if w.code is not None]

    def close(self) -> None:
        for worker in self.workers:
            worker.clean_up()
        shutil.rmtree(self.folder, ignore_errors=True)
