"""Draws the pictures of growth.json: `python plots.py growth.json FOLDER`.

Runs with the peers' interpreter, which has matplotlib. Colours are readable on white
and on black, the ground is transparent, and the same figures give the same bytes: a
picture names the digest of the file that it was drawn from.
"""

import json
import statistics
import sys
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl

mpl.use("svg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullLocator

INK = "#737b84"
BLUE, ORANGE, GREEN = "#2f81f7", "#d97706", "#2da44e"
THOUSAND, MILLION = 1_000, 1_000_000
STYLE = {
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlesize": 9,
    "axes.labelsize": 8,
    "font.family": "sans-serif",
    "font.size": 8,
    "grid.alpha": 0.25,
    "grid.color": INK,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "lines.linewidth": 1.5,
    "lines.markersize": 4,
    "svg.fonttype": "none",
    "svg.hashsalt": "growth",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}
Row = dict[str, Any]


class Curve(NamedTuple):
    """One line of a panel."""

    name: str
    of: Callable[[Row], float]
    colour: str = BLUE


class Panel(NamedTuple):
    """One pair of axes."""

    title: str
    unit: str
    curves: Sequence[Curve]
    log: bool = False
    """Both axes are logarithmic: what is in proportion becomes a straight line."""


COST = Panel(
    "CPU of an event, from a backlog",
    "microseconds",
    (
        Curve("workers", lambda row: row["cpu_us"]),
        Curve("broker", lambda row: row["broker_us"], ORANGE),
    ),
)
LATENCY = Panel(
    "Latency at {rate:,} events/s",
    "milliseconds",
    (
        Curve("99 of 100", lambda row: row["p99_ms"], ORANGE),
        Curve("half", lambda row: row["p50_ms"]),
    ),
)
MEMORY = Panel(
    "Memory of a worker",
    "MiB resident",
    (Curve("", lambda row: max(row["rss_mib"])),),
)
IDLE = Panel(
    "CPU without any mail",
    "percent of a core",
    (
        Curve("worker", lambda row: row["idle_cpu_percent"]),
        Curve("broker", lambda row: row["idle_broker_percent"], ORANGE),
    ),
)
YIELD = Panel(
    "Events for a CPU second of the workers",
    "events",
    (Curve("", lambda row: row["events_per_cpu_second"]),),
)
WALL = Panel(
    "Events a second, broker on the same {cores} cores",
    "events/s",
    (Curve("", lambda row: row["events_per_second"], GREEN),),
)
PICTURES: dict[str, Sequence[Panel]] = {
    "addresses": (COST, LATENCY, MEMORY._replace(log=True)),
    "tenants": (COST, LATENCY, MEMORY),
    "partitions": (COST, LATENCY, IDLE),
    "workers": (YIELD, WALL, MEMORY),
}
"""What is shown of each dimension."""
LABELS = {
    "addresses": "addresses",
    "tenants": "tenants",
    "partitions": "partitions of each topic",
    "workers": "workers, each pinned to one of {cores} cores",
}


def short(value: float, _: object = None) -> str:
    """Answer a number as on an axis: 10 k, 5 M."""
    if value >= MILLION:
        return f"{value / MILLION:g} M"
    return f"{value / THOUSAND:g} k" if value >= THOUSAND else f"{value:g}"


def fill(axes: Axes, panel: Panel, by: str, rows: Sequence[Row], cores: int) -> None:
    """Draw the curves of one panel: medians of the rounds, with their spread."""
    values = sorted({row[by] for row in rows})
    for curve in panel.curves:
        found = [[curve.of(r) for r in rows if r[by] == value] for value in values]
        middle = [statistics.median(each) for each in found]
        axes.plot(values, middle, "o-", color=curve.colour, label=curve.name or None)
        lowest, highest = [min(each) for each in found], [max(each) for each in found]
        if lowest != highest:
            axes.vlines(values, lowest, highest, color=curve.colour, alpha=0.5)
    if by != "workers":
        axes.set_xscale("log")
    axes.set_xticks(values, [short(value) for value in values])
    axes.xaxis.set_minor_locator(NullLocator())
    if panel.log:
        axes.set_yscale("log")
        axes.set_yticks([100, 300, 1_000, 3_000])
        axes.yaxis.set_minor_locator(NullLocator())
    else:
        axes.margins(y=0.12)
        axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(FuncFormatter(short))
    axes.grid(visible=True, axis="y")
    axes.set_title(panel.title.format(rate=rows[0]["rate"], cores=cores), loc="left")
    axes.set_xlabel(LABELS[by].format(cores=cores))
    axes.set_ylabel(panel.unit)
    if any(curve.name for curve in panel.curves):
        axes.legend(loc="best")


def draw(by: str, told: dict[str, Any], digest: str, folder: Path) -> None:
    """Draw one dimension."""
    panels, rows = PICTURES[by], told["sweeps"][by]["rows"]
    figure, all_axes = plt.subplots(
        1, len(panels), figsize=(10, 2.7), layout="constrained"
    )
    for axes, panel in zip(all_axes, panels, strict=True):
        fill(axes, panel, by, rows, told["machine"]["cores"])
        axes.patch.set_alpha(0)
    figure.savefig(
        folder / f"growth-{by}.svg",
        transparent=True,
        metadata={"Date": None, "Description": f"growth.json sha256:{digest}"},
    )
    plt.close(figure)


def main() -> None:
    """Draw all that the file has."""
    file, folder = Path(sys.argv[1]), Path(sys.argv[2])
    content = file.read_bytes()
    told = json.loads(content)
    with mpl.rc_context(STYLE):
        for by in told["sweeps"]:
            draw(by, told, sha256(content).hexdigest(), folder)
            print(f"drawn: growth-{by}.svg")


if __name__ == "__main__":
    main()
