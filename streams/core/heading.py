"""Headings that mail libraries put before a server's answer, and take for its words.

A library's heading follows from the command or the code alone and stands there
whatever the server said: "Invalid Addresses" is every RCPT TO that was refused,
"Mailbox unavailable" every 550. Only what comes after it is the server's.
"""

import re
from typing import NamedTuple

from streams.core.failure import Phase


class _Heading(NamedTuple):
    """Words of a library before an answer."""

    hint: str
    """Stands in every text, in lower case, where the pattern can be found."""
    pattern: re.Pattern[str]
    """Matches up to the answer; its group `step`, if any, names a phase."""
    phase: Phase | None


def _heading(hint: str, pattern: str, phase: Phase | None = None) -> _Heading:
    return _Heading(hint, re.compile(pattern, re.IGNORECASE), phase)


_STEPS = {
    "mail from": Phase.MAIL,
    "mail": Phase.MAIL,
    "rcpt to": Phase.RCPT,
    "recipient": Phase.RCPT,
    "data end": Phase.DATA_END,
    "data": Phase.DATA,
    "auth": Phase.AUTH,
    "starttls": Phase.TLS,
    "ehlo": Phase.EHLO,
    "helo": Phase.EHLO,
}
_MSMTP_SAYS = "message: "
_HEADINGS = {
    "failed": (
        # PHPMailer: `MAIL FROM command failed,`; Nodemailer: `Mail command failed:`.
        _heading(
            " command failed",
            rf".{{0,400}}?\b(?P<step>{'|'.join(_STEPS)}) command failed"
            r"(?:,|:| Detail:) ?",
        ),
        _heading(
            "recipients failed: ",
            r".{0,40}?the following recipients failed: \S+: ",
            Phase.RCPT,
        ),
        _heading("message failed: ", r"(?:error: )?message failed: ", Phase.DATA_END),
    ),
    # Nodemailer and JavaMail.
    "invalid ": (
        _heading("login: ", r"(?:error: )?invalid login: (?=\d{3})", Phase.AUTH),
        _heading("greeting", r".{0,40}?invalid greeting\. response=", Phase.BANNER),
        _heading(
            "addresses; nested",
            r".{0,120}?invalid addresses; nested exception is: (?:[\w.]{1,80}: )?",
            Phase.RCPT,
        ),
    ),
    "rejected: ": (
        _heading(
            "recipients were", r".{0,80}?all recipients were rejected: ", Phase.RCPT
        ),
    ),
    # System.Net.Mail: the code in words, then what was said; msmtp.
    "server ": (
        _heading(
            "recipientexception: ",
            r".{0,80}?recipientexception: .{0,200}?the server response was: ",
            Phase.RCPT,
        ),
        _heading("response was: ", r".{0,400}?the server response was: "),
        _heading(_MSMTP_SAYS, rf".{{0,400}}? server {_MSMTP_SAYS}"),
    ),
}
"""Headings by a word that stands in all of a kind, as most answers have none."""
_MSMTP = {
    "recipient address": Phase.RCPT,
    "envelope from address": Phase.MAIL,
    "authentication failed": Phase.AUTH,
}
_LITERAL = re.compile(r"(?<=[ (,\[{:])b(?=['\"])")
"""Where Python writes that what follows are bytes."""
_ESCAPED = re.compile(r"\\(?:r|n|t)")
_REFUSED = re.compile(r"['\"][^'\"@]{1,100}@[^'\"@]{1,255}['\"]: \([2-5]\d\d,")
"""smtplib: `{recipient: (code, answer)}`."""
_SENDER = re.compile(r", ['\"][^'\"@ ]{1,100}@[^'\"@ ]{1,255}['\"]\)$")
"""smtplib: `(code, answer, sender)`."""
_RAISED = re.compile(
    r"smtp(?:(?P<auth>authenticationerror)|(?P<mail>senderrefused|senderfailedexception)"
    r"|(?P<rcpt>recipients?refused|addressfailedexception)|(?P<data_end>dataerror)"
    r"|(?P<ehlo>heloerror)|(?P<banner>connecterror))"
)
"""Names of exceptions; a group is the value of its phase."""
_CODES_LAST = re.compile(
    r"(?P<said>.*),(?P<code>[2-5]\d\d)(?:,(?P<more>[245][.\d]*))?$"
)
"""PHPMailer: the answer, its code, and its enhanced code."""
_NESTED = "nested exception is: "
_AGAIN = "SMTPSendFailedException: "
"""JavaMail: the answer stands here, and again in the nested exception."""


def without_heading(said: str, lower: str) -> tuple[str, Phase | None]:
    """Answer what the server said, and the phase that the heading tells."""
    raised = _RAISED.search(lower) if "smtp" in lower else None
    phase = Phase(raised.lastgroup) if raised and raised.lastgroup else None
    if " b'" in lower or ' b"' in lower:
        said, found = _from_python(said)
        phase = phase or found
    for word, headings in _HEADINGS.items():
        if word in lower:
            for heading in headings:
                if heading.hint in lower and (match := heading.pattern.match(said)):
                    return _answer(said, match, heading, phase)
    first, nested, _ = said.partition(_NESTED)
    return (first.rstrip(" ;") if nested and _AGAIN in first else said), phase


def _answer(
    said: str, match: re.Match[str], heading: _Heading, phase: Phase | None
) -> tuple[str, Phase | None]:
    """Answer what comes after a heading, and the phase; all of it when nothing does."""
    answer = said[match.end() :]
    if not answer.strip(" .'\")"):
        return said, phase
    if heading.hint == _MSMTP_SAYS:
        return _of_msmtp(match[0], answer)
    step = match.groupdict().get("step")
    if step is None:
        return answer, heading.phase or phase
    if last := _CODES_LAST.match(answer):
        answer = f"{last['code']} {last['more'] or ''} {last['said']}"
    return answer, _STEPS[step.lower()]


def _from_python(said: str) -> tuple[str, Phase | None]:
    """Read what smtplib raises, written as its arguments are."""
    phase = None
    if _REFUSED.search(said):
        phase = Phase.RCPT
    elif _SENDER.search(said):
        phase = Phase.MAIL
    return _ESCAPED.sub(" ", _LITERAL.sub("", said)), phase


def _of_msmtp(heading: str, answer: str) -> tuple[str, Phase | None]:
    """Take off what msmtp writes behind an answer, too."""
    told = (phase for words, phase in _MSMTP.items() if words in heading)
    return answer.partition(" msmtp: could not send")[0], next(told, None)
