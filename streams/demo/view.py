"""The live view: throughput, flags standing by side, and the newest changes.

What servers said is shown as it is, but can neither colour nor move anything.
"""

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from streams.core.failure import Side
from streams.core.instant import to_datetime
from streams.demo.player import Moment
from streams.demo.story import Document, Story, told, words

_COLOURS = {
    Side.RECIPIENT: "yellow",
    Side.SENDER_CONFIG: "red",
    Side.REPUTATION_POLICY: "magenta",
    Side.CONTENT: "cyan",
    Side.TRANSIENT: "blue",
    Side.UNKNOWN: "white",
}
_KINDS = {
    "flag-set": ("SET", "bold red"),
    "flag-updated": ("UPDATED", "bold yellow"),
    "flag-cleared": ("CLEARED", "bold green"),
}
_BAR = 24
_OTHER_LINES = 18
"""Lines of the screen that are not changes."""
_FEWEST_CHANGES = 4
_WIDE = 130
"""Columns from which there is room for tenant and class."""


def picture(story: Story, moment: Moment, console: Console) -> RenderableType:
    """Draw how it stands."""
    rows = max(console.height - _OTHER_LINES - len(story.open_alerts()), 0)
    return Group(
        _head(moment),
        _sides(story),
        _changes(story, max(rows, _FEWEST_CHANGES), wide=console.width >= _WIDE),
        *_alerts(story),
        Text("Ctrl-C stops it.", style="dim"),
    )


def _head(moment: Moment) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    if moment.first_done is None:
        table.add_row(Text("the worker is starting", style="bold"))
        return Panel(table, title="mailflag demo", title_align="left")
    clock = f"{to_datetime(moment.clock):%a %d %b %H:%M} UTC" if moment.clock else ""
    table.add_row(
        Text(clock, style="bold"),
        ProgressBar(moment.total, moment.done, width=_BAR),
        Text(f"{moment.done:,} of {moment.total:,} events"),
        Text(f"{moment.per_second:,.0f}/s", style="bold"),
        Text(f"{moment.progress.waiting(moment.published):,} on their way"),
    )
    return Panel(table, title="mailflag demo", title_align="left")


def _sides(story: Story) -> RenderableType:
    standing = story.standing
    most = max([*standing.values(), 1])
    table = Table.grid(padding=(0, 2))
    for side, colour in _COLOURS.items():
        count = standing[side]
        bar = "█" * -(-count * _BAR // most)
        table.add_row(
            Text(side, style=colour),
            Text(f"{count:,}", justify="right"),
            Text(bar, style=colour),
        )
    told = story.changes
    counts = Text(
        f"set {told['flag-set']:,}   updated {told['flag-updated']:,}"
        f"   cleared {told['flag-cleared']:,}"
        f"   rejected {sum(story.rejected.values()):,}"
        f"   stop writing {story.suppressed:,}"
    )
    return Panel(Group(table, counts), title="flags standing", title_align="left")


def _changes(story: Story, rows: int, *, wide: bool) -> RenderableType:
    table = Table(box=None, expand=True, show_header=False, padding=(0, 1))
    for width in (8, 7, *((15, 28, 22) if wide else (26,))):
        table.add_column(width=width, no_wrap=True, overflow="ellipsis")
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    for change in list(story.newest)[:rows]:
        table.add_row(*_change(change, wide=wide))
    return Panel(table, title="newest changes", title_align="left")


def _change(change: Document, *, wide: bool) -> list[Text]:
    kind, style = _KINDS[change["type"]]
    flag = change["flag"]
    colour = _COLOURS[Side(flag["side"])]
    said, at = words(flag), flag["last_failure_at"]
    if change["type"] == "flag-cleared":
        said, at = f"by {change['cleared_by']}; was: {said}", change["cleared_at"]
    address = [Text(_plain(flag["address"]), style="" if wide else colour)]
    if wide:
        cause = Text(_plain(flag["class"]), style=colour)
        address = [Text(_plain(flag["tenant_id"])), *address, cause]
    return [
        Text(_plain(at[11:19]), style="dim"),
        Text(kind, style=style),
        *address,
        Text(_plain(said)),
    ]


def _alerts(story: Story) -> list[RenderableType]:
    found = story.open_alerts()
    if not found:
        return []
    lines = [Text(_plain(told(a))) for a in found]
    return [Panel(Group(*lines), title="alerts", title_align="left", style="red")]


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)
