"""smtplib and aiosmtplib: a reply is a literal, `(550, b'5.1.1 User unknown')`."""

import re

from streams.core.failure import Phase
from streams.core.library.reply_form import Quoted, sent

PAIR = re.compile(
    r"\( ?([2-5][0-9]{2}), ?b?"
    r"(?:'([^'\\]*(?:\\.[^'\\]*)*)'?|\"([^\"\\]*(?:\\.[^\"\\]*)*)\"?)"
)
_ESCAPE = re.compile(r"\\(x[0-9a-f]{2}|u[0-9a-f]{4}|.)")
_NEW_LINES = {"n": "\n", "r": "\n", "t": " "}
_EXCEPTION = re.compile(
    r"SMTP(Recipient|Sender|Data|Helo|Connect|Authentication)s?(?:Refused|Error)"
)
_OF_EXCEPTION = {
    "Recipient": Phase.RCPT,
    "Sender": Phase.MAIL,
    "Data": Phase.DATA_END,
    "Helo": Phase.EHLO,
    "Connect": Phase.BANNER,
    "Authentication": Phase.AUTH,
}


def of_python(said: str, first: re.Match[str], recipient: str | None) -> Quoted:
    """Answer the reply in an exception whose first reply is known."""
    pairs = [first, *PAIR.finditer(said, first.end())]
    refused = [pair for pair in pairs if pair[1] >= "400"] or pairs
    before = _EXCEPTION.findall(said, 0, first.start())
    if before:
        phase = _OF_EXCEPTION.get(before[-1])
    elif said.endswith(("': ", '": '), 0, first.start()):
        phase = Phase.RCPT
    else:
        phase = Phase.MAIL if said.startswith(", '", first.end()) else None
    mildest = next((pair for pair in refused if pair[1] < "500"), refused[0])
    theirs = said.find(f"'{recipient}': (") if recipient else -1
    chosen = next((pair for pair in pairs if 0 <= theirs < pair.start()), mildest)
    literal = chosen[2] or chosen[3] or ""
    return Quoted(sent(chosen[1], _unescaped(literal)), phase)


def _unescaped(literal: str) -> str:
    """Answer the text of a literal; bytes are read as UTF-8 where they are."""
    if "\\" not in literal:
        return literal
    text = _ESCAPE.sub(_character, literal)
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text


def _character(escape: re.Match[str]) -> str:
    name = escape[1]
    if name[0] == "x" and len(name) > 1:
        found = chr(int(name[1:], 16))
        return found if found.isprintable() or found >= "\x80" else " "
    return " " if len(name) > 1 else _NEW_LINES.get(name, name)
