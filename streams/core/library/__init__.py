"""What mail libraries put around a server's reply: headings, exceptions, literals.

A library's heading is the same whatever the server said: JavaMail calls every refused
recipient "Invalid Addresses", .NET every 550 "Mailbox unavailable.". So it tells at
most the phase, and the code where the reply has none; what is kept is the reply, as
the server sent it. Where no server replied, a library's words are all there is.
"""

import re

from streams.core.failure import Phase
from streams.core.library import client, dotnet, heading, php, python
from streams.core.library.reply_form import Quoted, alone, sent

__all__ = ["Quoted", "quoted"]

_READERS = {
    # Few texts have the first words; only those are searched for the second.
    "response": (
        ("server response was", dotnet.of_dotnet),
        ("expected response code", php.of_symfony),
        (", response: ", php.of_pear),
    ),
    "serv": (
        ("serverantwort war", dotnet.of_dotnet),
        ("respuesta del servidor fue", dotnet.of_dotnet),
        ("r\xe9ponse du serveur \xe9tait", dotnet.of_dotnet),
        ("server message: ", client.of_msmtp),
    ),
    "exception": (
        ("system.net.mail", dotnet.of_dotnet),
        ("smtpcommandexception: ", dotnet.of_mailkit),
    ),
    "failed": (
        (" command failed", php.of_phpmailer),
        ("recipients failed", php.of_recipients),
        (" failed after mail from: ", client.of_email_sender),
    ),
    "smtpmsg='": (("smtpmsg='", client.of_msmtp),),
    "error at ": (("error at ", client.of_email_sender),),
    "<<<": (("<<< ", client.of_transcript),),
    "<**": (("<** ", client.of_transcript),),
}
_UNQUOTED = re.compile(r"[2-5][0-9]{2}[ -]|host [\w.-]{1,255}\[")
"""How a reply begins as its server sent it, and how Postfix hands one on."""
_INTRODUCED = re.compile(r"[:=(] ?([2-5][0-9]{2})(?=[ ,:)-]|$)")


def quoted(said: str, lower: str, recipient: str | None = None) -> Quoted | None:
    """Answer the reply inside a library's words; None where no library speaks.

    Of several recipients' replies it is that of the `recipient`, else the mildest.
    """
    if _UNQUOTED.match(said):
        return None
    for first, readers in _READERS.items():
        if first in lower:
            for hint, reader in readers:
                if hint in lower and (found := reader(said, lower)):
                    return found
    for match in _INTRODUCED.finditer(said):
        if found := _behind(said, match, recipient):
            return found
    return heading.of_javamail(said) if "invalid addresses" in lower else None


def _behind(said: str, match: re.Match[str], recipient: str | None) -> Quoted | None:
    """Answer the reply whose code is at `match`, when a library put it there."""
    start = match.start()
    if said[start] == "(":
        if pair := python.PAIR.match(said, start):
            return python.of_python(said, pair, recipient)
        if said.endswith(("permanent error ", "transient error "), 0, start):
            return Quoted(sent(match[1], alone(said[match.end() + 2 :])), None)
        if said.endswith("could not get 3xx ", 0, start):
            return Quoted(alone(said[match.end() + 1 :]).rstrip(" )"), Phase.DATA)
    elif said.endswith(heading.HEADINGS, 0, start):
        return heading.introduced(said, start, match[1])
    return None
