""".NET: System.Net.Mail writes its name of the code, then the server's words.

MailKit writes only the words.
"""

import re

from streams.core.failure import Phase
from streams.core.library.reply_form import SENT, Quoted, alone, sent

_RESPONSE_WAS = re.compile(
    r"(?:The server response was|Die Serverantwort war|La respuesta del servidor fue"
    r"|La r\xe9ponse du serveur \xe9tait) ?: ?",
    re.IGNORECASE,
)
_STATUSES = {
    "service not available, closing transmission channel.": "421",
    "error in processing.": "451",
    "insufficient system storage.": "452",
    "client does not have permission to submit mail to this server.": "454",
    "syntax error in parameters or arguments.": "501",
    "command not implemented.": "502",
    "bad sequence of commands.": "503",
    "command parameter not implemented.": "504",
    "secure connection or the client was not authenticated.": "530",
    "mailbox unavailable.": "550",
    "postfach nicht verf\xfcgbar.": "550",
    "el buz\xf3n de correo no est\xe1 disponible.": "550",
    "user not local; please try a different path.": "551",
    "exceeded storage allocation.": "552",
    "mailbox name not allowed.": "553",
    "transaction failed.": "554",
}
"""Names of the codes; "Syntax error, command unrecognized." is any other code's too."""
_BUSY = "450"
"""Has the same name as 550; the enhanced code tells which."""
_COMMAND = re.compile(r"System\.Net\.Mail\.(\w{4,9})Command\.")
_OF_COMMAND = {
    "EHello": Phase.EHLO,
    "Hello": Phase.EHLO,
    "StartTls": Phase.TLS,
    "Auth": Phase.AUTH,
    "Mail": Phase.MAIL,
    "Recipient": Phase.RCPT,
    "Data": Phase.DATA,
    "DataStop": Phase.DATA_END,
}


def of_dotnet(said: str, lower: str) -> Quoted | None:
    """Answer the reply in an exception of System.Net.Mail, or the code it names."""
    match = _RESPONSE_WAS.search(said)
    if match is None and "system.net.mail.smtp" not in lower:
        return None
    heading = lower[: match.start()].rstrip() if match else alone(lower)
    code = next((c for name, c in _STATUSES.items() if heading.endswith(name)), None)
    if match is None and code is None:
        return None
    text = alone(said[match.end() :]) if match else ""
    if SENT.match(text):
        code = None
    elif code == "550" and text.startswith("4."):
        code = _BUSY
    told = _COMMAND.search(said)
    phase = _OF_COMMAND.get(told[1]) if told else None
    if phase is None and "smtpfailedrecipient" in lower:
        phase = Phase.RCPT
    return Quoted(sent(code, text), phase)


def of_mailkit(said: str, lower: str) -> Quoted | None:
    """Answer the reply in an exception of MailKit, which tells no code."""
    name = "smtpcommandexception: "
    at = lower.find(name)
    return Quoted(alone(said[at + len(name) :]), None) if at >= 0 else None
