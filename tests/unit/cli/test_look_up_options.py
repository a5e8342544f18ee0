"""What the look-up commands refuse before they ask Kafka, and their help."""

import json

import click
import pytest
from click.testing import CliRunner

from streams.cli.main import cli

NOWHERE = "127.0.0.1:1"
"""Nothing listens on port 1."""

COMMANDS = [
    ("get",),
    ("dlq",),
    ("dlq", "show"),
    ("dlq", "replay"),
    ("policy",),
    ("policy", "show"),
    ("policy", "check"),
]


def run(*words, stdin=None):
    return CliRunner().invoke(cli, [*words], input=stdin, prog_name="mailflag")


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_is_laid_out_as_it_was_written(words):
    done = run(*words, "--help")
    assert done.exit_code == 0
    assert "\\b" not in done.stdout
    assert "\b" not in done.stdout


@pytest.mark.parametrize("words", [w for w in COMMANDS if len(w) > 1 or w == ("get",)])
def test_help_has_examples_and_exit_codes(words):
    shown = run(*words, "--help").stdout
    assert f"\n    mailflag {' '.join(words)} " in shown
    assert "Exit codes:\n    0    done\n" in shown


def command(words):
    """Answer the click command that some words name."""
    found, context = cli, click.Context(cli)
    for word in words:
        found = found.get_command(context, word)
    return found


@pytest.mark.parametrize("words", [w for w in COMMANDS if len(w) > 1 or w == ("get",)])
def test_the_examples_in_the_help_are_calls_that_exist(words):
    options = {o for p in command(words).params for o in (*p.opts, *p.secondary_opts)}
    start = f"    mailflag {' '.join(words)} "
    examples = [
        line.removeprefix(start)
        for line in run(*words, "--help").stdout.splitlines()
        if line.startswith(start)
    ]
    used = {word for line in examples for word in line.split() if word[:2] == "--"}
    assert used <= options


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("get",), "Missing argument 'TENANT'"),
        (("get", "a/b"), "none of them /"),
        (("get", ""), "1 to 128 characters"),
        (("get", "x" * 129), "1 to 128 characters"),
        (("get", "t\x1b"), "a control one"),
        (("get", "t", "a@example.com", "--side", "content"), "without ADDRESS"),
        (("get", "t", "a@example.com", "--limit", "3"), "without ADDRESS"),
        (("get", "t", "--history"), "--history needs an ADDRESS"),
        (("get", "t", "a@example.com", "--since", "1h"), "--since is for --history"),
        (("get", "t", "--side", "nobody"), "'nobody' is not one of 'recipient'"),
        (("get", "t", "a@example.com", "--history", "--since", "x"), "90s, 10m"),
        (("dlq", "show", "mail.alerts.v1"), "is none of mail.send-attempts.v1.dlq"),
        (("dlq", "show", "--reason", "bad"), "'bad' is not one of 'not_json'"),
        (("dlq", "replay"), "--yes puts records back, --dry-run only counts them"),
        (("dlq", "replay", "--yes", "--limit", "0"), "0 is not in the range"),
        (("policy", "check", "no-such-file"), "does not exist"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_reason(words, said):
    done = run(*words)
    assert done.exit_code == 2
    assert said in done.stderr
    assert done.stdout == ""


def test_an_address_that_is_none_is_said_without_asking_kafka():
    done = run("get", "t", "ada", "@example.com", "--bootstrap-servers", NOWHERE)
    assert done.exit_code == 1
    assert done.stderr.splitlines() == [
        "mailflag: address 1 is no mail address: it has no @",
        "mailflag: address 2 is no mail address: nothing stands before its @",
    ]
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {"given": "ada", "error": "no_at"},
        {"given": "@example.com", "error": "empty_local"},
    ]


def test_what_was_given_is_not_repeated_where_it_may_be_kept():
    done = run("get", "t", "secret-person", "--table", "--bootstrap-servers", NOWHERE)
    assert "secret-person" not in done.stderr


def test_standard_input_is_read_line_by_line_and_empty_lines_are_not():
    lines = "one\n\n  two  \r\n"
    done = run("get", "t", "-", "--bootstrap-servers", NOWHERE, stdin=lines)
    given = [json.loads(line)["given"] for line in done.stdout.splitlines()]
    assert given == ["one", "two"]


def test_nothing_on_standard_input_is_nothing_to_answer():
    done = run("get", "t", "-", "--bootstrap-servers", NOWHERE, stdin="")
    assert (done.exit_code, done.stdout) == (0, "")
