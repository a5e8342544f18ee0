"""Headings right in front of a reply: `Net::SMTPFatalError: 550 5.1.1 ...`.

JavaMail, Ruby, Go, nodemailer, msmtp, curl and others; a heading tells the phase at
most.
"""

import re

from streams.core.failure import Phase
from streams.core.library.reply_form import Quoted, alone

_PHASES: dict[str, Phase | None] = {
    # JavaMail, by whatever package it is called.
    "SMTPAddressFailedException": Phase.RCPT,
    "SMTPSenderFailedException": Phase.MAIL,
    "AuthenticationFailedException": Phase.AUTH,
    ", response": Phase.BANNER,
    # MailKit.
    "AuthenticationException": Phase.AUTH,
    # Ruby.
    "SMTPAuthenticationError": Phase.AUTH,
    "Net::SMTPServerBusy": None,
    # nodemailer.
    "Mail command failed": Phase.MAIL,
    "Recipient command failed": Phase.RCPT,
    "all recipients were rejected": Phase.RCPT,
    "Data command failed": Phase.DATA,
    "Message failed": Phase.DATA_END,
    "Invalid login": Phase.AUTH,
    'sequence while waiting for "235"': Phase.AUTH,
    'sequence while waiting for "334 VXNlcm5hbWU6"': Phase.AUTH,
    'sequence while waiting for "334 UGFzc3dvcmQ6"': Phase.AUTH,
    "sequence while waiting for server challenge string": Phase.AUTH,
    "Invalid greeting. response": Phase.BANNER,
    "Invalid HELO. response": Phase.EHLO,
    "Invalid LHLO. response": Phase.EHLO,
    "Server terminates connection. response": Phase.EHLO,
    "Error upgrading connection with STARTTLS": Phase.TLS,
    "Connection closed unexpectedly": None,
    "Internationalized mailbox name not allowed": None,
    # Go: go-mail and gomail.
    "sending SMTP MAIL FROM command": Phase.MAIL,
    "sending SMTP RCPT TO command": Phase.RCPT,
    "sending SMTP DATA command": Phase.DATA,
    "closing SMTP DATA writer": Phase.DATA_END,
    "SMTP AUTH failed": Phase.AUTH,
    "could not send email 1": None,
    # curl tells no more than the code.
    "MAIL failed": Phase.MAIL,
    "RCPT failed": Phase.RCPT,
    "DATA failed": Phase.DATA,
    # Whatever else is thrown or raised; after the names of which something is known.
    "Exception": None,
    "Error": None,
}
HEADINGS = tuple(_PHASES)
_NAME = re.compile(r"[a-z](?:Exception|Error)$")
_SENDER_FAILED = "SMTPSenderFailedException"
_CALLED = re.compile(
    r"\bSMTPTransport\.(ehlo|helo|startTLS|mailFrom|rcptTo|data|finishData)\("
)
"""What JavaMail was doing, in the trace behind the reply."""
_OF_CALL = {
    "ehlo": Phase.EHLO,
    "helo": Phase.EHLO,
    "startTLS": Phase.TLS,
    "mailFrom": Phase.MAIL,
    "rcptTo": Phase.RCPT,
    "data": Phase.DATA,
    "finishData": Phase.DATA_END,
}


def introduced(said: str, start: int, code: str) -> Quoted | None:
    """Answer the refusal behind the heading that ends at `start`."""
    if code < "400":
        return None
    heading = next(h for h in HEADINGS if said.endswith(h, 0, start))
    if heading in {"Exception", "Error"} and not _NAME.search(
        said, max(0, start - 10), start
    ):
        return None
    phase = _PHASES[heading]
    if phase is None and _SENDER_FAILED in said:
        phase = Phase.MAIL
    elif phase is None and (called := _CALLED.search(said)):
        phase = _OF_CALL[called[1]]
    text = alone(said[said.index(code, start) :])
    half = len(text) // 2
    if text[: half - 1] == text[half + 1 :]:
        # nodemailer says it twice: "Invalid greeting. response=554 no: 554 no".
        text = text[: half - 1]
    return Quoted(text, phase)


_OF_ANY_REFUSAL = "Invalid Addresses"


def of_javamail(said: str) -> Quoted | None:
    """Answer that a recipient was refused, where JavaMail tells no reply."""
    if said != _OF_ANY_REFUSAL and "SendFailedException" not in said:
        return None
    return Quoted(said.replace(_OF_ANY_REFUSAL, "").strip(), Phase.RCPT)
