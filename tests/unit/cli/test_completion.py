"""The shells are told what can be written next."""

import os
import re
import shutil
import subprocess
import sys

import pytest
from click.shell_completion import get_completion_class

from streams.cli.main import cli

PROGRAM = (
    "import sys; from streams.cli.main import main; sys.argv[0] = 'mailflag'; main()"
)
SHELLS = ("bash", "zsh", "fish")


def asked(instruction, **words):
    """Answer what the program says to a shell."""
    environment = os.environ | {"_MAILFLAG_COMPLETE": instruction} | words
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout


def suggested(*words, last=""):
    """Answer what may come after some words."""
    complete = get_completion_class("bash")(cli, {}, "mailflag", "_MAILFLAG_COMPLETE")
    return {item.value for item in complete.get_completions([*words], last)}


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_of_each_shell_is_produced(shell):
    if shell == "bash" and not has_bash():
        pytest.skip("no bash from 4.4 on")
    script = asked(f"{shell}_source")
    assert f"_MAILFLAG_COMPLETE={shell}_complete" in script
    assert "mailflag" in script


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_understands_its_script(shell):
    if shutil.which(shell) is None or (shell == "bash" and not has_bash()):
        pytest.skip(f"no {shell}")
    script = asked(f"{shell}_source")
    checked = subprocess.run(
        [shell, "-n"], input=script, capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, "")


def has_bash():
    """Say whether there is a bash that can complete as click does it."""
    if shutil.which("bash") is None:
        return False
    told = subprocess.run(
        ["bash", "--norc", "-c", "echo $BASH_VERSION"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found = re.match(r"(\d+)\.(\d+)", told)
    return found is not None and (int(found[1]), int(found[2])) >= (4, 4)


def test_a_shell_that_asks_gets_an_answer():
    words = {"COMP_WORDS": "mailflag dlq re", "COMP_CWORD": "2"}
    assert asked("bash_complete", **words) == "plain,replay\n"


def test_subcommands_are_suggested():
    assert {"get", "dlq", "policy"} <= suggested()
    assert suggested("dlq") == {"show", "replay"}
    assert suggested("policy") == {"show", "check"}


def test_dead_letter_topics_are_suggested():
    assert suggested("dlq", "show", last="mail.d") == {"mail.dsn-events.v1.dlq"}
    assert len(suggested("dlq", "replay")) >= 3


def test_sides_and_reasons_are_suggested():
    assert suggested("get", "t-42", "--side", last="re") == {
        *("recipient", "reputation_policy")
    }
    assert suggested("dlq", "show", "--reason", last="bad_t") == {
        *("bad_tenant", "bad_time")
    }


def test_options_are_suggested_and_secrets_are_none():
    options = suggested("get", last="--s")
    assert {"--side", "--since", "--sasl-username", "--security-protocol"} <= options
    assert "--sasl-password" not in options
