"""Whom an incident hits: the whole tenant, or its mail to one provider.

The question is answered by the trials since the change: if the other providers
failed alike, so many of their mails would not have gone through.
"""

import math
from collections import Counter
from typing import NamedTuple

from streams.core.spike import calibration as cal
from streams.core.spike.blame import BLAME
from streams.core.spike.channel import BEYOND, Channel
from streams.core.spike.incident import Scope, Turn
from streams.core.spike.ledger import REST
from streams.core.spike.tenant import Tenant, total
from streams.core.spike.verdict import Verdict, verdict

CERTAIN = 99.0
"""No single provider can be blamed."""


class Odds(NamedTuple):
    """Log-odds of the tenant against one provider."""

    tenant: float
    provider: str | None


def odds(tenant: Tenant, channel: Channel, since: int) -> Odds:
    """Weigh the whole tenant against the provider that fails most."""
    beyond = Counter(v.provider for v in tenant.beyond.since(since))
    provider = channel.name
    if channel is tenant.beyond:
        named = [p for p in beyond if p != REST]
        if not named:
            return Odds(CERTAIN, None)
        provider = max(named, key=lambda p: (beyond[p], p))
        here = beyond[provider]
    else:
        here = len(channel.since(since))
    elsewhere = sum(n for p, n in beyond.items() if p != provider)
    if here < cal.PROVIDER_DOMINANCE * (here + elsewhere):
        return Odds(CERTAIN, None)
    good_here = total(tenant.goods_since(provider, since))
    good = total(tenant.goods_since(BEYOND, since))
    trials_elsewhere = max(0.0, good - good_here) + elsewhere
    base = max(cal.PROVIDER_FLOOR, tenant.rates.sender_base)
    share = min(0.8, max(2 * base, here / max(1.0, good_here + here)))
    ratio = elsewhere * math.log(share / base) + (
        trials_elsewhere - elsewhere
    ) * math.log((1 - share) / (1 - base))
    return Odds(ratio + BLAME[channel.cause()].tenant_odds, provider)


def refine(tenant: Tenant, channel: Channel) -> list[Verdict]:
    """Understand an open incident better: its cause, then its scope."""
    incident = channel.incident
    if incident is None:
        return []
    young = tenant.now - incident.opened_at < cal.REFINE
    told = []
    if len(channel.voices) < cal.CUSTOMERS_KEPT or young:
        understood = channel.cause(), channel.mismatch
        changed = understood != (incident.cause, incident.mismatch)
        incident.cause, incident.mismatch = understood
        if changed:
            told.append(verdict(tenant, channel, Turn.CHANGED))
    if tenant.now - incident.told_at >= cal.TELL_EVERY:
        told.append(verdict(tenant, channel, Turn.CHANGED))
    if channel is tenant.submission or not young:
        return told
    ratio, provider = odds(tenant, channel, channel.strong.since)
    if incident.scope is Scope.TENANT:
        if ratio < cal.PROVIDER_ODDS and provider is not None:
            to = tenant.make_channel(provider)
            if to is not None and to.incident is None:
                told.append(move(tenant, channel, to))
    elif ratio > cal.TENANT_ODDS and tenant.beyond.incident is None:
        told.append(move(tenant, channel, tenant.beyond))
    return told


def move(tenant: Tenant, channel: Channel, to: Channel) -> Verdict:
    """Give an incident, with its evidence, to another channel; the key stays."""
    incident = channel.incident
    if incident is None:
        msg = "only an open incident can move"
        raise ValueError(msg)
    incident.scope = Scope.PROVIDER if to.of_provider else Scope.TENANT
    incident.provider = to.name if to.of_provider else None
    for bucket, weights in channel.votes.items():
        into = to.votes.setdefault(bucket, [0.0, 0.0])
        into[0] += weights[0]
        into[1] += weights[1]
    for bucket, trials in channel.failures.items():
        to.failures[bucket] = to.failures.get(bucket, 0) + trials
    room = cal.CUSTOMERS_KEPT - len(to.voices)
    to.voices.update(list(channel.voices.items())[:room])
    to.incident = incident
    to.strong = to.strong._replace(since=channel.strong.since)
    to.lag = max(channel.lag, to.lag)
    to.last, to.recovered_at, to.due = channel.last, None, 0
    channel.incident = None
    channel.clear()
    return verdict(tenant, to, Turn.CHANGED)
