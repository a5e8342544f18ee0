"""How flags look on a terminal: one address as a panel, a tenant as a table."""

from collections import Counter
from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from streams.cli.terminal import duration, moment, printable
from streams.core.failure import Side
from streams.core.flag import ChangeType, Flag, FlagChange, FlagEvidence
from streams.core.instant import Instant, to_datetime

WHOSE_FAULT = {
    Side.RECIPIENT: "the address, its mailbox or the recipient's own server",
    Side.SENDER_CONFIG: "the tenant's own mail set-up",
    Side.REPUTATION_POLICY: "the sending host or domain is distrusted or limited",
    Side.CONTENT: "this message: its size, text, attachments or form",
    Side.TRANSIENT: "network, DNS or routing; nobody's for long",
    Side.UNKNOWN: "the server did not say enough",
}

_STYLES = {
    Side.RECIPIENT: "red",
    Side.SENDER_CONFIG: "yellow",
    Side.REPUTATION_POLICY: "magenta",
    Side.CONTENT: "blue",
    Side.TRANSIENT: "cyan",
    Side.UNKNOWN: "white",
}
_CHANGED = {
    ChangeType.SET: "red",
    ChangeType.UPDATED: "yellow",
    ChangeType.CLEARED: "green",
}


def flagged(flag: Flag, seen: Instant) -> RenderableType:
    """Draw a standing flag: why, since when, whose fault, and what to do."""
    style = _STYLES[flag.side]
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="bold", no_wrap=True)
    rows.add_column(overflow="fold")
    for label, said in _facts(flag, seen):
        rows.add_row(label, printable(said))
    title = f"{printable(flag.address)} is FLAGGED"
    parts: list[RenderableType] = [
        Text(printable(flag.summary), style=f"bold {style}"),
        rows,
    ]
    for one in flag.evidence:
        parts += [Text(), *_evidence(one, seen)]
    return Panel(
        Group(*parts), title=Text(title), title_align="left", border_style=style
    )


def not_flagged(
    address: str, tenant_id: str, cleared_at: Instant | None, seen: Instant
) -> RenderableType:
    """Draw that nothing stands against an address."""
    said = (
        f"No flag stands for this address of tenant {printable(tenant_id)}: its last"
        " decided message arrived, or none is known."
        if cleared_at is None
        else f"The flag was cleared {moment(cleared_at, seen)}."
    )
    title = Text(f"{printable(address)} is not flagged")
    return Panel(Text(said), title=title, title_align="left", border_style="green")


def history(changes: Sequence[FlagChange]) -> RenderableType:
    """Draw the changes of one address, oldest first."""
    table = Table(title="History, UTC", title_justify="left", expand=True)
    for column in ("when", "what", "class", "why"):
        table.add_column(column, overflow="fold")
    for change in changes:
        table.add_row(
            f"{to_datetime(change.at):%Y-%m-%d %H:%M:%S}",
            Text(change.type, style=_CHANGED[change.type]),
            change.flag.failure_class,
            printable(_why(change)),
        )
    if not changes:
        table.caption = "no change within what the topic keeps"
    return table


def listing(flags: Iterable[Flag], seen: Instant) -> RenderableType:
    """Draw the flags of a tenant, one a row."""
    table = Table(expand=True)
    table.add_column(
        "address, and the server's words", overflow="fold", min_width=20, ratio=1
    )
    table.add_column("why", overflow="fold")
    table.add_column("since", no_wrap=True, justify="right")
    table.add_column("failed", justify="right")
    table.add_column("suppress")
    for flag in flags:
        who = Text(printable(flag.address), style="bold")
        if flag.evidence:
            who.append(f"\n{printable(answer(flag.evidence[0]))}", style="dim")
        why = Text(flag.side, style=_STYLES[flag.side])
        why.append(f"\n{flag.failure_class}", style="dim")
        table.add_row(
            who,
            why,
            duration(max(seen - flag.since, 0) // 1000),
            _times(flag),
            "yes" if flag.suppress_recommended else "no",
        )
    return table


def totals(sides: Counter[Side], suppress: int) -> str:
    """Say in a line how many flags stand, and whose fault they are."""
    count = sides.total()
    if not count:
        return "no standing flag"
    flags = "1 standing flag" if count == 1 else f"{count:,} standing flags"
    by_side = ", ".join(f"{side} {number:,}" for side, number in sides.most_common())
    return f"{flags} ({by_side}); suppress recommended for {suppress:,}"


def answer(evidence: FlagEvidence) -> str:
    """Answer what the server said: code, enhanced code, words."""
    codes = [str(evidence.code)] if evidence.code is not None else []
    if evidence.enhanced is not None:
        codes.append(evidence.enhanced)
    return " ".join([*codes, evidence.text]) or "no answer"


def _facts(flag: Flag, seen: Instant) -> Iterable[tuple[str, str]]:
    yield "Tenant", flag.tenant_id
    if flag.customer_id is not None:
        yield "Customer", flag.customer_id
    persistent = "; persistent" if flag.persistent else ""
    yield "Since", moment(flag.since, seen) + persistent
    yield "Class", flag.failure_class
    yield "Whose fault", f"{flag.side}: {WHOSE_FAULT[flag.side]}"
    row = "1 message" if flag.consecutive_failures == 1 else f"{_times(flag)} in a row"
    yield "Failed", f"{row}, the last {moment(flag.last_failure_at, seen)}"
    yield "Where to check", flag.where_to_check
    yield "What to do", flag.what_to_do
    yield (
        "Suppress",
        "recommended: the address itself is bad"
        if flag.suppress_recommended
        else "not recommended: go on sending",
    )
    if flag.incident is not None:
        yield "Incident", flag.incident


def _times(flag: Flag) -> str:
    """Answer how many messages failed; the count stops at 6."""
    most = 6
    more = "+" if flag.consecutive_failures >= most else ""
    return f"{flag.consecutive_failures}{more}"


def _evidence(one: FlagEvidence, seen: Instant) -> Iterable[RenderableType]:
    """Draw one failed message: when and where, the server's words, by which rule."""
    where = [one.source, *filter(None, (one.phase, one.peer))]
    yield Text(f"{moment(one.at, seen)}, {printable(', '.join(where))}", style="dim")
    yield Text(printable(answer(one)), style="italic", overflow="fold")
    yield Text(printable(f"message {one.message_id}, rule {one.rule}"), style="dim")


def _why(change: FlagChange) -> str:
    """Answer what a change was due to."""
    if change.type is not ChangeType.CLEARED:
        return change.flag.summary
    said = [f"by {change.cleared_by}"]
    if change.flagged_for_ms is not None:
        said.append(f"after {duration(change.flagged_for_ms // 1000)}")
    if change.actor is not None:
        said.append(f"{change.actor}: {change.reason or 'no reason given'}")
    if change.blamed is not None:
        said.append(f"{change.blamed} had answered otherwise")
    return ", ".join(said)
