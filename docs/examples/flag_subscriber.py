# ruff: noqa: INP001 - a program of its own, to be copied
"""Keep a table of flags in SQLite, always as `mail.address-flags.v1` has them.

Needs only confluent-kafka. Flags and the position in the topic are one SQLite
transaction, so the program may be killed at any moment:

    python flag_subscriber.py --bootstrap-servers 127.0.0.1:9092 --store flags.sqlite

For each change it prints a line: what would make your service stop writing to an
address, or begin again.
"""

import argparse
import json
import signal
import sqlite3
import sys
import time
from pathlib import Path

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    Message,
    TopicPartition,
)

END = KafkaError._PARTITION_EOF  # noqa: SLF001 - confluent has no public name
TOMBSTONES_STAY = 6 * 24 * 3600
"""Seconds; a day less than the topic's `delete.retention.ms`. Whoever was away for
longer may have missed that a flag was cleared, and reads everything again."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS flag (
    key TEXT PRIMARY KEY, partition INTEGER NOT NULL, round INTEGER NOT NULL,
    revision INTEGER NOT NULL, suppress INTEGER NOT NULL, value TEXT);
CREATE TABLE IF NOT EXISTS position (
    partition INTEGER PRIMARY KEY, next INTEGER NOT NULL, round INTEGER NOT NULL,
    whole INTEGER NOT NULL, read_at REAL NOT NULL);
"""


class FlagTable:
    """The flags as far as they were read, and how far that is."""

    def __init__(self, path: Path) -> None:
        """Open the store, or make it."""
        self._db = sqlite3.connect(path)
        self._db.executescript(SCHEMA)

    def start_at(self, partition: int) -> int:
        """Answer where to read on; from the start after too long an absence."""
        found = self._db.execute(
            "SELECT next, round, whole, read_at FROM position WHERE partition = ?",
            (partition,),
        ).fetchone()
        if found is not None and found[2] and time.time() - found[3] < TOMBSTONES_STAY:
            return int(found[0])
        with self._db:
            self._db.execute(
                "INSERT OR REPLACE INTO position VALUES (?, 0, ?, 0, ?)",
                (partition, found[1] + 1 if found else 1, time.time()),
            )
        return OFFSET_BEGINNING

    def apply(self, partition: int, messages: list[Message]) -> list[str]:
        """Take records of one partition in order; answer what to do about them."""
        if not messages:
            return []
        round_ = self._db.execute(
            "SELECT round FROM position WHERE partition = ?", (partition,)
        ).fetchone()[0]
        said = []
        with self._db:
            for message in messages:
                said += self._apply(partition, round_, message)
            self._db.execute(
                "UPDATE position SET next = ?, read_at = ? WHERE partition = ?",
                (messages[-1].offset() + 1, time.time(), partition),
            )
        return said

    def _apply(self, partition: int, round_: int, message: Message) -> list[str]:
        key = message.key().decode()
        headers = dict(message.headers() or ())
        revision = int(headers["ce_revision"])
        flag = None if message.value() is None else json.loads(message.value())
        suppress = flag is not None and flag["suppress_recommended"]
        before = self._db.execute(
            "SELECT revision, suppress FROM flag WHERE key = ?", (key,)
        ).fetchone()
        if before is not None and before[0] > revision:
            return []  # older than what we have: we are reading it again
        self._db.execute(
            "INSERT OR REPLACE INTO flag VALUES (?, ?, ?, ?, ?, ?)",
            (key, partition, round_, revision, suppress, flag and json.dumps(flag)),
        )
        suppressed = before is not None and bool(before[1])
        if suppress == suppressed:
            return []
        return [f"{'stop writing to' if suppress else 'write again to'} {key}"]

    def reached_end(self, partition: int) -> list[str]:
        """Note that a partition was read to its end: what was not met is gone."""
        with self._db:
            self._db.execute(
                "UPDATE position SET whole = 1, read_at = ? WHERE partition = ?",
                (time.time(), partition),
            )
            gone = self._db.execute(
                "DELETE FROM flag WHERE partition = ? AND round <"
                " (SELECT round FROM position WHERE partition = ?)"
                " RETURNING key, suppress",
                (partition, partition),
            ).fetchall()
        return [f"write again to {key}" for key, suppress in gone if suppress]

    def close(self) -> None:
        """Close the store."""
        self._db.close()


def subscribe(servers: str, topic: str, table: FlagTable, *, once: bool) -> None:
    """Follow the topic; with `once`, only to its present end."""
    consumer = Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": "flag-subscriber",  # asked for; positions are in the store
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
        }
    )
    partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
    consumer.assign(
        [TopicPartition(topic, number, table.start_at(number)) for number in partitions]
    )
    to_be_read = set(partitions)
    try:
        while to_be_read or not once:
            by_partition: dict[int, list[Message]] = {}
            for message in consumer.consume(1000, timeout=0.5):
                partition = message.partition()
                if message.error() is None:
                    by_partition.setdefault(partition, []).append(message)
                elif message.error().code() == END:
                    to_be_read.discard(partition)
                    tell(table.apply(partition, by_partition.pop(partition, [])))
                    tell(table.reached_end(partition))
                else:
                    raise SystemExit(message.error().str())
            for partition, messages in by_partition.items():
                tell(table.apply(partition, messages))
    finally:
        consumer.close()
        table.close()


def tell(lines: list[str]) -> None:
    """Do what your service does; here, print it."""
    for line in lines:
        sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Run until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bootstrap-servers", default="127.0.0.1:9092")
    parser.add_argument("--topic", default="mail.address-flags.v1")
    parser.add_argument("--store", type=Path, default=Path("flags.sqlite"))
    parser.add_argument("--once", action="store_true", help="stop at the present end")
    told = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        subscribe(
            told.bootstrap_servers, told.topic, FlagTable(told.store), once=told.once
        )
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main()
