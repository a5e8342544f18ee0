"""A long run of faults on a real Kafka, against everything that must be so.

    make chaos ARGS="--seconds 600 --seed 3"
    make chaos ARGS="--faults kill,broker,lose"

What is run, and what must hold, is in tests/broker/chaos.py; tests/broker/test_chaos.py
is a short run. Every run, with a violation or without, is one JSON line in
benchmarks/results/chaos.jsonl, with the commit it ran on (and a `+` when that was not
all), and what the faults have done: transactions given up and why, requests lost and
cut, how long there was no broker. A run with a violation exits 1 and keeps the logs.

`all` are all faults but `clock`: a worker whose clock is hours wrong may take an
incident for over, and nothing can be said of how often it is told, or of when it is
over for Alertmanager.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
import traceback
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(CHECKOUT), str(CHECKOUT / "tests" / "broker")]

import fault_proxy  # noqa: E402 - found through the path above
from chaos import Chaos, Plan  # noqa: E402
from fault_proxy import FaultProxy  # noqa: E402
from kafka_broker import KafkaBroker  # noqa: E402
from mail_audit import Audit  # noqa: E402

from streams.wire.topic import INPUTS  # noqa: E402

RESULTS = CHECKOUT / "benchmarks" / "results" / "chaos.jsonl"
SHOWN = 300
"""Characters of a violation that are kept."""


def commit() -> str | None:
    """Answer what is checked out; None where that is not known."""

    def git(*command: str) -> str:
        told = subprocess.run(
            ["git", *command], cwd=CHECKOUT, capture_output=True, text=True, check=True
        )
        return told.stdout.strip()

    try:
        changed = git(
            *("status", "--porcelain", "--untracked-files=no"),
            *("--", ".", ":!benchmarks/results"),
        )
        return git("rev-parse", "--short=10", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def result(chaos: Chaos, found: Audit, took: float) -> dict[str, object]:
    """Answer what is kept of a run."""
    workers = chaos.deployment.workers
    codes = Counter(str(w.code) for w in workers)
    said = Counter(
        event
        for worker in workers
        for event in ("lane_fenced", "lane_dropped", "coordinator_error")
        for _ in worker.said(event)
    )
    done = chaos.proxy.done.items()
    poison = sum(one.sending.poison is not None for one in chaos.deployment.sent)
    return {
        "seed": chaos.plan.seed,
        "seconds": round(took),
        "plan": chaos.plan._asdict(),
        "workers": chaos.plan.workers,
        "kafka": chaos.broker.version,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "policy": "settled" if chaos.deployment.policy is None else "accepted",
        "faults": sum(chaos.struck.values()),
        "by_fault": dict(sorted(chaos.struck.items())),
        "incidents": [one.fault.cause for one in chaos.incidents.tenants],
        "pager": chaos.pager.name,
        "broker_away_seconds": round(chaos.broker_downtime, 1),
        "transactions_aborted": chaos.witness.aborted,
        "requests": {
            f"{what} {fault_proxy.NAMES[kind]}": n for (what, kind), n in sorted(done)
        },
        "poison": poison,
        "poison_dead_letters": sum(
            found.counts.get(topic.dead_letters, 0) for topic in INPUTS
        ),
        "records": dict(sorted(found.counts.items())),
        "exits": dict(sorted(codes.items())),
        "lanes": dict(sorted(said.items())),
        "violations": {
            what: case if isinstance(case, int) else str(case)[:SHOWN]
            for what, case in chaos.violations.items()
        },
    }


def conclude(chaos: Chaos, found: Audit, kept: dict[str, object], path: Path) -> int:
    """Keep the result, say what it is, and answer the exit code."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as results:
        results.write(json.dumps(kept) + "\n")
    print(json.dumps(kept, indent=2))
    if not chaos.violations:
        print(f"seed {chaos.plan.seed}: clean after {kept['faults']} faults")
        return 0
    logs = chaos.keep_traces(found)
    print(f"\nVIOLATIONS with seed {chaos.plan.seed}:")
    for what, case in chaos.violations.items():
        print(f"  {what}: {str(case)[:500]}")
    print(f"Look at {logs}: findings.txt, logs of workers, all topics.")
    return 1


def played(chaos: Chaos, faults: list[str]) -> Audit:
    """Play one run to its end; a run that breaks off is a violation, too."""
    try:
        chaos.run(faults)
        chaos.settle()
        chaos.resolve()
        return chaos.judge()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told and kept
        traceback.print_exc()
        chaos.violations["the run broke off"] = f"{type(error).__name__}: {error}"
        return Audit()


def main() -> int:
    """Run, and answer the exit code."""
    usual = Plan()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    told = parser.add_argument
    told("--seconds", type=float, default=usual.seconds, help="how long to strike")
    told("--seed", type=int, default=usual.seed, help="decides mail and faults")
    told("--faults", default="all", help="comma separated")
    told("--workers", type=int, default=usual.workers)
    told("--rate", type=int, default=usual.rate, help="records a second")
    told("--people", type=int, default=usual.people, help="addresses at a time")
    told("--calm", type=float, default=usual.calm, help="how long to wait for calm")
    told("--gap", type=float, default=usual.gap, help="seconds between faults")
    told(
        *("--patience",),
        type=float,
        default=usual.patience,
        help="seconds until lag must be zero",
    )
    told("--results", type=Path, default=RESULTS)
    options = vars(parser.parse_args())
    asked, path = options.pop("faults"), options.pop("results")
    head = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "commit": commit()}
    with (
        KafkaBroker(settings={"delete.topic.enable": "false"}) as broker,
        FaultProxy(broker.proxy_port, broker.proxied_port) as proxy,
    ):
        if not broker.can_be_hurt:
            parser.error("the broker must be a process of ours: it will be killed")
        began = time.monotonic()
        chaos = Chaos(broker, proxy, Plan(**options))
        try:
            faults = chaos.usual if asked == "all" else asked.split(",")
            if unknown := set(faults) - chaos.faults.keys():
                known = ", ".join(chaos.faults)
                parser.error(f"no such fault: {', '.join(unknown)}; one of {known}")
            found = played(chaos, faults)
            kept = head | result(chaos, found, time.monotonic() - began)
            return conclude(chaos, found, kept, path)
        finally:
            chaos.close()


if __name__ == "__main__":
    sys.exit(main())
