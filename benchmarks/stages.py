"""CPU microseconds an event of ingest and flags, without Kafka: what our own code costs.

    .venv/bin/python benchmarks/stages.py [--events N] [--profile]

Workloads: `quiet` has 1 % failures, `success memory off` is the same without the
memory of successes, `incident` has 60 % failures, `known` is a second day of the
same addresses.
"""

import argparse
import cProfile
import json
import pstats
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from streams.app import Stages, build_stages
from streams.core.instant import Instant
from streams.engine.stage import Batch, Message
from streams.engine.table import MemoryTable, NoTable
from streams.settings import load
from streams.wire.topic import Topic

START = datetime(2026, 11, 1, tzinfo=UTC)
ADDRESSES = 60_000
BATCH = 500


class Arrival(NamedTuple):
    """A record as the log has it."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    offset: int
    timestamp: int


def attempts(count: int, failing: float, day: int = 0) -> Iterator[bytes]:
    chance = random.Random(day)
    at = START + timedelta(days=day)
    for number in range(count):
        at += timedelta(milliseconds=5)
        customer = chance.randrange(ADDRESSES)
        address = f"customer.{customer}@mail{customer % 50}.example.com"
        smtp = {
            "phase": "data_end",
            "code": 250,
            "text": f"2.0.0 Ok: queued as {number:010X}",
            "peer": f"mx{customer % 50}.example.com",
            "peer_role": "mx",
        }
        outcome = "accepted"
        if chance.random() < failing:
            outcome = "failed"
            smtp |= {
                "phase": "rcpt",
                "code": 550,
                "enhanced": "5.1.1",
                "text": f"550 5.1.1 <{address}>: Recipient address rejected:"
                " User unknown in virtual mailbox table",
            }
        yield json.dumps(
            {
                "id": f"a-{day}-{number}",
                "time": at.isoformat(timespec="milliseconds"),
                "tenant_id": f"t-{customer % 12}",
                "customer_id": f"c-{customer}",
                "address": address,
                "message_id": f"<{day}.{number}.abc@mail.example.org>",
                "attempt": 1,
                "outcome": outcome,
                "smtp": smtp,
            }
        ).encode()


def records(values: list[bytes]) -> list[Arrival]:
    now = int(START.timestamp() * 1000) + 10 * 86_400_000
    return [Arrival(None, v, (), i, now) for i, v in enumerate(values)]


def batches(items: list[Arrival], topic: str) -> Iterator[Batch]:
    for first in range(0, len(items), BATCH):
        yield Batch(topic, 0, items[first : first + BATCH])


def run(
    stages: Stages, table: MemoryTable, inputs: list[Arrival]
) -> tuple[float, float]:
    """Answer the CPU microseconds an event of ingest and of flags."""
    now = Instant(inputs[0].timestamp)
    made: list[Message] = []
    started = time.process_time()
    for batch in batches(inputs, Topic.SEND_ATTEMPTS):
        made += stages.ingest.process(batch, NoTable(), now).messages
    between = time.process_time()
    evidence = [Arrival(m.key, m.value, (), n, now) for n, m in enumerate(made)]
    again = time.process_time()
    for batch in batches(evidence, Topic.EVIDENCE):
        stages.flags.process(batch, table, now)
        table.take_changes()
    ended = time.process_time()
    per = 1e6 / len(inputs)
    return (between - started) * per, (ended - again) * per


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=60_000)
    parser.add_argument("--profile", action="store_true")
    chosen = parser.parse_args()
    profile = cProfile.Profile()
    print(f"{'workload':22}{'ingest':>9}{'flags':>9}{'together':>10}   us CPU an event")
    for name, failing, memory, days in (
        ("quiet", 0.01, 60, 1),
        ("success memory off", 0.01, 0, 1),
        ("known", 0.01, 60, 2),
        ("incident", 0.6, 60, 1),
    ):
        stages = build_stages(load({"success_memory_days": memory}))
        table = MemoryTable(stages.flags.due_at)
        for day in range(days):
            inputs = records(list(attempts(chosen.events, failing, day)))
            if chosen.profile:
                profile.enable()
            ingest, flags = run(stages, table, inputs)
            profile.disable()
        print(f"{name:22}{ingest:9.1f}{flags:9.1f}{ingest + flags:10.1f}")
    if chosen.profile:
        pstats.Stats(profile).sort_stats("tottime").print_stats(40)


if __name__ == "__main__":
    main()
