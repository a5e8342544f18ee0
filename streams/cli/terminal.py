"""What the commands that ask questions show: tables for people, JSON for programs.

On a terminal rich draws; in a pipe there is one JSON object a line, unless an
option says otherwise. Words of strangers are shown as they are, but can neither
colour, move nor hide anything.
"""

import errno
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any, NoReturn, TypeVar

import click
import orjson
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from streams.core.instant import Instant, from_datetime, to_datetime

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells count it."""
SAID_SOMETHING = 1
"""Exit code when the command did its work and has something to say about it."""
IO_FAILED = 74
"""Exit code when a file cannot be read or written, as sysexits.h has it."""

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_MANY_DAYS = 10
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_Command = TypeVar("_Command", bound=Callable[..., Any])

json_option = click.option(
    "--json/--table",
    "as_json",
    default=None,
    help="One JSON object a line, or tables.  [default: tables on a terminal]",
)
"""Gives a command `as_json`: None when it was left open."""


def exit_codes(something: str | None = None, *, kafka: bool = True) -> str:
    """Answer the end of a command's help; `something` is what exit code 1 means."""
    codes = {
        "0": "done",
        "1": something and f"done, but {something}",
        "2": "a setting, an option, a file or a topic is wrong",
        "69": "Kafka cannot be reached" if kafka else None,
        "74": "a file, or standard output, cannot be read or written",
        "130": "interrupted",
    }
    shown = (f"  {code:<4} {meaning}" for code, meaning in codes.items() if meaning)
    return "\n".join(["\b", "Exit codes:", *shown])


def wants_json(as_json: bool | None) -> bool:  # noqa: FBT001  # three-valued option
    """Say whether standard output is for programs."""
    return not sys.stdout.isatty() if as_json is None else as_json


def screen() -> Console:
    """Answer the console of standard output; what is printed is taken literally."""
    return Console(highlight=False, markup=False, emoji=False)


def write_json(document: object) -> None:
    """Write one JSON object a line to standard output."""
    click.get_binary_stream("stdout").write(
        orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE)
    )


def say(line: str) -> None:
    """Write a line to standard error, where it is in no program's way."""
    click.echo(f"mailflag: {line}", err=True)


def interruptible(command: _Command) -> _Command:
    """Make Ctrl-C, or a full disk, end a command in one line and with its own code."""

    @wraps(command)
    def run(*args: Any, **given: Any) -> Any:  # noqa: ANN401  # click's
        try:
            answer = command(*args, **given)
            # What is still in the buffer may be what no longer fits the disk.
            sys.stdout.flush()
        except KeyboardInterrupt:
            interrupted("interrupted")
        except OSError as error:
            if error.errno == errno.EPIPE:  # `| head`: click ends it without a word
                raise
            _give_up(error)
        return answer

    wrapped: Any = run
    return wrapped  # type: ignore[no-any-return]  # the same, wrapped


def _give_up(error: OSError) -> NoReturn:
    where = f"{printable(str(error.filename))}: " if error.filename else ""
    say(f"{where}{error.strerror or 'cannot be read or written'}")
    with suppress(OSError):  # else Python tries once more, and says so at length
        sys.stdout.close()
    sys.exit(IO_FAILED)


def interrupted(line: str) -> NoReturn:
    """Say what an interrupted command has done, and end it."""
    say(line)
    sys.exit(INTERRUPTED)


@contextmanager
def progress(label: str, *, shown: bool = True) -> Iterator[Callable[[int, int], None]]:
    """Show on standard error how far something is, if that is a terminal.

    Gives a function that is told how much is done, of how much.
    """
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %"),
        TimeRemainingColumn(),
    )
    disable = not (shown and console.is_terminal)
    with Progress(*columns, console=console, transient=True, disable=disable) as bar:
        task = bar.add_task(label, total=None)

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield show


def printable(text: str) -> str:
    """Answer text that a terminal only shows: what would steer it is written out."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _written_out(c) for c in text)


def _written_out(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def now() -> Instant:
    """Answer the present instant."""
    return from_datetime(datetime.now(UTC))


def moment(at: Instant, seen: Instant) -> str:
    """Answer an instant for people: UTC to the second, and how long ago it was."""
    shown = f"{to_datetime(at):%Y-%m-%d %H:%M:%S} UTC"
    gone = (seen - at) // 1000
    return f"{shown} ({duration(gone)} ago)" if gone >= 0 else shown


def duration(seconds: int) -> str:
    """Answer a duration for people, in the two largest units."""
    if seconds < _MINUTE:
        return f"{seconds} s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} min"
    if seconds < _DAY:
        hours, rest = divmod(seconds, _HOUR)
        return f"{hours} h {rest // _MINUTE} min" if rest >= _MINUTE else f"{hours} h"
    days, rest = divmod(seconds, _DAY)
    hours = rest // _HOUR if days < _MANY_DAYS else 0
    return f"{days} d {hours} h" if hours else f"{days} d"


class Since(click.ParamType):
    """A point in time: how long ago, or an RFC 3339 time with a zone."""

    name = "since"

    def get_metavar(self, *_: object, **__: object) -> str:
        """Answer how the value is shown in the help."""
        return "TIME"

    def convert(
        self,
        value: Any,  # noqa: ANN401  # click's
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Instant:
        """Answer the instant that an option's text means."""
        if not isinstance(value, str):
            return Instant(value)
        number, unit = value[:-1].strip(), value[-1:]
        try:
            if number.isascii() and number.isdecimal() and unit in _UNITS:
                ago = timedelta(**{_UNITS[unit]: int(number)})
                return from_datetime(datetime.now(UTC) - ago)
            given = datetime.fromisoformat(value)
        except (ValueError, OverflowError):
            given = None
        if given is None or given.tzinfo is None:
            self.fail(
                f"{value!r} is neither a time such as 2025-11-25T08:00:00Z nor how"
                " long ago, such as 90s, 10m, 6h or 5d",
                param,
                ctx,
            )
        return from_datetime(given)
