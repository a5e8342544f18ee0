"""What a deployment needs, by benchmarks/results/growth.json and what you expect.

    python -m tools.sums
    python -m tools.sums --events 20000 --addresses 3000000 --tenants 500

Prints the two tables that docs/operating.md has for a million events a second:
`tools.operating_tables` fills them in there.
"""

import argparse
import json
import math
import statistics
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

FILE = Path(__file__).parents[1] / "benchmarks" / "results" / "growth.json"
CHANGELOG = "flags-changelog"
_KILO, _MEGA, _GIGA = 10**3, 10**6, 10**9
_MIB = 1 << 20
Row = Mapping[str, Any]


class Expected(NamedTuple):
    """What you know of your mail, and how much room you want."""

    events: float = 1_000_000
    """Events a second, at the busiest hour: attempts and reports."""
    addresses: float = 100_000_000
    """Addresses with mail within the memory of successes."""
    tenants: int = 10_000
    use: float = 0.5
    """Share of a core that the busiest hour may take: the rest is for catching up,
    incidents and a worker that is missing."""
    replicas: int = 3
    """Copies of each record that the brokers keep."""


class Figures(NamedTuple):
    """What was measured, of one event, address or worker."""

    cpu: float
    """Worker CPU seconds of an event."""
    broker: float
    """Broker CPU seconds of an event, one replica."""
    read: float
    """Bytes that workers read of an event."""
    written: float
    """Bytes that workers write for an event."""
    published: float
    """Bytes that the mail platform writes for an event."""
    address: float
    """Bytes of a worker's memory for an address."""
    kept: float
    """Bytes of the changelog for an address."""
    recovered: float
    """Addresses that a worker reads from the changelog in a second."""
    worker: float
    """Bytes of a worker's memory without addresses."""
    at: int
    """Tenants of the point that the figures of an event are from."""


def figures(told: Mapping[str, Any], tenants: int) -> Figures:
    """Answer the figures for so many tenants, or the next more that was measured."""
    by_tenants = _points(told, "tenants")
    at = min((n for n in by_tenants if n >= tenants), default=max(by_tenants))
    rows = by_tenants[at]
    sizes: dict[str, float] = {}
    for topic in rows[0]["bytes_per_event"]:
        sizes[topic] = _median(rows, lambda row, t=topic: row["bytes_per_event"][t])  # type: ignore[misc] # bound at once
    published = sizes.pop("input")
    inside = [topic for topic in sizes if topic.startswith("mailflag.")]
    by_addresses = _points(told, "addresses")
    few, many = min(by_addresses), max(by_addresses)
    least, most = (
        _median(by_addresses[n], lambda row: row["rss_mib_recovered"][0]) * _MIB
        for n in (few, many)
    )
    address = (most - least) / (many - few)
    return Figures(
        cpu=_median(rows, lambda row: row["cpu_us"]) / _MEGA,
        broker=_median(rows, lambda row: row["broker_us"]) / _MEGA,
        read=published + sum(sizes[topic] for topic in inside),
        written=sum(sizes.values()),
        published=published,
        address=address,
        kept=_median(
            by_addresses[many], lambda row: row["changelog_bytes_per_address"]
        ),
        recovered=_median(
            by_addresses[many],
            lambda row: row["recovered"]["records"] / row["recovered"]["seconds"],
        ),
        worker=_median(rows, lambda row: max(row["rss_mib"])) * _MIB
        - address * rows[0]["addresses"],
        at=at,
    )


def _points(told: Mapping[str, Any], by: str) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = {}
    for row in told["sweeps"][by]["rows"]:
        found.setdefault(row[by], []).append(row)
    return found


def _median(rows: Iterable[Row], of: Callable[[Row], float]) -> float:
    return statistics.median(of(row) for row in rows)


def measured(f: Figures) -> list[tuple[str, str, str]]:
    """Answer the rows of the table of figures."""
    return [
        ("`c`", "worker CPU of an event", f"{f.cpu * _MEGA:.0f} µs"),
        ("`b`", "broker CPU of an event", f"{f.broker * _MEGA:.0f} µs"),
        ("`p`", "published by the mail platform, an event", _bytes(f.published)),
        ("`w`", "written by workers, an event", _bytes(f.written)),
        ("`r`", "read by workers, an event", _bytes(f.read)),
        ("`m`", "memory of an address, in its worker", _bytes(f.address)),
        ("`k`", "changelog of an address", _bytes(f.kept)),
        ("`l`", "addresses recovered a second", _short(f.recovered)),
        ("`o`", "memory of a worker without addresses", _bytes(f.worker)),
    ]


def sums(e: Expected, f: Figures) -> list[tuple[str, str, str]]:
    """Answer the rows of the table of sums."""
    workers = math.ceil(e.events * f.cpu / e.use)
    cores = math.ceil(e.events * f.broker / e.use)
    share, table = e.addresses / workers, e.addresses * f.address
    changelog, into = e.addresses * f.kept, e.events * (f.published + f.written)
    seconds = share / f.recovered
    return [
        ("workers, a core each", "`W = E c / u`", f"{workers:,}"),
        ("partitions of inputs and evidence", "`3 W`", f"{3 * workers:,}"),
        ("memory of a worker", "`o + A m / W`", _bytes(f.worker + table / workers)),
        ("memory of all", "`W o + A m`", _bytes(workers * f.worker + table)),
        ("broker cores, replication apart", "`E b / u`", f"{cores:,}"),
        ("into the brokers", "`E (p + w)`", f"{_bytes(into)}/s"),
        ("to their disks", "`R E (p + w)`", f"{_bytes(e.replicas * into)}/s"),
        ("out to workers", "`E r`", f"{_bytes(e.events * f.read)}/s"),
        ("changelog of flags, compacted", "`A k`", _bytes(changelog)),
        ("recovery of a worker", "`A / (W l)`", f"{seconds:.1f} s"),
        ("out of the brokers then", "`A k / W`", _bytes(changelog / workers)),
    ]


def _bytes(size: float) -> str:
    for unit, name in ((1000 * _GIGA, "TB"), (_GIGA, "GB"), (_MEGA, "MB")):
        if size >= unit:
            return f"{_short(size / unit)} {name}"
    return f"{_short(size / _KILO)} kB" if size >= _KILO else f"{size:.0f} B"


def _short(number: float) -> str:
    """Answer two digits that count: more would promise what sums cannot keep."""
    return f"{float(f'{number:.2g}'):,g}"


def load() -> dict[str, Any]:
    """Read the committed figures."""
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def main() -> None:
    """Print the tables for what is expected."""
    usual = Expected()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=float, default=usual.events, help="E")
    parser.add_argument("--addresses", type=float, default=usual.addresses, help="A")
    parser.add_argument("--tenants", type=int, default=usual.tenants, help="T")
    parser.add_argument("--use", type=float, default=usual.use, help="u, of a core")
    parser.add_argument("--replicas", type=int, default=usual.replicas, help="R")
    expected = Expected(**vars(parser.parse_args()))
    found = figures(load(), expected.tenants)
    for letter, what, value in measured(found):
        sys.stdout.write(f"{letter.strip('`')}  {what:45} {value:>10}\n")
    sys.stdout.write("\n")
    for what, formula, value in sums(expected, found):
        sys.stdout.write(f"{what:40} {value:>12}   {formula.replace('`', '')}\n")


if __name__ == "__main__":
    main()
