"""CPU microseconds an event of `mailflag replay`: all stages over a file, no Kafka.

    nice -n 5 .venv/bin/python benchmarks/replay_speed.py [--rounds N] [--result FILE]

Loads differ in what costs: mail that arrives, mail that fails, raw bounces, an outage.
Each round replays every load once, from lines that lie in memory to changes and alerts
that are thrown away; a figure is the median of the rounds, with the lowest and the
highest. Events a second are those of one core that has nothing else to do.
"""

import argparse
import time
from collections.abc import Callable, Iterable

import orjson
from rig import report
from rig.mail import Mail

from streams.adapters.offline import TYPES, Offline
from streams.app import build_stages
from streams.core.instant import Instant, parse, render
from streams.demo.day import day
from streams.settings import load
from streams.simulation import play
from streams.wire.topic import Topic

START = parse("2026-03-02T00:00:00Z") or Instant(0)
EVENTS = 20_000
OUTAGE = ("password_expired", 2_000)
_NAMES = {topic: name for name, topic in TYPES.items()}


def attempts(failing: float) -> list[bytes]:
    """Answer lines of a hundred attempts a second, of which so many fail for good."""
    made = Mail(failing, since=START, step_ms=10).attempts(EVENTS)
    return [orjson.dumps({**orjson.loads(one), "type": "send-attempt"}) for one in made]


def demo() -> list[bytes]:
    """Answer lines of the demo's day, without what is no JSON object."""
    lines = []
    for event in day(1, START, events=EVENTS):
        try:
            told = orjson.loads(event.value or b"")
        except orjson.JSONDecodeError:
            continue
        if isinstance(told, dict):
            more = {"type": _NAMES[event.topic], "arrived_at": render(event.arrived_at)}
            lines.append(orjson.dumps(told | more))
    return lines


def outage() -> list[bytes]:
    """Answer lines of a simulated tenant whose password expires."""
    return [orjson.dumps(event) for event in play(*OUTAGE, 1).events()]


LOADS: dict[str, Callable[[], list[bytes]]] = {
    "1 % of the mail fails": lambda: attempts(0.01),
    "60 % of the mail fails": lambda: attempts(0.6),
    "the demo's day, with raw bounces": demo,
    "a tenant's outage, simulated": outage,
}


def replayed(lines: Iterable[bytes]) -> float:
    """Answer the CPU seconds of one replay."""
    stages = build_stages(load({"dead_letter_share": 1, "dead_letter_run": 0}))
    told = {Topic.FLAG_CHANGES: 0, Topic.ALERTS: 0}
    offline = Offline(
        stages.by_topic(),
        lambda message: told.update({message.topic: told.get(message.topic, 0) + 1}),
        lambda _: None,
        stages.bulletins(),
    )
    began = time.process_time()
    for _ in offline.run(lines):
        pass
    seconds = time.process_time() - began
    assert told[Topic.FLAG_CHANGES]  # noqa: S101 - a replay that did nothing is none
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--result", help="file under benchmarks/results")
    options = parser.parse_args()
    loads = {name: make() for name, make in LOADS.items()}
    spent: dict[str, list[float]] = {name: [] for name in loads}
    for _ in range(options.rounds):
        for name, lines in loads.items():
            spent[name].append(replayed(lines) / len(lines) * 1e6)
    rows = [
        {
            "load": name,
            "events": len(loads[name]),
            "cpu_us": report.figure([round(one, 1) for one in each]),
            "events_a_second": round(1e6 / report.figure(each).median),
        }
        for name, each in spent.items()
    ]
    print(report.table(rows))
    report.save(
        "replay_speed",
        {"options": {"rounds": options.rounds}, "rows": rows},
        options.result,
    )


if __name__ == "__main__":
    main()
