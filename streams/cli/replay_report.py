"""What a replay found, as one HTML page: flags that stand and incidents, over time.

The page needs nothing but itself: no script, no network. All that comes from mail
is text of somebody else and escaped.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, NamedTuple

import orjson

from streams.core import instant
from streams.core.failure import Side
from streams.core.instant import Instant

_Body = dict[str, Any]

_LEFT, _WIDTH, _HEIGHT = 64, 1000, 240
"""Of the drawing area, in pixels: what is left of it are the counts."""
_ROW = 22
"""Height of an incident's bar with its gap."""
_COLUMNS = 500
"""So many moments are drawn: two pixels each."""
_MOST_BARS = 60
_MOST_INCIDENTS = 200
"""More are counted, not shown: nobody reads on."""
_MOST_SAMPLES = 3
_LABEL = 7
"""Width of a character of a bar's label, in pixels."""
_STEPS = (1, 2, 5)
_HOUR = 3_600_000
_TICKS = 10
"""At most, on the scale of time."""
_COLOURS = {
    Side.RECIPIENT: "#0072b2",
    Side.SENDER_CONFIG: "#d55e00",
    Side.REPUTATION_POLICY: "#cc79a7",
    Side.CONTENT: "#009e73",
    Side.TRANSIENT: "#e69f00",
    Side.UNKNOWN: "#999999",
}
"""Told apart by the colour-blind, too (Okabe and Ito)."""


class _Moved(NamedTuple):
    """Flags of a side that came to stand, or fell, at a moment."""

    at: Instant
    side: str
    flags: int


@dataclass(slots=True)
class Report:
    """Collects what a replay says, and draws it."""

    _moves: list[_Moved] = field(default_factory=list)
    _standing: dict[tuple[str, str], str] = field(default_factory=dict)
    """Tenant and address -> side."""
    _alerts: dict[str, _Body] = field(default_factory=dict)
    """Key -> the newest record, in the order in which they were opened."""
    _counts: Counter[str] = field(default_factory=Counter)

    def take_change(self, value: bytes) -> None:
        """Take the value of a record of the changes topic."""
        body = orjson.loads(value)
        flag, kind = body["flag"], body["type"]
        self._counts[kind] += 1
        cleared = kind == "flag-cleared"
        at = _at(body["cleared_at"] if cleared else flag["updated_at"])
        address = flag["tenant_id"], flag["address"]
        old = self._standing.pop(address, None)
        if old is not None:
            self._moves.append(_Moved(at, old, -1))
        if not cleared:
            self._standing[address] = flag["side"]
            self._moves.append(_Moved(at, flag["side"], 1))

    def take_alert(self, value: bytes) -> None:
        """Take the value of a record of the alerts topic."""
        body = orjson.loads(value)
        self._alerts[body["key"]] = body

    def html(self, name: str, events: int, until: Instant) -> str:
        """Answer the page about the file of that name; time ended at `until`."""
        alerts = sorted(
            self._alerts.values(), key=lambda alert: (alert["opened_at"], alert["key"])
        )
        times = [move.at for move in self._moves]
        times += [_at(alert["opened_at"]) for alert in alerts]
        frame = _Frame(min(times, default=until), max([*times, until]))
        parts = [
            _HEAD.format(title=escape(name), style=_STYLE),
            f"<h1>Replay of {escape(name)}</h1>",
            _numbers(self._numbers(events, alerts)),
            "<h2>Flags that stand, by side (times are UTC)</h2>",
            _legend(),
            _flags(self._columns(frame), frame),
            "<h2>Incidents</h2>",
            *_incidents(alerts, frame),
            "</main></body></html>\n",
        ]
        return "\n".join(parts)

    def _numbers(self, events: int, alerts: Sequence[_Body]) -> dict[str, int]:
        pages = sum(a["severity"] == "critical" for a in alerts)
        return {
            "events": events,
            "flags set": self._counts["flag-set"],
            "flags cleared": self._counts["flag-cleared"],
            "flags standing": len(self._standing),
            "incidents": len(alerts),
            "of them pages": pages,
            "still open": sum(a["resolved_at"] is None for a in alerts),
        }

    def _columns(self, frame: "_Frame") -> list[Counter[str]]:
        """Answer the flags that stand at the end of each column."""
        columns: list[Counter[str]] = []
        standing: Counter[str] = Counter()
        for move in sorted(self._moves):
            column = frame.column(move.at)
            while len(columns) < column:
                columns.append(standing.copy())
            standing[move.side] += move.flags
        while len(columns) < _COLUMNS:
            columns.append(standing.copy())
        return columns


class _Frame(NamedTuple):
    """The time that is drawn."""

    start: Instant
    end: Instant

    @property
    def span(self) -> int:
        return max(self.end - self.start, 1)

    def column(self, at: Instant) -> int:
        return min((at - self.start) * _COLUMNS // self.span, _COLUMNS - 1)

    def x(self, at: int) -> float:
        return _LEFT + _WIDTH * (at - self.start) / self.span

    def ticks(self) -> Iterator[tuple[float, str]]:
        """Answer places and words of some round times."""
        hours = (1 / 12, 1 / 4, 1, 3, 6, 12, 24, 48, 168, 720, 2160, 8760)
        steps = (round(h * _HOUR) for h in hours)
        step = next((s for s in steps if self.span / s <= _TICKS), self.span)
        at = -(-self.start // step) * step
        while at <= self.end:
            moment = instant.to_datetime(Instant(at))
            midnight = moment.hour == moment.minute == 0
            yield self.x(at), f"{moment:%d %b}" if midnight else f"{moment:%H:%M}"
            at += step


def _flags(columns: Sequence[Counter[str]], frame: _Frame) -> str:
    """Draw what stands as areas, one on the other."""
    most = max((sum(c.values()) for c in columns), default=0)
    step = _step(most)
    top = max(-(-most // step) * step, 1)
    height = _HEIGHT / top
    areas, floor = [], [0] * len(columns)
    for side in Side:
        ceiling = [f + c[side] for f, c in zip(floor, columns, strict=True)]
        if ceiling != floor:
            areas.append(_area(side, floor, ceiling, height))
        floor = ceiling
    grid = [
        f'<line x1="{_LEFT}" x2="{_LEFT + _WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" class="count">{count:,}</text>'
        for count in range(0, top + 1, step)
        for y in (_HEIGHT - count * height + 10,)
    ]
    return _svg(
        f"Flags that stand, at most {most:,}", _HEIGHT + 10, [*grid, *areas], frame
    )


def _area(
    side: Side, floor: Sequence[int], ceiling: Sequence[int], height: float
) -> str:
    width = _WIDTH / _COLUMNS
    points: list[str] = []
    for counts, back in ((ceiling, False), (floor, True)):
        edge = []
        for column, count in enumerate(counts):
            x, y = _LEFT + column * width, _HEIGHT + 10 - count * height
            edge += [f"{x:.1f},{y:.1f}", f"{x + width:.1f},{y:.1f}"]
        points += reversed(edge) if back else edge
    return (
        f'<polygon fill="{_COLOURS[side]}" points="{" ".join(points)}">'
        f"<title>{_word(side)}</title></polygon>"
    )


def _incidents(alerts: Sequence[_Body], frame: _Frame) -> Iterator[str]:
    if not alerts:
        yield "<p>None.</p>"
        return
    shown = alerts[:_MOST_BARS]
    bars = [_bar(alert, row, frame) for row, alert in enumerate(shown)]
    yield _svg(f"{len(shown)} incidents", 10 + _ROW * len(shown), bars, frame)
    yield from map(_words, alerts[:_MOST_INCIDENTS])
    if len(alerts) > _MOST_INCIDENTS:
        yield f"<p>{len(alerts) - _MOST_INCIDENTS:,} more are not shown.</p>"


def _bar(alert: _Body, row: int, frame: _Frame) -> str:
    """Draw an incident from its opening to its end; open ones have no right edge."""
    left = frame.x(_at(alert["opened_at"]))
    over = alert["resolved_at"]
    right = frame.x(frame.end if over is None else _at(over))
    y = 10 + row * _ROW
    label = f"{_whose(alert)}: {_word(alert['cause'])}"
    beside = left + _LABEL * len(label) > _LEFT + _WIDTH
    anchor = f'x="{left - 6:.1f}" class="end"' if beside else f'x="{left + 6:.1f}"'
    kind = escape(alert["severity"]) + ("" if over else " open")
    return (
        f'<a href="#{escape(alert["key"])}"><title>{escape(alert["summary"])}</title>'
        f'<rect class="{kind}" x="{left:.1f}" y="{y}" rx="3"'
        f' width="{max(right - left, 4):.1f}" height="{_ROW - 4}"/>'
        f'<text {anchor} y="{y + 13}">{escape(label)}</text></a>'
    )


def _words(alert: _Body) -> str:
    """Write an incident as on-call reads it."""
    over = alert["resolved_at"]
    spent = f"until {_moment(over)}" if over else "still open"
    facts = [
        f"{_tag(alert['severity'])} {_word(alert['kind'])}, {escape(_whose(alert))}",
        f"{_moment(alert['opened_at'])}, {spent}",
        f"{alert['customers_failing']:,} customers failing",
    ]
    if alert["parent"] is not None:
        parent = escape(alert["parent"])
        facts.append(f'part of <a href="#{parent}">another incident</a>')
    samples = "".join(
        f"<li><code>{escape(sample['text'])}</code></li>"
        for sample in alert["samples"][:_MOST_SAMPLES]
    )
    return (
        f'<article id="{escape(alert["key"])}"><h3>{escape(alert["summary"])}</h3>'
        f"<p>{' · '.join(facts)}</p><dl>"
        f"<dt>Where to check</dt><dd>{escape(alert['where_to_check'])}</dd>"
        f"<dt>What to do</dt><dd>{escape(alert['what_to_do'])}</dd></dl>"
        f"{f'<ul>{samples}</ul>' if samples else ''}</article>"
    )


def _svg(label: str, height: int, parts: Iterable[str], frame: _Frame) -> str:
    """Draw over a scale of time."""
    ticks = "".join(
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="10" y2="{height}"/>'
        f'<text x="{x:.1f}" y="{height + 18}" class="time">{word}</text>'
        for x, word in frame.ticks()
    )
    return (
        f'<svg viewBox="0 0 {_LEFT + _WIDTH + 30} {height + 26}" role="img"'
        f' aria-label="{escape(label)}">{ticks}{"".join(parts)}</svg>'
    )


def _legend() -> str:
    keys = "".join(
        f'<li><i style="background:{colour}"></i>{_word(side)}</li>'
        for side, colour in _COLOURS.items()
    )
    return f'<ul class="legend">{keys}</ul>'


def _numbers(numbers: dict[str, int]) -> str:
    cells = "".join(f"<li><b>{n:,}</b> {name}</li>" for name, n in numbers.items())
    return f'<ul class="numbers">{cells}</ul>'


def _step(most: int) -> int:
    """Answer a round number that goes into `most` a few times."""
    power = 1
    while True:
        for step in _STEPS:
            if step * power * 5 >= most:
                return step * power
        power *= 10


def _tag(severity: str) -> str:
    return f'<span class="tag {escape(severity)}">{_word(severity)}</span>'


def _whose(alert: _Body) -> str:
    owner = alert["tenant_id"] or f"{alert['tenants']} tenants"
    return f"{owner} at {alert['provider']}" if alert["provider"] else str(owner)


def _word(value: str) -> str:
    return escape(value.replace("_", " ").replace("-", " "))


def _moment(text: str) -> str:
    return f"{instant.to_datetime(_at(text)):%Y-%m-%d %H:%M} UTC"


def _at(text: str) -> Instant:
    at = instant.parse(text)
    if at is None:
        message = "an event of ours has no RFC 3339 time"
        raise ValueError(message)
    return at


_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Replay of {title}</title><style>{style}</style></head><body><main>"""
_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #5b6570; --line: #d9dee3;
 --page: #fff; --card: #f6f8fa; --critical: #f2b8a6; --warning: #f6dfa4;
 --info: #cfe0f1 }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ebee; --soft: #9aa5b1;
 --line: #353c44; --page: #15181c; --card: #1e2329; --critical: #8a3a22;
 --warning: #735714; --info: #2b4a68 } }
body { margin: 0; background: var(--page); color: var(--ink);
 font: 15px/1.5 system-ui, sans-serif }
main { max-width: 1100px; margin: 0 auto; padding: 24px }
h1 { font-size: 24px; margin: 0 0 12px; overflow-wrap: anywhere }
h2 { font-size: 18px; margin: 32px 0 8px } h3 { font-size: 15px; margin: 0 }
ul.numbers, ul.legend { list-style: none; display: flex; flex-wrap: wrap; padding: 0;
 gap: 6px 24px; margin: 0 0 8px; color: var(--soft) }
ul.numbers b { color: var(--ink); font-size: 18px }
ul.legend i { display: inline-block; width: 12px; height: 12px; margin-right: 6px;
 border-radius: 2px }
svg { width: 100%; height: auto; display: block } svg line { stroke: var(--line) }
svg text { font-size: 12px; fill: var(--soft) } svg a text { fill: var(--ink) }
.count, .end { text-anchor: end } .time { text-anchor: middle }
rect.critical { fill: var(--critical) } rect.warning { fill: var(--warning) }
rect.info { fill: var(--info) } rect.open { stroke: #d55e00; stroke-dasharray: 4 3 }
article { background: var(--card); border: 1px solid var(--line); border-radius: 6px;
 padding: 12px 16px; margin: 12px 0; overflow-wrap: anywhere }
article p { margin: 4px 0 8px; color: var(--soft) }
.tag { color: var(--ink); border-radius: 3px; padding: 1px 6px }
.tag.critical { background: var(--critical) } .tag.info { background: var(--info) }
.tag.warning { background: var(--warning) }
dl { margin: 0 } dt { font-weight: 600 } dd { margin: 0 0 6px }
article ul { margin: 6px 0 0; padding-left: 20px } code { font-size: 13px }
a { color: inherit }
"""
