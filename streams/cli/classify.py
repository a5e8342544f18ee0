"""`mailflag classify`: replies as JSON lines in, what each means out."""

import sys
from codecs import BOM_UTF8
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

import click
import orjson

from streams.cli.terminal import (
    interruptible,
    json_option,
    printable,
    screen,
    wants_json,
    write_json,
)
from streams.core import reply as replies
from streams.core.classify import Classifier
from streams.core.failure import PeerRole, Phase, Verdict
from streams.wire import rulebook

MAX_LINE = 1 << 20
_REMEMBERED = 16_384
_LOWEST_CODE, _HIGHEST_CODE = 200, 599

PHASES = {phase.value: phase for phase in Phase} | {
    "helo": Phase.EHLO,
    "lhlo": Phase.EHLO,
    "starttls": Phase.TLS,
    "greeting": Phase.BANNER,
    "mail_from": Phase.MAIL,
    "rcpt_to": Phase.RCPT,
    "end_of_data": Phase.DATA_END,
}
"""Phases by the names that logs give them."""

rules_option = click.option(
    "--rules",
    "rule_files",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="Rules of your own, tried before the built-in ones. May be given again.",
)


class BadRow(ValueError):
    """A line that is no reply; the message says why, without its content."""


@click.command()
@click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, allow_dash=True), default="-"
)
@rules_option
@json_option
@interruptible
def command(file: str, rule_files: tuple[Path, ...], *, as_json: bool | None) -> None:
    """Say what each SMTP reply in FILE (- for standard input) means.

    FILE has one JSON object a line: code, enhanced, text, phase (dns, connect, banner,
    ehlo, tls, auth, mail, rcpt, data, data_end, quit) and peer_role (relay, mx). Any of
    them may be null or missing. Each becomes one line with class, side, address_policy,
    confidence, rule and conflict, in the same order. A line that cannot be read goes to
    standard error as {"line": ..., "error": ...}; the others are processed, and the
    exit code is 1.

    \b
    One reply:
      echo '{"code": 550, "text": "5.1.1 User unknown"}' | mailflag classify
    What were yesterday's failures?
      mailflag classify replies.jsonl | jq -r .class | sort | uniq -c
    """  # noqa: D301  # \b is click's own mark
    classifier = Classifier(rulebook.load(rule_files))
    table = None if wants_json(as_json) else _Table()
    failed = False
    with _source(file) as source:
        for number, line in _lines(source):
            try:
                row, verdict = judge(classifier, line)
            except BadRow as error:
                failed = True
                click.echo(
                    orjson.dumps({"line": number, "error": str(error)}), err=True
                )
                continue
            if table:
                table.add(row, verdict)
            else:
                write_json(as_row(verdict))
    if table:
        table.show()
    if failed:
        sys.exit(1)


def as_row(verdict: Verdict) -> dict[str, Any]:
    """Answer a verdict as it is written."""
    return {
        "class": verdict.failure_class,
        "side": verdict.side,
        "address_policy": verdict.address_policy,
        "confidence": verdict.confidence,
        "rule": verdict.rule,
        "conflict": verdict.conflict,
    }


def judge(classifier: Classifier, line: bytes) -> tuple[dict[str, Any], Verdict]:
    """Answer a line's reply and what it means.

    Raises:
        BadRow: the line is no JSON object, or a member cannot be what it says.
    """
    if not line.strip():
        message = "empty line"
        raise BadRow(message)
    if len(line) > MAX_LINE:
        message = f"longer than {MAX_LINE} bytes"
        raise BadRow(message)
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        message = "not JSON"
        raise BadRow(message) from None
    if not isinstance(row, dict):
        message = "not a JSON object"
        raise BadRow(message)
    asked = (
        _text(row, "text") or "",
        _code(row),
        _text(row, "enhanced"),
        _member(row, "phase", PHASES),
        _member(row, "peer_role", {role.value: role for role in PeerRole}),
    )
    return row, _remembering(classifier)(*asked)


@lru_cache(maxsize=1)
def _remembering(classifier: Classifier) -> Any:  # noqa: ANN401  # lru_cache's own type
    """Answer a function that classifies, and remembers what it was asked before."""

    @lru_cache(maxsize=_REMEMBERED)
    def classify(
        text: str,
        code: int | None,
        enhanced: str | None,
        phase: Phase | None,
        role: PeerRole | None,
    ) -> Verdict:
        return classifier.classify(replies.parse(text, code, enhanced, phase), role)

    return classify


def _text(row: dict[str, Any], name: str) -> str | None:
    value = row.get(name)
    if value is None or isinstance(value, str):
        return value or None
    message = f"{name} is not a text"
    raise BadRow(message)


def _code(row: dict[str, Any]) -> int | None:
    value = row.get("code")
    if value is None or value == "":
        return None
    if isinstance(value, str) and value.strip().isdecimal():
        value = int(value)
    if isinstance(value, float) and value.is_integer():  # as tables with gaps write it
        value = int(value)
    if isinstance(value, int) and _LOWEST_CODE <= value <= _HIGHEST_CODE:
        return int(value)
    message = "code is not a reply code"
    raise BadRow(message)


def _member(row: dict[str, Any], name: str, members: dict[str, Any]) -> Any:  # noqa: ANN401  # an enum's
    value = row.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, str) and value.lower() in members:
        return members[value.lower()]
    message = f"{name} is none of {', '.join(members)}"
    raise BadRow(message)


def _source(file: str) -> IO[bytes]:
    return click.open_file("-", "rb") if file == "-" else Path(file).open("rb")


def _lines(source: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Go through the lines, reading no more of a line than can be used."""
    number = 0
    while line := source.readline(MAX_LINE + 1):
        number += 1
        # Programs of Windows put a mark before the first line of a file.
        yield number, line.removeprefix(BOM_UTF8) if number == 1 else line
        while len(line) > MAX_LINE and not line.endswith(b"\n"):
            line = source.readline(MAX_LINE + 1)


class _Table:
    """The verdicts, for people."""

    def __init__(self) -> None:
        from rich.table import Table  # noqa: PLC0415  # slow, and only for people

        self._table = Table()
        for column in ("reply", "class", "side", "address", "sure", "rule"):
            self._table.add_column(column, overflow="fold")

    def add(self, row: dict[str, Any], verdict: Verdict) -> None:
        said = [row.get("code"), row.get("enhanced"), row.get("text")]
        self._table.add_row(
            printable(" ".join(str(part) for part in said if part))[:160],
            verdict.failure_class,
            verdict.side,
            verdict.address_policy,
            f"{verdict.confidence}{', codes differ' if verdict.conflict else ''}",
            verdict.rule,
        )

    def show(self) -> None:
        screen().print(self._table)
