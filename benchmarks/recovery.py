"""Seconds from starting a worker to serving so many addresses again.

A changelog of that many addresses is written, then `mailflag worker` is started and
asked until it is ready: process, imports, fencing, recovery, positions.

    nice -n 5 .venv/bin/python benchmarks/recovery.py --addresses 200000,1000000
"""

import argparse
import time
from typing import Any

import orjson
from peers.told import Told
from rig import dry, machine, report
from rig.bed import Bed, KafkaBroker, Pair
from rig.contender import CONTENDERS
from rig.contest import Running, end_cleanly
from rig.mail import Mail

from streams.app import build_stages
from streams.core.instant import Instant
from streams.engine.table import MemoryTable
from streams.settings import load
from streams.wire.topic import Topic

CHUNK = 1_000
FAILING = 50
"""One address in so many is flagged."""


def states(addresses: int) -> list[Pair]:
    """Answer the state of each address after one message."""
    stages = build_stages(load())
    table = MemoryTable(stages.flags.due_at)
    mail = Mail(0.0, addresses)
    for first in range(0, addresses, CHUNK):
        at = Instant(dry.clock() - 1000)
        numbers = range(first, min(first + CHUNK, addresses))
        values = [mail.attempt(n, n, at, failed=not n % FAILING) for n in numbers]
        made = dry.evidence(stages.ingest, Topic.SEND_ATTEMPTS, values)
        records = dry.arrivals((m.key, m.value) for m in made)
        for batch in dry.batches(Topic.EVIDENCE, records):
            stages.flags.process(batch, table, dry.clock())
            table.take_changes()
    return list(table.scan())


def measure(broker: KafkaBroker, addresses: int, partitions: int) -> dict[str, Any]:
    """Answer how long a worker takes to be ready, without and with addresses."""
    bed = Bed(broker.address, partitions)
    told = Told(bed.kafka, bed.prefix, bed.app_id, Topic.SEND_ATTEMPTS, partitions)
    empty = start(told)
    bed.fill(f"{bed.app_id}-flags-changelog", states(addresses))
    full = start(told)
    bed.delete()
    return {
        "addresses": addresses,
        "ready after s": full["seconds"],
        "of an empty one": empty["seconds"],
        "of these reading": full["reading"],
        "records": full["records"],
        "cpu s": round(full["cpu"] - empty["cpu"], 2),
        "rss MiB": full["rss"],
        "load": machine.load(),
    }


def start(told: Told) -> dict[str, float]:
    """Start a worker, wait until it is ready, and end it."""
    began = time.monotonic()
    running = Running(CONTENDERS["worker"](told))
    running.wait_ready()
    seconds = round(time.monotonic() - began, 2)
    used = machine.usage(running.pid)
    said = _recovered(running.output())
    running.end()
    return {"seconds": seconds, "cpu": used.cpu, "rss": used.peak >> 20, **said}


def _recovered(log: bytes) -> dict[str, float]:
    """Answer what the worker itself says about its recovery."""
    for line in log.splitlines():
        if b"tables_recovered" in line:
            told = orjson.loads(line)
            return {"records": told["records"], "reading": told["seconds"]}
    message = "the worker does not tell of its recovery"
    raise SystemExit(message)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--addresses", default="200000,1000000")
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--result", help="file under benchmarks/results")
    options = parser.parse_args()
    end_cleanly()
    with KafkaBroker() as broker:
        rows = [
            measure(broker, int(count), options.partitions)
            for count in options.addresses.split(",")
        ]
    print(report.table(rows))
    report.save("recovery", {"options": vars(options), "rows": rows}, options.result)


if __name__ == "__main__":
    main()
