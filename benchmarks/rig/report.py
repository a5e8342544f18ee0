"""Figures over several rounds, as lines for people and as a file for later.

A figure is the median of its rounds, with the lowest and the highest: on a machine
that others use too, a mean says nothing.
"""

import json
import shlex
import statistics
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from rig import machine

RESULTS = Path(__file__).resolve().parents[1] / "results"


class Figure(NamedTuple):
    """A median and its spread."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        """Answer the three as one cell of a table."""
        return f"{self.median:,.4g} ({self.low:,.4g}-{self.high:,.4g})"


def figure(values: Sequence[float]) -> Figure:
    """Answer the median of the rounds, and their spread."""
    return Figure(statistics.median(values), min(values), max(values))


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Figure:
    """Answer theirs divided by ours, round by round: what ran next to each other."""
    return figure([b / a for a, b in zip(ours, theirs, strict=True)])


def table(rows: Sequence[Mapping[str, object]]) -> str:
    """Answer rows as aligned columns, headed by the names of their cells."""
    names = list(rows[0])
    cells = [names, *[[_cell(row[name]) for name in names] for row in rows]]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in cells
    )


def _cell(value: object) -> str:
    return f"{value:,.4g}" if isinstance(value, float) else str(value)


def save(name: str, told: Mapping[str, Any], file: str | None) -> None:
    """Write a result with its command and machine; `-` or nothing writes none."""
    if not file or file == "-":
        return
    path = RESULTS / file if "/" not in file else Path(file)
    path.parent.mkdir(parents=True, exist_ok=True)
    script = Path(sys.argv[0]).name
    result = {
        "benchmark": name,
        "command": f"python benchmarks/{script} {shlex.join(sys.argv[1:])}".strip(),
        "day": datetime.now(UTC).date().isoformat(),
        "machine": machine.described(),
        **told,
    }
    path.write_text(json.dumps(result, indent=1, default=_plain) + "\n")
    print(f"written: {path.name}")


def _plain(value: object) -> object:
    if isinstance(value, Path):
        return value.name
    message = f"{type(value).__name__} cannot be written"
    raise TypeError(message)
