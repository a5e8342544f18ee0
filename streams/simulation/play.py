"""One run of a scenario: its events in order of arrival, and the truth about them."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from heapq import merge
from random import Random
from typing import Any, NamedTuple

from streams.simulation.cast import Customer, Tenant
from streams.simulation.fault import Fault
from streams.simulation.post import Post
from streams.simulation.traffic import DAY, HOUR, Traffic

# ruff: noqa: PLR2004 - a world is made of numbers


@dataclass(frozen=True)
class Truth:
    """One incident that must be found, with what may be said of it."""

    scope: str
    """`tenant`, `provider` or `platform`."""
    causes: frozenset[str]
    """Classes that are right."""
    start: float
    end: float
    tenants: frozenset[str]
    provider: str | None = None
    hard: bool = False
    """Built to break a detector: weak, creeping, flapping, or on bad input."""


class Due(NamedTuple):
    """A mail that is to be sent."""

    at: float
    tenant: Tenant
    customer: Customer
    template: str


Extra = Callable[[Traffic], Iterator[Due]]


@dataclass
class Play:
    """A cast, what breaks, what is sent besides the daily mail, and the post."""

    seed: str
    tenants: list[Tenant]
    start: float
    """Events before are there to be learnt from; alerts there do not count."""
    end: float
    faults: list[Fault] = field(default_factory=list)
    truths: list[Truth] = field(default_factory=list)
    runs: list["Run"] = field(default_factory=list)
    silent: dict[str, float] = field(default_factory=dict)
    """Tenant -> sends nothing before."""
    post: Post = field(init=False)
    replayed: tuple[float, float, float] | None = None
    """All events of a span come again: from, to, when."""

    def __post_init__(self) -> None:
        """Give the post its own chance."""
        self.post = Post(Random(f"{self.seed}/post"))  # noqa: S311 - a world with a seed

    def events(self) -> Iterator[dict[str, Any]]:
        """Answer all events, in order of arrival."""
        rng = Random(f"{self.seed}/traffic")  # noqa: S311 - a world with a seed
        traffic = Traffic(rng, self.faults)
        post = self.post
        for due in self._mails(rng):
            yield from post.due(due.at)
            for event in traffic.mail(due.tenant, due.customer, due.at, due.template):
                post.take(event)
                if self.replayed and self.replayed[0] <= event.at < self.replayed[1]:
                    later = event.at - self.replayed[0]
                    post.again(event.body, self.replayed[2] + later / 24)
        yield from post.due(self.end)

    def _mails(self, rng: Random) -> Iterator[Due]:
        """Answer all mails by the time at which they are sent."""
        runs = sorted(self.runs, key=lambda run: run.start)
        hour = 0.0
        while hour < self.end:
            until = min(self.end, hour + HOUR)
            daily = [due for one in self.tenants for due in self._daily(rng, one, hour)]
            special = [due for run in runs for due in run.between(rng, hour, until)]
            yield from merge(sorted(daily, key=_at), sorted(special, key=_at), key=_at)
            hour = until

    def _daily(self, rng: Random, tenant: Tenant, hour: float) -> list[Due]:
        if hour + HOUR <= self.silent.get(tenant.id, 0.0):
            return []
        since = max(hour, self.silent.get(tenant.id, 0.0))
        weight = tenant.hours[int(hour // HOUR) % 168]
        usual = tenant.mails_a_day / 24 * weight * (1 - tenant.billing)
        count = _poisson(rng, usual)
        times = [hour + rng.random() * HOUR for _ in range(count)]
        begin = hour // DAY * DAY + tenant.billing_hour * HOUR
        if tenant.billing and hour <= begin < hour + HOUR:
            count = _poisson(rng, tenant.mails_a_day * tenant.billing)
            times += [begin + rng.random() * 900 for _ in range(count)]
        return [
            Due(at, tenant, tenant.pick(rng), "notice") for at in times if at >= since
        ]


@dataclass
class Run:
    """A batch of mail besides the daily: a billing run, a campaign, a loop."""

    tenant: Tenant
    start: float
    end: float
    mails: int
    customers: list[Customer] | None = None
    """Instead of the tenant's usual ones."""
    template: str = "invoice"
    _times: list[float] | None = None

    def between(self, rng: Random, since: float, until: float) -> list[Due]:
        """Answer its mails of a span."""
        if self._times is None:
            span = self.end - self.start
            self._times = sorted(
                self.start + rng.random() * span for _ in range(self.mails)
            )
        return [
            Due(at, self.tenant, self._pick(rng), self.template)
            for at in self._times
            if since <= at < until
        ]

    def _pick(self, rng: Random) -> Customer:
        if self.customers is None:
            return self.tenant.pick(rng)
        return rng.choice(self.customers)


def _at(due: Due) -> float:
    return due.at


def _poisson(rng: Random, mean: float) -> int:
    if mean > 50:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    limit, number, product = math.exp(-mean), 0, rng.random()
    while product > limit:
        number += 1
        product *= rng.random()
    return number
