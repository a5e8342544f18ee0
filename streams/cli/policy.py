"""`mailflag policy`: what holds for a tenant, and whether a policy file is sound."""

import re
import sys
from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from streams.app import build_policies
from streams.cli.options import with_settings
from streams.cli.terminal import (
    SAID_SOMETHING,
    exit_codes,
    interruptible,
    json_option,
    printable,
    screen,
    wants_json,
    write_json,
)
from streams.core.failure import TRAITS, AddressPolicy, FailureClass
from streams.core.policy import ClearOn, FlagPolicy, Threshold
from streams.errors import ConfigurationError
from streams.settings import Settings
from streams.wire import policy_file

_CLEARS = {
    ClearOn.SETTLED: "by an accepted message; after a late bounce once it has settled",
    ClearOn.ACCEPTED: "by the next accepted message, at once",
    ClearOn.DELIVERED: "only by proof that a message arrived",
}
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))


@click.group()
def command() -> None:
    """Show a tenant's policy, check a policy file.

    A policy says when a flag clears and when it speaks against the address. It
    stands in a TOML file, for all tenants or for one; without a file the defaults
    hold. Workers read it when they start.

    \b
    Is the new file in order?
      mailflag policy check policy.toml
    What holds for a tenant, and what its own table changes:
      mailflag policy show t-42 --policy-file policy.toml
    """  # noqa: D301  # \b is click's own mark


@command.command(epilog=exit_codes(kafka=False))
@click.argument("tenant")
@json_option
@with_settings("policy_file")
@interruptible
def show(settings: Settings, tenant: str, *, as_json: bool | None) -> None:
    """Show what holds for TENANT, with everything that its table leaves open.

    \b
    What holds for this tenant now?
      mailflag policy show t-42
    And by another file?
      mailflag policy show t-42 --policy-file strict.toml
    Only where it differs from the classes' own thresholds:
      mailflag policy show t-42 --json \\
        | jq '.thresholds | map_values(select(.changed))'
    """  # noqa: D301  # \b is click's own mark
    book = build_policies(settings.policy_file)
    policy = book.of(tenant)
    file = None if settings.policy_file is None else str(settings.policy_file)
    source = f"tenant.{tenant}" if tenant in book.tenants else "default"
    if wants_json(as_json):
        write_json(_document(tenant, file, source, policy))
    else:
        _draw(tenant, file, source, policy)


@command.command(epilog=exit_codes("the file has mistakes", kafka=False))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
@interruptible
def check(file: Path, *, as_json: bool | None) -> None:
    """Read FILE as a worker would, and say every mistake with its line and key.

    \b
    Before a rolling restart, and in your own CI:
      mailflag policy check strict.toml
    """  # noqa: D301  # \b is click's own mark
    tenants, mistakes = _checked(file)
    if wants_json(as_json):
        write_json({"file": str(file), "tenants": tenants, "mistakes": mistakes})
    elif mistakes:
        for mistake in mistakes:
            click.echo(printable(mistake))
    else:
        own = "1 tenant" if tenants == 1 else f"{tenants} tenants"
        click.echo(f"{file}: no mistake; a default, and {own} with a table of its own")
    if mistakes:
        sys.exit(SAID_SOMETHING)


def _checked(file: Path) -> tuple[int | None, list[str]]:
    """Answer how many tenants a file has tables for, and its mistakes."""
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        return None, [f"{file}: is not UTF-8 at byte {error.start}"]
    except OSError as error:
        message = f"{file} cannot be read: {error.strerror}"
        raise ConfigurationError(message) from error
    try:
        return len(policy_file.parse(text, str(file)).tenants), []
    except ConfigurationError as error:
        # One line for a log, there; one line a mistake here.
        return None, re.split(rf"; (?={re.escape(str(file))}:\d+: )", str(error))


def _document(
    tenant: str, file: str | None, source: str, policy: FlagPolicy
) -> dict[str, Any]:
    """Answer a policy as a JSON object, under the names of the policy file."""
    wait = policy.clear_late_bounce_after
    return {
        "tenant_id": tenant,
        "file": file,
        "table": source,
        "clear_on": policy.clear_on,
        "clear_late_bounce_after": (
            None if wait is None else _duration(int(wait.total_seconds()))
        ),
        "clear_on_incident_resolve": policy.clear_on_incident_resolve,
        "suppress": policy.suppress,
        "thresholds": {
            kind.value: {
                "permanent": threshold.permanent,
                "transient": threshold.transient,
                "changed": threshold != _builtin(kind),
            }
            for kind, threshold in thresholds(policy).items()
        },
        "own": own(policy),
    }


def thresholds(policy: FlagPolicy) -> dict[FailureClass, Threshold]:
    """Answer how many failures in a row speak against the address, by class.

    0 is never. A class that says nothing about addresses says nothing, whatever a
    policy would like.
    """
    return {
        kind: _builtin(kind)
        if traits.address_policy is AddressPolicy.NEVER
        else policy.thresholds.get(kind, _builtin(kind))
        for kind, traits in TRAITS.items()
    }


def _builtin(kind: FailureClass) -> Threshold:
    traits = TRAITS[kind]
    return Threshold(traits.after_permanent, traits.after_transient)


def own(policy: FlagPolicy) -> dict[str, list[str]]:
    """Answer who the tenant is when it sends, under the names of the policy file."""
    return {
        "sending_ips": sorted(policy.own.ips),
        "helo_names": sorted(policy.own.helo_names),
        "envelope_domains": sorted(policy.own.envelope_domains),
        "relay_hosts": sorted(policy.own.relays),
    }


def _draw(tenant: str, file: str | None, source: str, policy: FlagPolicy) -> None:
    console = screen()
    where = f"{file}, table [{source}]" if file else "no policy file: built in"
    console.print(Text(f"Policy of tenant {printable(tenant)}", style="bold"))
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="bold", no_wrap=True)
    rows.add_column(overflow="fold")
    wait = policy.clear_late_bounce_after
    for label, said in (
        ("from", where),
        ("clear_on", f"{policy.clear_on}: {_CLEARS[policy.clear_on]}"),
        (
            "clear_late_bounce_after",
            "twice the lag of the late bounce, from 10m to 5d"
            if wait is None
            else _duration(int(wait.total_seconds())),
        ),
        ("clear_on_incident_resolve", _yes(policy.clear_on_incident_resolve)),
        ("suppress", _yes(policy.suppress)),
        *(
            (f"own.{name}", ", ".join(names) or "-")
            for name, names in own(policy).items()
        ),
    ):
        rows.add_row(label, printable(said))
    console.print(rows)
    console.print(_table(policy))


def _table(policy: FlagPolicy) -> Table:
    table = Table(
        title="Failed messages in a row that speak against the address",
        title_justify="left",
    )
    table.add_column("class", no_wrap=True)
    table.add_column("side", no_wrap=True)
    table.add_column("permanent", justify="right")
    table.add_column("transient", justify="right")
    for kind, threshold in thresholds(policy).items():
        table.add_row(
            kind,
            TRAITS[kind].side,
            _count(threshold.permanent),
            _count(threshold.transient),
            style="bold" if threshold != _builtin(kind) else "",
        )
    return table


def _yes(answer: bool) -> str:  # noqa: FBT001  # it is what is said
    return "true" if answer else "false"


def _count(number: int) -> str:
    return {0: "never", 1: "at once"}.get(number, str(number))


def _duration(seconds: int) -> str:
    """Answer a duration as the policy file writes it."""
    unit, name = next(
        ((u, n) for u, n in _UNITS if seconds and seconds % u == 0), _UNITS[-1]
    )
    return f"{seconds // unit}{name}"
