"""What an event costs as the deployment grows: addresses, tenants, partitions, workers.

Real Kafka, real `mailflag worker`s with all stages. For each point the tables are
filled first, so that all addresses are known and remember six messages each, and the
tenants are met; then the workers are looked at idle, with a backlog, and with a
modest steady load. CPU is what to compare: events a second and milliseconds are those
of a machine that Kafka, workers and the mail's producer share.

    nice -n 5 .venv/bin/python benchmarks/growth.py --by all
    nice -n 5 .venv/bin/python benchmarks/growth.py --by tenants --values 1,1000
    .venv/bin/python benchmarks/growth.py --draw

The points of `--by` replace those in benchmarks/results/growth.json and the pictures
are drawn anew, unless `--result -` is given; the tables of docs/operating.md follow
with `python -m tools.operating_tables`.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from latency import SETTLE, Reader, produce
from peers.told import Told
from rig import dry, environment, machine, report
from rig.bed import Bed, KafkaBroker, Pair
from rig.contender import CONTENDERS
from rig.contest import Running, end_cleanly
from rig.mail import HOUR, Mail

from streams.app import build_stages
from streams.core.instant import Instant
from streams.core.state import REMEMBERED
from streams.engine.table import MemoryTable
from streams.settings import load as load_settings
from streams.wire.topic import Topic

HERE = Path(__file__).resolve()
FILE = "growth.json"
PICTURES = HERE.parents[1] / "docs" / "pictures"
MODELS = 1_000
"""States that all other addresses' are copies of."""
FLAGGED = 50
"""One address in so many is flagged."""
EVERY = 10
"""One event in so many of the steady load is timed."""
IDLE = 3.0
"""Seconds in which nothing happens."""
DRAIN = 30.0
"""Seconds after which what has not come through is lost."""


class Point(NamedTuple):
    """One size of a deployment."""

    addresses: int = 100_000
    tenants: int = 100
    partitions: int = 8
    workers: int = 1


SWEEPS: dict[str, tuple[int, ...]] = {
    "addresses": (10_000, 100_000, 1_000_000, 5_000_000),
    "tenants": (1, 10, 100, 1_000, 10_000, 100_000),
    "partitions": (1, 4, 16, 64),
    "workers": (1, 2, 3, 4),
}
BASE = Point()


def states(point: Point) -> Iterator[Pair]:
    """Answer what is known of each address: six messages, and some flags."""
    stages = build_stages(load_settings())
    table = MemoryTable(stages.flags.due_at)
    mail = Mail(0.0, MODELS, point.tenants)
    for number in range(REMEMBERED):
        at = Instant(dry.clock() - (REMEMBERED + 6 - number) * HOUR)
        last = number == REMEMBERED - 1
        values = [
            mail.attempt(number * MODELS + c, c, at, failed=last and not c % FLAGGED)
            for c in range(MODELS)
        ]
        made = dry.evidence(stages.ingest, Topic.SEND_ATTEMPTS, values)
        records = dry.arrivals((m.key, m.value) for m in made)
        for batch in dry.batches(Topic.EVIDENCE, records):
            stages.flags.process(batch, table, dry.clock())
    models = [value for _, value in table.scan()]
    for customer in range(point.addresses):
        yield mail.key(customer), models[customer % MODELS]


def attempts(point: Point, count: int, seed: int) -> Iterator[Pair]:
    """Answer mail to known addresses, 1 % of which fails."""
    since = Instant(dry.clock() - 2 * HOUR + seed * HOUR // 2)
    mail = Mail(0.01, point.addresses, point.tenants, seed, since)
    return ((None, value) for value in mail.attempts(count))


def meeting(point: Point) -> Iterator[Pair]:
    """Answer one mail of each tenant, so that the detector knows all of them."""
    mail = Mail(0.0, point.addresses, point.tenants)
    at = Instant(dry.clock() - 3 * HOUR)
    for tenant in range(point.tenants):
        yield None, mail.attempt(tenant, tenant, at, failed=False)


@contextmanager
def pinned(core: int) -> Iterator[None]:
    """Let what is started inside run on one core only, where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {sorted(before)[core % len(before)]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Fleet:
    """The workers of a point and the broker, and what they have used."""

    def __init__(self, bed: Bed, broker: KafkaBroker, point: Point) -> None:
        """Start the workers, each on a core of its own as long as there are enough."""
        self.broker = broker
        told = Told(
            bed.kafka, bed.prefix, bed.app_id, Topic.SEND_ATTEMPTS, bed.partitions
        )
        self.workers: list[Running] = []
        try:
            for number in range(point.workers):
                with pinned(number):
                    self.workers.append(Running(CONTENDERS["worker"](told)))
            for worker in (*self.workers, *self.workers):  # a late one moves lanes
                worker.wait_ready()
        except BaseException:
            self.end()
            raise

    def cpu(self) -> tuple[float, float]:
        """Answer the CPU seconds of all workers and of the broker so far."""
        used = sum(machine.usage(worker.pid).cpu for worker in self.workers)
        return used, machine.usage(self.broker.pid).cpu

    def memory(self) -> list[int]:
        """Answer the resident MiB of each worker."""
        return [machine.usage(worker.pid).rss >> 20 for worker in self.workers]

    def recovered(self) -> dict[str, float]:
        """Answer what the first worker says of the greatest of its recoveries."""
        found: dict[str, float] = {}
        for line in self.workers[0].output().splitlines():
            if b"tables_recovered" in line:
                told = orjson.loads(line)
                if told["records"] >= found.get("records", 0):
                    found = {"records": told["records"], "seconds": told["seconds"]}
        return found

    def freeze(self) -> None:
        """Let the workers stand still."""
        for worker in self.workers:
            worker.freeze()

    def thaw(self) -> None:
        """Let the workers go on."""
        for worker in self.workers:
            worker.thaw()

    def end(self) -> None:
        """End the workers."""
        for worker in self.workers:
            worker.end()


class Measuring:
    """One point, measured once."""

    def __init__(
        self, broker: KafkaBroker, point: Point, options: argparse.Namespace
    ) -> None:
        """Prepare the topics."""
        self.point = point
        self.options = options
        self.bed = Bed(broker.address, point.partitions)
        self.broker = broker
        self.row: dict[str, Any] = dict(point._asdict())

    def run(self) -> dict[str, Any]:
        """Answer all figures of the point."""
        bed, point = self.bed, self.point
        with ExitStack() as last:
            last.callback(bed.delete)
            phase("filling the tables")
            bed.fill(f"{bed.app_id}-flags-changelog", states(point))
            written = bed.sizes(self.broker.logs)[f"{bed.app_id}-flags-changelog"]
            self.row["changelog_bytes_per_address"] = round(written / point.addresses)
            phase("starting workers")
            fleet = Fleet(bed, self.broker, point)
            last.callback(fleet.end)
            self.row["recovered"] = fleet.recovered()
            self.row["rss_mib_recovered"] = fleet.memory()
            phase("meeting the tenants")
            bed.fill(Topic.SEND_ATTEMPTS, meeting(point))
            bed.fill(Topic.SEND_ATTEMPTS, attempts(point, self.options.events // 4, 0))
            self._wait()
            phase("idle")
            self._idle(fleet)
            phase("a backlog")
            self._backlog(fleet)
            phase("steady load")
            self._steady(fleet)
            self.row["rss_mib"] = fleet.memory()
            self.row["load"] = machine.load()
        return self.row

    def _wait(self) -> None:
        app, bed = self.bed.app_id, self.bed
        bed.wait(app, [Topic.SEND_ATTEMPTS, Topic.EVIDENCE])
        # Several lanes write to each partition: their transactions end side by side.
        bed.wait(app, [Topic.TENANT_ACTIVITY, Topic.SPIKE_DIGESTS], bed.partitions)

    def _idle(self, fleet: Fleet) -> None:
        worker, broker = fleet.cpu()
        time.sleep(IDLE)
        after = fleet.cpu()
        self.row["idle_cpu_percent"] = round((after[0] - worker) / IDLE * 100, 1)
        self.row["idle_broker_percent"] = round((after[1] - broker) / IDLE * 100, 1)

    def _backlog(self, fleet: Fleet) -> None:
        """Let the workers stand still while mail comes in, and then catch up."""
        bed, count = self.bed, self.options.events
        fleet.freeze()
        bed.fill(Topic.SEND_ATTEMPTS, attempts(self.point, count, 1))
        sizes, (worker, broker) = bed.sizes(self.broker.logs), fleet.cpu()
        began = time.time()
        fleet.thaw()
        self._wait()
        after = fleet.cpu()
        # The newest record of these: what the roll-up is told comes last.
        seconds = bed.last_write([Topic.EVIDENCE, Topic.TENANT_ACTIVITY]) - began
        cpu = after[0] - worker
        self.row |= {
            "events": count,
            "cpu_us": round(cpu / count * 1e6, 2),
            "broker_us": round((after[1] - broker) / count * 1e6, 2),
            "events_per_cpu_second": round(count / cpu),
            "events_per_second": round(count / seconds),
            "bytes_per_event": {
                self._named(topic): round((size - sizes[topic]) / count, 1)
                for topic, size in bed.sizes(self.broker.logs).items()
                if size > sizes[topic]
            },
        }
        self.row["bytes_per_event"]["input"] = round(
            sizes[Topic.SEND_ATTEMPTS]
            / (self.point.tenants + self.options.events * 5 // 4),
            1,
        )

    def _named(self, topic: str) -> str:
        return topic.replace(f"{self.bed.app_id}-", "")

    def _steady(self, fleet: Fleet) -> None:
        """Time changes under a steady load, from produced to read as committed."""
        rate, seconds = self.options.rate, self.options.seconds + SETTLE
        mail = Mail(0.0, self.point.addresses, self.point.tenants)
        reader = Reader(self.bed)
        reader.start()
        worker, broker = fleet.cpu()
        try:
            sent = produce(self.bed, mail, rate, seconds, EVERY)
            after = fleet.cpu()
            limit = time.monotonic() + DRAIN
            while time.monotonic() < limit and not sent.keys() <= reader.seen.keys():
                time.sleep(0.1)
        finally:
            reader.over.set()
            reader.join(10)
        seen = reader.seen
        waits = sorted((seen[k] - at) * 1000 for k, at in sent.items() if k in seen)
        count = rate * seconds
        self.row |= {
            "rate": rate,
            "timed": len(waits),
            "lost": len(sent) - len(waits),
            "p50_ms": round(waits[len(waits) // 2], 1),
            "p99_ms": round(waits[int(len(waits) * 0.99)], 1),
            "rate_cpu_us": round((after[0] - worker) / count * 1e6, 1),
            "rate_broker_us": round((after[1] - broker) / count * 1e6, 1),
        }


def say(text: str) -> None:
    """Tell of the progress."""
    start = "\r\033[K" if sys.stderr.isatty() else ""
    print(f"{start}{text}", file=sys.stderr, flush=True)


def phase(name: str) -> None:
    """Say what is being done, in a line that the next one takes the place of."""
    if sys.stderr.isatty():
        print(f"\r\033[K{name} ...", end="", file=sys.stderr, flush=True)


def sweep(
    broker: KafkaBroker, by: str, values: Sequence[int], options: argparse.Namespace
) -> list[dict[str, Any]]:
    """Measure one dimension, the others standing still."""
    rows = []
    for value in values:
        point = BASE._replace(**{by: value})
        for number in range(options.rounds):
            began = time.monotonic()
            row = Measuring(broker, point, options).run()
            rows.append(row)
            say(
                f"{by:10} {value:>9,}  round {number + 1} of {options.rounds}"
                f"  {row['cpu_us']:7.1f} us + {row['broker_us']:.1f} of the broker"
                f"  {row['events_per_second']:>7,} events/s  idle"
                f" {row['idle_cpu_percent']} %  p50 {row['p50_ms']:.0f} ms"
                f"  p99 {row['p99_ms']:.0f} ms  {max(row['rss_mib'])} MiB"
                f"  load {row['load']}  took {time.monotonic() - began:.0f} s"
            )
    return rows


def earlier() -> dict[str, Any]:
    """Answer the sweeps that the committed result has."""
    path = report.RESULTS / FILE
    if not path.exists():
        return {}
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["sweeps"]
    return found


def keep(by: str, measured: dict[str, Any], file: str) -> None:
    """Put one dimension into the result, beside the others."""
    told = {
        "base": BASE._asdict(),
        "versions": machine.versions("faust-streaming", "aiokafka", "orjson"),
        "sweeps": earlier() | {by: measured},
    }
    report.save("growth", told, file)


def draw() -> None:
    """Draw the pictures of the committed result."""
    script = HERE.parent / "rig" / "plots.py"
    file = report.RESULTS / FILE
    command = [environment.python(), str(script), str(file), str(PICTURES)]
    subprocess.run(command, check=True)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    says, _, examples = (__doc__ or "").partition("\n\n    nice")
    parser = argparse.ArgumentParser(
        description=says,
        epilog=f"examples:\n    nice{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--by", default="all", choices=[*SWEEPS, "all"])
    parser.add_argument("--values", help="other points than usual, as 10,1000")
    parser.add_argument("--events", type=int, default=60_000, help="of a backlog")
    parser.add_argument("--rate", type=int, default=500, help="events/s, steady")
    parser.add_argument("--seconds", type=float, default=8, help="of steady load")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--draw", action="store_true", help="only draw the pictures")
    parser.add_argument("--result", default=FILE, help="`-`: keep nothing")
    options = parser.parse_args()
    if options.values and options.by == "all":
        parser.error("--values needs one dimension: --by tenants, say")
    return options


def main() -> None:
    options = arguments()
    if options.draw:
        draw()
        return
    end_cleanly()
    wanted = SWEEPS if options.by == "all" else {options.by: SWEEPS[options.by]}
    try:
        with KafkaBroker() as broker:
            say("once unheeded, until Kafka has compiled itself")
            Measuring(broker, BASE, options).run()
            for by, usual in wanted.items():
                values = usual
                if options.values:
                    values = tuple(map(int, options.values.split(",")))
                rows = sweep(broker, by, values, options)
                keep(by, {"options": vars(options), "rows": rows}, options.result)
    except KeyboardInterrupt:
        say("stopped: the dimension that was being measured is as it was before")
        sys.exit(130)
    if options.result == FILE:
        draw()


if __name__ == "__main__":
    main()
