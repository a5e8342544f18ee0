"""Draws what the queries of a dashboard answer, without Grafana.

    python -m tools.board_picture --prometheus http://127.0.0.1:9090 \
        --minutes 15 flags docs/pictures/flags.png

Asks a Prometheus every question of the committed dashboard and lets Chromium draw
the answers at the places of the panels: to look at queries before they are trusted,
and for the pictures in the documentation.
"""

import argparse
import html
import json
import re
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

BOARDS = Path(__file__).parents[1] / "grafana" / "dashboards"
WIDTH, CELL, GAP = 1560, 34, 6
COLUMN = WIDTH / 24
POINTS = 240
COLOURS = (
    *("#7EB26D", "#EAB839", "#6ED0E0", "#EF843C", "#E24D42", "#1F78C1"),
    *("#BA43A9", "#705DA0", "#508642", "#CCA300", "#447EBC", "#C15C17"),
)
STYLE = """
body { margin: 0; background: #111217; color: #ccccdc; font: 12px sans-serif;
  width: %dpx; position: relative; }
h1 { font-size: 18px; margin: 10px 12px; height: 26px; font-weight: 500; }
.panel { position: absolute; background: #181b1f; border: 1px solid #25272d;
  box-sizing: border-box; overflow: hidden; }
.panel h2 { font-size: 12px; font-weight: 500; margin: 6px 8px 2px; }
.row { position: absolute; font-size: 14px; padding: 8px 4px; }
.number { font-size: 30px; text-align: center; line-height: 74px; }
.legend { margin: 0 8px; height: 46px; overflow: hidden; color: #9a9aab;
  font-size: 11px; line-height: 15px; }
.legend b { display: inline-block; width: 10px; height: 3px; margin: 0 4px 2px 8px; }
table { border-collapse: collapse; width: 100%%; }
td, th { text-align: left; padding: 5px 10px; border-bottom: 1px solid #25272d; }
th { color: #6e9fff; font-weight: 500; }
text { fill: #9a9aab; font-size: 10px; }
"""


class Line(NamedTuple):
    """One series over time, by its legend."""

    name: str
    points: list[tuple[float, float]]


class Span(NamedTuple):
    """The time that is shown."""

    start: float
    end: float

    @property
    def step(self) -> int:
        """Seconds between two points."""
        return max(1, round((self.end - self.start) / POINTS))


class Prometheus:
    """Answers the queries of panels, with the variables at their defaults."""

    def __init__(self, url: str, span: Span, scrape: int) -> None:
        """Take the server, the time shown, and its scrape interval in seconds."""
        self._url = url
        self._span = span
        chosen = {"job": "mailflag", "instance": ".+", "tenant": ".*"}
        self._chosen = {f"${name}": value for name, value in chosen.items()}
        self._chosen["$__rate_interval"] = f"{max(4 * scrape, span.step + scrape)}s"
        self._chosen["$__range"] = f"{round(span.end - span.start)}s"

    def _get(self, path: str, **parameters: object) -> list[dict[str, Any]]:
        query = str(parameters.pop("query"))
        for name, value in self._chosen.items():
            query = query.replace(name, value)
        asked = urllib.parse.urlencode({"query": query, **parameters})
        url = f"{self._url}/api/v1/{path}?{asked}"
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - theirs
            result: list[dict[str, Any]] = json.load(answer)["data"]["result"]
        return result

    def lines(self, target: dict[str, Any]) -> list[Line]:
        """Answer the series of a query over the time shown."""
        found = self._get(
            "query_range",
            query=target["expr"],
            start=self._span.start,
            end=self._span.end,
            step=self._span.step,
        )
        return [
            Line(
                _legend(target.get("legendFormat", ""), one["metric"]),
                [(at, float(value)) for at, value in one["values"] if value != "NaN"],
            )
            for one in found
        ]

    def now(self, target: dict[str, Any]) -> list[tuple[dict[str, str], float]]:
        """Answer the samples of a query at the end of the time shown."""
        found = self._get("query", query=target["expr"], time=self._span.end)
        return [(one["metric"], float(one["value"][1])) for one in found]


def _legend(form: str, labels: dict[str, str]) -> str:
    filled = re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found[1], ""), form)
    return filled.strip()


def shown(value: float, unit: str) -> str:
    """Answer a value as Grafana would write it, roughly."""
    match unit:
        case "percentunit":
            return f"{value * 100:.3g} %"
        case "s":
            return _duration(value)
        case "dateTimeFromNow":
            return f"{_duration(time.time() - value / 1000)} ago"
        case "bool_yes_no":
            return "Yes" if value else "No"
        case "bytes" | "Bps":
            return f"{_scaled(value, 1024, ('', 'Ki', 'Mi', 'Gi'))}B" + (
                "/s" if unit == "Bps" else ""
            )
        case _:
            return _scaled(value, 1000, ("", "K", "Mil", "Bil")) + (
                " c/s" if unit == "cps" else ""
            )


def _scaled(value: float, base: int, names: Sequence[str]) -> str:
    for name in names[:-1]:
        if abs(value) < base:
            return f"{value:.3g} {name}".rstrip()
        value /= base
    return f"{value:.3g} {names[-1]}"


def _duration(seconds: float) -> str:
    for name, size in (("h", 3600), ("min", 60), ("s", 1)):
        if abs(seconds) >= size:
            return f"{seconds / size:.3g} {name}"
    return f"{seconds * 1000:.3g} ms"


def _graph(panel: dict[str, Any], lines: list[Line], span: Span, box: "Box") -> str:
    unit = panel["fieldConfig"]["defaults"]["unit"]
    custom = panel["fieldConfig"]["defaults"].get("custom", {})
    stacked = custom.get("stacking", {}).get("mode") == "normal"
    left, bottom, top = 58, 18, 6
    width, height = box.width - left - 12, box.height - 78 - bottom - top
    drawn = _stacked(lines) if stacked else [(line, None) for line in lines]
    values = [value for line, _ in drawn for _, value in line.points]
    low = min([0.0, *values])
    # As Grafana does: what is nothing all the time lies on the floor.
    high = max(values, default=low)
    high = high if high > low else low + 1

    def x(at: float) -> float:
        return left + (at - span.start) / (span.end - span.start) * width

    def y(value: float) -> float:
        return top + height - (value - low) / (high - low) * height

    parts = []
    for part in range(5):
        value = low + (high - low) * part / 4
        at = y(value)
        parts.append(
            f'<line x1="{left}" x2="{left + width}" y1="{at:.1f}" y2="{at:.1f}"'
            ' stroke="#25272d"/>'
            f'<text x="{left - 4}" y="{at + 3:.1f}" text-anchor="end">'
            f"{shown(value, unit)}</text>"
        )
        moment = span.start + (span.end - span.start) * part / 4
        clock = datetime.fromtimestamp(moment, UTC).strftime("%H:%M")
        anchor = "end" if part == 4 else "middle"  # noqa: PLR2004 - the last one
        parts.append(
            f'<text x="{x(moment):.1f}" y="{top + height + 14}"'
            f' text-anchor="{anchor}">{clock}</text>'
        )
    for number, (line, below) in enumerate(drawn):
        colour = COLOURS[number % len(COLOURS)]
        over = " ".join(f"{x(at):.1f},{y(v):.1f}" for at, v in line.points)
        parts.append(
            f'<polyline points="{over}" fill="none" stroke="{colour}"'
            ' stroke-width="1.2"/>'
        )
        floor = below or [(at, low) for at, _ in line.points]
        under = " ".join(f"{x(at):.1f},{y(v):.1f}" for at, v in reversed(floor))
        opacity = 0.4 if stacked else 0.08
        parts.append(
            f'<polygon points="{over} {under}" fill="{colour}" opacity="{opacity}"/>'
        )
    legend = "".join(
        f'<b style="background:{COLOURS[n % len(COLOURS)]}"></b>'
        f"{html.escape(line.name)}"
        for n, line in enumerate(lines)
    )
    return (
        f'<svg width="{box.width}" height="{height + top + bottom}">'
        f"{''.join(parts)}</svg><div class=legend>{legend}</div>"
    )


def _stacked(
    lines: Iterable[Line],
) -> list[tuple[Line, list[tuple[float, float]] | None]]:
    total: dict[float, float] = {}
    drawn: list[tuple[Line, list[tuple[float, float]] | None]] = []
    for line in lines:
        below = [(at, total.get(at, 0.0)) for at, _ in line.points]
        for at, value in line.points:
            total[at] = total.get(at, 0.0) + value
        over = [(at, total[at]) for at, _ in line.points]
        drawn.append((Line(line.name, over), below))
    return drawn


def _number(panel: dict[str, Any], prometheus: Prometheus) -> str:
    unit = panel["fieldConfig"]["defaults"]["unit"]
    found = prometheus.now(panel["targets"][0])
    if not found or found[0][1] != found[0][1]:
        return "<div class=number>No data</div>"
    value = found[0][1]
    steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    colour = next(
        step["color"]
        for step in reversed(steps)
        if step.get("value") is None or value >= step["value"]
    )
    shade = {"text": "#ccccdc", "green": "#73bf69", "red": "#f2495c"}
    style = f"color:{shade.get(colour, '#ff9830')}"
    if panel["fieldConfig"]["defaults"].get("decimals") == 0:
        value = round(value)
    return f'<div class=number style="{style}">{shown(value, unit)}</div>'


def _table(panel: dict[str, Any], prometheus: Prometheus) -> str:
    (organised,) = [
        t["options"] for t in panel["transformations"] if t["id"] == "organize"
    ]
    names: dict[str, str] = organised["renameByName"]
    units = {
        override["matcher"]["options"]: override["properties"][0]["value"]
        for override in panel["fieldConfig"]["overrides"]
    }
    rows: dict[str, dict[str, str]] = {}
    for target in panel["targets"]:
        for labels, value in prometheus.now(target):
            key = labels.get("instance") or json.dumps(labels, sort_keys=True)
            row = rows.setdefault(key, {})
            row.update(labels)
            name = f"Value #{target['refId']}"
            row[name] = shown(value, units.get(names.get(name, ""), "short"))
    order = sorted(names, key=lambda field: organised["indexByName"][field])
    head = "".join(f"<th>{html.escape(names[field])}</th>" for field in order)
    body = "".join(
        "<tr>"
        + "".join(f"<td>{html.escape(row.get(field, ''))}</td>" for field in order)
        + "</tr>"
        for row in rows.values()
    )
    return f"<table><tr>{head}</tr>{body}</table>"


class Box(NamedTuple):
    """Where a panel is on the page."""

    left: float
    top: float
    width: float
    height: float


def page(board: dict[str, Any], prometheus: Prometheus, span: Span) -> tuple[str, int]:
    """Answer the page of a board, and its height."""
    parts, bottom = [], 0.0
    for panel in board["panels"]:
        at = panel["gridPos"]
        box = Box(
            at["x"] * COLUMN + GAP / 2,
            46 + at["y"] * CELL,
            at["w"] * COLUMN - GAP,
            at["h"] * CELL - GAP,
        )
        bottom = max(bottom, box.top + box.height)
        place = f"left:{box.left:.0f}px;top:{box.top:.0f}px;width:{box.width:.0f}px"
        title = html.escape(panel["title"])
        if panel["type"] == "row":
            parts.append(f'<div class=row style="{place}">{title}</div>')
            continue
        match panel["type"]:
            case "stat":
                inside = _number(panel, prometheus)
            case "table":
                inside = _table(panel, prometheus)
            case _:
                lines = [ln for t in panel["targets"] for ln in prometheus.lines(t)]
                inside = _graph(panel, lines, span, box)
        parts.append(
            f'<div class=panel style="{place};height:{box.height:.0f}px">'
            f"<h2>{title}</h2>{inside}</div>"
        )
    text = (
        f"<!doctype html><meta charset=utf-8><style>{STYLE % WIDTH}</style>"
        f"<h1>{html.escape(board['title'])}</h1>{''.join(parts)}"
    )
    return text, int(bottom) + 12


def draw(text: str, height: int, target: Path, chromium: str) -> None:
    """Let Chromium make a picture of a page."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "board.html"
        source.write_text(text, encoding="utf-8")
        subprocess.run(  # noqa: S603 - the browser that was named
            [
                *(chromium, "--headless=new", "--no-sandbox", "--disable-gpu"),
                *("--hide-scrollbars", f"--window-size={WIDTH},{height}"),
                f"--user-data-dir={folder}/profile",
                f"--screenshot={target.resolve()}",
                source.as_uri(),
            ],
            check=True,
            capture_output=True,
        )


def main() -> None:
    """Draw one board."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("board", choices=sorted(p.stem for p in BOARDS.glob("*.json")))
    parser.add_argument("target", type=Path)
    parser.add_argument("--prometheus", default="http://127.0.0.1:9090")
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--scrape-seconds", type=int, default=15)
    parser.add_argument("--chromium", default="chromium")
    told = parser.parse_args()
    end = time.time()
    span = Span(end - told.minutes * 60, end)
    board = json.loads((BOARDS / f"{told.board}.json").read_text(encoding="utf-8"))
    asked = Prometheus(told.prometheus, span, told.scrape_seconds)
    text, height = page(board, asked, span)
    draw(text, height, told.target, told.chromium)


if __name__ == "__main__":
    main()
