"""What the committed runs of `make chaos` come to: benchmarks/results/chaos.jsonl."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[1] / "benchmarks" / "results" / "chaos.jsonl"
WHAT = {
    "broker": "the broker is killed, and comes back",
    "broker-stop": "the broker stands still for 2 to 9 s, connections stay",
    "burst": "ten seconds' mail comes at once",
    "clock": "a worker's clock is an hour or two wrong",
    "cut": "connections break before requests arrive",
    "delete": "somebody deletes every topic, and is refused",
    "disk": "the broker's disk is full until it has ended",
    "expire": "transactions end after the broker has given them up",
    "join": "a worker more",
    "kill": "a worker is killed",
    "leave": "a worker fewer",
    "lose": "writes arrive, their answers get lost",
    "pager": "Alertmanager is away, and has forgotten everything",
    "pause": "a worker stands still for 0.5 to 3 s",
    "poison": "600 records of poison in a row, more than the fuse bears",
    "rebalance-stop": "a worker stands still while another comes or goes",
    "slow": "writes take 0.3 to 2 s longer",
    "step": "a worker's clock is set, by up to a minute",
    "stop": "a worker stands still beyond its session time-out",
    "term": "a rolling restart",
}
Row = dict[str, Any]


def load() -> list[Row]:
    """Read the committed runs."""
    lines = FILE.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def runs(rows: Sequence[Row]) -> list[tuple[str, ...]]:
    """Answer a row for each version of the code and of Kafka."""
    kinds = dict.fromkeys((str(row.get("commit")), row["kafka"]) for row in rows)
    found = []
    for commit, kafka in kinds:
        own = [
            row
            for row in rows
            if (str(row.get("commit")), row["kafka"]) == (commit, kafka)
        ]
        found.append(
            (
                "earlier" if commit == "None" else f"`{commit}`",
                kafka,
                ", ".join(str(row["seed"]) for row in own),
                str(sum(row["faults"] for row in own)),
                str(sum(_given_up(row) for row in own)),
                str(sum(_requests(row, "lose") for row in own)),
                str(sum(_requests(row, "cut") for row in own)),
                f"{sum(row.get('broker_away_seconds', 0) for row in own):,.0f} s",
                str(sum(bool(row["violations"]) for row in own)),
            )
        )
    return found


def struck(rows: Sequence[Row]) -> list[tuple[str, ...]]:
    """Answer a row for each fault: how often it struck."""
    times: Counter[str] = Counter()
    for row in rows:
        times.update(row["by_fault"])
    table = [(f"`{name}`", WHAT[name], str(n)) for name, n in sorted(times.items())]
    return [*table, ("", "together", str(times.total()))]


def _given_up(row: Row) -> int:
    return sum(row.get("transactions_aborted", {}).values())


def _requests(row: Row, what: str) -> int:
    return sum(
        n for name, n in row["requests"].items() if name.partition(" ")[0] == what
    )
