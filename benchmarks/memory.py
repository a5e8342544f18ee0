"""Bytes that the memory store takes for an address, beyond the address itself.

    nice -n 5 .venv/bin/python benchmarks/memory.py --addresses 1000000

Each address received one message (`quiet`), or one that was refused (`failing`).
A process of its own for each figure: what the kernel counts, not what Python says.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from rig import dry, machine, report
from rig.mail import Mail

from streams.app import build_stages
from streams.core.instant import Instant
from streams.engine.table import MemoryTable
from streams.settings import load
from streams.wire.topic import Topic

LOADS = {"received one message": 0.0, "refused one message": 1.0}
CHUNK = 1_000


def fill(addresses: int, failing: float) -> dict[str, float]:
    """Answer what a table of so many addresses takes."""
    stages = build_stages(load())
    table = MemoryTable(stages.flags.due_at)
    mail = Mail(failing, addresses)
    before = machine.usage(os.getpid()).rss
    for first in range(0, addresses, CHUNK):
        at = Instant(dry.clock() - 1000)
        numbers = range(first, min(first + CHUNK, addresses))
        values = [mail.attempt(n, n, at, failed=bool(failing)) for n in numbers]
        made = dry.evidence(stages.ingest, Topic.SEND_ATTEMPTS, values)
        records = dry.arrivals((m.key, m.value) for m in made)
        for batch in dry.batches(Topic.EVIDENCE, records):
            stages.flags.process(batch, table, dry.clock())
            table.take_changes()
    after = machine.usage(os.getpid()).rss
    keys = sum(len(key) for key, _ in table.scan()) / addresses
    values_size = sum(len(value) for _, value in table.scan()) / addresses
    return {
        "rss_mib": after >> 20,
        "bytes_an_address": round((after - before) / addresses),
        "of_these_the_key": round(keys),
        "of_these_the_value": round(values_size),
        "beyond_the_key": round((after - before) / addresses - keys),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--addresses", type=int, default=1_000_000)
    parser.add_argument("--result", help="file under benchmarks/results")
    parser.add_argument("--failing", type=float, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.failing is not None:
        print(json.dumps(fill(options.addresses, options.failing)))
        return
    rows = []
    for name, failing in LOADS.items():
        told = ["--addresses", str(options.addresses), "--failing", str(failing)]
        ran = subprocess.run(
            [sys.executable, str(Path(__file__)), *told],
            capture_output=True,
            text=True,
            check=True,
        )
        rows.append({"address": name, **json.loads(ran.stdout)})
    print(report.table(rows))
    report.save("memory", {"options": vars(options), "rows": rows}, options.result)


if __name__ == "__main__":
    main()
