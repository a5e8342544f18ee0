"""`mailflag demo`: a day of mail through a real worker, on a laptop."""

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager

import click
from rich.console import Console
from rich.live import Live

from streams.cli.terminal import (
    interruptible,
    now,
    say,
    write_json,
)
from streams.core.instant import Instant
from streams.demo import summary
from streams.demo.day import EVENTS, FEWEST, day
from streams.demo.hired import HiredWorker
from streams.demo.kafka import embedded_kafka, topics_of_our_own
from streams.demo.player import Moment, Player
from streams.demo.story import Story
from streams.demo.summary import Run
from streams.demo.traffic import DAY
from streams.demo.view import picture
from streams.settings import Settings

_MOST = 1_000_000
_SIGNALLED = 128
"""What shells add to the number of a signal."""
_LINE = 5.0
"""Seconds between two lines off a terminal."""


@click.command()
@click.option(
    "--kafka",
    metavar="HOST:PORT",
    help="Play on this Kafka instead of the embedded one, with topics of the demo's"
    " own, which are deleted afterwards. Login and TLS as the MAILFLAG_ settings say.",
)
@click.option("--keep", is_flag=True, help="With --kafka: leave the topics there.")
@click.option("--seed", default=1, show_default=True, help="Another day.")
@click.option(
    "--events",
    type=click.IntRange(FEWEST, _MOST),
    default=EVENTS,
    show_default=True,
    help="About how many events the day has.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(0, 3600),
    default=30.0,
    show_default=True,
    help="Over how many seconds the day is played; 0: as fast as the worker goes.",
)
@click.option("--json", "as_json", is_flag=True, help="The summary as one JSON object.")
@interruptible
def command(  # noqa: PLR0913  # its options
    *,
    kafka: str | None,
    keep: bool,
    seed: int,
    events: int,
    seconds: float,
    as_json: bool,
) -> None:
    """Play a day of mail of a dozen tenants through a real worker.

    No Kafka, Docker or account is needed: a Kafka runs inside this command, and
    nothing leaves the machine. The bounces are real ones, written by Postfix. An
    SMTP password expires, a server refuses what it has delivered, a provider blocks
    a tenant, an old list is written to, one customer fails for a morning and one
    for days. On a terminal you can watch; at the end there is a summary.

    \b
    Watch it more slowly:   mailflag demo --seconds 120
    On a Kafka of yours:    mailflag demo --kafka 127.0.0.1:9092
    For a program:          mailflag demo --json | jq .flags
    """  # noqa: D301  # \b is click's own mark
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, _end)
    story = Story()
    started = time.monotonic()
    with _stage(kafka, keep=keep) as settings:
        today = now() // DAY * DAY
        yesterday = Instant(today - DAY)
        played = list(day(seed, yesterday, events=events))
        watched = _watched(story, on_stderr=as_json)
        with (
            HiredWorker(settings, embedded=kafka is None) as worker,
            closing(Player(settings, worker, story)) as player,
            watched as show,
        ):
            for moment in player.play(played, yesterday, seconds):
                show(moment)
    run = Run(
        seed=seed,
        events=len(played),
        seconds=time.monotonic() - started,
        per_second=moment.per_second,
        where=f"Kafka at {kafka}" if kafka else "the embedded Kafka",
    )
    _conclude(story, run, as_json=as_json)


def _conclude(story: Story, run: Run, *, as_json: bool) -> None:
    """Print the summary; fail when the day has not shown what it is for."""
    if as_json:
        write_json(summary.document(story, run))
    else:
        click.echo(summary.text(story, run), nl=False)
    unseen = summary.missing(summary.examples(story))
    if unseen:
        say(f"the day did not show: {'; '.join(unseen)}")
        sys.exit(1)


def _end(number: int, _frame: object) -> None:
    """End as after Ctrl-C, so that the worker is stopped."""
    sys.exit(_SIGNALLED + number)


def _stage(kafka: str | None, *, keep: bool) -> AbstractContextManager[Settings]:
    """Answer the Kafka to play on."""
    if kafka is None:
        if keep:
            message = "--keep goes with --kafka"
            raise click.UsageError(message)
        return embedded_kafka()
    return topics_of_our_own(kafka, now(), keep=keep)


@contextmanager
def _watched(story: Story, *, on_stderr: bool) -> Iterator[Callable[[Moment], None]]:
    """Give a function that shows how it stands: a picture, or now and then a line."""
    console = Console(stderr=on_stderr, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        yield _said_in_lines(story)
        return
    with Live(console=console, screen=True, auto_refresh=False) as live:
        yield lambda moment: live.update(picture(story, moment, console), refresh=True)


def _said_in_lines(story: Story) -> Callable[[Moment], None]:
    """Answer a function that writes a line to standard error every few seconds."""
    told = 0.0

    def tell(moment: Moment) -> None:
        nonlocal told
        if moment.seconds - told < _LINE:
            return
        told = moment.seconds
        say(
            f"{moment.done:,} of {moment.total:,} events,"
            f" {sum(story.standing.values()):,} flags standing"
        )

    return tell
