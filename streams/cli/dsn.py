"""`mailflag dsn`: mails in, what each reports about whom out."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import orjson

from streams.cli.classify import as_row, rules_option
from streams.cli.terminal import (
    interruptible,
    json_option,
    printable,
    screen,
    wants_json,
    write_json,
)
from streams.core import dsn
from streams.core.address import canonical
from streams.core.classify import Classifier
from streams.core.dsn import ParsedMail, ReportKind
from streams.core.dsn.mime import MAX_BYTES
from streams.core.failure import Verdict
from streams.wire import rulebook

MAX_SAID = 500
"""Characters of a notification that stand for a diagnostic where there is none."""
_FAILURES = {ReportKind.BOUNCE, ReportKind.DELAYED}
_NOTHING: dict[str, Any] = dict.fromkeys(
    (
        *("recipient", "original_recipient", "final_recipient", "action", "status"),
        *("reply_code", "diagnostic", "message_id", "envelope_id"),
    )
)


@click.command()
@click.argument(
    "paths",
    type=click.Path(exists=True, allow_dash=True),
    nargs=-1,
    required=True,
    metavar="PATH...",
)
@rules_option
@json_option
@interruptible
def command(
    paths: tuple[str, ...], rule_files: tuple[Path, ...], *, as_json: bool | None
) -> None:
    """Say what bounces and other reports say: files, folders, - for standard input.

    Each reported recipient becomes one line: file, kind (bounce, delayed, delivered,
    relayed, expanded, auto_reply, complaint, challenge, not_a_bounce), recipient,
    original_recipient, final_recipient, action, status, reply_code, diagnostic,
    message_id, envelope_id, class, side, address_policy, confidence, rule. A mail that
    reports nobody is one line too. In what is no failure, class repeats the kind and
    address_policy is never. Folders are read with everything below them. A file that
    cannot be read goes to standard error as {"file": ..., "error": ...}, and the exit
    code is 1.

    \b
    A mail from a mailbox:
      mailflag dsn bounce.eml
    Whom can we no longer reach?
      mailflag dsn Maildir/ | jq -r 'select(.address_policy == "immediate").recipient'
    """  # noqa: D301  # \b is click's own mark
    classifier = Classifier(rulebook.load(rule_files))
    table = None if wants_json(as_json) else _Table()
    failed = False
    for path in paths:
        for name, raw in _mails(path):
            if isinstance(raw, str):
                failed = True
                click.echo(orjson.dumps({"file": name, "error": raw}), err=True)
                continue
            for row in rows(classifier, name, dsn.parse(raw)):
                if table:
                    table.add(row)
                else:
                    write_json(row)
    if table:
        table.show()
    if failed:
        sys.exit(1)


def _mails(path: str) -> Iterator[tuple[str, bytes | str]]:
    """Go through the mails of a path: name, and content or what is wrong."""
    if path == "-":
        raw = click.get_binary_stream("stdin").read(MAX_BYTES + 1)
        yield "-", raw if raw.strip() else "empty"
        return
    start = Path(path)
    for file in _files(start) if start.is_dir() else [start]:
        try:
            with file.open("rb") as source:
                raw = source.read(MAX_BYTES + 1)
        except OSError as error:
            yield _name(file), error.strerror or "cannot be read"
        else:
            yield _name(file), raw if raw.strip() else "empty"


def _name(file: Path) -> str:
    """Answer a file's name as JSON can hold it, whatever bytes it is made of."""
    return str(file).encode(errors="surrogateescape").decode(errors="backslashreplace")


def _files(folder: Path) -> Sequence[Path]:
    """Answer the files of a folder and below, without hidden ones, in order."""
    return [
        file
        for file in sorted(folder.rglob("*"))
        if file.is_file()
        and not any(part.startswith(".") for part in file.relative_to(folder).parts)
    ]


def rows(
    classifier: Classifier, name: str, mail: ParsedMail
) -> Iterator[dict[str, Any]]:
    """Answer the lines of one mail."""
    if not mail.reports:
        yield {"file": name, "kind": mail.kind, **_NOTHING, **_no_failure(mail.kind)}
    for report in mail.reports:
        decision = classifier.classify_report(report)
        failed = report.kind in _FAILURES
        yield {
            "file": name,
            "kind": report.kind,
            "recipient": _folded(report.recipient),
            "original_recipient": _folded(report.original_recipient),
            "final_recipient": _folded(report.final_recipient),
            "action": report.action,
            "status": report.status,
            "reply_code": decision.reply.code,
            "diagnostic": report.diagnostic or decision.reply.text[:MAX_SAID] or None,
            "message_id": report.message_id,
            "envelope_id": report.envelope_id,
            **(_meaning(decision.verdict) if failed else _no_failure(report.kind)),
        }


def _folded(address: str | None) -> str | None:
    """Answer an address as flags are keyed by it."""
    return str(canonical(address)) if address else None


def _meaning(verdict: Verdict) -> dict[str, Any]:
    row = as_row(verdict)
    del row["conflict"]
    return row


def _no_failure(kind: ReportKind) -> dict[str, Any]:
    return {
        "class": kind,
        "side": None,
        "address_policy": "never",
        "confidence": None,
        "rule": None,
    }


class _Table:
    """The reports, for people."""

    def __init__(self) -> None:
        from rich.table import Table  # noqa: PLC0415  # slow, and only for people

        self._table = Table()
        for column in ("file", "kind", "recipient", "class", "side", "address", "said"):
            self._table.add_column(column, overflow="fold")

    def add(self, row: dict[str, Any]) -> None:
        shown = (
            *(Path(row["file"]).name, row["kind"], row["recipient"], row["class"]),
            *(row["side"], row["address_policy"], (row["diagnostic"] or "")[:160]),
        )
        self._table.add_row(*(printable(cell or "") for cell in shown))

    def show(self) -> None:
        screen().print(self._table)
