"""SMTP replies as mailers log them, to code, enhanced code, text, phase and peer.

A mailer wraps what it was told ("host X said: ... (in reply to RCPT TO command)"),
folds it, joins its lines and quotes one answer inside another. What is kept is
what the server said; who said it and when become fields of their own.
"""

import re
from typing import NamedTuple

from streams.core.failure import Phase
from streams.core.library import quoted
from streams.core.wrapping import unwrap

MAX_TEXT = 8192
"""Characters of a reply that are looked at."""

TRANSIENT, PERMANENT = 4, 5
"""Class digits of a refusal (RFC 5321 section 4.2.1, RFC 3463 section 3.1)."""

VAGUE = frozenset(
    f"{digit}.{rest}"
    for digit in "45"
    for rest in (
        *("0.0", "1.0", "2.0", "2.1", "3.0", "3.2", "4.0", "4.1", "4.7", "5.0", "6.0"),
        *("7.0", "7.1"),
    )
)
"""Enhanced codes that servers use for several things; text decides (RFC 3463)."""


class Reply(NamedTuple):
    """What a server answered, without the mailer's wrapping."""

    code: int | None
    """SMTP reply code, 200 to 599."""
    enhanced: str | None
    """Enhanced status code, as `5.1.1` (RFC 3463)."""
    text: str
    """The words, without codes of their own lines; at most 8 KiB."""
    phase: Phase | None
    peer: str | None
    """Host that answered, in lower case."""

    def has_code(self, prefixes: tuple[str, ...]) -> bool:
        """Say whether its reply code or its enhanced code starts so."""
        code, enhanced = str(self.code or ""), self.enhanced or ""
        return code.startswith(prefixes) or enhanced.startswith(prefixes)

    @property
    def severity(self) -> int | None:
        """Class digit, 4 or 5; the milder when the two codes differ."""
        code = self.code // 100 if self.code else 0
        enhanced = self.enhanced[:1] if self.enhanced else ""
        if code == TRANSIENT or enhanced == "4":
            return TRANSIENT
        return PERMANENT if code == PERMANENT or enhanced == "5" else None


_SEPARATED = re.compile(
    # At the start, or after what introduces a reply: "said:", "'", "<", "-> ".
    r"(?:^|[:'\"<>({=]|\bsaid|\bcode|SMTP;?|->|- |\.\.\. ?) ?([2-5][0-57][0-9])"
    r"(?=[ \-:;,.)]|$)(?![.][0-9])",
)
_CODE = re.compile(r"[2-5][0-9]{2}")
_AFTER_CODE = frozenset({"", " ", "-", ":"})
_BEFORE_ENHANCED = re.compile(
    r"(?<![\w.])([2-5][0-57][0-9])[ -](?=#?[245]\.[0-9]{1,2}\.[0-9])"
)
_ENHANCED = re.compile(r"(?<![0-9.])([245]\.[0-7]\.[0-9]{1,3})(?![0-9]|\.[0-9])")
_LINE_CODE = re.compile(
    r"(?:(?<=\s)|^)[245][0-9][0-9](?:-(?:#?[245]\.[0-9]\.[0-9]{1,3}(?![0-9.]))?"
    r"|[ :](?:- )?#?[245]\.[0-9]\.[0-9]{1,3}(?![0-9.])) ?"
)
_FIRST_CODE = re.compile(
    r"(?:smtp; ?)?[2-5][0-57][0-9](?=[ \-:]|$)[ \-:]*"
    r"(?:#?[245]\.[0-9]\.[0-9]{1,3}[ :-]*)?"
)


def parse(  # noqa: PLR0913, PLR0917  # what a caller may know
    text: str,
    code: int | None = None,
    enhanced: str | None = None,
    phase: Phase | None = None,
    peer: str | None = None,
    recipient: str | None = None,
) -> Reply:
    """Read a reply; what is given wins over what the text says.

    What mailers and libraries put around it comes off first; of the replies about
    several recipients it is that about `recipient`.

    A given enhanced code that servers use for everything (`VAGUE`) gives way to
    a telling one in the text: of 192 reports, 19 had a better code there.
    """
    said = " ".join(text[:MAX_TEXT].split())
    lower = said.lower()
    if found := quoted(said, lower, recipient):
        said, lower, phase = found.said, found.said.lower(), phase or found.phase
    said, found_phase, found_peer = unwrap(said, lower)
    phase = phase or found_phase
    peer = peer or found_peer
    if code is None:
        code = _first_code(said)
    enhanced = _best_enhanced(enhanced, said)
    return Reply(code, enhanced, _without_codes(said), phase, peer and peer.lower())


def with_status(reply: Reply, status: str | None) -> Reply:
    """Answer a reply as if the enhanced code of a Status field were given as well.

    Only for one whose own is missing or `VAGUE`, or else it would not give way.
    """
    return reply._replace(enhanced=_best_enhanced(status, reply.enhanced or ""))


def _first_code(said: str) -> int | None:
    if _CODE.match(said) and said[3:4] in _AFTER_CODE:
        return int(said[:3])
    match = _SEPARATED.search(said) or _BEFORE_ENHANCED.search(said)
    return int(match[1]) if match else None


def _best_enhanced(given: str | None, said: str) -> str | None:
    """Answer the most telling enhanced code."""
    best = None
    for text in (given or "", said):
        if "." in text:
            for match in _ENHANCED.finditer(text):
                if match[1] not in VAGUE:
                    return match[1]
                best = best or match[1]
    return best


def _without_codes(said: str) -> str:
    """Take the codes off that start the reply and each of its joined lines."""
    code = ""
    if match := _FIRST_CODE.match(said):
        code = match[0][:4]
        said = said[match.end() :]
    if " 5" in said or " 4" in said:
        said = _LINE_CODE.sub("", said)
        if code[3:] == "-":
            said = said.replace(f" {code[:3]} ", " ")
    return said
