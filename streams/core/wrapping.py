"""What mailers put around a server's reply in their logs and reports.

Postfix's "host X said: ... (in reply to RCPT TO command)" is no part of the reply: who
answered and when become fields, and the rest is what the server said.
"""

import re
from typing import NamedTuple

from streams.core.failure import Phase


class _Wrapping(NamedTuple):
    """Words of a mailer's own around a reply; they tell when, or who answered."""

    hint: str
    """Stands in every text, in lower case, where the pattern can be found."""
    pattern: re.Pattern[str]


def _wrapping(hint: str, pattern: str) -> _Wrapping:
    return _Wrapping(hint, re.compile(pattern, re.IGNORECASE))


_HOST = r"[\w.:\[\]-]{1,255}"
_WRAPPINGS = (
    # Postfix, of a host that did not answer a while ago: the mailer waits, no account.
    _wrapping("temporarily suspended", r"\bdelivery temporarily suspended(?:: |$)"),
    # Postfix; also what many logs copy from it.
    _wrapping(
        "in reply to",
        r"\(in reply to (?:the )?(?P<phase>[\w ]{2,40}?)(?: command)?\)",
    ),
    # qmail and its descendants.
    _wrapping(
        " but ",
        rf"(?:\bconnected to {_HOST} )?\bbut"
        r" (?P<phase>my name|sender|greeting|connection)"
        r" (?:was rejected|failed|died)\.? ?",
    ),
    _wrapping(
        "does not like",
        rf"(?:(?<!\S){_HOST} )?does not like (?P<phase>recipient|message)\.? ?",
    ),
    _wrapping(
        "failed after",
        rf"(?:(?<!\S){_HOST} )?failed after I sent the (?P<phase>message)\.? ?",
    ),
    _wrapping("remote host said", r"remote host said[: ]{0,2}'?"),
    _wrapping(
        "remote s",
        r"remote (?:server (?:replied|returned|said)|smtp server returned)[: ]{0,2}'?",
    ),
    _wrapping("giving up on", rf"\bgiving up on {_HOST} ?"),
    # Postfix and Exim: who answered.
    _wrapping(
        "host",
        r"\bhost:? (?:(?P<host>[\w.-]{1,255}) ?(?:\[[^\]]{1,60}\]|\([^)]{1,60}\))"
        r"(?::\d{1,5})?|(?P<name>[\w-]{1,63}\.[\w.-]{1,255}))"
        r"(?: (?:said|replied|returned)|(?= refused to talk)"
        r"|[ ,]{0,2}(?=SMTP error|Delay reason)|:)[: ]{0,2}",
    ),
    # Exim, and what GMX and 1&1 made of it.
    _wrapping(
        "smtp error from",
        r"SMTP error from remote (?:mail )?(?:server|mailer) (?:after|for) "
        r"(?P<phase>initial connection|pipelined MAIL FROM|pipelined end of data"
        r"|pipelined DATA|end of data|[A-Z]{4}(?: (?:FROM|TO))?)"
        r"(?: ?:? ?<[^>]{0,320}>)?(?: SIZE=\d+)?(?: command)?[:,]{0,2} ?",
    ),
    _wrapping("talk to me", r"(?:server )?(?P<phase>refused to talk to me): ?"),
)
_WHILE = re.compile(
    r"(?:lost connection|conversation) with ([\w.-]{1,255})[^ ]{0,60}"
    r"(?: timed out)?,? while (?:(?:receiving|performing) the |sending )"
    r"([\w /-]{2,60})",
    re.IGNORECASE,
)
_LIKED = re.compile(
    r"did not like our (RCPT TO|MAIL FROM|final DATA|DATA|HELO|EHLO)[: ]{0,2}",
    re.IGNORECASE,
)

_PHASES = {
    "rcpt to": Phase.RCPT,
    "rcpt": Phase.RCPT,
    "recipient": Phase.RCPT,
    "mail from": Phase.MAIL,
    "mail": Phase.MAIL,
    "sender": Phase.MAIL,
    "pipelined mail from": Phase.MAIL,
    "data": Phase.DATA,
    "data command": Phase.DATA,
    "pipelined data": Phase.DATA,
    "end of data": Phase.DATA_END,
    "pipelined end of data": Phase.DATA_END,
    "final data": Phase.DATA_END,
    "message body": Phase.DATA_END,
    "message": Phase.DATA_END,
    "text": Phase.DATA_END,
    "ehlo": Phase.EHLO,
    "helo": Phase.EHLO,
    "lhlo": Phase.EHLO,
    "my name": Phase.EHLO,
    "ehlo handshake": Phase.EHLO,
    "helo handshake": Phase.EHLO,
    "lhlo handshake": Phase.EHLO,
    "initial connection": Phase.BANNER,
    "initial server greeting": Phase.BANNER,
    "greeting": Phase.BANNER,
    "connection": Phase.BANNER,
    "refused to talk to me": Phase.BANNER,
    "starttls": Phase.TLS,
    "auth": Phase.AUTH,
    "quit": Phase.QUIT,
}


def unwrap(said: str, lower: str) -> tuple[str, Phase | None, str | None]:
    """Take a mailer's own words off; answer the rest, the phase and the peer."""
    phase: Phase | None = None
    peer: str | None = None
    if " while " in lower and (match := _WHILE.search(said)):
        peer, doing = match[1], match[2].lower()
        phase = _phase_of(doing)
    if "did not like our" in lower and (match := _LIKED.search(said)):
        phase = _PHASES.get(match[1].lower())
        peer = _host_before(said[: match.start()])
        said = said[match.end() :]
    for hint, pattern in _WRAPPINGS:
        if hint in lower and (match := pattern.search(said)):
            told = match.groupdict()
            if "phase" in told:
                phase = phase or _PHASES.get(told["phase"].lower())
            elif "host" in told:
                peer = peer or told["host"] or told["name"]
            said = said[: match.start()] + said[match.end() :]
    return said.strip(), phase, peer


def _host_before(said: str) -> str | None:
    """Answer the host that a mailer names before its own words, as `host [ip]`."""
    names = said.split()[-2:]
    if names and names[-1].startswith("["):
        names.pop()
    return names[-1] if names else None


def _phase_of(doing: str) -> Phase | None:
    """Answer the phase of what Postfix was doing, longest name first."""
    for name in sorted(_PHASES, key=len, reverse=True):
        if doing.startswith(name):
            return _PHASES[name]
    return None
