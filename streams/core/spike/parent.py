"""One fault of many tenants: whom it covers, what it is, when it is over.

Every child weighs the same in a minute, at the hop where it saw the fault;
otherwise a parent closes by the same reversed ratio as a tenant's incident.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from streams.core.activity import Hop
from streams.core.failure import FailureClass
from streams.core.instant import Instant
from streams.core.sample import Sample
from streams.core.spike import calibration as cal
from streams.core.spike.blame import family, kin
from streams.core.spike.case import Fault
from streams.core.spike.growth import has_grown, tell_at
from streams.core.spike.incident import Scope, alert_key
from streams.core.spike.lag import bounced_until, reckoned, usually_matured
from streams.core.spike.pool import Votes
from streams.core.spike.pools import Finding
from streams.core.spike.ratio import Row, works_again
from streams.core.spike.word import Word

POOL = ""
"""The weighing child that stands for what the provider's pool knew before."""
_OWNER = ""


@dataclass(slots=True)
class Parent:
    """A platform's or a provider's incident over many tenants."""

    since: int
    opened_at: Instant
    cause: FailureClass
    provider: str | None
    children: dict[str, Hop]
    """Tenant -> the hop at which it sees the fault."""
    checked_at: int
    base: float = 0.02
    """Share that fails while all is well."""
    lag: float = 0.0
    wide: bool = False
    """Seen at several providers: not to be narrowed to one again."""
    recovered_at: Instant | None = None
    resolved_at: Instant | None = None
    last_seen_at: Instant | None = None
    told_at: Instant = Instant(0)  # noqa: RUF009  # a number with a name
    """When its figures were last told ..."""
    told: tuple[int, int] = (0, 0)
    """... and how many customers and tenants failed by then."""
    revision: int = 0
    failed: int = 0
    reached: int = 0
    samples: tuple[Sample, ...] = ()
    """What servers said when it was found."""
    names: set[str] = field(default_factory=set)
    """Providers under which the mail to `provider` is counted, too."""
    counts: dict[int, dict[str, list[float]]] = field(default_factory=dict)
    """Minute -> tenant -> good and failed trials."""
    settled: dict[int, list[float]] = field(default_factory=dict)
    """Minute -> good and failed shares, of minutes that hear no more."""
    votes: dict[tuple[str, int], tuple[FailureClass, str | None]] = field(
        default_factory=dict
    )
    """(tenant, customer) -> class and provider, of the first half hour."""
    most: Counter[FailureClass] = field(default_factory=Counter)
    """Customers by class when most were known: children that are over still count."""

    @classmethod
    def at(
        cls, now: Instant, since: int, cause: FailureClass, provider: str | None
    ) -> "Parent":
        """Open one without children."""
        return cls(since, now, cause, provider, {}, checked_at=now)

    @property
    def key(self) -> str:
        """Identity, the same after every restart."""
        return alert_key(_OWNER, Instant(self.since), self.opened_at)

    @property
    def family(self) -> str:
        """What the fault shows as."""
        return family(self.cause)

    @property
    def scope(self) -> Scope:
        """Many tenants' mail to one provider, or all of it."""
        return Scope.PLATFORM if self.provider is None else Scope.PROVIDER

    def young(self, now: int) -> bool:
        """Whether scope and cause may still move."""
        return now - self.opened_at < cal.REFINE

    def covers(self, fault: Fault) -> bool:
        """Say whether a tenant's incident is this fault."""
        incident, causes, operators = fault
        over = self.resolved_at
        if over is not None and incident.since > over + cal.AFTER:
            return False
        beyond = incident.provider is None and incident.hop is Hop.MX
        if self.provider is not None:
            only = beyond and operators == {self.provider}
            if only or incident.provider == self.provider:
                return True  # small tenants see odd classes first
        same = any(map(self._same, (incident.cause, *causes)))
        same = same or self._shows_as(incident.cause)
        return same and (self.provider is None or beyond)

    def explains(self, provider: str) -> bool:
        """Say whether a provider's refusals are this fault's."""
        return self._here(provider)

    def adopt(self, tenant_id: str, hop: Hop) -> None:
        """Take a tenant as a child; beyond a number it is only counted by its mail."""
        if len(self.children) < cal.CHILDREN:
            self.children.setdefault(tenant_id, hop)

    def hear(self, word: Word, now: Instant) -> None:
        """Count a child's mail."""
        own = self.children[word.tenant_id] is Hop.SUBMISSION
        for (minute, provider), (submitted, by_mx, by_relay) in word.passed.items():
            if minute < self.since or not self._here(provider):
                continue
            goods: float = submitted
            if not own:
                goods = by_mx + by_relay * usually_matured(now - minute)
            if goods > 0:
                self._count(minute, word.tenant_id)[0] += goods
                self.reached += submitted if own else max(0, by_mx + by_relay)
        for failed, weighed in word.failed.items():
            operator = weighed.operator or failed.provider
            if not self._alike(failed.failure_class, operator, failed.minute):
                continue
            at_us = failed.hop is Hop.SUBMISSION
            here = self.provider in {None, operator}
            if here and operator != failed.provider and len(self.names) < cal.NAMES:
                self.names.add(failed.provider)
            same = self.provider is not None or self._same(failed.failure_class)
            if own == at_us and here and same:
                self._count(failed.minute, word.tenant_id)[1] += weighed.trials
                self.lag = reckoned(self.lag, weighed.lag)
                self.failed += weighed.trials
                self.last_seen_at = now
            if self.young(now) and len(self.votes) < cal.POOL_KEPT:
                at = None if at_us else operator
                vote = (failed.failure_class, at)
                self.votes.setdefault((word.tenant_id, failed.customer), vote)

    def _here(self, provider: str) -> bool:
        return self.provider in {None, provider} or provider in self.names

    def _alike(self, failure_class: FailureClass, provider: str, minute: int) -> bool:
        if minute < self.since:
            return False
        return self._same(failure_class) or provider == self.provider

    def _same(self, failure_class: FailureClass) -> bool:
        unknown = failure_class is FailureClass.UNKNOWN
        return unknown or kin(failure_class) == kin(self.cause)

    def _shows_as(self, failure_class: FailureClass) -> bool:
        """Say whether a good part of its customers fail with a class."""
        customers = self.most[failure_class]
        part = cal.SHOWS_AS * self.most.total()
        return customers >= max(cal.CUSTOMERS, part)

    def _count(self, minute: int, tenant_id: str) -> list[float]:
        return self.counts.setdefault(minute, {}).setdefault(tenant_id, [0.0, 0.0])

    def found(self, finding: Finding, votes: Votes) -> None:
        """Note what all mail to a provider has shown."""
        self.base, self.samples = finding.base, finding.samples
        self.names.add(finding.provider)
        self.votes = dict([*votes.items()][: cal.POOL_KEPT])

    def recall(self, history: Mapping[int, tuple[float, float]]) -> None:
        """Count what the provider's pool knew before."""
        for minute, counts in history.items():
            self.counts.setdefault(minute, {})[POOL] = list(counts)

    def told_anew_at(self, hit: tuple[int, int]) -> Instant | None:
        """Answer when to tell that so many customers and tenants are hit by now.

        None when that was told, and nothing has failed since.
        """
        pairs = list(zip(self.told, hit, strict=True))
        quiet = self.last_seen_at is None or self.last_seen_at <= self.told_at
        if quiet and not any(has_grown(*pair) for pair in pairs):
            return None
        return min(tell_at(self.opened_at, self.told_at, *pair) for pair in pairs)

    def refine(self) -> bool:
        """Understand class and provider better; answer whether they changed."""
        if len(self.votes) < cal.POOL_CUSTOMERS:
            return False
        changed = False
        cause, _ = Counter(c for c, _ in self.votes.values()).most_common(1)[0]
        provider, customers = Counter(p for _, p in self.votes.values()).most_common(1)[
            0
        ]
        tenants = {t for (t, _), (_, p) in self.votes.items() if p == provider}
        if (
            self.provider is None
            and not self.wide
            and provider is not None
            and customers >= cal.PROVIDER_DOMINANCE * len(self.votes)
            and len(tenants) >= cal.POOL_TENANTS
        ):
            self.provider, self.counts, self.settled = provider, {}, {}
            changed = True
        alike = self.provider is not None or kin(cause) == kin(self.cause)
        if cause != self.cause and alike:
            self.cause = cause
            changed = True
        return changed

    def widen(self) -> None:
        """A second provider fails in the same way: it was not only the first."""
        self.provider, self.counts, self.settled = None, {}, {}
        self.wide = True

    def over(self, now: Instant) -> bool:
        """Say whether mail old enough to have bounced has long gone through."""
        until = bounced_until(now, self.lag)
        ratio, goods = works_again(self._rows(), self.base, until)
        if ratio < cal.RECOVERED or goods < cal.RECOVERED_GOODS:
            self.recovered_at = None
            return False
        if self.recovered_at is None:
            self.recovered_at = now
        return now - self.recovered_at >= cal.HOLD

    def _rows(self) -> list[Row]:
        sums = {minute: list(shares) for minute, shares in self.settled.items()}
        for minute, by_tenant in self.counts.items():
            goods, failures = _shares(by_tenant)
            into = sums.setdefault(minute, [0.0, 0.0])
            into[0] += goods
            into[1] += failures
        return [(at, goods, failed) for at, (goods, failed) in sorted(sums.items())]

    def close(self) -> None:
        """Forget what only an open fault is judged by."""
        self.counts, self.settled, self.votes = {}, {}, {}

    def settle(self, now: Instant) -> None:
        """Keep only the sums of minutes that will hardly hear of more."""
        for minute in [m for m in self.counts if now - m > cal.SETTLED]:
            goods, failures = _shares(self.counts.pop(minute))
            into = self.settled.setdefault(minute - minute % cal.FIVE, [0.0, 0.0])
            into[0] += goods
            into[1] += failures
        for minute in [m for m in self.settled if now - m > cal.KEEP]:
            del self.settled[minute]


def explained(parents: Iterable[Parent], kind: str) -> set[str]:
    """Answer the tenants whose trouble of a kind an open parent's page tells of."""
    alike = [p for p in parents if p.resolved_at is None and kin(p.cause) == kind]
    return {tenant_id for parent in alike for tenant_id in parent.children}


def remembered(parents: Sequence[Parent], now: Instant) -> list[Parent]:
    """Answer the parents that are open, and those that stragglers may belong to."""
    kept = [p for p in parents if (p.resolved_at or now) > now - cal.KEEP]
    surplus = [p for p in kept if p.resolved_at is not None][: -cal.PARENTS]
    return [p for p in kept if p not in surplus]


def _shares(by_tenant: dict[str, list[float]]) -> tuple[float, float]:
    """Answer the good and failed shares of a minute, each tenant weighing 1."""
    goods = failures = 0.0
    for good, failed in by_tenant.values():
        if good + failed > 0:
            goods += good / (good + failed)
            failures += failed / (good + failed)
    return goods, failures
