"""A reply as its server sent it, taken out of what a library says before and after."""

import re
from typing import NamedTuple

from streams.core.failure import Phase


class Quoted(NamedTuple):
    """A server's reply that a library handed on."""

    said: str
    """The reply with its code in front; its lines are joined."""
    phase: Phase | None


SENT = re.compile(r"[2-5][0-9]{2}[ -]")
"""How a reply begins as its server sends it; nobody else's words are in front."""

_AFTERWARDS = re.compile(
    # The next exception of a chain, a trace of calls, whom it was about.
    r" ?; ?(?:nested exception|message exception|Failed message)| Caused by: "
    r"| ---> | at [\w.$<>/]{3,200}(?:\(| \((?:/|[A-Z]:|node:|file:|internal))"
    r"|, affected (?:recipient|message)"
)
"""What a library says after the reply."""


def alone(text: str) -> str:
    """Answer a reply without what the library says after it."""
    match = _AFTERWARDS.search(text)
    return (text[: match.start()] if match else text).strip()


def sent(code: str | None, text: str) -> str:
    """Answer a reply as the server sent it, its code in front of each line."""
    lines = [line for part in text.splitlines() if (line := " ".join(part.split()))]
    if not code or (lines and lines[0].startswith(code)):
        return " ".join(lines)
    *first, last = lines or [""]
    return " ".join([*(f"{code}-{line}" for line in first), f"{code} {last}".strip()])
