"""What people and programs are shown."""

import errno
import io

import click
import pytest
from click.testing import CliRunner
from rich.console import Console

from streams.cli import terminal
from streams.cli.terminal import Since, duration, exit_codes, moment, printable
from streams.core.instant import parse

HOSTILE = "No \x1b[31msuch\x07 user\r\n\u202egnp.exe\x00"


def test_words_that_would_steer_the_terminal_are_written_out():
    shown = printable(HOSTILE)
    assert shown.isprintable()
    assert shown == r"No \x1b[31msuch\x07 user\r\n\u202egnp.exe\x00"


def test_ordinary_words_of_every_language_stay_as_they_are():
    words = "Empfänger 用户 не найден [bold]x[/bold]"
    assert printable(words) is words


def test_the_screen_takes_brackets_and_colons_literally(capsys):
    terminal.screen().print("[bold]x[/bold] :smile: 550")
    assert capsys.readouterr().out == "[bold]x[/bold] :smile: 550\n"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.ENOSPC, "No space left"), "mailflag: No space left\n"),
        (
            OSError(errno.ENOENT, "None such", "a\x1bb"),
            "mailflag: a\\x1bb: None such\n",
        ),
    ],
)
def test_what_the_disk_refuses_is_one_line_and_an_exit_code(error, told):
    @click.command()
    @terminal.interruptible
    def command():
        raise error

    done = CliRunner().invoke(command)
    assert (done.exit_code, done.stderr) == (terminal.IO_FAILED, told)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3_599, "59 min"),
        (3_600, "1 h"),
        (5_430, "1 h 30 min"),
        (86_400, "1 d"),
        (100_000, "1 d 3 h"),
        (9 * 86_400 + 7_200, "9 d 2 h"),
        (10 * 86_400 + 7_200, "10 d"),
    ],
)
def test_a_duration_has_at_most_two_units(seconds, shown):
    assert duration(seconds) == shown


def test_a_moment_says_how_long_ago_it_was(seen):
    at = parse("2025-11-25T11:58:30.900Z")
    assert moment(at, seen) == "2025-11-25 11:58:30 UTC (1 min ago)"


def test_a_moment_in_the_future_is_only_a_time(seen):
    assert moment(parse("2025-11-25T13:00:00Z"), seen) == "2025-11-25 13:00:00 UTC"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2025-11-25T08:00:00Z", "2025-11-25T08:00:00.000Z"),
        ("2025-11-25 09:00:00+01:00", "2025-11-25T08:00:00.000Z"),
    ],
)
def test_a_point_in_time_may_be_a_time_with_a_zone(text, meant):
    assert Since().convert(text, None, None) == parse(meant)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("10m", 600), ("6 h", 21_600), ("5d", 432_000)]
)
def test_a_point_in_time_may_be_how_long_ago(text, seconds):
    before = terminal.now()
    meant = Since().convert(text, None, None)
    after = terminal.now()
    assert before - seconds * 1000 <= meant <= after - seconds * 1000


@pytest.mark.parametrize(
    "text",
    [
        *("", "h", "yesterday", "5w", "-5h", "1e3s", "٣d"),
        *("2025-11-25T08:00:00", "999999d", "9" * 400 + "d", "9999999999999999h"),
    ],
)
def test_what_is_no_point_in_time_is_refused_with_examples(text):
    with pytest.raises(click.BadParameter, match="2025-11-25T08:00:00Z"):
        Since().convert(text, None, None)


def test_exit_codes_are_those_that_can_happen():
    assert [line.split()[0] for line in exit_codes("x").splitlines()[2:]] == [
        *("0", "1", "2", "69", "74", "130")
    ]
    assert [line.split()[0] for line in exit_codes(kafka=False).splitlines()[2:]] == [
        *("0", "2", "74", "130")
    ]


def test_ctrl_c_is_one_line_and_exit_code_130():
    @click.command()
    @terminal.interruptible
    def command():
        raise KeyboardInterrupt

    done = CliRunner().invoke(command)
    assert (done.exit_code, done.stderr) == (130, "mailflag: interrupted\n")


def test_a_program_gets_one_json_object_a_line(capfdbinary):
    terminal.write_json({"text": "Zürich\n"})
    click.get_binary_stream("stdout").flush()
    assert capfdbinary.readouterr().out == '{"text":"Zürich\\n"}\n'.encode()


def test_progress_is_shown_on_a_terminal_only(monkeypatch):
    drawn = {}
    for is_terminal in (True, False):
        file = io.StringIO()
        console = Console(file=file, force_terminal=is_terminal, width=80)
        monkeypatch.setattr(terminal, "Console", lambda console=console, **_: console)
        with terminal.progress("reading flags") as show:
            show(1, 2)
        drawn[is_terminal] = file.getvalue()
    assert "reading flags" in drawn[True]
    assert drawn[False] == ""
