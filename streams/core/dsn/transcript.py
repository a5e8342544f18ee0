"""Transcripts of SMTP sessions in notifications: who said what, and to what."""

import re
from typing import NamedTuple

from streams.core.dsn.passage import ADDRESS, MAX_LINE, MAX_PASSAGE, canonical_of
from streams.core.failure import Phase


class Said(NamedTuple):
    """A server's answer in a transcript of the session."""

    text: str
    phase: Phase | None
    recipient: str | None
    """Whom the command before it named."""


_STAMP = r"^\s{0,8}(?:(?:\w{3},?\s)?\d[\d:./T -]{6,30}:?\s{1,4})?"
"""Some mailers write the time before each line."""
_COMMAND = re.compile(
    _STAMP
    + r"(?:sent\s?)?(?:>>>|<<<|-{1,2}>)\s?(?P<verb>RCPT|MAIL|DATA|EHLO|HELO|LHLO|AUTH"
    rf"|STARTTLS|QUIT|\.)(?:[^<]{{0,20}}<(?P<address>{ADDRESS})?>)?",
    re.IGNORECASE,
)
_ANSWER = re.compile(
    _STAMP + r"(?:received\s?)?(?:<<<|>>>|<-{1,2})\s?(?P<text>\S.*)$"
    r"|^\s{0,8}(?:\(?reason:\s?)?(?P<plain>[245]\d\d[ -].*)$",
    re.IGNORECASE,
)
_VERB_PHASES = {
    "rcpt": Phase.RCPT,
    "mail": Phase.MAIL,
    "data": Phase.DATA,
    "ehlo": Phase.EHLO,
    "helo": Phase.EHLO,
    "lhlo": Phase.EHLO,
    "auth": Phase.AUTH,
    "starttls": Phase.TLS,
    "quit": Phase.QUIT,
    ".": Phase.DATA_END,
}


def read(text: str) -> list[Said]:
    """Answer the servers' answers in a transcript, with the commands before them."""
    said: list[Said] = []
    phase: Phase | None = None
    recipient: str | None = None
    for line in text.split("\n"):
        if len(line) > MAX_LINE:
            continue
        if match := _COMMAND.match(line):
            phase = _VERB_PHASES.get(match["verb"].lower())
            if phase is Phase.RCPT and match["address"]:
                recipient = canonical_of(match["address"])
        elif match := _ANSWER.match(line):
            words = (match["text"] or match["plain"]).strip(" )")
            quoted = match["text"] is not None
            if said and quoted and said[-1].text[:3] == words[:3] and words[3:4] == " ":
                said[-1] = said[-1]._replace(text=f"{said[-1].text} {words[4:]}")
            else:
                said.append(
                    Said(words[:MAX_PASSAGE], phase if quoted else None, recipient)
                )
    return said
