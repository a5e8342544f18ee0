"""Programs and their transcripts: msmtp, swaks, sendmail, Perl's Email::Sender."""

import re

from streams.core.failure import Phase
from streams.core.library.reply_form import Quoted, alone

_OF_MSMTP = {
    "envelope from address": Phase.MAIL,
    "recipient address": Phase.RCPT,
    "the server does not accept mail data": Phase.DATA,
    "the server did not accept the mail": Phase.DATA_END,
    "authentication failed": Phase.AUTH,
    "command auth": Phase.AUTH,
    "command starttls failed": Phase.TLS,
    "command ehlo failed": Phase.EHLO,
    "cannot get initial ok message": Phase.BANNER,
}
_SERVER_MESSAGE = re.compile(r"(?:msmtp: )?(?:LMTP )?server message: (?=[2-5][0-9]{2})")
_LOGGED = re.compile(r"smtpmsg='([^']*(?:'(?! errormsg=)[^']*)*)")


def of_msmtp(said: str, lower: str) -> Quoted | None:
    """Answer the reply that msmtp prints, or writes to its log."""
    logged = _LOGGED.search(said)
    first = _SERVER_MESSAGE.search(said)
    if logged:
        text, words = logged[1], lower[logged.end() :]
    elif first:
        text, words = said[first.end() :], lower[: first.start()]
        end = text.find(" msmtp: could not send mail")
        text = _SERVER_MESSAGE.sub("", text if end < 0 else text[:end])
    else:
        return None
    phase = next((p for name, p in _OF_MSMTP.items() if name in words), None)
    return Quoted(text.strip(), phase)


_VERBS = r"RCPT|MAIL|DATA|EHLO|HELO|LHLO|AUTH|STARTTLS|QUIT"
_ANSWERED = re.compile(
    rf"(?:>>>|->) ?({_VERBS}|\.)"
    r"[^<>]{0,60}(?:<[^<>]{0,320}>)?[^<>]{0,80}(?:<<<|<\*\*) ?(?=[45][0-9]{2}[ -])",
    re.IGNORECASE,
)
_OF_COMMAND = {
    "RCPT": Phase.RCPT,
    "MAIL": Phase.MAIL,
    "DATA": Phase.DATA,
    "EHLO": Phase.EHLO,
    "HELO": Phase.EHLO,
    "LHLO": Phase.EHLO,
    "AUTH": Phase.AUTH,
    "STARTTLS": Phase.TLS,
    "QUIT": Phase.QUIT,
    ".": Phase.DATA_END,
}
_NEXT = re.compile(
    rf" ?(?:>>>|->) ?(?:(?:{_VERBS})\b|\.(?: |$))| (?:<<<|<\*\*|<-|\*\*\*) ",
    re.IGNORECASE,
)


def of_transcript(said: str, _lower: str) -> Quoted | None:
    """Answer the first refusal in a transcript, and what it answers."""
    match = _ANSWERED.search(said)
    if match is None:
        return None
    code = said[match.end() : match.end() + 3]
    text = said[match.end() :].replace(f" <<< {code}", f" {code}")
    text = text.replace(f" <** {code}", f" {code}")
    end = _NEXT.search(text)
    text = text[: end.start()] if end else text
    return Quoted(alone(text), _OF_COMMAND[match[1].upper()])


_AFTER = re.compile(
    r"(?:\S+ failed after (MAIL FROM)|error at (after )?DATA(?: start)?): "
)


def of_email_sender(said: str, _lower: str) -> Quoted | None:
    """Answer the reply in a failure of Email::Sender, which tells no code."""
    match = _AFTER.match(said)
    if match is None:
        return None
    later = Phase.DATA_END if match[2] else Phase.DATA
    phase = Phase.MAIL if match[1] else later
    return Quoted(alone(said[match.end() :]), phase)
