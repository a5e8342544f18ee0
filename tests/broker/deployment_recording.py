"""A deployment in the middle of an open incident, as one version leaves it behind.

    python tests/broker/deployment_recording.py v1

Run it with the program as it is before an encoding changes, and commit the file:
`test_upgrade.py` lets the present program go on from every recording there is. The
stages have come differently far, as they are when a worker ends: flags have records
of evidence before them, spikes have activity.
"""

import argparse
import base64
import zlib
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from upgrade_story import UPGRADE, Event, before

from streams.app import build_stages
from streams.core.instant import Instant
from streams.engine.stage import Batch, Output
from streams.engine.table import MemoryTable
from streams.settings import load
from streams.wire.topic import INPUTS, Topic

FOLDER = Path(__file__).parents[1] / "data" / "states"
NAME = "deployment-in-an-open-incident.{}.b64"
TABLES = {
    Topic.EVIDENCE: "flags",
    Topic.TENANT_ACTIVITY: "spikes",
    Topic.SPIKE_DIGESTS: "rollup",
}
TOGETHER = 10_000
SWEEP = 1_000
LAST_FOR_SPIKES, LAST_FOR_FLAGS = 40, 20
"""Events at the end that only ingest and flags, or only ingest, have heard."""


class Entry(NamedTuple):
    """One record of a topic."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    offset: int
    timestamp: int


class Recorder:
    """One worker with one partition of everything, and no Kafka."""

    def __init__(self) -> None:
        stages = build_stages(load())
        self.stages = stages.by_topic()
        self.bulletins = stages.bulletins()
        self.tables = {
            topic: MemoryTable(self.stages[topic].due_at)
            for topic in (*INPUTS, *TABLES)
        }
        self.logs: dict[str, list[Entry]] = defaultdict(list)
        self.read: dict[str, int] = defaultdict(int)

    def hear(self, events: list[Event], topics: tuple[Topic, ...]) -> None:
        """Let some stages hear of events that arrive within a moment."""
        now = Instant(events[-1].at)
        for event in events:
            self._append(event.topic, None, event.value, (), event.at)
        for topic in topics:
            records = self.logs[topic][self.read[topic] :]
            self.read[topic] += len(records)
            if records:
                batch = Batch(topic, 0, records)
                self._write(
                    self.stages[topic].process(batch, self.tables[topic], now), now
                )
            self._write(self.stages[topic].due(self.tables[topic], now), now)

    def _write(self, output: Output, now: Instant) -> None:
        for topic, key, value, headers, _ in output.messages:
            self._append(topic, key, value, headers, now)
            for bulletin in self.bulletins:
                if bulletin.topic == topic:
                    bulletin.apply(key, value, now)

    def _append(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: tuple[tuple[str, bytes], ...],
        at: int,
    ) -> None:
        log = self.logs[topic]
        log.append(Entry(key, value, headers, len(log), at))


def record() -> dict[str, Any]:
    """Answer what is left behind: tables, positions, and every record to be read."""
    recorder = Recorder()
    events = before()
    for stop, topics in (
        (-LAST_FOR_SPIKES - LAST_FOR_FLAGS, (*INPUTS, *TABLES)),
        (-LAST_FOR_FLAGS, (*INPUTS, Topic.EVIDENCE)),
        (None, INPUTS),
    ):
        heard = sum(len(recorder.logs[topic]) for topic in INPUTS)
        for together in _batches(events[heard:stop]):
            recorder.hear(together, topics)
    return {
        "until": UPGRADE,
        "read": {topic.value: recorder.read[topic] for topic in TABLES},
        "tables": {
            name: [[_text(k), _text(v)] for k, v in recorder.tables[topic].scan()]
            for topic, name in TABLES.items()
        },
        "records": {
            str(topic): [
                [
                    _text(entry.key),
                    _text(entry.value),
                    [[name, _text(value)] for name, value in entry.headers],
                    entry.timestamp,
                ]
                for entry in log[recorder.read[topic] :]
            ]
            for topic, log in recorder.logs.items()
            if topic not in INPUTS
        },
    }


def _batches(events: list[Event]) -> list[list[Event]]:
    found: list[list[Event]] = []
    for event in events:
        if not found or event.at - found[-1][0].at >= TOGETHER:
            found.append([])
        found[-1].append(event)
    return found


def _text(value: bytes | None) -> str | None:
    return None if value is None else base64.b85encode(value).decode()


def of_text(text: str | None) -> bytes | None:
    """Answer the bytes that a recording gives as text."""
    return None if text is None else base64.b85decode(text)


def write(path: Path, recorded: dict[str, Any]) -> None:
    """Keep a recording as text."""
    packed = base64.encodebytes(zlib.compress(orjson.dumps(recorded), 9))
    path.write_bytes(packed)


def read(path: Path) -> dict[str, Any]:
    """Answer a recording that was kept."""
    found: dict[str, Any] = orjson.loads(
        zlib.decompress(base64.b64decode(path.read_bytes()))
    )
    return found


def main() -> None:
    """Record the present program."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("version", help="for the name of the file")
    write(FOLDER / NAME.format(parser.parse_args().version), record())


if __name__ == "__main__":
    main()
