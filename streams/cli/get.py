"""`mailflag get`: is an address flagged, why, and what to do about it."""

import heapq
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import click
import orjson

from streams.adapters.flag_reader import Change, FlagReader, State
from streams.adapters.kafka_client import Cluster
from streams.adapters.kafka_reader import KafkaReader
from streams.cli import flag_view
from streams.cli.options import KAFKA, with_settings
from streams.cli.terminal import (
    SAID_SOMETHING,
    Since,
    exit_codes,
    interruptible,
    json_option,
    now,
    printable,
    progress,
    say,
    screen,
    wants_json,
    write_json,
)
from streams.core.address import AddressFault, canonical, key
from streams.core.failure import Side
from streams.core.flag import Flag, FlagChange
from streams.core.instant import Instant, render
from streams.settings import Settings
from streams.wire.reject import Reject
from streams.wire.topic import Topic

ROWS = 50
"""Rows of a table when nobody asked for more."""

_TENANT = re.compile(r"[^/\x00-\x1f\x7f]{1,128}")
_FAULTS = {
    AddressFault.EMPTY: "it is empty",
    AddressFault.NO_AT: "it has no @",
    AddressFault.EMPTY_LOCAL: "nothing stands before its @",
    AddressFault.EMPTY_DOMAIN: "nothing stands after its @",
    AddressFault.TOO_LONG: "it is too long",
    AddressFault.CONTROL_CHARACTER: "it contains a control character",
    AddressFault.BAD_LOCAL: "what stands before its @ needs quotes",
    AddressFault.BAD_DOMAIN: "what stands after its @ is no domain",
}


class Asked(NamedTuple):
    """One address as it was asked for."""

    number: int
    given: str
    address: str | AddressFault
    key: bytes
    """Empty for what is no address."""


class Wish(NamedTuple):
    """What is to be shown of an address, and how."""

    history: bool
    since: Instant | None
    in_json: bool


@dataclass
class Overview:
    """How many flags of a tenant stand, and what of them could not be read."""

    sides: Counter[Side] = field(default_factory=Counter)
    suppress: int = 0
    unreadable: int = 0
    shown: int = 0

    def count(self, flag: Flag) -> None:
        """Count one standing flag."""
        self.sides[flag.side] += 1
        self.suppress += flag.suppress_recommended


@click.command(epilog=exit_codes("an address or a flag could not be read"))
@click.argument("tenant")
@click.argument("addresses", metavar="[ADDRESS|-]...", nargs=-1)
@click.option(
    "--history", is_flag=True, help="Also show every change that the topic keeps."
)
@click.option(
    "--since",
    type=Since(),
    help="History from then on: 2025-11-25T08:00:00Z, or ago: 6h, 5d.",
)
@click.option(
    "--side",
    "sides",
    type=click.Choice([side.value for side in Side]),
    multiple=True,
    help="Of a tenant: only flags of this side; may be given again.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    metavar="N",
    help="Of a tenant: only the N flags that failed last, 0 for all."
    f"  [default: {ROWS} in a table, all as JSON]",
)
@json_option
@with_settings(*KAFKA, "fold_local_part")
@interruptible
def command(  # noqa: PLR0913  # one argument an option
    settings: Settings,
    tenant: str,
    addresses: tuple[str, ...],
    *,
    history: bool,
    since: Instant | None,
    sides: tuple[str, ...],
    limit: int | None,
    as_json: bool | None,
) -> None:
    """Say whether an address is flagged, and why.

    For each ADDRESS of TENANT: since when, whose fault it is, what the server said,
    and what to do. Without an address: list the tenant's standing flags. A single -
    reads addresses from standard input, one a line. Any spelling of an address will
    do. The answer is what the topic mail.address-flags.v1 says now; flagged or not,
    the exit code is 0, and the answer says which.

    \b
    One customer, with all that happened:
      mailflag get t-42 ada@example.com --history
    What is wrong with this tenant's mail set-up?
      mailflag get t-42 --side sender_config
    A whole list, and which of it should get no more mail:
      mailflag get t-42 - < list.txt \\
        | jq -r 'select(.flag.suppress_recommended).address'
    """  # noqa: D301  # \b is click's own mark
    _check(
        tenant,
        addresses,
        history=history,
        since=since,
        of_tenant=bool(sides) or limit is not None,
    )
    cluster = Cluster(settings)
    in_json = wants_json(as_json)
    with KafkaReader(cluster) as reader:
        flags = FlagReader(
            reader, cluster.topic(Topic.FLAGS), cluster.topic(Topic.FLAG_CHANGES)
        )
        if addresses:
            asked = list(_asked(tenant, addresses, fold_local=settings.fold_local_part))
            _look_up(flags, tenant, asked, Wish(history, since, in_json))
        else:
            wanted = frozenset(Side(side) for side in sides)
            _list(flags, tenant, wanted, limit, in_json=in_json)


def _check(
    tenant: str,
    addresses: Sequence[str],
    *,
    history: bool,
    since: Instant | None,
    of_tenant: bool,
) -> None:
    """Refuse a tenant that is none, and options that do not go together."""
    if not _TENANT.fullmatch(tenant):
        message = "a tenant has 1 to 128 characters, none of them / or a control one"
        raise click.BadParameter(message, param_hint="TENANT")
    if addresses and of_tenant:
        message = "--side and --limit are for the list of a tenant, without ADDRESS"
        raise click.UsageError(message)
    if history and not addresses:
        message = "--history needs an ADDRESS"
        raise click.UsageError(message)
    if since is not None and not history:
        message = "--since is for --history"
        raise click.UsageError(message)


def _asked(
    tenant: str, addresses: Sequence[str], *, fold_local: bool
) -> Iterator[Asked]:
    """Answer the addresses of the command line, or those of standard input."""
    for number, given in enumerate(_given(addresses), start=1):
        address = canonical(given, fold_local=fold_local)
        if isinstance(address, AddressFault):
            yield Asked(number, given, address, b"")
        else:
            yield Asked(number, given, str(address), key(tenant, address))


def _given(addresses: Sequence[str]) -> Iterable[str]:
    if list(addresses) != ["-"]:
        return addresses
    with click.open_file("-", encoding="utf-8", errors="replace") as lines:
        return [line.strip() for line in lines if line.strip()]


def _look_up(
    flags: FlagReader, tenant: str, asked: Sequence[Asked], wish: Wish
) -> None:
    """Show what is known of each address, in the order of asking."""
    keys = [one.key for one in asked if one.key]
    states: dict[bytes, State] = {}
    told: dict[bytes, list[Change]] | None = None
    if keys:
        with progress("reading flags") as watch:
            states = flags.states(keys, watch)
        if wish.history:
            with progress("reading history") as watch:
                told = flags.history(keys, wish.since, watch)
    complete, seen = True, now()
    for one in asked:
        if isinstance(one.address, AddressFault):
            # By its number: it may be anything, and standard error may be kept.
            say(f"address {one.number} is no mail address: {_FAULTS[one.address]}")
            complete = False
            if wish.in_json:
                write_json({"given": one.given, "error": one.address})
            continue
        state = states[one.key]
        if isinstance(state.flag, Reject):
            say(f"the flag of address {one.number} {_unreadable(state.flag)}")
            complete = False
        changes = None if told is None else told[one.key]
        if wish.in_json:
            write_json(_document(tenant, one.address, state, changes))
        else:
            _draw(tenant, one.address, state, changes, seen)
    if not complete:
        sys.exit(SAID_SOMETHING)


def _unreadable(reject: Reject) -> str:
    return (
        f"cannot be read by this version of mailflag ({reject.reason}:"
        f" {reject.detail}); is a newer one writing?"
    )


def _document(
    tenant: str, address: str, state: State, changes: Sequence[Change] | None
) -> dict[str, Any]:
    """Answer an address's JSON object; flag and changes are as published."""
    document: dict[str, Any] = {
        "tenant_id": tenant,
        "address": address,
        "flagged": state.value is not None,
    }
    if isinstance(state.flag, Reject):
        document["error"] = state.flag.reason
    elif state.value is not None:
        document["flag"] = orjson.Fragment(state.value)
    if state.cleared_at is not None:
        document["cleared_at"] = render(state.cleared_at)
    if changes is not None:
        document["history"] = [
            orjson.Fragment(c.value)
            for c in changes
            if isinstance(c.change, FlagChange)
        ]
    return document


def _draw(
    tenant: str,
    address: str,
    state: State,
    changes: Sequence[Change] | None,
    seen: Instant,
) -> None:
    console = screen()
    if isinstance(state.flag, Flag):
        console.print(flag_view.flagged(state.flag, seen))
    elif state.value is None:
        console.print(flag_view.not_flagged(address, tenant, state.cleared_at, seen))
    else:
        console.print(f"{printable(address)} is FLAGGED, but how cannot be read")
    if changes is not None:
        readable = [c.change for c in changes if isinstance(c.change, FlagChange)]
        console.print(flag_view.history(readable))


def _list(
    flags: FlagReader,
    tenant: str,
    sides: frozenset[Side],
    limit: int | None,
    *,
    in_json: bool,
) -> None:
    """Show a tenant's standing flags, those that failed last first."""
    if limit is None and not in_json:
        limit = ROWS
    overview = Overview()
    # JSON lines are written while reading; a bar on the same terminal is in the way.
    beside = in_json and sys.stdout.isatty()
    with progress("reading flags", shown=not beside) as watch:
        standing = _counted(flags.of_tenant(tenant, watch), sides, overview)
        if in_json and not limit:
            for state, flag in standing:
                write_json(_document(tenant, flag.address, state, None))
                overview.shown += 1
            rows = []
        elif limit:
            rows = heapq.nlargest(limit, standing, key=_last_failure)
        else:
            rows = sorted(standing, key=_last_failure, reverse=True)
    for state, flag in rows if in_json else ():
        write_json(_document(tenant, flag.address, state, None))
    if rows and not in_json:
        screen().print(flag_view.listing([flag for _, flag in rows], now()))
    overview.shown += len(rows)
    _conclude(tenant, overview, in_json=in_json)


def _counted(
    states: Iterable[State], sides: frozenset[Side], overview: Overview
) -> Iterator[tuple[State, Flag]]:
    for state in states:
        if not isinstance(state.flag, Flag):
            overview.unreadable += 1
        elif not sides or state.flag.side in sides:
            overview.count(state.flag)
            yield state, state.flag


def _last_failure(row: tuple[State, Flag]) -> tuple[Instant, bytes]:
    state, flag = row
    return flag.last_failure_at, state.key


def _conclude(tenant: str, overview: Overview, *, in_json: bool) -> None:
    """Say how many flags stand, and what was not shown."""
    line = f"tenant {printable(tenant)}: "
    line += flag_view.totals(overview.sides, overview.suppress)
    count = overview.sides.total()
    if overview.shown < count:
        line += f"; {overview.shown:,} shown, --limit 0 shows all"
    if in_json:
        say(line)
    else:
        screen().print(line, soft_wrap=True)
    if overview.unreadable:
        say(
            f"{overview.unreadable:,} flags of the tenant cannot be read by this"
            " version of mailflag; is a newer one writing?"
        )
        sys.exit(SAID_SOMETHING)
