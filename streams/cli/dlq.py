"""`mailflag dlq`: records that could not be used; look at them, put them back."""

import heapq
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import click
from click.shell_completion import CompletionItem

from streams.adapters import dead_letters
from streams.adapters.checkpoint import Checkpoint
from streams.adapters.dead_letter_plan import Plan, decide
from streams.adapters.dead_letters import (
    SUFFIX,
    Choice,
    DeadLetters,
    Found,
    Place,
    Replay,
)
from streams.adapters.kafka_client import Cluster
from streams.adapters.kafka_reader import KafkaReader
from streams.cli import dead_letter_view
from streams.cli.dead_letter_view import Counts
from streams.cli.options import KAFKA, with_settings
from streams.cli.terminal import (
    SAID_SOMETHING,
    Since,
    exit_codes,
    interrupted,
    interruptible,
    json_option,
    now,
    progress,
    say,
    screen,
    wants_json,
    write_json,
)
from streams.core.instant import Instant
from streams.errors import MailflagError
from streams.settings import Settings
from streams.wire.reject import RejectReason

ROWS = 20
"""Rows of a table when nobody asked for more."""

_NAMED = 10
"""So many records that were left out are named on standard error."""
_Command = TypeVar("_Command", bound=Callable[..., Any])


@click.group()
def command() -> None:
    """Show dead letters, and put them back.

    A record that cannot be used is not lost: it lies unchanged in the dead-letter
    topic of its input, <input topic>.dlq, with the reason in its headers.

    \b
    How many, why, and the newest of each:
      mailflag dlq show --since 6h
    The producer is mended; what would be put back, and then do it:
      mailflag dlq replay --reason schema_violation --dry-run
      mailflag dlq replay --reason schema_violation --yes
    """  # noqa: D301  # \b is click's own mark


class DeadLetterTopic(click.ParamType):
    """The name of an input topic or of its dead-letter topic, for the completion."""

    name = "topic"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Answer the dead-letter topics that begin so."""
        del ctx, param
        return [
            CompletionItem(name)
            for name in dead_letters.topics()
            if name.startswith(incomplete)
        ]


def _choosing(command: _Command) -> _Command:
    """Give a command what says which dead letters are meant."""
    options = (
        click.argument(
            "topics", metavar="[TOPIC]...", type=DeadLetterTopic(), nargs=-1
        ),
        click.option(
            "--reason",
            "reasons",
            type=click.Choice([reason.value for reason in RejectReason]),
            multiple=True,
            help="Only records rejected for this reason; may be given again.",
        ),
        click.option(
            "--since",
            type=Since(),
            help="Only records rejected since: 2025-11-25T08:00:00Z, or ago: 6h, 5d.",
        ),
        click.option("--until", type=Since(), help="Only records rejected before."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@command.command(epilog=exit_codes("something in the topics is none of ours"))
@_choosing
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    metavar="N",
    help=f"Only the newest N, 0 for all.  [default: {ROWS} in a table, all as JSON]",
)
@click.option(
    "--value",
    "whole",
    is_flag=True,
    help="Also key, value and all headers; they may hold addresses.",
)
@click.option("--summary", is_flag=True, help="Only how many, by topic and reason.")
@json_option
@with_settings(*KAFKA)
@interruptible
def show(  # noqa: PLR0913  # one argument an option
    settings: Settings,
    topics: tuple[str, ...],
    reasons: tuple[str, ...],
    since: Instant | None,
    until: Instant | None,
    *,
    limit: int | None,
    whole: bool,
    summary: bool,
    as_json: bool | None,
) -> None:
    """Show how many dead letters there are and why, and the newest of them.

    TOPIC is an input topic or its dead-letter topic; without one, all are read.
    Each row says the reason, where in the record, when, and where the record lies.

    \b
    What has gone wrong in the last hour?
      mailflag dlq show --since 1h
    The reports that nobody could be found for, with all they say:
      mailflag dlq show mail.dsn-events.v1 --reason unattributable --value
    For a script:
      mailflag dlq show --summary --json
    """  # noqa: D301  # \b is click's own mark
    cluster = Cluster(settings)
    in_json = wants_json(as_json)
    if limit is None:
        limit = 0 if in_json else ROWS
    view = View(limit, whole, summary, in_json)
    counts = Counts()
    # JSON lines are written while reading; a bar on the same terminal is in the way.
    beside = in_json and sys.stdout.isatty()
    with KafkaReader(cluster) as reader:
        letters = DeadLetters(cluster, reader, _names(cluster, topics))
        with progress("reading dead letters", shown=not beside) as watch:
            every = letters.read(letters.spans(since), watch)
            chosen = _counted(every, _choice(reasons, since, until), counts)
            rows = _rows(chosen, view)
    if in_json:
        _write(rows, counts, view)
    else:
        _draw(rows, counts, view)
    if any(why == dead_letter_view.NOT_OURS for _, why in counts.rows):
        sys.exit(SAID_SOMETHING)


class View(NamedTuple):
    """What is to be shown of the dead letters, and how."""

    limit: int
    """0: all."""
    whole: bool
    summary: bool
    in_json: bool


def _rows(chosen: Iterable[Found], view: View) -> list[Found]:
    """Go through what was chosen; answer what is to be shown at the end."""
    if view.summary:
        deque(chosen, maxlen=0)  # they only need to be counted
        return []
    if view.in_json and not view.limit:
        for found in chosen:
            write_json(dead_letter_view.document(found, whole=view.whole))
        return []
    return heapq.nlargest(view.limit or sys.maxsize, chosen, key=_age)


def _counted(every: Iterable[Found], choice: Choice, counts: Counts) -> Iterator[Found]:
    for found in every:
        if choice.takes(found):
            counts.add(found)
            yield found


def _age(found: Found) -> tuple[Instant, Place]:
    return dead_letter_view.at(found), found.place


def _write(rows: Sequence[Found], counts: Counts, view: View) -> None:
    for found in rows:
        write_json(dead_letter_view.document(found, whole=view.whole))
    if view.summary:
        for document in counts.documents():
            write_json(document)
    else:
        say(counts.line())


def _draw(rows: Sequence[Found], counts: Counts, view: View) -> None:
    console, seen = screen(), now()
    if counts.total():
        console.print(counts.table(seen))
    if rows:
        console.print(dead_letter_view.listing(rows, seen, whole=view.whole))
    line = counts.line()
    if rows and len(rows) < counts.total():
        line += f"; the newest {len(rows):,} shown, --limit 0 shows all"
    console.print(line, soft_wrap=True)


@command.command(epilog=exit_codes("some records were not put back, as it says"))
@_choosing
@click.option(
    "--limit", type=click.IntRange(min=1), metavar="N", help="At most N records."
)
@click.option(
    "--checkpoint",
    "checkpoint_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File that remembers what has been put back, so that no later run with it"
    " does so again; created when missing.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be put back.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@with_settings(*KAFKA)
@interruptible
def replay(  # noqa: PLR0913  # one argument an option
    settings: Settings,
    topics: tuple[str, ...],
    reasons: tuple[str, ...],
    since: Instant | None,
    until: Instant | None,
    *,
    limit: int | None,
    checkpoint_path: Path | None,
    dry_run: bool,
    yes: bool,
    as_json: bool | None,
) -> None:
    """Put dead letters back on the topics that they came from.

    For after a repair: a schema that was too strict, a worker that was too old, a
    producer that sent what it now can explain. Each record keeps its key, value,
    headers and partition, loses the dlq- headers, and gains the header
    replayed-from. It counts as put back once the brokers have acknowledged it.

    Putting a record back twice is harmless, since evidence merges, but use
    --checkpoint to do each only once. What comes back again is a dead letter of its
    own; only the newest one of a record is put back. Values that were too large for
    a dead letter are listed and left alone. The dead letters stay where they are
    until their topic's retention ends.

    \b
    See first:
      mailflag dlq replay mail.send-attempts.v1 --reason schema_violation --dry-run
    Then, from a script, and safe to run again:
      mailflag dlq replay --since 2d --checkpoint replayed.jsonl --yes
    """  # noqa: D301  # \b is click's own mark
    if not (yes or dry_run or sys.stdin.isatty()):
        message = "nobody to ask: --yes puts records back, --dry-run only counts them"
        raise click.UsageError(message)
    cluster = Cluster(settings)
    names = _names(cluster, topics)
    choice = _choice(reasons, since, until)
    replayed = None
    with (
        KafkaReader(cluster) as reader,
        _checkpoint(checkpoint_path, reader, settings) as checkpoint,
    ):
        letters = DeadLetters(cluster, reader, names)
        spans = letters.spans(since)
        with progress("reading dead letters") as watch:
            already = () if checkpoint is None else checkpoint
            plan = decide(letters.read(spans, watch), choice, already, limit)
        _explain(plan)
        if plan.chosen and not dry_run and (yes or _agreed()):
            done = _forget if checkpoint is None else checkpoint.add
            replayed = Replay(cluster, reader, plan.inputs(), done)
            with progress("putting back") as watch:
                every = letters.read(spans, watch)
                _run(replayed, (f for f in every if f.place in plan.chosen))
    _report(plan, replayed, dry_run=dry_run, as_json=as_json)


def _checkpoint(
    path: Path | None, reader: KafkaReader, settings: Settings
) -> AbstractContextManager[Checkpoint | None]:
    if path is None:
        return nullcontext()
    return Checkpoint(path, reader.cluster_id(), settings.topic_prefix)


def _agreed() -> bool:
    return click.confirm("Put these back?", err=True)


def _explain(plan: Plan) -> None:
    """Say on standard error what is going to be put back, and what is not."""
    reasons = Counter(plan.chosen.values())
    said = ", ".join(f"{why} {number:,}" for why, number in reasons.most_common())
    say(f"{_records(len(plan.chosen))} to put back" + (f" ({said})" if said else ""))
    for number, why in (
        (plan.already, "put back already, says the checkpoint"),
        (plan.superseded, "put back before and come back: only their newest counts"),
        (plan.not_ours, "not written by mailflag: left alone"),
        (plan.beyond, "more than --limit"),
    ):
        if number:
            say(f"{_records(number)} {why}")
    for source, size in list(plan.left_out.values())[:_NAMED]:
        say(f"left alone: {source}, whose {size:,} bytes fit no dead letter")
    if len(plan.left_out) > _NAMED:
        say(f"left alone: {len(plan.left_out) - _NAMED:,} more of the same")


def _run(replayed: Replay, chosen: Iterable[Found]) -> None:
    """Put records back; whatever ends it, say how many are safely there."""
    try:
        replayed.put_back(chosen)
    except KeyboardInterrupt:
        interrupted(
            f"interrupted: {_records(replayed.acknowledged)} put back and acknowledged,"
            " the others are as they were"
        )
    except MailflagError:
        say(f"{_records(replayed.acknowledged)} put back and acknowledged before this:")
        raise


def _forget(places: Sequence[Place]) -> None:
    """Remember nothing: no checkpoint was asked for."""
    del places


def _report(
    plan: Plan, replayed: Replay | None, *, dry_run: bool, as_json: bool | None
) -> None:
    """Say what was put back; with an exit code when that is not all."""
    refused = [] if replayed is None else replayed.refused
    acknowledged = 0 if replayed is None else replayed.acknowledged
    gone = 0 if replayed is None else len(plan.chosen) - acknowledged - len(refused)
    for place, said in refused[:_NAMED]:
        say(f"the brokers refuse {place}: {said}")
    if len(refused) > _NAMED:
        say(f"the brokers refuse {len(refused) - _NAMED:,} more")
    if gone:
        say(f"{_records(gone)} gone since: retention has taken them")
    if wants_json(as_json):
        write_json(
            {
                "dry_run": dry_run,
                "chosen": len(plan.chosen),
                "put_back": acknowledged,
                "gone": gone,
                "refused": [place._asdict() for place, _ in refused],
                "left_out": [
                    {"dead_letter": p._asdict(), **s._asdict(), "value_bytes": size}
                    for p, (s, size) in plan.left_out.items()
                ],
                "not_ours": plan.not_ours,
                "already": plan.already,
                "superseded": plan.superseded,
                "beyond_limit": plan.beyond,
            }
        )
    if replayed is None:
        say("nothing was put back")
    else:
        say(f"{_records(acknowledged)} put back and acknowledged")
    if gone or refused or plan.left_out or plan.not_ours:
        sys.exit(SAID_SOMETHING)


def _records(number: int) -> str:
    return "1 record" if number == 1 else f"{number:,} records"


def _names(cluster: Cluster, topics: Sequence[str]) -> list[str]:
    """Answer the logical names of the dead-letter topics that are meant."""
    known = dead_letters.topics()
    if not topics:
        return list(known)
    names = [cluster.logical(t).removesuffix(SUFFIX) + SUFFIX for t in topics]
    for given, name in zip(topics, names, strict=True):
        if name not in known:
            message = f"{given!r} is none of {', '.join(known)}"
            raise click.BadParameter(message, param_hint="TOPIC")
    return list(dict.fromkeys(names))


def _choice(
    reasons: Iterable[str], since: Instant | None, until: Instant | None
) -> Choice:
    return Choice(frozenset(RejectReason(reason) for reason in reasons), since, until)
