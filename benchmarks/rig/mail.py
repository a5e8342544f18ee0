"""Mail to measure with: send attempts and raw reports, the same for a seed.

Made of few parts, so that a million take seconds, and different in everything that
a memory could be keyed by: id, message, address, time.
"""

import random
import time
from base64 import b64encode
from collections.abc import Iterator
from typing import NamedTuple

import orjson

from streams.core.instant import Instant, render
from streams.demo.mailbag import Stand, bounces, retold
from streams.wire.topic import Topic

HOUR = 3_600_000
DOMAINS = 50
"""Recipient domains; their hosts refuse in the same words."""


class Mail(NamedTuple):
    """What a load consists of."""

    failing: float
    """Share of attempts that fail for good."""
    addresses: int = 200_000
    tenants: int = 12
    seed: int = 0
    since: Instant = Instant(0)
    """When the first attempt is made: recent, because old mail costs less."""
    step_ms: int = 2
    """Time between two attempts."""

    def attempts(self, count: int) -> Iterator[bytes]:
        """Answer send attempts as the platform publishes them."""
        chance = random.Random(self.seed)
        for number in range(count):
            customer = chance.randrange(self.addresses)
            failed = chance.random() < self.failing
            at = Instant(self.since + number * self.step_ms)
            yield self.attempt(number, customer, at, failed=failed)

    def key(self, customer: int) -> bytes:
        """Answer the key of a customer's address, as the tables have it."""
        address = f"customer.{customer}@mail{customer % DOMAINS}.example.com"
        return f"t-{customer % self.tenants}/{address}".encode()

    def attempt(
        self, number: int, customer: int, at: Instant, *, failed: bool
    ) -> bytes:
        """Answer one attempt."""
        domain = customer % DOMAINS
        address = f"customer.{customer}@mail{domain}.example.com"
        smtp = {
            "phase": "data_end",
            "code": 250,
            "text": f"2.0.0 Ok: queued as {number:010X}",
            "peer": f"mx{domain}.example.com",
            "peer_role": "mx",
        }
        if failed:
            smtp |= {
                "phase": "rcpt",
                "code": 550,
                "enhanced": "5.1.1",
                "text": f"550 5.1.1 <{address}>: Recipient address rejected:"
                " User unknown in virtual mailbox table",
            }
        event = {
            "id": f"a-{self.seed}-{number}",
            "time": render(at),
            "tenant_id": f"t-{customer % self.tenants}",
            "customer_id": f"c-{customer}",
            "address": address,
            "message_id": f"<{self.seed}.{number}.abc@mail.example.org>",
            "attempt": 1,
            "outcome": "failed" if failed else "accepted",
            "smtp": smtp,
        }
        return orjson.dumps(event)

    def reports(self, count: int) -> Iterator[bytes]:
        """Answer raw reports: real ones of Postfix, each about another message."""
        chance = random.Random(self.seed)
        models = [told for told in bounces() if told.movable]
        for number in range(count):
            customer = chance.randrange(self.addresses)
            tenant = f"t-{customer % self.tenants}"
            sent = Instant(self.since + number * self.step_ms)
            stand = Stand(
                tenant,
                f"customer.{customer}@mail{customer % DOMAINS}.example.com",
                f"m-{number}@{tenant}.example",
                sent,
                Instant(sent + 60_000),
            )
            raw = retold(models[number % len(models)], stand)
            event = {
                "id": f"d-{self.seed}-{number}",
                "time": render(stand.reported_at),
                "raw": b64encode(raw).decode(),
            }
            yield orjson.dumps(event)


class Load(NamedTuple):
    """A workload by its name: what is sent, and how the program is set."""

    name: str
    says: str
    mail: Mail
    topic: Topic = Topic.SEND_ATTEMPTS
    success_memory_days: int = 60
    scale: float = 1.0
    """Events of this load for each that was asked for."""

    def values(self, count: int, seed: int = 0) -> list[bytes]:
        """Answer so many events of the last hours; a greater seed is later mail."""
        now = int(time.time() * 1000)
        mail = self.mail._replace(seed=seed, since=Instant(now - (6 - seed) * HOUR))
        if self.topic == Topic.DSN_EVENTS:
            return list(mail.reports(count))
        return list(mail.attempts(count))


LOADS = {
    load.name: load
    for load in (
        Load(
            "quiet",
            "1 % failures; every event writes a state, for successes are remembered",
            Mail(0.01),
        ),
        Load(
            "no-memory",
            "1 % failures, success_memory_days=0: few events write a state",
            Mail(0.01),
            success_memory_days=0,
        ),
        Load(
            "failing",
            "every event a failure: state, change and flag for each",
            Mail(1.0),
            scale=0.25,
        ),
        Load("incident", "60 % failures", Mail(0.6), scale=0.5),
        Load(
            "reports",
            "raw reports (DSNs) of Postfix",
            Mail(1.0),
            Topic.DSN_EVENTS,
            scale=0.1,
        ),
    )
}
