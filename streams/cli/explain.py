"""`mailflag explain`: one reply or mail, why it means what it means, and what to do."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

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
from streams.core import reply as replies
from streams.core.advice import ADVICE
from streams.core.classify import UNKNOWN_RULE, Classifier, Decision
from streams.core.dsn.mime import MAX_BYTES
from streams.core.failure import TRAITS, PeerRole, Phase
from streams.wire import rulebook

_HEADER = re.compile(rb"(?:From |[A-Za-z][A-Za-z0-9-]*:).*\n")
"""How a mail begins, in a folder or in a mailbox file; a reply alone is one line."""


@click.command()
@click.argument("what", default="-", metavar="REPLY|FILE|-")
@click.option(
    "--phase",
    type=click.Choice([phase.value for phase in Phase]),
    help="When in the session it was said.",
)
@click.option(
    "--peer-role",
    type=click.Choice([role.value for role in PeerRole]),
    help="Who said it: your own relay, or the recipient's server.",
)
@rules_option
@json_option
@interruptible
def command(
    what: str,
    phase: str | None,
    peer_role: str | None,
    rule_files: tuple[Path, ...],
    *,
    as_json: bool | None,
) -> None:
    """Say what a reply or a bounce mail means, why, and what to do.

    The argument is a reply as the mail log has it, the name of a file with a mail or a
    reply, or - for what is on standard input.

    \b
    A line of a log:
      mailflag explain '550 5.1.1 <a@example.com>: User unknown'
    The same words from your own relay:
      mailflag explain --peer-role relay --phase auth '535 5.7.8 Error'
    A bounce:
      mailflag explain bounce.eml
    """  # noqa: D301  # \b is click's own mark
    classifier = Classifier(rulebook.load(rule_files))
    role = PeerRole(peer_role) if peer_role else None
    for explained in _explained(classifier, what, phase, role):
        if wants_json(as_json):
            write_json(explained)
        else:
            _show(explained)


def _explained(
    classifier: Classifier, what: str, phase: str | None, role: PeerRole | None
) -> Iterator[dict[str, Any]]:
    raw = _content(what)
    mail = dsn.parse(raw or b"")
    if raw is None or not (mail.reports or _is_mail(raw)):
        said = what if raw is None else raw.decode(errors="replace")
        reply = replies.parse(said, phase=Phase(phase) if phase else None)
        decision = classifier.decide(reply, role)
        if raw is None and _names_a_file(what, decision):
            message = f"{what!r} is no reply, and there is no such file."
            raise click.UsageError(message)
        yield _explain(classifier, decision)
        return
    if not mail.reports:
        yield {"kind": mail.kind}
    for report in mail.reports:
        decision = classifier.classify_report(report, role)
        yield {
            "kind": report.kind,
            "recipient": report.recipient,
            **_explain(classifier, decision),
        }


def _content(what: str) -> bytes | None:
    """Answer what the argument names, None when it is a reply itself."""
    try:
        if what == "-":
            raw = click.get_binary_stream("stdin").read(MAX_BYTES + 1)
        else:
            with Path(what).open("rb") as source:
                raw = source.read(MAX_BYTES + 1)
    except IsADirectoryError:
        message = "That is a folder; mailflag dsn reads folders."
        raise click.UsageError(message) from None
    except (OSError, ValueError):
        raw = None
    if not (what if raw is None else raw).strip():
        message = "Nothing to explain."
        raise click.UsageError(message)
    return raw


def _is_mail(raw: bytes) -> bool:
    """Say whether this is a mail, or what no text is; not a reply in a file."""
    return (
        len(raw) > replies.MAX_TEXT or b"\0" in raw or bool(_HEADER.match(raw.strip()))
    )


def _names_a_file(what: str, decision: Decision) -> bool:
    """Say whether an argument that names nothing was meant to be a file's name."""
    reply = decision.reply
    return (
        decision.verdict.rule == UNKNOWN_RULE
        and reply.code is None
        and reply.enhanced is None
        and len(what.split()) == 1
        and ("." in what or "/" in what)
    )


def _explain(classifier: Classifier, decision: Decision) -> dict[str, Any]:
    verdict, reply = decision.verdict, decision.reply
    rule = next((r for r in classifier.rules.rules if r.id == verdict.rule), None)
    traits = TRAITS[verdict.failure_class]
    advice = ADVICE[verdict.failure_class]
    return {
        **as_row(verdict),
        "said": decision.said or None,
        "source": rule.source if rule else None,
        "after_permanent": traits.after_permanent,
        "after_transient": traits.after_transient,
        "reply": {
            "code": reply.code,
            "enhanced": reply.enhanced,
            "text": reply.text,
            "phase": reply.phase,
            "peer": reply.peer,
        },
        "summary": advice.summary,
        "where_to_check": advice.where_to_check,
        "what_to_do": advice.what_to_do,
    }


_POLICIES = {
    "immediate": "bad at the first permanent failure",
    "after_n": "bad after {after_permanent} failed messages in a row"
    " ({after_transient} when the failures are temporary)",
    "never": "nothing: the address is not at fault",
}


def _show(explained: dict[str, Any]) -> None:
    """Print an explanation for people."""
    from rich.table import Table  # noqa: PLC0415  # slow, and only for people

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold")
    grid.add_column(overflow="fold")
    for name, value in _lines(explained):
        grid.add_row(name, printable(value))
    console = screen()
    console.print(grid)
    console.print()


def _lines(explained: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if "kind" in explained:
        yield "kind", explained["kind"]
    if "class" not in explained:
        return
    if explained.get("recipient"):
        yield "recipient", explained["recipient"]
    yield "class", explained["class"]
    yield "side", explained["side"]
    yield "for the address", _POLICIES[explained["address_policy"]].format(**explained)
    codes = ", although the codes disagree" if explained["conflict"] else ""
    yield "confidence", explained["confidence"] + codes
    decided = f'"{explained["said"]}" in the text' if explained["said"] else "the code"
    if explained["rule"] == "none":
        decided = "no rule knows these words or this code"
    yield "decided by", decided
    yield "rule", explained["rule"]
    if explained["source"]:
        yield "source", explained["source"]
    reply = explained["reply"]
    read = (reply["code"], reply["enhanced"], reply["phase"], reply["peer"])
    yield "read", ", ".join(str(part) for part in read if part) or "no code"
    yield "text", reply["text"][:500]
    yield "what happened", explained["summary"]
    yield "where to check", explained["where_to_check"]
    yield "what to do", explained["what_to_do"]
