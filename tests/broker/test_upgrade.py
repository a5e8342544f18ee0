"""The present program goes on where an older one ended, and workers are replaced.

`tests/data/states` holds what older versions left behind in the middle of an open
incident (`deployment_recording.py`). The oracle is the offline twin: the present
program that hears everything from the beginning.
"""

import signal
import time
import zlib
from collections import defaultdict
from typing import NamedTuple

import orjson
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)
from deployment_recording import FOLDER, NAME, TABLES, of_text, read
from mail_audit import audit
from mail_deployment import wait_for
from mail_traffic import Sending, Traffic
from upgrade_story import STRICKEN, after, before

from streams.adapters.offline import TYPES, Offline
from streams.app import build_stages
from streams.core.instant import Instant, render
from streams.core.spike import snapshot
from streams.core.spike.packing import Unpacker
from streams.engine.exits import ExitCode
from streams.engine.recovery import OFFSET_KEY
from streams.settings import load
from streams.wire import address_state, alert, contract, flag
from streams.wire.topic import Topic

pytestmark = pytest.mark.broker

RECORDINGS = sorted(FOLDER.glob(NAME.format("*")))
KINDS = {topic: kind for kind, topic in TYPES.items()}
HEAD_OF_A_SNAPSHOT = 20
"""Bytes that the journal puts before what the core has packed."""
LONGEST = 12
"""Waves after which an incident must be over."""
BY_RECORDS = {"MAILFLAG_FOLLOW_RECORDS": "true", "MAILFLAG_CHECK_TOPICS": "false"}
"""Time is that of the recording; for that its topics differ from the contracts."""


class Told(NamedTuple):
    """What subscribers and on-call know in the end."""

    turns: dict[bytes, list[tuple[str, str | None]]]
    """How each flag was set and cleared."""
    flags: dict[bytes, tuple[object, ...]]
    """Which flags stand."""
    incidents: list[tuple[str, str]]
    """Type and tenant of each alert but updates."""


def told(records):
    """Sum up records, (topic, key, value) in the order in which they were written."""
    turns, flags, incidents = defaultdict(list), {}, []
    for topic, key, value in records:
        if topic == Topic.FLAG_CHANGES:
            change = flag.decode_change(value)
            if change.type.value != "flag-updated":
                turns[key].append((change.type.value, change.cleared_by))
        elif topic == Topic.FLAGS and value is None:
            flags.pop(key, None)
        elif topic == Topic.FLAGS:
            one = flag.decode_flag(value)
            flags[key] = one.failure_class, one.side, one.consecutive_failures
        elif topic == Topic.ALERTS:
            one = alert.decode(value)
            if one.type != "alert-updated":
                incidents.append((one.type, one.tenant_id))
    return Told(dict(turns), flags, incidents)


def as_if_never_upgraded(waves):
    """Let the offline twin hear everything."""
    stages, written = build_stages(load()), []
    twin = Offline(
        stages.by_topic(),
        lambda message: written.append((message.topic, message.key, message.value)),
        lambda refused: pytest.fail(f"refused: {refused}"),
        stages.bulletins(),
    )
    lines = [
        orjson.dumps(
            {
                "type": KINDS[event.topic],
                "arrived_at": render(Instant(event.at)),
                **orjson.loads(event.value),
            }
        )
        for events in (before(), *waves)
        for event in sorted(events)
    ]
    for _ in twin.run(lines):
        pass
    return told(written)


class Successor:
    """A deployment that holds what an older one left behind."""

    def __init__(self, deploy, recording):
        self.left = read(recording)
        topics = [topic for topic in Topic if topic in contract.manifests()]
        self.deployment = deploy(partitions=dict.fromkeys(topics, 1))
        self.deployment.environment = dict(BY_RECORDS)
        self._keep_times()
        self._fill()

    def _keep_times(self):
        """Let records bear the times that they are given, and stay."""
        admin = AdminClient({"bootstrap.servers": self.deployment.kafka})
        settings = {"message.timestamp.type": "CreateTime", "retention.ms": "-1"}
        entries = [
            ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
            for name, value in settings.items()
        ]
        topics = [self.deployment.prefix + name for name in self.deployment.counts]
        asked = [
            ConfigResource(ResourceType.TOPIC, t, incremental_configs=entries)
            for t in topics
        ]
        for done in admin.incremental_alter_configs(asked).values():
            done.result(30)

    def _fill(self):
        """Write every topic as it was; what had been read is only counted."""
        producer = Producer({"bootstrap.servers": self.deployment.kafka})

        def write(name, key, value, **more):
            producer.produce(
                self.deployment.prefix + name, value, key, partition=0, **more
            )

        for topic, count in self.left["read"].items():
            for _ in range(count):
                write(topic, b"read before", b"read before")
        for topic, records in self.left["records"].items():
            for key, value, headers, at in records:
                bytes_ = [(name, of_text(text)) for name, text in headers]
                write(topic, of_text(key), of_text(value), headers=bytes_, timestamp=at)
        for topic, table in TABLES.items():
            changelog = self.changelog(table)
            for key, value in self.left["tables"][table]:
                write(changelog, of_text(key), of_text(value))
            position = self.left["read"][topic]
            write(changelog, OFFSET_KEY, b"%d" % position)
        assert producer.flush(60) == 0

    def changelog(self, table):
        return f"{self.deployment.app_id}-{table}-changelog"

    def hear(self, events):
        """Publish events with their times, and let them come through."""
        for event in sorted(events):
            sending = Sending(event.topic, None, event.value, [], 0)
            self.deployment.send([sending], at=event.at)
        self.deployment.settle()

    def written(self):
        """Answer all that outputs hold, as written by both programs."""
        return [
            (topic, row.key, row.value)
            for topic in (Topic.FLAG_CHANGES, Topic.FLAGS, Topic.ALERTS)
            for row in self.deployment.tails[topic].read()
        ]

    def told(self):
        return told(self.written())

    def versions(self):
        """Answer the version of every state that it has written, by table and key."""
        found = {}
        for table in TABLES.values():
            for row in self.deployment.tails[self.changelog(table)].read():
                ours = row.offset > len(self.left["tables"][table])
                if ours and row.value is not None and row.key != OFFSET_KEY:
                    found[table, row.key] = version(table, row.value)
        return found


def version(table, value):
    """Answer the version of a state; None for a step that was taken since."""
    if table == "flags":
        return value[0]
    try:
        return Unpacker(zlib.decompress(value[HEAD_OF_A_SNAPSHOT:])).natural()
    except zlib.error:
        return None


def is_over(incidents):
    return ("alert-resolved", STRICKEN) in incidents


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: path.name)
def test_a_deployment_goes_on_from_what_an_older_version_left(deploy, recording):
    successor = Successor(deploy, recording)
    worker = successor.deployment.start().wait_ready()
    waves = []
    for wave, _ in zip(after(), range(LONGEST), strict=False):
        waves.append(wave)
        successor.hear(wave)
        if is_over(successor.told().incidents):
            break
    wanted = as_if_never_upgraded(waves)
    assert wait_for(lambda: successor.told() == wanted, 20), (
        successor.told(),
        wanted,
    )
    assert wanted.incidents == [
        ("alert-opened", STRICKEN),
        ("alert-resolved", STRICKEN),
    ]
    assert worker.stop() == ExitCode.OK
    versions = successor.versions()
    assert versions["spikes", STRICKEN.encode()] == snapshot.VERSION
    flags = {v for (table, _), v in versions.items() if table == "flags"}
    assert flags == {address_state.VERSION}


def test_workers_replaced_one_after_another_under_load_lose_and_repeat_nothing(deploy):
    deployment = deploy()
    traffic = Traffic(5, now=int(time.time() * 1000), people=150)
    first = [deployment.start() for _ in range(3)]
    for worker in first:
        worker.wait_ready()
    for worker in first:
        worker.asked_to_stop = True
        worker.signal(signal.SIGTERM)
        assert deployment.play(traffic, lambda old=worker: not old.alive)
        assert worker.code == ExitCode.OK
        successor = deployment.start()
        assert deployment.play(traffic, lambda new=successor: new.ready)
    deployment.send(traffic.rest())
    deployment.settle()
    found = audit(deployment, traffic.lives)
    assert found.clean, f"{found}\nexits: {deployment.exits}"
    assert wait_for(lambda: not any(deployment.group_lag().values()))
