"""What the mail platform publishes: attempts, reports and decisions, as they arrive.

It is no better than real platforms are: some events come late or twice, and a
few are broken.
"""

from base64 import b64encode
from collections.abc import Mapping
from random import Random
from typing import NamedTuple

import orjson

from streams.core import instant
from streams.core.evidence import CommandAction
from streams.core.failure import PeerRole
from streams.core.instant import Instant
from streams.demo.answer import Answer
from streams.demo.cast import Customer, Tenant
from streams.wire.topic import Topic

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE

_STRAGGLERS = 0.004
"""Share of events that arrive minutes late."""
_DUPLICATES = 0.006
"""Share of events that arrive twice."""


class Event(NamedTuple):
    """One record, and when it reaches the platform's Kafka."""

    arrived_at: Instant
    topic: Topic
    key: bytes | None
    value: bytes | None


class Mail(NamedTuple):
    """One message to one customer."""

    tenant: Tenant
    customer: Customer
    message_id: str
    template_id: str

    @property
    def envelope_id(self) -> str:
        """ENVID of the message; each report carries it back."""
        return f"{self.tenant.id}/{self.customer.address}/{self.message_id}"


class Logbook:
    """Collects events; asks nothing but its own dice."""

    def __init__(self, random: Random, until: Instant) -> None:
        """Throw the dice of `random`; nothing arrives after `until`."""
        self.events: list[Event] = []
        self._random = random
        self._until = until
        self._written = 0
        self._mails = 0

    def mail(self, tenant: Tenant, customer: Customer, template_id: str) -> Mail:
        """Begin a message."""
        self._mails += 1
        message_id = f"m-{100_000 + self._mails}@{tenant.domain}"
        return Mail(tenant, customer, message_id, template_id)

    def attempt(self, mail: Mail, at: int, answer: Answer, attempt: int = 1) -> None:
        """Write down one SMTP attempt at `at`."""
        tenant, customer = mail.tenant, mail.customer
        peer = tenant.relay or customer.mx
        words = {
            "address": customer.address,
            "peer": peer,
            "peer_ip": _ip(peer),
            "sending_ip": tenant.sending_ip,
            "queue_id": f"{self._random.getrandbits(40):010X}",
        }
        smtp = {
            "phase": answer.phase,
            "code": answer.code,
            "enhanced": answer.enhanced,
            "text": answer.text.format_map(words) if answer.code else None,
            "peer": peer,
            "peer_ip": words["peer_ip"],
            "peer_role": PeerRole.RELAY if tenant.relay else PeerRole.MX,
        }
        document = {
            "id": self._id("a"),
            "time": instant.render(Instant(at)),
            "tenant_id": tenant.id,
            "customer_id": customer.id,
            "address": customer.address,
            "message_id": mail.message_id,
            "envelope_id": mail.envelope_id,
            "template_id": mail.template_id,
            "attempt": attempt,
            "outcome": answer.outcome,
            "smtp": {k: v for k, v in smtp.items() if v is not None},
            "sending_ip": tenant.sending_ip,
            "helo": f"out.{tenant.domain}",
        }
        if answer.code is None:
            document["error"] = answer.text.format_map(words)
        key = mail.message_id.encode()
        self._publish(Topic.SEND_ATTEMPTS, at, key, document)

    def report(
        self,
        at: int,
        raw: bytes,
        *,
        tenant_id: str | None = None,
        message_id: str | None = None,
    ) -> None:
        """Write down a bounce mail that came back at `at`."""
        document = {
            "id": self._id("d"),
            "time": instant.render(Instant(at)),
            "raw": b64encode(raw).decode(),
        }
        if tenant_id is not None:
            document["tenant_id"] = tenant_id
        if message_id is not None:
            document["message_id"] = message_id
        self._publish(Topic.DSN_EVENTS, at, None, document)

    def command(  # noqa: PLR0913  # a decision has that many parts
        self,
        mail: Mail,
        at: int,
        action: CommandAction,
        *,
        reason: str,
        note: str,
        actor: str,
    ) -> None:
        """Write down what a person decided at `at`."""
        document = {
            "id": self._id("c"),
            "time": instant.render(Instant(at)),
            "tenant_id": mail.tenant.id,
            "address": mail.customer.address,
            "action": action,
            "reason": reason,
            "note": note,
            "actor": actor,
        }
        self._publish(Topic.FLAG_COMMANDS, at, None, document)

    def broken(self, topic: Topic, at: int, value: bytes | None) -> None:
        """Publish something that is no event at all."""
        self.events.append(Event(Instant(at), topic, None, value))

    def _id(self, kind: str) -> str:
        self._written += 1
        return f"{kind}-{self._written:08}"

    def _publish(
        self, topic: Topic, at: int, key: bytes | None, document: Mapping[str, object]
    ) -> None:
        value = orjson.dumps(document)
        dice = self._random.random()
        lag = self._random.randrange(50, 3 * SECOND)
        if dice < _STRAGGLERS:
            lag = self._random.randrange(MINUTE, 15 * MINUTE)
        self._arrive(Event(Instant(at + lag), topic, key, value))
        if dice > 1 - _DUPLICATES:
            again = at + lag + self._random.randrange(10 * MINUTE)
            self._arrive(Event(Instant(again), topic, key, value))

    def _arrive(self, event: Event) -> None:
        if event.arrived_at <= self._until:
            self.events.append(event)


def _ip(host: str) -> str:
    """Give every host an address of its own in TEST-NET-2."""
    return f"198.51.100.{1 + sum(host.encode()) % 250}"
