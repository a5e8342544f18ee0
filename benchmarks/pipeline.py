"""The pipeline on a real Kafka, side by side with what people would pick instead.

Every contender gets the same records on the same broker, one after the other, round
by round. Of two jobs: `rules` is mailflag's own (ingest and flags with all rules) in
our worker, in a plain aiokafka loop, in stock Faust agents and in Quix Streams;
`set-clear` and `latest` are small ones that Kafka Streams can do, too.

    nice -n 5 .venv/bin/python benchmarks/pipeline.py --rounds 5 --result pipeline.json
    .venv/bin/python benchmarks/pipeline.py --only worker,plain --loads quiet
"""

import argparse
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson
from peers.told import Told
from rig import dry, machine, report
from rig.bed import Bed, KafkaBroker, Pair, keyed
from rig.contender import CONTENDERS
from rig.contest import Feed, end_cleanly, measure
from rig.mail import LOADS, Load

from streams.app import build_stages
from streams.settings import load as load_settings
from streams.wire.topic import Topic

JOBS: dict[str, tuple[str, ...]] = {
    "rules": ("worker", "ingest", "flags", "plain", "faust", "quix"),
    "set-clear": ("engine", "plain", "kafka-streams", "faust", "quix"),
    "latest": ("engine", "plain", "kafka-streams"),
}
"""Who takes part in which job; the first one is ours, by which ratios are taken."""
SHARE = {"faust": 0.1, "quix": 0.3}
"""Slow contenders get fewer events: a figure is per event."""
WARM = 0.15
"""Events of the warm-up for each that is measured."""
BY_ADDRESS = "attempts-by-address"
"""Input of the small jobs, keyed as they need it."""
OUTPUTS = (Topic.EVIDENCE, Topic.FLAG_CHANGES, Topic.FLAGS, Topic.TENANT_ACTIVITY)
Row = dict[str, Any]
Rows = dict[tuple[str, str, str], list[Row]]


class Match(NamedTuple):
    """One contender, one job, one load."""

    job: str
    load: Load
    name: str

    @property
    def input(self) -> str:
        """Topic that the contender reads first."""
        if self.job != "rules":
            return BY_ADDRESS
        return Topic.EVIDENCE if self.name == "flags" else self.load.topic

    @property
    def read(self) -> Sequence[str]:
        """Topics that are read to their end when the job is done."""
        alone = self.job != "rules" or self.name in {"ingest", "flags"}
        return [self.input] if alone else [self.input, Topic.EVIDENCE]

    @property
    def written(self) -> Sequence[str]:
        """Topics whose newest record ends the run."""
        if self.job != "rules":
            return [Topic.FLAG_CHANGES]
        if self.name == "ingest":
            return [Topic.EVIDENCE]
        return OUTPUTS[1:] if self.name == "flags" else OUTPUTS

    def pairs(self, count: int, seed: int) -> list[Pair]:
        """Answer the records of its input."""
        values = self.load.values(count, seed)
        if self.input == BY_ADDRESS:
            return [(_address(value), value) for value in values]
        if self.input != Topic.EVIDENCE:
            return list(keyed(values))
        stage = build_stages(load_settings()).ingest
        made = dry.evidence(stage, self.load.topic, values)
        return [(m.key, m.value) for m in made if m.value is not None]


def _address(value: bytes) -> bytes:
    event = orjson.loads(value)
    return f"{event['tenant_id']}/{event['address']}".encode()


def run(match: Match, broker: KafkaBroker, options: argparse.Namespace) -> Row:
    """Measure once, on topics of its own."""
    count = round(options.events * match.load.scale * SHARE.get(match.name, 1))
    bed = Bed(broker.address, options.partitions, {BY_ADDRESS: {}})
    with tempfile.TemporaryDirectory(prefix="mailflag-bench-") as state:
        told = Told(
            kafka=bed.kafka,
            prefix=bed.prefix,
            app=bed.app_id,
            input=match.load.topic if match.job == "rules" else BY_ADDRESS,
            partitions=options.partitions,
            job=match.job,
            success_memory_days=match.load.success_memory_days,
            state=state,
        )
        warm, main = match.pairs(round(count * WARM), 0), match.pairs(count, 1)
        feed = Feed(
            lambda: bed.fill(match.input, warm),
            lambda: bed.fill(match.input, main),
            match.read,
            match.written,
        )
        row = measure(CONTENDERS[match.name](told), bed, feed, broker.pid)
    bed.delete()
    return row


def compare(rows: Rows) -> list[Row]:
    """Answer medians with spread, and ratios to ours of the same rounds."""
    lines = []
    for (job, load, name), found in rows.items():
        ours = rows.get((job, load, JOBS[job][0]), found)
        cpu = [row["cpu_us"] for row in found]
        lines.append(
            {
                "job": job,
                "load": load,
                "contender": name,
                "events/s": report.figure([row["events_per_second"] for row in found]),
                "cpu us": report.figure(cpu),
                "broker us": report.figure([row["broker_us"] for row in found]),
                "cpu to ours": report.ratio([row["cpu_us"] for row in ours], cpu),
                "peak MiB": max(row["peak_rss_mib"] for row in found),
            }
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--jobs", default=",".join(JOBS))
    parser.add_argument("--loads", default=",".join(LOADS))
    parser.add_argument("--only", default=",".join(CONTENDERS))
    parser.add_argument("--result", help="file under benchmarks/results")
    options = parser.parse_args()
    matches = [
        Match(job, LOADS[load], name)
        for job in options.jobs.split(",")
        for load in options.loads.split(",")
        for name in JOBS[job]
        if name in options.only.split(",")
        if job == "rules" or load == "quiet"
    ]
    rows: Rows = defaultdict(list)
    end_cleanly()
    with KafkaBroker() as broker:
        # A broker that has just started is slow until it has compiled itself: whoever
        # came first would pay for it. And who follows whom turns.
        run(matches[0], broker, options)
        for number in range(options.rounds):
            for match in matches[:: -1 if number % 2 else 1]:
                row = run(match, broker, options)
                rows[match.job, match.load.name, match.name].append(row)
                print(
                    f"{number + 1} {match.job:10}{match.load.name:11}{match.name:14}"
                    f"{row['events_per_second']:9,} events/s{row['cpu_us']:8.2f} us"
                    f"{row['broker_us']:8.2f} us of the broker"
                    f"{row['peak_rss_mib']:6} MiB  load {row['load']}",
                    flush=True,
                )
    lines = compare(rows)
    print(report.table(lines))
    told = {
        "loads": {name: load.says for name, load in LOADS.items()},
        "options": vars(options),
        "versions": machine.versions("faust-streaming", "aiokafka", "orjson"),
        "summary": lines,
        "rounds": [
            {"job": job, "load": load, "contender": name, "rows": found}
            for (job, load, name), found in rows.items()
        ],
    }
    report.save("pipeline", told, options.result)


if __name__ == "__main__":
    main()
