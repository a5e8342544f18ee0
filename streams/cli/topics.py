"""`mailflag topics`: the topics of a deployment, as they must be and as they are."""

import sys
from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

import click
import orjson
from rich.console import Console
from rich.table import Table

from streams.adapters.kafka_admin import TopicAdmin, compare
from streams.adapters.topic_plan import (
    DEFAULT_REPLICATION,
    Difference,
    Wanted,
    Wish,
    plan,
)
from streams.cli.options import KAFKA, with_settings
from streams.settings import Settings

EXIT_DIFFERS = 1


class State(StrEnum):
    """What is to be said about a topic."""

    OK = "ok"
    """It is there, and as it must be."""
    MISSING = "missing"
    """It is not there."""
    CREATED = "created"
    """It was not there, and is now."""
    WOULD_CREATE = "would-create"
    """The brokers say that they would create it."""
    DIFFERS = "differs"
    """It is there, but otherwise than it must be."""


class Line(NamedTuple):
    """One line of the answer."""

    topic: str
    state: State
    setting: str | None = None
    expected: str | None = None
    found: str | None = None


_partitions = click.option(
    "--partitions",
    type=click.IntRange(1, 1000),
    help="Number of partitions, instead of what the manifests say; topics that have"
    " one keep one.",
)
_replication_factor = click.option(
    "--replication-factor",
    type=click.IntRange(1, 100),
    default=None,
    help="Copies of each partition; the brokers' default without it.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Create the topics, check them, list them.

    Topics are never deleted, made smaller or changed; what differs is shown. On a
    terminal the answer is a table, into a pipe or file JSON lines.

    \b
    What would be created?
      mailflag topics apply --dry-run
    Before an update of the workers, is all as it must be?
      mailflag topics check && echo go on
    For whoever creates topics by other means:
      mailflag topics list | jq -r .topic

    \b
    Exit codes: 0 all is as it must be, 1 something differs or is missing,
    2 a setting is wrong or the brokers refuse, 69 no broker answers.
    """  # noqa: D301  # \b is click's own mark


@command.command()
@click.option("--dry-run", is_flag=True, help="Only ask the brokers if they would.")
@_partitions
@_replication_factor
@with_settings(*KAFKA, "app_id")
def apply(
    settings: Settings,
    partitions: int | None,
    replication_factor: int | None,
    *,
    dry_run: bool,
) -> None:
    """Create the topics that are missing, and check the others.

    \b
    On a laptop:         mailflag topics apply
    On a real cluster:   mailflag topics apply --replication-factor 3
    What would it do?    mailflag topics apply --dry-run
    """  # noqa: D301  # \b is click's own mark
    wish = _wish(settings, partitions, replication_factor)
    admin = TopicAdmin(settings, wish)
    found = admin.found()
    wanted = plan(wish, found)
    missing, differing = compare(wanted, found)
    admin.create(missing, pretend=dry_run)
    _answer(
        wanted, missing, differing, State.WOULD_CREATE if dry_run else State.CREATED
    )
    sys.exit(EXIT_DIFFERS if differing else 0)


@command.command()
@_partitions
@_replication_factor
@with_settings(*KAFKA, "app_id")
def check(
    settings: Settings, partitions: int | None, replication_factor: int | None
) -> None:
    """Compare the topics with the contracts.

    An input topic may have any number of partitions. More retention than the
    contract's is no difference, nor are larger batches.

    \b
    Before a deployment:  mailflag topics check --topic-prefix staging.
    What differs:         mailflag topics check | jq 'select(.state != "ok")'
    """  # noqa: D301  # \b is click's own mark
    wish = _wish(settings, partitions, replication_factor)
    found = TopicAdmin(settings, wish).found()
    wanted = plan(wish, found)
    missing, differing = compare(wanted, found)
    _answer(wanted, missing, differing, State.MISSING)
    sys.exit(EXIT_DIFFERS if missing or differing else 0)


@command.command("list")
@with_settings("topic_prefix", "app_id")
def list_(settings: Settings) -> None:
    """List the topics as the contracts have them; no broker is asked.

    \b
    For an ACL:  mailflag topics list | jq -r 'select(.role == "output").topic'
    """  # noqa: D301  # \b is click's own mark
    wanted = plan(_wish(settings, None, None), {})
    if not sys.stdout.isatty():
        for one in wanted:
            _write(_listed(one))
        return
    table = Table("topic", "role", "partitions", "cleanup", "schema", "content")
    for one in wanted:
        manifest = one.manifest
        cleanup = manifest.settings["cleanup.policy"]
        table.add_row(
            one.name,
            manifest.role,
            str(one.partitions),
            cleanup,
            manifest.schema or "",
            manifest.content,
        )
    Console().print(table)


def _listed(wanted: Wanted) -> dict[str, object]:
    manifest = wanted.manifest
    return {
        "topic": wanted.name,
        "role": manifest.role,
        "owner": manifest.owner,
        "content": manifest.content,
        "key": manifest.key,
        "schema": manifest.schema,
        "value_max_bytes": manifest.value_max_bytes,
        "partitions": wanted.partitions,
        "settings": dict(manifest.settings),
    }


def _wish(settings: Settings, partitions: int | None, replicas: int | None) -> Wish:
    return Wish(
        settings.topic_prefix,
        settings.app_id,
        partitions,
        DEFAULT_REPLICATION if replicas is None else replicas,
    )


def _answer(
    wanted: Iterable[Wanted],
    missing: Iterable[Wanted],
    differing: Iterable[Difference],
    state_of_missing: State,
) -> None:
    gone = {one.name for one in missing}
    differs: dict[str, list[Difference]] = {}
    for difference in differing:
        differs.setdefault(difference.topic, []).append(difference)
    lines: list[Line] = []
    for one in wanted:
        if one.name in gone:
            lines.append(Line(one.name, state_of_missing))
        elif one.name in differs:
            lines += [Line(d.topic, State.DIFFERS, *d[1:]) for d in differs[one.name]]
        else:
            lines.append(Line(one.name, State.OK))
    _show(lines)


def _show(lines: Iterable[Line]) -> None:
    if not sys.stdout.isatty():
        for line in lines:
            _write({k: v for k, v in line._asdict().items() if v is not None})
        return
    table = Table("topic", "state", "setting", "must be", "is")
    for line in lines:
        style = {State.OK: "green", State.CREATED: "cyan", State.WOULD_CREATE: "cyan"}
        state = f"[{style.get(line.state, 'red')}]{line.state}[/]"
        table.add_row(
            line.topic, state, line.setting or "", line.expected or "", line.found or ""
        )
    Console().print(table)


def _write(line: object) -> None:
    click.echo(orjson.dumps(line))
