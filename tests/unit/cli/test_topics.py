"""`mailflag topics`, as far as no broker is needed."""

import json
import os
import subprocess
import sys

import pytest

from streams.wire import contract

NOWHERE = "127.0.0.1:1"
"""Nothing listens on port 1."""


def run(*arguments, **more):
    command = [sys.executable, "-m", "streams.cli.main", "topics", *arguments]
    return subprocess.run(command, check=False, text=True, **more)


def test_into_a_pipe_the_list_is_json_lines():
    done = run("list", "--topic-prefix", "staging.", capture_output=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    topics = {line["topic"].removeprefix("staging.") for line in lines}
    changelogs = {one.topic for one in contract.changelogs("mailflag")}
    assert topics == {*contract.manifests(), *changelogs}
    assert {line["role"] for line in lines} == {
        *("input", "internal", "output", "dead-letter", "changelog")
    }


def test_on_a_terminal_the_list_is_a_table():
    ours, theirs = os.openpty()
    try:
        done = run("list", stdout=theirs, env=os.environ | {"COLUMNS": "200"})
        shown = os.read(ours, 100_000).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.returncode == 0
    assert "mail.send-attempts.v1" in shown
    assert "cleanup" in shown
    assert "{" not in shown


def test_a_broker_that_is_not_there_is_one_line_with_a_way_out():
    done = run("check", "--bootstrap-servers", NOWHERE, capture_output=True)
    assert (done.returncode, done.stdout) == (69, "")
    assert len(done.stderr.splitlines()) == 1
    assert "MAILFLAG_BOOTSTRAP_SERVERS" in done.stderr


def test_a_setting_that_is_none_is_one_line_and_exit_code_2():
    environment = os.environ | {"MAILFLAG_TOPIC_PREFIXES": "staging."}
    done = run("list", capture_output=True, env=environment)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "MAILFLAG_TOPIC_PREFIX" in done.stderr


@pytest.mark.parametrize("subcommand", [(), ("apply",), ("check",), ("list",)])
def test_the_help_has_examples_on_lines_of_their_own(subcommand):
    done = run(*subcommand, "--help", capture_output=True)
    assert done.returncode == 0
    assert "\\b" not in done.stdout
    if subcommand:
        assert any(
            line.split("  ")[-1].startswith("mailflag topics ")
            for line in done.stdout.splitlines()
        )
