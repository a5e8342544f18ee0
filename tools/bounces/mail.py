"""The mails to be sent, read from `mails.toml`, and what follows from a mail.

Everything that a report carries back (message id, envelope id, return path) is
derived from the mail's place in the file, so that two runs agree.
"""

import tomllib
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from pathlib import Path
from typing import Any

PHASES = ("banner", "ehlo", "auth", "mail", "rcpt", "data", "data_end")
FIRST_NUMBER = 2001
RETURN_DOMAIN = "bounce.mailer.example"


@dataclass(frozen=True)
class Recipient:
    """Whom a mail goes to, and what the other side says about him."""

    address: str
    final: str
    """Where the mail ends up when somebody forwards it."""
    answers: dict[str, list[str]]
    """Per phase one answer an attempt; the last one for ever."""
    charset: str
    failure_class: str | None

    @property
    def domain(self) -> str:
        """Domain in A-labels, of the server that gives the answers."""
        return self.final.rpartition("@")[2].encode("idna").decode()


@dataclass(frozen=True)
class Mail:
    """One mail to one or more recipients."""

    number: int
    name: str
    shows: str
    tenant: str
    to: list[Recipient]
    route: str | None = None
    """Host that the tenant's mail goes through, instead of the MX."""
    notify: str = "FAILURE,DELAY"
    ret: str = "FULL"
    envelope_id: bool = True
    orcpt: bool = True
    size: int = 0
    host: dict[str, Any] = field(default_factory=dict)
    """What is special about the server at the other end."""

    @property
    def id(self) -> str:
        """Our own id of the message."""
        return f"m-{self.number}"

    @property
    def return_path(self) -> str:
        """Envelope sender; the reports come back to it."""
        return f"bounces+{self.id}@{RETURN_DOMAIN}"

    @property
    def envid(self) -> str | None:
        """ENVID before encoding (RFC 3461 section 4.4): who, to whom, which message.

        One address is named where there is one that ENVID can carry.
        """
        if not self.envelope_id:
            return None
        named = len(self.to) == 1 and self.to[0].address.isascii()
        address = [self.to[0].address] if named else []
        return "/".join([self.tenant, *address, self.message_id.strip("<>")])

    @property
    def message_id(self) -> str:
        """Message-ID header, brackets included."""
        return f"<{self.id}@{self.tenant}.example>"

    @property
    def smtputf8(self) -> bool:
        """Whether an address needs RFC 6531."""
        return not all(r.address.isascii() for r in self.to)

    def render(self, date: str) -> bytes:
        """Write the message as it is submitted."""
        message = EmailMessage(policy=SMTPUTF8 if self.smtputf8 else SMTP)
        company = self.tenant.replace("-", " ").title()
        message["From"] = f"{company} <service@{self.tenant}.example>"
        message["To"] = ", ".join(r.address for r in self.to)
        message["Subject"] = f"Your statement {self.number}"
        message["Date"] = date
        message["Message-ID"] = self.message_id
        body = f"Hello,\n\nyour statement {self.number} is ready.\n\n{company}\n"
        padding = "A line of a long statement that nobody reads.\n"
        message.set_content(body + padding * (self.size // len(padding)))
        return message.as_bytes()


def _recipient(row: dict[str, Any], message_id: str) -> Recipient:
    answers = {}
    for phase in PHASES:
        given = row.get(phase, [])
        answers[phase] = [
            answer.strip("\n").replace("{message_id}", message_id)
            for answer in (given if isinstance(given, list) else [given])
        ]
    return Recipient(
        address=row["address"],
        final=row.get("final", row["address"]),
        answers=answers,
        charset=row.get("charset", "utf-8"),
        failure_class=row.get("class"),
    )


def read(path: Path) -> list[Mail]:
    """Read all mails of a file."""
    rows = tomllib.loads(path.read_text(encoding="utf-8"))["mail"]
    return [
        Mail(
            number=number,
            **{
                **row,
                "to": [_recipient(entry, f"m-{number}") for entry in row["to"]],
            },
        )
        for number, row in enumerate(rows, FIRST_NUMBER)
    ]
