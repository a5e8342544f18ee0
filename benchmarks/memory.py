"""Bytes that a store takes for an address, and what an event costs in it then.

    nice -n 5 .venv/bin/python benchmarks/memory.py --addresses 1000000
    nice -n 5 .venv/bin/python benchmarks/memory.py --store rocksdb --failing 0 \
        --addresses 10000000

Each address received one message (`--failing 0`), or one that was refused (1).
A process of its own for each figure: what the kernel counts, not what Python says.
`filling` is the flags stage and its table while it grows; `knowing` the same for
messages to addresses that are known, drawn at random, so that no cache helps much.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from rig import dry, machine, report
from rig.mail import DOMAINS, Mail
from rig.tables import STORES, Tables

from streams.agents.census import STRETCH
from streams.app import Stages, build_stages
from streams.core.address import key
from streams.core.evidence import Attempt
from streams.core.instant import Instant
from streams.engine.table import Store
from streams.settings import load
from streams.wire import evidence as evidence_wire
from streams.wire.topic import Topic

LOADS = {0.0: "received one message", 1.0: "refused one message"}
CHUNK = 1_000
KNOWN = 100_000
"""Events about addresses that are known."""


class Post:
    """Evidence of mail to many addresses, each piece about a message of its own.

    Ingest makes one of each thousand and the others are copies of that with another
    address and message, because making ten million would take longer than measuring.
    """

    def __init__(self, stages: Stages, addresses: int, failing: float) -> None:
        self._ingest = stages.ingest
        self._mail = Mail(failing, addresses)
        self._events = 0

    def evidence(self, customers: Sequence[int]) -> Iterator[tuple[bytes, bytes]]:
        """Answer keys and values of the evidence topic."""
        at = Instant(dry.clock() - 1000)
        failed = bool(self._mail.failing)
        made = self._mail.attempt(self._events, customers[0], at, failed=failed)
        (message,) = dry.evidence(self._ingest, Topic.SEND_ATTEMPTS, [made])
        model = evidence_wire.decode(message.value)
        assert isinstance(model, Attempt)  # noqa: S101 - as was just made
        for customer in customers:
            self._events += 1
            address = f"customer.{customer}@mail{customer % DOMAINS}.example.com"
            piece = model._replace(
                id=f"a-{self._events}",
                address=address,
                tenant_id=f"t-{customer % self._mail.tenants}",
                message_id=f"0.{self._events}.abc@mail.example.org",
                customer_id=f"c-{customer}",
            )
            yield key(piece.tenant_id, address), evidence_wire.encode(piece)


class Bench:
    """The flags stage of one partition, and how long it took."""

    def __init__(self, stages: Stages, table: Store, tables: Tables) -> None:
        self.stages, self.table, self.tables = stages, table, tables
        self.wall = self.cpu = 0.0

    def take(self, pairs: Iterable[tuple[bytes | None, bytes | None]]) -> None:
        """Process evidence; only the flags stage is measured."""
        records = dry.arrivals(pairs)
        wall, cpu = time.perf_counter(), time.process_time()
        for batch in dry.batches(Topic.EVIDENCE, records):
            self.stages.flags.process(batch, self.table, dry.clock())
            self.tables.commit(self.table)
        self.wall += time.perf_counter() - wall
        self.cpu += time.process_time() - cpu

    def told(self, events: int) -> dict[str, float]:
        """Answer microseconds an event, and begin anew."""
        per = 1e6 / events
        told = {"wall": round(self.wall * per, 1), "cpu": round(self.cpu * per, 1)}
        self.wall = self.cpu = 0.0
        return told


def fill(addresses: int, failing: float, tables: Tables) -> dict[str, float]:
    """Answer what a table of so many addresses takes, and what events cost in it."""
    stages = build_stages(load())
    table = tables.make(stages.flags.due_at)
    bench, post = Bench(stages, table, tables), Post(stages, addresses, failing)
    before = machine.usage(os.getpid()).rss
    for first in range(0, addresses, CHUNK):
        bench.take(post.evidence(range(first, min(first + CHUNK, addresses))))
    filling, full = bench.told(addresses), machine.usage(os.getpid())
    rnd, known = random.Random(1), min(KNOWN, addresses)
    for _ in range(0, known, CHUNK):
        bench.take(post.evidence([rnd.randrange(addresses) for _ in range(CHUNK)]))
    knowing, after = bench.told(known), machine.usage(os.getpid())
    of_key = sum(len(one) for one, _ in table.hand(CHUNK)) / CHUNK
    told = {
        "rss_mib": full.rss >> 20,
        "peak_mib": after.peak >> 20,
        "bytes_an_address": round((full.rss - before) / addresses),
        "of_these_the_key": round(of_key),
        "filling_us": filling["wall"],
        "filling_cpu_us": filling["cpu"],
        "knowing_us": knowing["wall"],
        "knowing_cpu_us": knowing["cpu"],
    }
    if size := tables.size():
        told |= {"disk_bytes_an_address": round(size / addresses)}
        told |= restart(stages, table, tables)
    return told


def restart(stages: Stages, table: Store, tables: Tables) -> dict[str, float]:
    """Answer the seconds until a worker that starts again has its table."""
    keys = len(table)
    table.clear()
    began = time.perf_counter()
    again = tables.again(stages.flags.due_at)
    opened = time.perf_counter()
    assert len(again) == keys  # noqa: S101 - a table made anew would be a false figure
    for _ in range(keys // STRETCH + 1):
        stages.flags.census.meet(again)
    counted = time.perf_counter()
    again.clear()
    return {
        "restart_seconds": round(opened - began, 2),
        "counting_flags_seconds": round(counted - opened, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--addresses", type=int, default=1_000_000)
    parser.add_argument("--store", choices=STORES, default=STORES[0])
    parser.add_argument("--directory", type=Path, help="where tables on disk lie")
    parser.add_argument("--failing", type=float, choices=tuple(LOADS))
    parser.add_argument("--result", help="file under benchmarks/results")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        with Tables(options.store, options.directory) as tables:
            print(json.dumps(fill(options.addresses, options.failing, tables)))
        return
    rows = []
    for failing in LOADS if options.failing is None else [options.failing]:
        told = ["--alone", "--failing", str(failing), "--store", options.store]
        told += ["--addresses", str(options.addresses)]
        told += ["--directory", str(options.directory)] if options.directory else []
        ran = subprocess.run(
            [sys.executable, str(Path(__file__)), *told],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        rows.append({"address": LOADS[failing], **json.loads(ran.stdout)})
    print(report.table(rows))
    kept = {"addresses": options.addresses, "store": options.store}
    report.save("memory", {"options": kept, "rows": rows}, options.result)


if __name__ == "__main__":
    main()
