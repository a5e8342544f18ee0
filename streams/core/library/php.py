"""PHPMailer, Swift Mailer, Symfony Mailer, PEAR Mail: the code is not in front."""

import re

from streams.core.failure import Phase
from streams.core.library.reply_form import SENT, Quoted, alone, sent

_FAILED_COMMAND = re.compile(
    r"\b(MAIL FROM|RCPT TO|DATA END|DATA|EHLO|HELO|STARTTLS|AUTH|User & Password"
    r"|Username|Password|OAuth TOKEN)(?: [A-Z0-9-]{3,10})? command failed"
)
_PHASES = {
    "MAIL FROM": Phase.MAIL,
    "RCPT TO": Phase.RCPT,
    "DATA": Phase.DATA,
    "DATA END": Phase.DATA_END,
    "EHLO": Phase.EHLO,
    "HELO": Phase.EHLO,
    "STARTTLS": Phase.TLS,
}
_CODE_BEFORE = re.compile(r"([2-5][0-9]{2}),[^,]{0,10},")
"""How PHPMailer 5.2 began with the code."""
_ENHANCED = r"([245]\.[0-9]{1,3}\.[0-9]{1,3})"
_LABELLED = re.compile(
    rf" ?SMTP code: ([45][0-9]{{2}})(?![0-9])(?: Additional SMTP info: {_ENHANCED})?"
)
_AT_THE_END = re.compile(
    # Behind it: nothing, or the same again with labels, in the reader's language.
    rf" ?,([45][0-9]{{2}})(?:,{_ENHANCED}?(?= ?(?:$|[^\W\d]))|$)"
)


def of_phpmailer(said: str, _lower: str) -> Quoted | None:
    """Answer the reply in PHPMailer's report of a command that failed."""
    match = _FAILED_COMMAND.search(said)
    if match is None:
        return None
    phase = _PHASES.get(match[1], Phase.AUTH)
    text = said[match.end() :].removeprefix(",").removeprefix(" Detail:")
    if old := _CODE_BEFORE.match(text):
        return Quoted(sent(old[1], text[old.end() :].rstrip(" ,")), phase)
    labelled = said.startswith(" Detail:", match.end())
    codes = (_LABELLED if labelled else _AT_THE_END).search(text)
    text = text[: codes.start() if codes else None].partition(" SMTP server error: ")[0]
    text = text.strip(" ,")
    if codes is None:
        nobody_spoke = not text and phase is Phase.AUTH
        return Quoted(said if nobody_spoke else text, phase)
    enhanced = codes[2] or ""
    if not SENT.match(text) and not text.startswith(enhanced):
        text = f"{enhanced} {text}"
    return Quoted(sent(codes[1], text), phase)


_RECIPIENTS = re.compile(r"recipients failed:? \[?")
_NAMED = re.compile(r"[^\s:<>]{1,64}@[^\s:<>]{1,255}: ")


def of_recipients(said: str, _lower: str) -> Quoted | None:
    """Answer the reply in PHPMailer's report of refused recipients."""
    match = _RECIPIENTS.search(said)
    if match is None:
        return None
    named = _NAMED.match(said, match.end())
    return Quoted(alone(said[named.end() :]) if named else "", Phase.RCPT)


# Swift Mailer and Symfony Mailer tell which codes they waited for.

_GOT = re.compile(
    r"Expected response codes? \"?([0-9/]{3,40})\"? but got code \"([2-5][0-9]{2})\","
    r" with message \""
)
_EXPECTED = {
    "235": Phase.AUTH,
    "334": Phase.AUTH,
    "250/251/252": Phase.RCPT,
    "354": Phase.DATA,
}
_UNQUOTED = re.compile(r"\"\.?(?:\"\.)?(?= Authenticator | in |$)")


def of_symfony(said: str, lower: str) -> Quoted | None:
    """Answer the reply in an error of Swift Mailer or Symfony Mailer."""
    match = _GOT.search(said)
    if match is None:
        return None
    end = _UNQUOTED.search(said, match.end())
    phase = _EXPECTED.get(match[1])
    if phase is None and "to authenticate on smtp server" in lower:
        phase = Phase.AUTH
    text = said[match.end() : end.start() if end else None]
    return Quoted(sent(match[2], text.strip()), phase)


_RESPONSE = re.compile(r"\(code: ([2-5][0-9]{2}), response: ")
_OF_PEAR = {
    "set sender": Phase.MAIL,
    "add recipient": Phase.RCPT,
    "authentication failure": Phase.AUTH,
    "send data": Phase.DATA_END,
}


def of_pear(said: str, lower: str) -> Quoted | None:
    """Answer the reply in an error of PEAR's Mail and Net_SMTP."""
    match = _RESPONSE.search(said)
    if match is None:
        return None
    text = said[match.end() :]
    end = text.rfind(")]")
    text = text[:end] if end >= 0 else text.removesuffix(")")
    before = lower[: match.start()]
    phase = next((p for name, p in _OF_PEAR.items() if name in before), None)
    return Quoted(sent(match[1], text.strip()), phase)
