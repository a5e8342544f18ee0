"""A small internet on loopback addresses: a name server and scripted SMTP servers.

It lives in a network namespace of its own, so that documentation addresses and
port 25 can be used and nothing of it can reach, or be reached by, anybody.
"""

import asyncio
import logging
import re
import smtplib
import socket
import ssl
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from tools.bounces.mail import Recipient

NAME_SERVER = "127.0.0.1"
TTL = 3600


@dataclass
class Zone:
    """What the name server knows: MX and addresses; all other names do not exist."""

    mx: dict[str, str] = field(default_factory=dict)
    """Domain to mail host; an empty host is a null MX."""
    a: dict[str, str] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    """Domains whose servers answer SERVFAIL."""

    def answer(self, wire: bytes) -> bytes:
        """Answer one query."""
        query = dns.message.from_wire(wire)
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        records = self._records(name, question.rdtype)
        if name in self.broken:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif records is None:
            response.set_rcode(dns.rcode.NXDOMAIN)
        elif records:
            kind = dns.rdatatype.to_text(question.rdtype)
            response.answer.append(
                dns.rrset.from_text(question.name, TTL, "IN", kind, *records)
            )
        return response.to_wire()

    def _records(self, name: str, kind: int) -> list[str] | None:
        if kind == dns.rdatatype.PTR:
            return self._names_of(name)
        if name not in self.mx and name not in self.a:
            return None
        if kind == dns.rdatatype.MX and name in self.mx:
            host = self.mx[name]
            return [f"10 {host}."] if host else ["0 ."]
        if kind == dns.rdatatype.A and name in self.a:
            return [self.a[name]]
        return []

    def _names_of(self, name: str) -> list[str] | None:
        address = ".".join(reversed(name.removesuffix(".in-addr.arpa").split(".")))
        return [f"{host}." for host, ip in self.a.items() if ip == address] or None


class NameServer(asyncio.DatagramProtocol):
    """Answers over UDP; every answer is small enough."""

    def __init__(self, zone: Zone) -> None:
        """Answer what `zone` knows."""
        self._zone = zone

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the socket."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer one query."""
        self._transport.sendto(self._zone.answer(data), addr)


@dataclass
class Script:
    """What one server says: to whom, in which phase, at which attempt."""

    host: str
    recipients: list[Recipient]
    options: dict[str, Any]
    forward_to: str
    """Server that gets what is answered with <forward>."""
    attempts: Counter[str] = field(default_factory=Counter)

    @property
    def forwards(self) -> bool:
        """Whether this server hands mail on, and with it the wish for reports."""
        answers = [a for r in self.recipients for a in r.answers["data_end"]]
        return any(answer.startswith("<forward>") for answer in answers)

    def say(self, phase: str, address: str | None = None) -> bytes | None:
        """Answer what to say, or None when all is well.

        Before RCPT there is no address yet: the server has one script then.
        """
        named = [r for r in self.recipients if address in {None, r.address, r.final}]
        for recipient in named:
            answers = recipient.answers[phase]
            if answers:
                key = f"{phase} {recipient.address}"
                step = min(self.attempts[key], len(answers) - 1)
                self.attempts[key] += 1
                text = answers[step].replace("\n", "\r\n")
                return text.encode(recipient.charset)
        return None


async def play(server: SMTP, answer: bytes | None) -> bytes | None:
    """Do what an event in angle brackets says; answer what is to be said."""
    if answer is not None and answer.startswith((b"<drop>", b"<silence>")):
        if answer.startswith(b"<drop>") and server.transport is not None:
            server.transport.close()
        await asyncio.Event().wait()
    return answer


class Handler:
    """Answers of one session, as its script says; aiosmtpd calls it."""

    def __init__(self, script: Script) -> None:
        """Say what `script` says."""
        self.script = script
        self.parameters: dict[str, list[str]] = {}
        """ENVID, RET, NOTIFY and ORCPT of this mail, by command."""

    async def handle_EHLO(  # noqa: N802 aiosmtpd's face
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        """Announce what this server can do."""
        del server, envelope
        session.host_name = hostname
        if self.script.forwards:
            responses.insert(1, "250-DSN")
        silent = set() if self.script.options.get("smtputf8") else {"250-SMTPUTF8"}
        return [line for line in responses if line not in silent]

    async def handle_MAIL(  # noqa: N802 aiosmtpd's face
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> bytes | str:
        """Answer MAIL FROM."""
        del session
        answer = await play(server, self.script.say("mail"))
        if answer is not None:
            return answer
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Ok"

    async def handle_RCPT(  # noqa: N802 aiosmtpd's face
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> bytes | str:
        """Answer RCPT TO."""
        del session, options
        answer = await play(server, self.script.say("rcpt", address))
        if answer is not None and not answer.startswith(b"2"):
            return answer
        envelope.rcpt_tos.append(address)
        return answer or "250 2.1.5 Ok"

    async def handle_DATA(  # noqa: N802 aiosmtpd's face
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> bytes | str:
        """Answer the final dot."""
        del session
        answer = self.script.say("data_end", envelope.rcpt_tos[0])
        answer = await play(server, answer)
        if answer is not None and answer.startswith(b"<forward> "):
            await asyncio.to_thread(self._forward, envelope)
            answer = answer.removeprefix(b"<forward> ")
        return answer or "250 2.0.0 Ok: queued"

    def _forward(self, envelope: Envelope) -> None:
        content = envelope.original_content or b""
        host = self.script.forward_to
        with smtplib.SMTP(host, 25, self.script.host) as client:
            client.sendmail(
                envelope.mail_from or "",
                envelope.rcpt_tos,
                content,
                mail_options=self.parameters["MAIL"],
                rcpt_options=self.parameters["RCPT"],
            )


class ScriptedServer(SMTP):
    """An SMTP server that can also refuse to greet, and knows RFC 3461."""

    @classmethod
    def factory(
        cls, script: Script, context: ssl.SSLContext | None
    ) -> Callable[[], "ScriptedServer"]:
        """Answer what makes a server for each connection."""
        return lambda: cls(script, context)

    def __init__(self, script: Script, context: ssl.SSLContext | None) -> None:
        """Serve one connection, with STARTTLS when there is a `context`."""
        self._hooks = Handler(script)
        # It warns of AUTH without TLS at every connection; nobody listens here.
        warnings.filterwarnings("ignore", message="Requiring AUTH")
        logging.getLogger("mail.log").setLevel(logging.CRITICAL)
        super().__init__(
            self._hooks,
            hostname=script.host,
            ident="ESMTP",
            data_size_limit=script.options.get("size", 10_240_000),
            enable_SMTPUTF8=True,
            tls_context=context,
            auth_required=bool(script.options.get("auth")),
            auth_require_tls=False,
            authenticator=self._authenticate,
        )

    def _authenticate(self, *_: object) -> AuthResult:
        answer = self._hooks.script.say("auth")
        text = answer.decode() if answer else None
        return AuthResult(success=answer is None, handled=False, message=text)

    async def push(self, status: str | bytes) -> None:
        """Say something; instead of the greeting perhaps something else."""
        if isinstance(status, str) and status.startswith(f"220 {self.hostname}"):
            greeting = await play(self, self._hooks.script.say("banner"))
            await super().push(greeting or status.encode())
            if greeting is not None and self.transport is not None:
                self.transport.close()
        else:
            await super().push(status if isinstance(status, bytes) else status.encode())

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802 aiosmtpd's face
        """Take ENVID and RET, which aiosmtpd does not know."""
        await super().smtp_MAIL(self._take("MAIL", arg, ("ENVID=", "RET=")))

    async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802 aiosmtpd's face
        """Take NOTIFY and ORCPT, which aiosmtpd does not know."""
        await super().smtp_RCPT(self._take("RCPT", arg, ("NOTIFY=", "ORCPT=")))

    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802 aiosmtpd's face
        """Refuse DATA itself, when the script says so."""
        addresses = self.envelope.rcpt_tos if self.envelope else []
        answer = self._hooks.script.say("data", addresses[0]) if addresses else None
        if answer is None:
            await super().smtp_DATA(arg)
        else:
            await self.push(answer)

    def _take(self, command: str, arg: str | None, known: tuple[str, ...]) -> str:
        words = re.split(r" (?=[A-Z]+=)", arg or "")
        self._hooks.parameters[command] = [w for w in words if w.startswith(known)]
        return " ".join(w for w in words if not w.startswith(known))


def deaf_socket(ip: str) -> list[socket.socket]:
    """Take an address where a connection is never answered.

    The backlog of a listening socket is filled, so the kernel drops every
    further SYN. The sockets must be kept.
    """
    server = socket.socket()
    server.bind((ip, 25))
    server.listen(0)
    clients = []
    for _ in range(2):
        client = socket.socket()
        client.setblocking(False)  # noqa: FBT003 the socket module's own face
        client.connect_ex((ip, 25))
        clients.append(client)
    return [server, *clients]
