"""Who sends and who receives: tenants, their hosts and customers, and providers.

Every number that makes tenants differ is drawn here, once, from the seed.
"""

# ruff: noqa: PLR2004 - a world is made of numbers

import math
from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random
from typing import NamedTuple

_CONSUMERS = (
    ("google", "mail-g.test", "gmail-smtp-in.l.google.com", 0.36),
    ("microsoft", "mail-o.test", "mail-o-test.olc.protection.outlook.com", 0.20),
    ("yahoo", "mail-y.test", "mta7.am0.yahoodns.net", 0.10),
    ("gmx", "mail-x.test", "mx00.emig.gmx.net", 0.08),
    ("apple", "mail-a.test", "mx01.mail.icloud.com", 0.07),
    ("t-online", "mail-t.test", "mx00.t-online.de", 0.05),
    ("orange", "mail-f.test", "smtp-in.orange.fr", 0.04),
)
"""Operator, domain, mail exchanger, share among private customers."""
_HOSTERS = (
    ("microsoft", "{name}-test.mail.protection.outlook.com", 0.40),
    ("google", "aspmx.l.google.com", 0.22),
    ("proofpoint", "mxa-0001.gslb.pphosted.com", 0.06),
    ("", "mx.{name}.test", 0.32),
)
"""Operator, mail exchanger, share among firms; without operator: their own."""
_SMALL_ISPS = 40


class Customer(NamedTuple):
    """Whom a tenant writes to."""

    id: str
    address: str
    operator: str
    """Who runs the mail; for a server of its own the domain."""
    mx: str
    gone: bool
    """The mailbox does not exist any more."""
    full: bool
    """The mailbox is full."""


@dataclass
class Habits:
    """How often mail fails in a tenant's ordinary life, as shares."""

    bad_mailbox: float
    """Of addresses that worked."""
    content: float
    policy: float
    system_error: float
    network: float
    greylisting: float
    rate_limit: float
    unknown: float
    own_hop: float
    """Slips of the tenant's own relay or network."""


@dataclass
class Tenant:
    """A company that sends."""

    id: str
    mails_a_day: float
    relay: bool
    """It submits to a relay of its own; else its hosts speak to the MX."""
    firms: bool
    """Its customers are firms with domains of their own."""
    customers: list[Customer]
    hosts: list[str]
    """Sending hosts: one of a pool may be broken."""
    peer: str
    """Its relay."""
    ip: str
    sender: str
    habits: Habits
    hours: list[float]
    """168 weights, mean 1: the week."""
    billing: float
    """Share of the mail that goes out in one run a day."""
    billing_hour: float
    detail: int = 2
    """How much its events tell: 2 all, 1 not who the peer is but which relay there
    is, 0 neither."""
    weights: list[float] = field(default_factory=list)
    """Cumulative, by customer."""

    def pick(self, rng: Random) -> Customer:
        """Draw a customer: few get most of the mail."""
        at = rng.random() * self.weights[-1]
        return self.customers[min(bisect(self.weights, at), len(self.weights) - 1)]


def _around(rng: Random, mean: float, spread: float, low: float, high: float) -> float:
    return min(high, max(low, mean * math.exp(spread * rng.gauss(0, 1))))


def make_tenant(
    rng: Random,
    name: str,
    mails_a_day: float,
    *,
    relay: bool | None = None,
    firms: bool | None = None,
) -> Tenant:
    """Draw a tenant of a volume; what is not given is drawn."""
    relay = rng.random() < 0.5 if relay is None else relay
    firms = rng.random() < 0.45 if firms is None else firms
    count = round(min(30_000, max(12, 6 * mails_a_day**0.82 * rng.uniform(0.7, 1.5))))
    customers = [_customer(rng, name, number, firms=firms) for number in range(count)]
    spread = 1.7 if rng.random() < 0.2 else 1.0
    return Tenant(
        id=name,
        mails_a_day=mails_a_day,
        relay=relay,
        firms=firms,
        customers=customers,
        hosts=[f"app{n + 1}.{name}.test" for n in range(rng.choice((1, 2, 4)))],
        peer=f"smtp.{name}.test",
        ip=f"198.51.100.{rng.randrange(1, 255)}",
        sender=f"service@{name}.test",
        habits=_habits(rng),
        hours=_week(rng, firms=firms),
        billing=rng.choice((0.0, 0.2, 0.4)),
        detail=rng.choices((2, 1, 0), (0.7, 0.2, 0.1))[0],
        billing_hour=rng.randrange(6, 11) + rng.random(),
        weights=list(
            accumulate(math.exp(spread * rng.gauss(0, 1)) for _ in range(count))
        ),
    )


def _habits(rng: Random) -> Habits:
    return Habits(
        bad_mailbox=_around(rng, 0.002, 0.6, 0.0003, 0.008),
        content=_around(rng, 0.0015, 0.7, 0.0002, 0.008),
        policy=_around(rng, 0.0008, 0.7, 0.0001, 0.005),
        system_error=_around(rng, 0.003, 0.6, 0.0005, 0.012),
        network=_around(rng, 0.002, 0.6, 0.0003, 0.01),
        greylisting=_around(rng, 0.012, 0.6, 0.001, 0.05),
        rate_limit=_around(rng, 0.002, 0.8, 0.0002, 0.012),
        unknown=_around(rng, 0.001, 0.7, 0.0001, 0.006),
        own_hop=_around(rng, 0.0006, 0.8, 0.00005, 0.003),
    )


def _week(rng: Random, *, firms: bool) -> list[float]:
    day = [0.12] * 24
    day[7:19] = [rng.uniform(0.9, 1.6) for _ in range(12)]
    day[19:23] = [0.5 if firms else 1.1] * 4
    weekend = 0.2 if firms else 0.9
    week = [hour * (1.0 if d < 5 else weekend) for d in range(7) for hour in day]
    mean = sum(week) / len(week)
    return [hour / mean for hour in week]


def _customer(rng: Random, tenant: str, number: int, *, firms: bool) -> Customer:
    ident = f"{tenant}-c{number}"
    gone = rng.random() < 0.012
    full = rng.random() < 0.004
    if firms and rng.random() < 0.85:
        name = f"firm{number}-{tenant}"
        operator, mx = _hoster(rng, name)
        domain = f"{name}.test"
        return Customer(
            ident, f"office@{domain}", operator or domain, mx, gone=gone, full=full
        )
    operator, domain, mx = _consumer(rng)
    return Customer(
        ident, f"{tenant}.c{number}@{domain}", operator, mx, gone=gone, full=full
    )


def _hoster(rng: Random, name: str) -> tuple[str, str]:
    shares = [share for _, _, share in _HOSTERS]
    operator, mx, _ = rng.choices(_HOSTERS, shares)[0]
    return operator, mx.format(name=name)


def _consumer(rng: Random) -> tuple[str, str, str]:
    drawn = rng.random()
    for operator, domain, mx, share in _CONSUMERS:
        if drawn < share:
            return operator, domain, mx
        drawn -= share
    name = f"isp{min(_SMALL_ISPS, int(rng.expovariate(0.1)))}.test"
    return name, f"mail.{name}", f"mx.{name}"


def operators(tenants: Sequence[Tenant]) -> dict[str, float]:
    """Answer which share of all customers each operator has."""
    total = sum(len(tenant.customers) for tenant in tenants)
    shares: dict[str, float] = {}
    for tenant in tenants:
        for customer in tenant.customers:
            shares[customer.operator] = shares.get(customer.operator, 0) + 1 / total
    return shares
