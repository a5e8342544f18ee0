"""A worker for tests, run as a process of its own: tiny stages, fast time-outs.

What it is told comes as JSON in the environment variable `WORKER`; what happens
in it goes to standard output as JSON lines. `faults` are what a test cannot cause
from outside, such as a pause inside an open transaction.
"""

import asyncio
import json
import logging
import os
import signal
import ssl
import sys
import time
from collections import Counter
from pathlib import Path

from aiokafka import AIOKafkaProducer

from streams.core.instant import Instant
from streams.engine import ownership
from streams.engine.bulletin import Bulletin
from streams.engine.config import (
    EngineConfig,
    SaslMechanism,
    Security,
    SecurityProtocol,
)
from streams.engine.disk import Disk
from streams.engine.fetching import FetchingThread
from streams.engine.observer import NullObserver
from streams.engine.ownership import in_memory
from streams.engine.rocks_table import RocksTables
from streams.engine.spec import LaneSpec
from streams.engine.stage import Batch, Message, Output, PartitionTable
from streams.engine.worker import build

TOLD = json.loads(os.environ.get("WORKER", "{}"))
GATHER = 0.03
"""Longer than the real stages', so that something waits whenever a fault comes."""


def say(what, **facts):
    """Write one JSON line."""
    line = json.dumps({"what": what, "at": round(time.time(), 3), **facts})
    os.write(1, line.encode() + b"\n")


class SetClear:
    """`set` sets a key's flag and `clear` clears it; both are announced once.

    The output names the input record that caused it, so that an oracle can say
    for each one whether it is missing, repeated or invented.
    """

    def __init__(self, out: str, *, chatty: bool = False) -> None:
        self.out = out
        self.chatty = chatty

    def process(self, batch: Batch, table: PartitionTable, now: Instant) -> Output:
        output = Output()
        for record in batch.records:
            key, source = record.key, b"%d:%d" % (batch.partition, record.offset)
            value = record.value or b""
            flagged = table.get(key) is not None
            if value.startswith(b"die"):
                message = "told to"
                raise RuntimeError(message)
            if value.startswith(b"set"):
                table.put(key, source + b" " + value)
                self._say(output, batch, key, b"set " + source)
            elif value.startswith(b"clear") and flagged:
                table.delete(key)
                self._say(output, batch, key, b"clear " + source)
            elif value.startswith(b"huge"):
                self._say(output, batch, key, b"x" * 3_000_000)
        if self.chatty:
            say(
                "batch",
                topic=batch.topic,
                partition=batch.partition,
                first=batch.records[0].offset,
                last=batch.records[-1].offset,
            )
        return output

    def _say(self, output: Output, batch: Batch, key: bytes, value: bytes) -> None:
        output.messages.append(
            Message(self.out, key, value, (("kind", b"t"),), batch.partition)
        )
        output.tallies[value.split(b" ")[0].decode(),] += 1

    def due_at(self, key: bytes, value: bytes) -> Instant | None:
        """`set until=MS ...` clears itself at that time."""
        if b"until=" in value:
            return Instant(int(value.split(b"until=")[1].split()[0]))
        return None

    def due(self, table: PartitionTable, now: Instant) -> Output:
        output = Output()
        for key in table.due(now):
            table.delete(key)
            output.messages.append(Message(self.out, key, b"expired"))
        return output


class Forward:
    """Re-keys every record to its own key on the next topic."""

    def __init__(self, out: str) -> None:
        self.out = out

    def process(self, batch: Batch, table: PartitionTable, now: Instant) -> Output:
        topic, partition = batch.topic, batch.partition
        return Output(
            [
                Message(
                    self.out,
                    record.key,
                    record.value,
                    (("source", f"{topic}:{partition}:{record.offset}".encode()),),
                )
                for record in batch.records
            ],
            Counter({("forwarded",): len(batch.records)}),
        )

    def due_at(self, key: bytes, value: bytes) -> Instant | None:
        return None

    def due(self, table: PartitionTable, now: Instant) -> Output:
        return Output()


class Watcher(NullObserver):
    """Says what tests wait for."""

    def __init__(self) -> None:
        self.records = 0
        self.tallies: Counter = Counter()
        self.transactions = 0

    def batch_processed(self, stage, topic, partition, *, records, size):
        self.records += records

    def committed(self, stage, *, messages, tallies):
        self.tallies.update(tallies)

    def transaction_finished(self, stage, partition, *, seconds, records):
        self.transactions += 1

    def transaction_aborted(self, stage, partition, reason):
        say("aborted", stage=stage, partition=partition, reason=reason.value)

    def recovery_progressed(self, stage, partition, *, applied, left):
        if not left:
            say("recovered", stage=stage, partition=partition, applied=applied)


def hold_transactions(signum, seconds):
    """At a signal, stay inside the next transaction for some seconds."""
    commit = AIOKafkaProducer.commit_transaction
    armed = []

    async def held(self):
        if armed:
            armed.clear()
            say("holding")
            await asyncio.sleep(seconds)
            say("held")
        await commit(self)

    AIOKafkaProducer.commit_transaction = held
    signal.signal(signum, lambda *_: armed.append(1))


def inject(fault):
    """Cause what upstream does only once in a thousand hours."""
    if fault == "seek_hangs":

        async def never(self, positions):
            await asyncio.sleep(3600)

        FetchingThread.seek_to = never
    if fault == "opening_hangs":

        async def stuck(config, stores, **_):
            await asyncio.sleep(3600)

        ownership.recover = stuck
    if fault == "opening_cancelled":

        async def leak(config, stores, **_):
            raise asyncio.CancelledError  # as when a connection closes

        ownership.recover = leak
    if fault == "seek_cancelled":

        async def leak_too(self, positions):
            raise asyncio.CancelledError

        FetchingThread.seek_to = leak_too


class JsonLines(logging.Formatter):
    """Engine events as JSON, other libraries' lines as they are."""

    def format(self, record):
        plain = logging.makeLogRecord({}).__dict__
        facts = {
            key: value
            for key, value in record.__dict__.items()
            if key not in plain and key not in ("message", "asctime", "taskName")
        }
        return json.dumps(
            {
                "what": record.getMessage(),
                "at": round(record.created, 3),
                "logger": record.name,
                "level": record.levelname,
                **facts,
                **(
                    {"trace": self.formatException(record.exc_info)}
                    if record.exc_info
                    else {}
                ),
            },
            default=str,
        )


def specs():
    made = []
    if TOLD.get("forward"):
        made.append(
            LaneSpec(
                "forward",
                tuple(TOLD["forward"]),
                Forward(TOLD["evidence"]),
                gather=GATHER,
            )
        )
    if TOLD.get("evidence"):
        stage = SetClear(TOLD["out"], chatty=TOLD.get("chatty", False))
        made.append(
            LaneSpec("flags", (TOLD["evidence"],), stage, "flags", gather=GATHER)
        )
    return made


def tables():
    if "tables" in TOLD:
        return RocksTables(Disk(Path(TOLD["tables"]), 64))
    return in_memory


def security():
    told = dict(TOLD.get("security", {}))
    if "cafile" in told:
        told["ssl_context"] = ssl.create_default_context(cafile=told.pop("cafile"))
    if told:
        told["protocol"] = SecurityProtocol(told["protocol"])
        told["sasl_mechanism"] = SaslMechanism(told["sasl_mechanism"])
    return Security(**told)


def main():
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("streams").setLevel(logging.INFO)
    for name, level in TOLD.get("levels", {}).items():
        logging.getLogger(name).setLevel(level)
    inject(TOLD.get("fault"))
    watcher = Watcher()
    bulletins = [Bulletin(name) for name in TOLD.get("bulletins", [])]
    config = EngineConfig(**TOLD["config"], security=security())
    worker = build(config, specs(), watcher, bulletins=bulletins, tables=tables())
    hold_transactions(signal.SIGRTMIN + 1, 1.5)
    hold_transactions(signal.SIGRTMIN + 2, 5.0)

    async def tell():
        told = None
        while True:
            await asyncio.sleep(0.1)
            ready = worker.readiness()
            now = {
                "records": watcher.records,
                "transactions": watcher.transactions,
                "tallies": {"/".join(k): v for k, v in watcher.tallies.items()},
                "ready": ready.ready,
                "bulletin": [v.decode() for b in bulletins for v in b.values()],
            }
            if now != told:
                told = now
                say("state", **now)

    worker.app.task(tell)
    sys.exit(worker.run())


if __name__ == "__main__":
    main()
