"""What is known of one tenant: good mails, base rates, and its channels.

Two hops are two hypotheses, our own and what lies behind it; each provider that
fails is one more. The state changes only in `streams.core.spike.detector`.
"""

from collections.abc import Sequence

from streams.core.instant import Instant
from streams.core.spike import calibration as cal
from streams.core.spike.channel import BEYOND, SUBMISSION, Channel
from streams.core.spike.clock import Clock
from streams.core.spike.evidence import Evidence
from streams.core.spike.fleet import Deliveries
from streams.core.spike.incident import Incident
from streams.core.spike.lag import Lags
from streams.core.spike.ledger import REST, Ledger
from streams.core.spike.mismatch import Liars
from streams.core.spike.rate import Rates
from streams.core.spike.ratio import rises
from streams.core.spike.taken import Taken


class Tenant:
    """One tenant's state; a snapshot of it is in `streams.core.spike.snapshot`."""

    __slots__ = (
        "beyond",
        "check_at",
        "clock",
        "compact_at",
        "day",
        "deliveries",
        "evidence",
        "explained",
        "greeted",
        "id",
        "lags",
        "ledger",
        "liars",
        "now",
        "providers",
        "rates",
        "submission",
        "taken",
        "troubled_at",
    )

    def __init__(self, tenant_id: str, now: Instant) -> None:
        """Start to know a tenant."""
        self.id = tenant_id
        self.now = now
        self.day = now // cal.DAY
        self.ledger = Ledger()
        self.rates = Rates()
        self.lags = Lags()
        self.clock = Clock()
        self.submission = Channel(SUBMISSION)
        self.beyond = Channel(BEYOND)
        self.providers: dict[str, Channel] = {}
        self.explained: dict[str, int] = {}
        """Channel -> mail tried up to then belongs to an incident that is over."""
        self.compact_at = now + cal.COMPACT_EVERY
        self.check_at = 0
        self.troubled_at = 0
        """When a failure was last heard."""
        self.greeted = 0
        """Quarter of an hour in which mail was last heard of."""
        self.evidence = Evidence()
        """Answers to show in alerts."""
        self.deliveries = Deliveries()
        self.liars = Liars()
        self.taken = Taken()

    def channels(self) -> list[Channel]:
        """Answer all channels, our own hop first."""
        return [self.submission, self.beyond, *self.providers.values()]

    def incidents(self) -> list[Incident]:
        """Answer the open incidents."""
        return [c.incident for c in self.channels() if c.incident is not None]

    def troubled(self) -> list[Channel]:
        """Answer the channels with an open incident."""
        return [c for c in self.channels() if c.incident is not None]

    def channel(self, name: str) -> Channel | None:
        """Answer a channel by its name."""
        if name == SUBMISSION:
            return self.submission
        return self.beyond if name == BEYOND else self.providers.get(name)

    def make_channel(self, provider: str) -> Channel | None:
        """Answer the channel of a provider; None when all places are taken."""
        found = self.providers.get(provider)
        if found is not None:
            return found
        if len(self.providers) >= cal.PROVIDERS:
            idle = [c for c in self.providers.values() if c.incident is None]
            calmest = min(
                idle, key=lambda c: (c.strong.ratio, c.last, c.name), default=None
            )
            if calmest is None or calmest.strong.ratio > cal.WEAKEST:
                return None
            del self.providers[calmest.name]
        made = self.providers[provider] = Channel(provider)
        self.ledger.tracked.setdefault(provider, self.now)
        return made

    @property
    def calm(self) -> bool:
        """Whether no incident is open."""
        return not self.incidents()

    def explained_until(self, channel: Channel) -> int:
        """Answer up to when a channel's mail belongs to an incident that is over."""
        own = self.explained.get(channel.name, 0)
        if channel is self.submission:
            return own
        return max(own, self.explained.get(BEYOND, 0))

    def goods(self, name: str, start: int) -> float:
        """Answer a channel's good trials of the bucket at `start`.

        A relay's 250 counts by the share of reports that would be back by now.
        """
        bucket = self.ledger.buckets[start]
        if name == SUBMISSION:
            return max(0, bucket.submitted)
        by_mx: float
        by_relay: float
        if name == BEYOND:
            by_mx, by_relay = bucket.by_mx, bucket.by_relay
        else:
            own = bucket.of.get(name)
            if own is not None:
                by_mx, by_relay = own
            elif name in self.ledger.tracked and start >= self.ledger.tracked[name]:
                return 0.0
            else:  # no counter of its own at that time: its usual share
                share = self.rates.share_of(name)
                by_mx, by_relay = bucket.by_mx * share, bucket.by_relay * share
        if by_relay:
            by_mx += by_relay * self.lags.matured(self.now - start)
        return max(0.0, by_mx)

    def goods_since(self, name: str, start: int) -> list[tuple[int, float]]:
        """Answer a channel's good trials by bucket, from `start` on."""
        starts = self.ledger.since(start)
        if name == SUBMISSION:
            buckets = self.ledger.buckets
            return [(b, max(0, buckets[b].submitted)) for b in starts]
        return [(b, self.goods(name, b)) for b in starts]

    def weigh(self, channel: Channel, matured_until: int | None) -> None:
        """Set the channel's ratios from its votes and the good trials."""
        if not channel.votes:
            channel.strong = channel.weak = channel.strong._replace(ratio=0.0, since=0)
            return
        limit, _ = self.rates.limits(channel)
        channel.strong, channel.weak = rises(
            self.goods_since(channel.name, min(channel.votes)),
            channel.votes,
            self.rates.hypotheses(channel),
            limit + cal.OVER,
            matured_until,
        )

    def named(self, provider: str) -> str:
        """Answer the provider if it has counters of its own, else the rest."""
        return provider if provider in self.ledger.tracked else REST

    def compact(self) -> None:
        """Join old buckets, and move the channels' evidence along."""
        moved = self.ledger.compact(self.now)
        for channel in self.channels():
            channel.votes = _moved_votes(channel.votes, moved)
            failures: dict[int, int] = {}
            for start, trials in channel.failures.items():
                if start in moved:
                    to = moved[start]
                    failures[to] = failures.get(to, 0) + trials
            channel.failures = failures
            channel.fleet.move(moved, settled=channel.incident is not None)
        self.deliveries.forget(self.now - cal.DAY)
        self.compact_at = self.now + cal.COMPACT_EVERY

    def new_day(self, day: int) -> None:
        """Fade what was learnt, and choose anew which providers are counted."""
        self.rates.fade(day - self.day)
        self.day = day
        self.lags.fade()
        self.lags.learn()
        biggest = self.rates.biggest()[: cal.COUNTED_PROVIDERS]
        self.ledger.track((*biggest, *self.providers), self.now)

    def learn(self) -> None:
        """Make base rates and lags follow the counts."""
        self.rates.learn()
        self.lags.learn()


def _moved_votes(
    votes: dict[int, list[float]], moved: dict[int, int]
) -> dict[int, list[float]]:
    result: dict[int, list[float]] = {}
    for start, weights in votes.items():
        if start in moved:
            into = result.setdefault(moved[start], [0.0, 0.0])
            into[0] += weights[0]
            into[1] += weights[1]
    return result


def total(rows: Sequence[tuple[int, float]]) -> float:
    """Answer the good trials of all buckets."""
    return sum(goods for _, goods in rows)
