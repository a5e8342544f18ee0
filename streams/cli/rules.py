"""`mailflag rules`: check rules, and show what each class means."""

import sys
from pathlib import Path

import click

from streams.cli.terminal import SAID_SOMETHING, interruptible
from streams.core import rule, rulecheck
from streams.core.rule import Fault
from streams.wire import rulebook


@click.group()
def command() -> None:
    """Check classification rules, and show what the classes mean.

    \b
    Are our own rules in order, examples and all?
      mailflag rules check ours.toml
    The classes, for people to read:
      mailflag rules classes > classes.md
    """  # noqa: D301  # \b is click's own mark


@command.command()
@click.argument(
    "files",
    nargs=-1,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="[FILE]...",
)
@interruptible
def check(files: tuple[Path, ...]) -> None:
    """Check the built-in rules, or those of FILE... in front of them.

    Every rule and every phrase must be able to win, every example must be classified
    by its own rule, and no phrase may be slow. What is wrong is printed, one line
    each; the exit code is then 1.

    \b
    Before a file goes to the workers:
      mailflag rules check ours.toml
    """  # noqa: D301  # \b is click's own mark
    faults, counted = _faults(files)
    for fault in faults:
        click.echo(f"{fault.where}: {fault.what}")
    if faults:
        sys.exit(SAID_SOMETHING)
    click.echo(f"{counted} rules, all in order", err=True)


def _faults(files: tuple[Path, ...]) -> tuple[list[Fault], int]:
    """Answer what is wrong, and how many rules were looked at."""
    faults: list[Fault] = []
    documents = []
    for file in files:
        document = rulebook.read(file)
        if isinstance(document, Fault):
            faults.append(document)
        else:
            documents.append(document)
    own = frozenset(
        str(entry.get("id"))
        for _, document in documents
        for entry in rule.tables(document)
    )
    book = rule.build([*documents, *rulebook.built_in()])
    if isinstance(book, list):
        return faults + book, 0
    ids = own if files else None
    return faults + rulecheck.check(book, ids), len(own if files else book.rules)


@command.command()
@interruptible
def classes() -> None:
    """Print what each class means, in Markdown, made from the rules.

    \b
    The page in the documentation is made so:
      mailflag rules classes > docs/classes.md
    """  # noqa: D301  # \b is click's own mark
    from streams.core import classpage  # noqa: PLC0415  # only for this command

    click.echo(classpage.page(rulebook.load()), nl=False)
