"""The providers that most mail goes to, and which of them refuses several tenants."""

import math
from collections import Counter
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from streams.core.activity import Failed, Hop, Weighed
from streams.core.failure import FailureClass
from streams.core.sample import Sample
from streams.core.spike import calibration as cal
from streams.core.spike.blame import kin
from streams.core.spike.incident import Incident
from streams.core.spike.lag import usually_matured
from streams.core.spike.pool import NOBODY, Pool, Voice, Voter, Votes
from streams.core.spike.word import Digest


class Finding(NamedTuple):
    """A provider that refuses the mail of several tenants."""

    provider: str
    operator: str
    """Who refuses, as reports name it."""
    since: int
    cause: FailureClass
    voices: dict[Voter, Voice]
    base: float
    samples: tuple[Sample, ...] = ()


class Pools:
    """The providers that most mail goes to."""

    __slots__ = ("by_provider", "day")

    def __init__(self, pools: Mapping[str, Pool] | None = None, day: int = 0) -> None:
        """Start empty, or from a snapshot."""
        self.by_provider: dict[str, Pool] = dict(pools or {})
        self.day = day

    def hear(self, digest: Digest, now: int) -> None:
        """Add what the tenants of one partition told."""
        self._fade(now // cal.DAY)
        for (at, provider), (by_mx, by_relay) in digest.pooled.items():
            pool = self._pool(provider)
            counts = pool.minute(at)
            counts[0] += by_mx
            counts[1] += by_relay
            pool.goods += by_mx + by_relay
        for word in digest.words:
            for failed, weighed in word.failed.items():
                if failed.hop is Hop.MX:
                    self._vote(word.tenant_id, failed, weighed)
            for provider, sample in word.samples.items():
                self._pool(provider).show(sample)

    def _vote(self, tenant_id: str, failed: Failed, weighed: Weighed) -> None:
        pool = self._pool(failed.provider)
        voice = (tenant_id, failed.customer)
        if voice in pool.voices or len(pool.voices) >= cal.POOL_KEPT:
            return
        pool.voices[voice] = Voice(failed.minute, failed.failure_class)
        pool.minute(failed.minute)[2] += 1
        pool.operators[weighed.operator or failed.provider] += 1
        pool.news += 1
        oldest = pool.matured_until
        if weighed.lag and (oldest is None or failed.minute < oldest):
            pool.matured_until = failed.minute

    def _pool(self, provider: str) -> Pool:
        """Answer a provider's pool; the smallest calm one makes room."""
        pool = self.by_provider.get(provider)
        if pool is None:
            if len(self.by_provider) >= cal.POOLS:
                smallest = min(
                    self.by_provider,
                    key=lambda p: (
                        len(self.by_provider[p].voices),
                        self.by_provider[p].goods,
                        p,
                    ),
                )
                del self.by_provider[smallest]
            pool = self.by_provider[provider] = Pool()
        return pool

    def _fade(self, day: int) -> None:
        if self.day and day > self.day:
            keep = cal.DECAY ** (day - self.day)
            for pool in self.by_provider.values():
                pool.goods *= keep
                pool.votes *= keep
        self.day = max(day, self.day)

    def due(self, now: int) -> list[str]:
        """Answer the providers with news that have not been looked at lately."""
        return sorted(
            name
            for name, pool in self.by_provider.items()
            if pool.news and pool.check_at <= now
        )

    def look(
        self,
        provider: str,
        now: int,
        *,
        explained: bool,
        besides: AbstractSet[str] = NOBODY,
    ) -> Finding | None:
        """Say whether a provider refuses several tenants' mail.

        Args:
            provider: whose mail to look at.
            now: the time of asking.
            explained: whether an open incident of many tenants says why it fails.
            besides: tenants that have an incident of their own, wherever their mail
                goes: no evidence against a provider.
        """
        pool = self.by_provider[provider]
        pool.check_at = now + cal.POOL_CHECK
        ratio, since = pool.climb(now)
        base = pool.base()
        if ratio < cal.POOL_THRESHOLD / 2:
            pool.votes += pool.news
        of_others = pool.climb(now, besides) if besides else (ratio, since)
        pool.news, pool.matured_until = 0, None
        if ratio <= 0 or explained:
            pool.forget()
            return None
        ratio, since = of_others
        if ratio < cal.POOL_THRESHOLD or now - since < cal.POOL_SPAN:
            return None
        heard = pool.heard(since)
        voices = {voter: v for voter, v in heard.items() if voter[0] not in besides}
        tenants = Counter(tenant for tenant, _ in voices)
        customers = tenants.total()
        few = len(tenants) < cal.POOL_TENANTS or customers < cal.POOL_CUSTOMERS
        if few or max(tenants.values()) > cal.POOL_DOMINANCE * customers:
            return None
        classes = Counter(voice.failure_class for voice in voices.values())
        cause, _ = classes.most_common(1)[0]
        operator = self.operator(provider)
        said = tuple(pool.samples)
        return Finding(provider, operator, since, cause, voices, base, said)

    def company(self, incident: Incident) -> Finding | None:
        """Say whether who refuses one tenant's mail newly refuses that of others, too.

        One tenant's evidence is strong by itself, so it takes only so many others
        as coincidence does not explain, whatever the size of the first. What took
        long to be seen is left to the test of all mail.
        """
        operator, since = incident.provider, incident.since
        if incident.opened_at - since > cal.SUSPECT_FOR:
            return None
        pools = {n: p for n, p in self.by_provider.items() if p.operator() == operator}
        if operator is None or not pools:
            return None
        voices: dict[Voter, Voice] = {}
        for pool in pools.values():
            voices |= pool.heard(since)
        mean = sum(pool.base() * pool.trials(since) for pool in pools.values())
        chance = mean + cal.CROWD_SIGMA * math.sqrt(mean + 0.25)
        others = len({tenant for tenant, _ in voices} - {incident.tenant_id})
        if others < max(cal.POOL_TENANTS, chance) or len(voices) < cal.POOL_CUSTOMERS:
            return None
        name = max(pools, key=lambda n: (len(pools[n].voices), n))
        base = pools[name].base()
        said = tuple(pools[name].samples)
        return Finding(name, operator, since, incident.cause, voices, base, said)

    def reach(self, finding: Finding) -> tuple[str | None, Votes]:
        """Answer whom a finding blames, None for many, and whose mail says so."""
        here: Votes = {
            voter: (voice.failure_class, finding.operator)
            for voter, voice in finding.voices.items()
        }
        near = self._elsewhere(finding)
        if len(here) >= cal.PROVIDER_DOMINANCE * (len(here) + len(near)):
            return finding.operator, here
        kind = kin(finding.cause)
        alike = {voter: vote for voter, vote in near.items() if kin(vote[0]) == kind}
        return None, here | {v: vote for v, vote in alike.items() if v not in here}

    def operator(self, provider: str) -> str:
        """Answer who runs a provider, as far as reports name it."""
        return self.by_provider[provider].operator() or provider

    def _elsewhere(self, finding: Finding) -> Votes:
        """Answer the customers that fail at other operators meanwhile."""
        votes: Votes = {}
        for provider, pool in self.by_provider.items():
            operator = self.operator(provider)
            if finding.provider != provider and finding.operator != operator:
                for voter, voice in pool.heard(finding.since).items():
                    votes[voter] = voice.failure_class, operator
        return votes

    def history(self, finding: Finding, now: int) -> dict[int, tuple[float, float]]:
        """Answer a provider's good and failed mails by minute since it began."""
        pool = self.by_provider[finding.provider]
        return {
            at: (max(0.0, mx + relay * usually_matured(now - at)), float(failing))
            for at, (mx, relay, failing) in sorted(pool.minutes.items())
            if at >= finding.since
        }
