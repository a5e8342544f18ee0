"""How well incidents are found, side by side with what people use today.

    .venv/bin/python benchmarks/detection.py [--seeds 1-3] [--volumes 0,200,2000]
        [--scenarios NAME,...] [--no-rivals] [--misses] [--json FILE]
        [--read FILE ...] [--result FILE]

Each scenario of the simulator goes as events through the whole chain: decoding,
classification, flags, spikes, roll-up. A page is an alert that is part of no other:
somebody is woken for it, or told in office hours. An incident counts when at least
three customers failed; delays run from the arrival of the third one's failure, the
earliest moment at which any rule that wants three customers can speak. Plays of
several runs, kept by `--json`, are told as one by `--read`.
"""

# ruff: noqa: ANN001, ANN201, ANN202, ANN204, PLR2004 - a script of figures

import argparse
import json
import platform
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import quantiles

import orjson
import rivals
from rig import report
from rivals import Outcome, Page

from streams.adapters.offline import Offline
from streams.app import build_stages
from streams.core.evidence import Action, Attempt, Report
from streams.core.evidence import Outcome as Ended
from streams.core.failure import Side
from streams.core.instant import parse
from streams.settings import load
from streams.simulation import SCENARIOS, play
from streams.simulation.label import third_failure
from streams.simulation.traffic import HOUR, MONDAY
from streams.wire import evidence as evidence_wire
from streams.wire.reject import Reject
from streams.wire.topic import Topic

GRACE = HOUR / 2
WEEK = 7 * 24 * HOUR


class Tap:
    """Hands a stage's input to the rivals as well."""

    def __init__(self, stage, detectors):
        self._stage = stage
        self._detectors = detectors
        self._seen = set()

    def __getattr__(self, name):
        return getattr(self._stage, name)

    def process(self, batch, table, now):
        for record in batch.records:
            heard = evidence_wire.decode(record.value)
            if not isinstance(heard, Reject) and heard.id not in self._seen:
                self._seen.add(heard.id)
                self._tell(heard)
        return self._stage.process(batch, table, now)

    def _tell(self, heard):
        at = (heard.arrived_at - MONDAY) / 1000
        failed, cause = False, ""
        if isinstance(heard, Attempt):
            if heard.outcome is Ended.DEFERRED and not _ours(heard):
                return
            failed = heard.outcome is not Ended.ACCEPTED
        elif isinstance(heard, Report):
            if heard.action is not Action.FAILED:
                return
            failed = True
        else:
            return
        if heard.failure is not None:
            cause = heard.failure.failure_class
        outcome = Outcome(at, heard.tenant_id, heard.provider, failed, cause)
        for detector in self._detectors:
            detector.hear(outcome)


def _ours(attempt):
    return attempt.failure is not None and attempt.failure.side is Side.SENDER_CONFIG


@dataclass
class Found:
    """What became of one truth."""

    hard: bool
    countable: bool
    pages: int = 0
    delay: float | None = None
    cause: bool = False
    scope: bool = False
    early: bool = False


@dataclass
class Result:
    """One detector on one play."""

    detector: str
    scenario: str
    volume: int
    seed: int
    incident: bool
    weeks: float
    found: list = field(default_factory=list)
    pages: int = 0
    false: int = 0
    what: list = field(default_factory=list)


class Ours:
    """The pages among the alerts."""

    def __init__(self):
        self.alerts = {}
        self.first = {}

    def take(self, message):
        if message.topic == Topic.ALERTS:
            alert = json.loads(message.value)
            self.alerts[alert["key"]] = alert
            if alert["severity"] != "info":
                self.first.setdefault(alert["key"], alert)

    def pages(self):
        return [
            Page(
                alert["tenant_id"],
                _seconds(alert["at"]),
                resolved and _seconds(resolved),
                last["scope"],
                last["provider"],
                last["cause"],
            )
            for key, alert in self.first.items()
            for last in [self.alerts[key]]
            for resolved in [last["resolved_at"]]
        ]


def _seconds(text):
    return (parse(text) - MONDAY) / 1000


def run(name, volume, seed, detectors):
    """Play a scenario; answer the play, all pages by detector, events, CPU."""
    made = play(name, volume, seed)
    stages = build_stages(load({"dead_letter_share": 1, "dead_letter_run": 0}))
    by_topic = stages.by_topic()
    rest = [one() for one in detectors]
    if rest:
        by_topic[Topic.EVIDENCE] = Tap(stages.flags, rest)
    ours = Ours()
    offline = Offline(by_topic, ours.take, lambda _: None, stages.bulletins())
    events = [orjson.dumps(event) for event in made.events()]
    began = time.process_time()
    for _ in offline.run(events):
        pass
    cpu = time.process_time() - began
    pages = {"mailflag": ours.pages()}
    for one in rest:
        one.end()
        pages[one.name] = one.pages
    return made, pages, len(events), cpu


def judge(made, pages):
    """Match pages with truths; answer what was found and which are false."""
    scored = [page for page in pages if page.opened >= made.start]
    used, found = set(), []
    for truth in made.truths:
        third = third_failure(truth, made.post.struck)
        mine = [
            (n, page)
            for n, page in enumerate(scored)
            if n not in used
            and (page.tenant is None or page.tenant in truth.tenants)
            and truth.start <= page.opened <= truth.end + GRACE
        ]
        used |= {n for n, _ in mine}
        one = Found(truth.hard, third is not None, len(mine))
        if mine:
            matched = [page for _, page in mine]
            first = min(matched, key=lambda page: page.opened)
            one.delay = None if third is None else max(0.0, first.opened - third)
            one.cause = first.cause in truth.causes
            one.scope = any(
                page.scope == truth.scope and truth.provider in {None, page.provider}
                for page in matched
            )
            ends = [page.resolved for page in matched]
            one.early = all(end is not None and end < truth.end - 300 for end in ends)
        found.append(one)
    false = [page for n, page in enumerate(scored) if n not in used]
    return found, false, len(scored)


def summary(results):
    """Answer the figures of one detector."""
    clean = [r for r in results if r.scenario.startswith("ordinary")]
    quiet = [r for r in results if not r.incident]
    tested = [f for r in results for f in r.found if f.countable]
    plain = [f for f in tested if not f.hard]
    hard = [f for f in tested if f.hard]
    hits = [f for f in tested if f.pages]
    false = sum(r.false for r in results)
    delays = sorted(f.delay / 60 for f in hits if f.delay is not None)
    cuts = quantiles(delays, n=10) if len(delays) > 1 else [float("nan")] * 9
    return {
        "recall plain": f"{sum(f.pages > 0 for f in plain)}/{len(plain)}",
        "recall hard": f"{sum(f.pages > 0 for f in hard)}/{len(hard)}",
        "precision": len(hits) / max(1, len(hits) + false),
        "false/clean week": sum(r.false for r in clean)
        / max(1e-9, sum(r.weeks for r in clean)),
        "quiet paging": f"{sum(r.false > 0 for r in quiet)}/{len(quiet)}",
        "pages/incident": sum(f.pages for f in hits) / max(1, len(hits)),
        "delay p50": cuts[4],
        "delay p90": cuts[8],
        "cause": sum(f.cause for f in hits) / max(1, len(hits)),
        "scope": sum(f.scope for f in hits) / max(1, len(hits)),
        "early": sum(f.early for f in hits) / max(1, len(hits)),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", default="1")
    parser.add_argument("--volumes", default="0,20,200,2000")
    parser.add_argument("--scenarios")
    parser.add_argument("--no-rivals", action="store_true")
    parser.add_argument("--misses", action="store_true")
    parser.add_argument("--json")
    parser.add_argument("--read", nargs="+", metavar="FILE", help="play nothing")
    parser.add_argument("--result", help="file under benchmarks/results")
    chosen = parser.parse_args()
    results = read(chosen.read) if chosen.read else play_all(chosen)
    table(results)
    if chosen.json:
        with Path(chosen.json).open("w", encoding="utf-8") as file:
            for many in results.values():
                file.writelines(json.dumps(asdict(one)) + "\n" for one in many)
    if chosen.result:
        report.save("detection", described(results), chosen.result)


def play_all(chosen):
    """Play what was chosen; answer the results by detector."""
    first, _, last = chosen.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    volumes = {int(volume) for volume in chosen.volumes.split(",")}
    names = chosen.scenarios.split(",") if chosen.scenarios else list(SCENARIOS)
    detectors = () if chosen.no_rivals else rivals.ALL
    results, events, cpu = {}, 0, 0.0
    for name in names:
        for volume in sorted(volumes & set(SCENARIOS[name].volumes)):
            for seed in seeds:
                made, pages, count, spent = run(name, volume, seed, detectors)
                events, cpu = events + count, cpu + spent
                for detector, said in pages.items():
                    found, false, scored = judge(made, said)
                    span = (made.end - made.start) * len(made.tenants)
                    one = Result(
                        detector,
                        name,
                        volume,
                        seed,
                        SCENARIOS[name].incident,
                        span / WEEK,
                        found,
                        scored,
                        len(false),
                        [page._asdict() for page in false],
                    )
                    results.setdefault(detector, []).append(one)
                    if chosen.misses and detector == "mailflag":
                        tell(one, made, said)
    print(f"\n{events:,} events, {events / cpu:,.0f}/s of CPU with rivals and all")
    print(f"{platform.processor() or platform.machine()}, {platform.python_version()}")
    return results


def read(files):
    """Answer the results of earlier runs, by detector."""
    results = {}
    for name in files:
        for line in Path(name).read_text(encoding="utf-8").splitlines():
            kept = json.loads(line)
            kept["found"] = [Found(**found) for found in kept["found"]]
            results.setdefault(kept["detector"], []).append(Result(**kept))
    return results


def described(results):
    """Say what was played, and the figures: of all, and of ours by kind of play."""
    ours = results["mailflag"]
    parts = {"fleets": [r for r in ours if r.volume == 0]}
    parts["single tenants"] = [r for r in ours if r.volume > 0]
    plays = Counter((r.volume, r.seed) for r in ours)
    return {
        "plays": [
            {"volume": volume, "seed": seed, "plays": count}
            for (volume, seed), count in sorted(plays.items())
        ],
        "scenarios": sorted({r.scenario for r in ours}),
        "figures": {name: summary(many) for name, many in results.items()},
        "ours": {name: summary(many) for name, many in parts.items() if many},
    }


def tell(result, made, pages):
    """Say on standard error what was wrong in a play."""
    where = f"{result.scenario} {result.volume} seed {result.seed}"
    for found in result.found:
        bad = not found.pages or found.pages > 1 or not (found.cause and found.scope)
        late = found.delay is not None and found.delay > 2400
        if found.countable and (bad or found.early or late):
            print("INCIDENT", where, asdict(found), file=sys.stderr)
    for page in result.what:
        print("FALSE", where, page, file=sys.stderr)
    if any(page.opened < made.start for page in pages):
        many = [page for page in pages if page.opened < made.start]
        print("BEFORE", where, many, file=sys.stderr)
    sys.stderr.flush()


def table(results):
    columns = None
    for detector, many in results.items():
        figures = summary(many)
        if columns is None:
            columns = list(figures)
            print(f"| {'detector':20} | " + " | ".join(columns) + " |")
            print("|---" * (len(columns) + 1) + "|")
        cells = [
            f"{value:.3f}" if isinstance(value, float) else value
            for value in figures.values()
        ]
        print(f"| {detector:20} | " + " | ".join(cells) + " |")
    counts = Counter(one.scenario for one in results["mailflag"])
    print(f"\n{sum(counts.values())} plays of {len(counts)} scenarios")


if __name__ == "__main__":
    main()
