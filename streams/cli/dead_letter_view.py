"""How dead letters look: counts by reason, rows, and JSON for programs.

Keys, values and headers are a producer's and may hold addresses, so they are shown
only when asked for; the headers of the envelope are always safe to show.
"""

from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from streams.adapters.dead_letters import SUFFIX, Found
from streams.cli.terminal import duration, moment, printable
from streams.core.instant import Instant, render

NOT_OURS = "not_ours"
"""Stands for the reason of a record that mailflag did not write."""

_SAFE = frozenset(
    {
        *("ce_id", "ce_source", "ce_type", "ce_time", "ce_specversion"),
        *("ce_dataschema", "ce_datacontenttype", "content-type"),
        *("traceparent", "replayed-from"),
    }
)
_LONGEST = 2_000
"""Characters of a value that a table shows; JSON has all."""


_NEVER = Instant(0)


@dataclass
class Count:
    """How many dead letters of one topic have one reason, and when they came."""

    number: int = 0
    first: Instant = _NEVER
    last: Instant = _NEVER

    def add(self, at: Instant) -> None:
        """Count one more."""
        self.first = min(self.first, at) if self.number else at
        self.last = max(self.last, at)
        self.number += 1


@dataclass
class Counts:
    """Dead letters by topic and reason."""

    rows: dict[tuple[str, str], Count] = field(default_factory=dict)

    def add(self, found: Found) -> None:
        """Count one more."""
        self.rows.setdefault((found.place.topic, reason(found)), Count()).add(at(found))

    def total(self) -> int:
        """Answer how many there are."""
        return sum(count.number for count in self.rows.values())

    def table(self, seen: Instant) -> RenderableType:
        """Draw the counts."""
        table = Table(expand=True)
        table.add_column("topic", overflow="fold", ratio=1)
        for column in ("reason", "records", "oldest", "newest"):
            side: Literal["left", "right"] = "left" if column == "reason" else "right"
            table.add_column(column, justify=side, no_wrap=True)
        for (topic, why), count in sorted(self.rows.items()):
            table.add_row(
                topic.removesuffix(SUFFIX),
                why,
                f"{count.number:,}",
                *(_ago(seen - when) for when in (count.first, count.last)),
            )
        return table

    def documents(self) -> Iterable[dict[str, Any]]:
        """Answer the counts as JSON objects."""
        for (topic, why), count in sorted(self.rows.items()):
            yield {
                "topic": topic,
                "reason": why,
                "records": count.number,
                "first": render(count.first),
                "last": render(count.last),
            }

    def line(self) -> str:
        """Answer the counts in a few words."""
        reasons: dict[str, int] = {}
        for (_, why), count in self.rows.items():
            reasons[why] = reasons.get(why, 0) + count.number
        shown = sorted(reasons.items(), key=lambda item: -item[1])
        number = self.total()
        what = "1 dead letter" if number == 1 else f"{number:,} dead letters"
        said = ", ".join(f"{why} {number:,}" for why, number in shown)
        return f"{what} ({said})" if said else "no dead letter"


def reason(found: Found) -> str:
    """Answer why a record is where it is."""
    return NOT_OURS if found.letter is None else found.letter.reject.reason


def at(found: Found) -> Instant:
    """Answer when a record was rejected, or else written."""
    return found.record.timestamp if found.letter is None else found.letter.at


def document(found: Found, *, whole: bool) -> dict[str, Any]:
    """Answer a dead letter as a JSON object; `whole` with key, value and headers."""
    letter, one = found.letter, found.record
    said: dict[str, Any] = {
        "reason": reason(found),
        "rejected_at": render(at(found)),
        "dead_letter": found.place._asdict(),
    }
    if letter is not None:
        said |= {
            "detail": letter.reject.detail,
            "topic": letter.topic,
            "partition": letter.partition,
            "offset": letter.offset,
            "version": letter.version,
        }
    said |= {
        "value_bytes": _size(found),
        "left_out": letter is not None and letter.value_bytes is not None,
        "headers": [
            {"name": name, **_content("value", value, shown=whole or name in _SAFE)}
            for name, value in found.headers
        ],
    }
    if whole:
        said |= _content("key", one.key) | _content("value", one.value)
    return said


def listing(rows: Iterable[Found], seen: Instant, *, whole: bool) -> RenderableType:
    """Draw dead letters, one a row."""
    table = Table(expand=True, show_lines=True)
    table.add_column("rejected, why", overflow="fold", max_width=32)
    table.add_column("which record", overflow="fold", ratio=1)
    for found in rows:
        why = Text(moment(at(found), seen))
        why.append(f"\n{reason(found)}", style="red")
        if found.letter is not None:
            why.append(f"\n{printable(found.letter.reject.detail)}", style="dim")
        table.add_row(why, Text("\n".join(_lines(found, whole=whole))))
    return table


def _ago(milliseconds: int) -> str:
    return f"{duration(max(milliseconds, 0) // 1000)} ago"


def _lines(found: Found, *, whole: bool) -> Iterable[str]:
    letter, one = found.letter, found.record
    if letter is not None:
        yield f"{letter.topic}/{letter.partition}/{letter.offset}"
    yield f"in {found.place}"
    size = _size(found)
    left_out = letter is not None and letter.value_bytes is not None
    told = "no value" if size is None else f"{size:,} bytes"
    yield told + (", left out: it fits no dead letter" if left_out else "")
    for name, value in found.headers:
        shown = _text(value) if whole or name in _SAFE else "..."
        yield printable(f"{name}: {shown}")
    if whole and one.key is not None:
        yield f"key: {printable(_text(one.key))}"
    if whole and one.value is not None:
        text = _text(one.value)
        cut = text[:_LONGEST] + ("..." if len(text) > _LONGEST else "")
        yield f"value: {printable(cut)}"


def _size(found: Found) -> int | None:
    letter, value = found.letter, found.record.value
    if letter is not None and letter.value_bytes is not None:
        return letter.value_bytes
    return None if value is None else len(value)


def _text(content: bytes | None) -> str:
    if content is None:
        return "null"
    return content.decode(errors="backslashreplace")


def _content(
    name: str, content: bytes | None, *, shown: bool = True
) -> dict[str, str | None]:
    """Answer bytes as members: text if they are UTF-8, else base64."""
    if not shown:
        return {}
    if content is None:
        return {name: None}
    try:
        return {name: content.decode()}
    except UnicodeDecodeError:
        return {f"{name}_base64": b64encode(content).decode()}
