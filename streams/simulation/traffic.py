"""From mails to events: attempts, retries and reports of a tenant's mail.

A tenant with a relay sees its relay's answer, and what became of the mail behind
it only by reports; without one its hosts speak to the recipient's server.
"""

# ruff: noqa: PLR2004 - a world is made of numbers

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import Any, NamedTuple

from streams.core.instant import Instant, render
from streams.simulation.answer import MX, RELAY, Answer
from streams.simulation.cast import Customer, Tenant
from streams.simulation.fault import MX_HOP, RELAY_HOP, Fault

HOUR = 3_600.0
DAY = 24 * HOUR
MONDAY = Instant(1_767_571_200_000)
"""Second 0 of every play: 2026-01-05 00:00 UTC."""

_RETRY_AFTER = (300.0, 900.0, 1_800.0, 3_600.0, 7_200.0, 14_400.0)
_GIVE_UP = 6 * HOUR
_DELAY_TOLD = 4 * HOUR
_RELAY_GIVES_UP = 2 * DAY


STRUCK = "_struck"
"""Mark of an event that a fault made; it never leaves the simulation."""


class Event(NamedTuple):
    """One event as it leaves the platform."""

    at: float
    body: dict[str, Any]
    """As in the contract, with `type`."""


@dataclass
class Mail:
    """One message to one customer."""

    id: str
    tenant: Tenant
    customer: Customer
    host: int
    at: float
    template: str


@dataclass
class Traffic:
    """Lets mails live through the faults of a play."""

    rng: Random
    faults: Sequence[Fault]
    number: int = 0

    def mail(
        self, tenant: Tenant, customer: Customer, at: float, template: str = "notice"
    ) -> Iterator[Event]:
        """Answer all events of one new mail."""
        self.number += 1
        host = self.rng.randrange(len(tenant.hosts))
        ident = f"m{self.number}@{tenant.id}.test"
        return self.live(Mail(ident, tenant, customer, host, at, template))

    def live(self, mail: Mail) -> Iterator[Event]:
        """Answer the attempts and reports of a mail until it is over."""
        at = mail.at + self.rng.random() * 2
        attempt = 1
        while True:
            failed = self._attempt(mail, at, attempt)
            if failed is None:
                yield self._accepted(mail, at, attempt)
                if mail.tenant.relay:
                    yield from self._behind(mail, at)
                return
            answer, fault = failed
            wait = _RETRY_AFTER[min(attempt - 1, len(_RETRY_AFTER) - 1)]
            wait *= self.rng.uniform(0.8, 1.3)
            over = not answer.soft or at + wait - mail.at > _GIVE_UP
            refused = self._refused(mail, at, attempt, answer, final=over)
            yield refused if fault is None else _marked(refused)
            if over:
                if fault is not None and self.rng.random() < fault.lying:
                    yield self._report(mail, at + self.rng.uniform(30, 600), None)
                return
            attempt += 1
            at += wait

    def _attempt(
        self, mail: Mail, at: float, attempt: int
    ) -> tuple[Answer, Fault | None] | None:
        """Say what refuses an attempt, if anything does."""
        hops = (RELAY_HOP,) if mail.tenant.relay else (RELAY_HOP, MX_HOP)
        for fault in self.faults:
            if fault.hop in hops and self._strikes(fault, mail, at):
                return fault.answer(self.rng, mail.customer.operator), fault
        slip = self._slip(mail, at, attempt)
        return None if slip is None else (slip, None)

    def _strikes(self, fault: Fault, mail: Mail, at: float) -> bool:
        return fault.strikes(self.rng, mail.tenant, mail.customer, mail.host, at)

    def _slip(self, mail: Mail, at: float, attempt: int) -> Answer | None:
        """Answer what ordinary life refuses at the hop that the tenant sees."""
        habits = mail.tenant.habits
        drawn = self.rng.random()
        if drawn < habits.own_hop:
            causes = ("submission_connect_failed", "tls_failed", "sender_rejected")
            return self.rng.choice(RELAY[self.rng.choice(causes)])
        if mail.tenant.relay:
            if mail.customer.gone and self.rng.random() < 0.2:
                return RELAY["bad_mailbox"][0]
            return None
        return self._bounce(mail, at, first=attempt == 1)

    def _bounce(self, mail: Mail, at: float, *, first: bool) -> Answer | None:
        """Answer what ordinary life refuses at the recipient's server."""
        customer, habits, rng = mail.customer, mail.tenant.habits, self.rng
        if customer.gone:
            return rng.choice(MX["bad_mailbox"])
        if customer.full and rng.random() < 0.8:
            return rng.choice(MX["mailbox_full"])
        drawn = rng.random() / _bad_hour(mail.tenant, at)
        for share, cause in (
            (habits.bad_mailbox, "bad_mailbox"),
            (habits.content, "spam_content"),
            (habits.policy, "policy_rejected"),
            (habits.system_error, "recipient_system_error"),
            (habits.network, "network_error"),
            (habits.rate_limit, "rate_limited"),
            (habits.unknown, "unknown"),
            (habits.greylisting if first else 0.0, "greylisted"),
        ):
            if drawn < share:
                return rng.choice(MX[cause])
            drawn -= share
        return None

    def _behind(self, mail: Mail, accepted: float) -> Iterator[Event]:
        """Answer the reports about a mail that the relay took."""
        at, first = accepted + self.rng.expovariate(0.5), True
        told = False
        while True:
            struck = [
                fault
                for fault in self.faults
                if fault.hop == MX_HOP and self._strikes(fault, mail, at)
            ]
            answer = (
                struck[0].answer(self.rng, mail.customer.operator)
                if struck
                else self._bounce(mail, at, first=first)
            )
            if answer is None:
                return
            over = at - accepted > _RELAY_GIVES_UP
            if not answer.soft or over:
                report = self._report(mail, at + self._lag(), answer, expired=over)
                yield _marked(report) if struck else report
                lying = struck[0].lying if struck else 0.0
                if self.rng.random() < lying:
                    yield self._report(mail, at + self.rng.uniform(300, 900), None)
                return
            if not told and at - accepted > _DELAY_TOLD:
                told = True
                yield self._report(mail, at + 5, answer, delayed=True)
            first = False
            at += min(4_000.0, max(300.0, at - accepted)) * self.rng.uniform(0.8, 1.2)

    def _lag(self) -> float:
        return min(4 * HOUR, self.rng.lognormvariate(4.6, 1.1))

    def _accepted(self, mail: Mail, at: float, attempt: int) -> Event:
        body = self._body(mail, at, attempt)
        body["outcome"] = "accepted"
        body["smtp"] = {
            "phase": "data_end",
            "code": 250,
            "enhanced": "2.0.0",
            "text": f"OK: queued as {mail.id[:8]}",
            **self._peer(mail, relay=mail.tenant.relay),
        }
        return Event(at, body)

    def _refused(
        self, mail: Mail, at: float, attempt: int, answer: Answer, *, final: bool
    ) -> Event:
        body = self._body(mail, at, attempt)
        relay = mail.tenant.relay or answer.phase == "auth"
        peer = self._peer(mail, relay=relay)
        text = self._filled(mail, answer, peer["peer"])
        body["outcome"] = "failed" if final else "deferred"
        if answer.code is None:
            body["error"] = text
            body["smtp"] = {"phase": answer.phase, **peer}
            return Event(at + self.rng.uniform(1, 30), body)
        body["smtp"] = {
            "phase": answer.phase,
            "code": answer.code,
            "text": text,
            **peer,
        }
        if answer.enhanced is not None:
            body["smtp"]["enhanced"] = answer.enhanced
        return Event(at, body)

    def _report(
        self,
        mail: Mail,
        at: float,
        answer: Answer | None,
        *,
        delayed: bool = False,
        expired: bool = False,
    ) -> Event:
        """Answer a report; without an answer it is one of delivery."""
        self.number += 1
        body: dict[str, Any] = {
            "type": "dsn",
            "id": f"d{self.number}",
            "time": _time(at),
            "tenant_id": mail.tenant.id,
            "original_recipient": f"rfc822;{mail.customer.address}",
            "message_id": mail.id,
            "action": "delivered",
            "status": "2.0.0",
            "reporting_mta": f"dns;{mail.tenant.peer}",
            "remote_mta": f"dns;{mail.customer.mx}",
            "arrival_date": _time(mail.at),
            "last_attempt_date": _time(at),
        }
        if answer is not None:
            text = self._filled(mail, answer, mail.customer.mx)
            said = " ".join(
                str(part) for part in (answer.code, answer.enhanced, text) if part
            )
            severity = "4" if answer.soft else "5"
            body["action"] = "delayed" if delayed else "failed"
            body["status"] = answer.enhanced or f"{severity}.0.0"
            if expired:
                body["status"] = "4.4.7"
                said = f"delivery temporarily suspended: {said}"
            kind = "smtp" if answer.code else "X-Postfix"
            body["diagnostic"] = f"{kind}; {said}"
        return Event(at, body)

    def _body(self, mail: Mail, at: float, attempt: int) -> dict[str, Any]:
        self.number += 1
        tenant = mail.tenant
        body = {
            "type": "send-attempt",
            "id": f"a{self.number}",
            "time": _time(at),
            "tenant_id": tenant.id,
            "customer_id": mail.customer.id,
            "address": mail.customer.address,
            "message_id": mail.id,
            "attempt": attempt,
            "template_id": mail.template,
            "mail_from": tenant.sender,
            "helo": tenant.hosts[mail.host],
            "sending_ip": tenant.ip,
        }
        if tenant.relay and tenant.detail == 1:
            body["relay"] = tenant.peer
        return body

    @staticmethod
    def _peer(mail: Mail, *, relay: bool) -> dict[str, str]:
        peer = mail.tenant.peer if relay else mail.customer.mx
        if mail.tenant.detail < 2:
            return {"peer": peer}
        return {"peer": peer, "peer_role": "relay" if relay else "mx"}

    @staticmethod
    def _filled(mail: Mail, answer: Answer, peer: str) -> str:
        user, _, domain = mail.customer.address.partition("@")
        return answer.text.format(
            address=mail.customer.address,
            user=user,
            domain=domain,
            ip=mail.tenant.ip,
            host=mail.tenant.hosts[mail.host],
            peer=peer,
            sender=mail.tenant.sender,
            id=mail.id[:6],
        )


@lru_cache(maxsize=4_096)
def _trouble(tenant_id: str, hour: int) -> float:
    return Random(f"{tenant_id}/{hour}").lognormvariate(0, 0.35)  # noqa: S311 - a world with a seed


def _bad_hour(tenant: Tenant, at: float) -> float:
    """Answer by how much more fails in this hour: trouble comes in clusters."""
    return _trouble(tenant.id, int(at // HOUR))


def _marked(event: Event) -> Event:
    event.body[STRUCK] = True
    return event


def _time(at: float) -> str:
    return render(Instant(MONDAY + int(at * 1000)))
