"""`mailflag replay`: a file of events through the whole chain, without Kafka."""

import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from streams.adapters.offline import Offline, Refused, reject_line
from streams.agents import tally
from streams.app import build_stages
from streams.cli.options import with_settings
from streams.cli.replay_report import Report
from streams.cli.terminal import interruptible
from streams.engine.stage import Message
from streams.settings import Settings
from streams.wire.topic import Topic

_INTERRUPTED = 130


@click.command()
@with_settings("policy_file", "rules_files", "fold_local_part", "success_memory_days")
@click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, allow_dash=True), default="-"
)
@click.option(
    "--changes",
    type=click.Path(dir_okay=False, writable=True),
    help="Write flag changes and rejected events there, not to standard output.",
)
@click.option(
    "--alerts",
    type=click.Path(dir_okay=False, writable=True),
    help="Write alerts there, not to standard output.",
)
@click.option(
    "--report",
    type=click.Path(dir_okay=False, writable=True),
    help="Draw flags and incidents over time there: one HTML page, without network.",
)
@click.option("--quiet", is_flag=True, help="No progress and no summary.")
@interruptible
def command(  # noqa: PLR0913  # one for each option
    settings: Settings,
    file: str,
    changes: str | None,
    alerts: str | None,
    report: str | None,
    *,
    quiet: bool,
) -> None:
    """Run ingest, flags and spikes over FILE (- for standard input), without Kafka.

    FILE has one JSON object a line, in order of arrival: the event as it would be
    published, with "type": "send-attempt", "dsn" or "flag-command", and, if known,
    "arrived_at", the time it reached the platform; else that is its "time" or that of
    the line before, whichever is later, unless the lines that follow show that its
    clock is a day or more ahead. Output is JSON lines: flag-set, flag-updated,
    flag-cleared, alert-opened, alert-updated, alert-resolved, and rejected with the
    line and the reason. Rejected events do not make it fail.

    \b
    Try a policy on last month's mail:
      mailflag replay --policy-file strict.toml march.jsonl --changes changes.jsonl
    See it:
      mailflag replay march.jsonl --report march.html --changes changes.jsonl
    Which addresses would we stop writing to?
      mailflag replay march.jsonl | jq 'select(.flag.suppress_recommended).flag'
    """  # noqa: D301  # \b is click's own mark
    fuse_off = settings.model_copy(
        update={"dead_letter_share": 1.0, "dead_letter_run": 0}
    )
    stages = build_stages(fuse_off)
    with ExitStack() as files:
        source = files.enter_context(_source(file))
        sink = _Sink(
            files.enter_context(_target(changes)),
            files.enter_context(_target(alerts)),
            None if report is None else Report(),
        )
        page = None if report is None else files.enter_context(_target(report))
        offline = Offline(stages.by_topic(), sink.take, sink.refuse, stages.bulletins())
        started = time.monotonic()
        try:
            for _ in _watched(offline, source, file, quiet=quiet):
                pass
        except KeyboardInterrupt:
            _draw(page, sink.report, file, offline)
            _summary(offline, sink, started, "interrupted")
            sys.exit(_INTERRUPTED)
        except BrokenPipeError:
            sys.stderr.close()
            sys.exit(1)
        _draw(page, sink.report, file, offline)
        if not quiet:
            _summary(offline, sink, started, "done")


class _Sink:
    """Writes what the stages tell, one JSON line each."""

    def __init__(
        self, changes: IO[bytes], alerts: IO[bytes], report: Report | None
    ) -> None:
        self.report = report
        self._files = {Topic.FLAG_CHANGES: changes, Topic.ALERTS: alerts}
        self._changes = changes
        self.rejected: Counter[str] = Counter()
        self.alerts: Counter[str] = Counter()

    def take(self, message: Message) -> None:
        target = self._files.get(Topic(message.topic))
        if target is None or message.value is None:
            return
        target.write(message.value + b"\n")
        if self.report is not None:
            take = self.report.take_alert
            if message.topic == Topic.FLAG_CHANGES:
                take = self.report.take_change
            take(message.value)
        if message.topic == Topic.ALERTS:
            kind = dict(message.headers).get("ce_type", b"").decode()
            self.alerts[kind.removeprefix("mailflag.").removesuffix(".v1")] += 1

    def refuse(self, refused: Refused) -> None:
        self.rejected[refused.reason] += 1
        self._changes.write(reject_line(refused) + b"\n")


def _draw(
    page: IO[bytes] | None, report: Report | None, file: str, offline: Offline
) -> None:
    if page is None or report is None:
        return
    name = "standard input" if file == "-" else Path(file).name
    page.write(report.html(name, offline.events, offline.now).encode())


def _source(file: str) -> IO[bytes]:
    if file == "-":
        return click.open_file("-", "rb")
    return Path(file).open("rb")


def _target(file: str | None) -> IO[bytes]:
    if file is None:
        return click.open_file("-", "wb")
    return Path(file).open("wb")


def _watched(
    offline: Offline, source: IO[bytes], file: str, *, quiet: bool
) -> Iterator[int]:
    """Run, with a progress bar on a terminal."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield from offline.run(source)
        return
    size = Path(file).stat().st_size if file != "-" else None
    with Progress(
        TextColumn("replay"),
        BarColumn(),
        TextColumn("{task.fields[events]:,} events, {task.fields[speed]:,.0f}/s"),
        TimeRemainingColumn(),
        console=console,
    ) as progress:
        task = progress.add_task("replay", total=size, events=0, speed=0.0)
        started = time.monotonic()
        for number in offline.run(source):
            seconds = time.monotonic() - started
            progress.update(
                task,
                completed=source.tell() if size else 0,
                events=offline.events,
                speed=offline.events / seconds if seconds else 0.0,
            )
            yield number


def _summary(offline: Offline, sink: _Sink, started: float, how: str) -> None:
    """Say on standard error what came of it."""
    seconds = max(time.monotonic() - started, 1e-9)
    changes: Counter[str] = Counter()
    sides: Counter[str] = Counter()
    for name, *labels in _labelled(offline.tallies):
        count = labels.pop()
        if name == tally.FLAG_CHANGES:
            kind, side, _ = labels
            changes[kind] += count
            sides[side] += {"flag-set": count, "flag-cleared": -count}.get(kind, 0)
    standing = changes["flag-set"] - changes["flag-cleared"]
    click.echo(
        f"{how}: {offline.events:,} events in {seconds:.1f} s"
        f" ({offline.events / seconds:,.0f}/s)",
        err=True,
    )
    rows = {
        "flags": {
            "set": changes["flag-set"],
            "updated": changes["flag-updated"],
            "cleared": changes["flag-cleared"],
            "standing": standing,
        },
        "alerts": dict(sink.alerts),
        "rejected": dict(sink.rejected),
    }
    if left_out := offline.tallies[tally.NAMELESS]:
        rows["left out"] = {"of the recipients of used reports": left_out}
    for name, counts in rows.items():
        said = ", ".join(f"{n:,} {what}" for what, n in counts.items()) or "none"
        click.echo(f"  {name:9}{said}", err=True)


def _labelled(tallies: Counter[tuple[str, ...]]) -> Iterator[list[Any]]:
    for labels, count in tallies.items():
        yield [*labels, count]
