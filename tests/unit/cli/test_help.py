"""Every command's help shows how it is called, in lines that it would understand."""

import re
import shlex

import click
import pytest

from streams.cli.main import cli

END = {"|", "&&", ">", "<", "\\"}


def commands(command, *path):
    """Answer all commands below one, each with the words that call it."""
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        yield pytest.param((*path, name), found, id=" ".join((*path, name)))
        if isinstance(found, click.Group):
            yield from commands(found, *path, name)


def examples(command):
    """Answer the words of each call that a command's help shows."""
    for line in (command.help or "").splitlines():
        for call in re.findall(r"\bmailflag (\w.*)", line):
            words = shlex.split(call.rstrip("\\"))
            stop = next((n for n, w in enumerate(words) if w in END), len(words))
            yield words[:stop]


def unknown(words):
    """Answer the commands and options of a call that do not exist."""
    command, wrong = cli, []
    for word in words:
        context = click.Context(command)
        if word.startswith("-") and word != "-":
            known = {o for p in command.get_params(context) for o in p.opts}
            known |= {o for p in command.get_params(context) for o in p.secondary_opts}
            wrong += [] if word.partition("=")[0] in known else [word]
        elif isinstance(command, click.Group):
            found = command.get_command(context, word)
            if found is None:
                return [*wrong, word]
            command = found
    return wrong


@pytest.mark.parametrize(("path", "command"), list(commands(cli)))
def test_the_help_of_a_command_has_an_example_that_would_work(path, command):
    shown = list(examples(command))
    assert [words for words in shown if tuple(words[: len(path)]) == path]
    assert [found for words in shown if (found := unknown(words))] == []


def test_a_wrong_example_is_noticed():
    assert unknown(["dlq", "show", "--sumary"]) == ["--sumary"]
    assert unknown(["dlq", "shw"]) == ["shw"]
