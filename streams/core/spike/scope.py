"""Whom an incident hits: the whole tenant, or its mail to one provider.

The question is answered by the trials since the change: if the other providers
failed alike, so many of their mails would not have gone through.
"""

import math
from collections import Counter
from typing import NamedTuple

from streams.core.instant import Instant
from streams.core.spike import calibration as cal
from streams.core.spike.blame import BLAME
from streams.core.spike.channel import BEYOND, Channel, Voice
from streams.core.spike.growth import has_grown, tell_at
from streams.core.spike.incident import Incident, Scope, Turn
from streams.core.spike.ledger import REST
from streams.core.spike.tenant import Tenant, total
from streams.core.spike.verdict import Verdict, verdict

CERTAIN = 99.0
"""No single provider can be blamed."""


class Odds(NamedTuple):
    """Log-odds of the tenant against one operator."""

    tenant: float
    operator: str | None = None
    """Who refuses, if it is one."""
    name: str | None = None
    """The provider under which that operator's mail is counted, if it is one."""


def odds(tenant: Tenant, channel: Channel, since: int) -> Odds:
    """Weigh the whole tenant against the operator that refuses most."""
    beyond = tenant.beyond.since(since)
    if channel.of_provider:
        here = channel.since(since)
        operator, names = channel.label, {channel.name}
        elsewhere = sum(
            v.operator != operator and v.provider != channel.name for v in beyond
        )
    else:
        if not beyond:
            return Odds(CERTAIN)
        counts = Counter(voice.operator for voice in beyond)
        operator = max(counts, key=lambda o: (counts[o], o))
        here = [voice for voice in beyond if voice.operator == operator]
        names = _names(tenant, here)
        elsewhere = len(beyond) - len(here)
    if len(here) < cal.PROVIDER_DOMINANCE * (len(here) + elsewhere):
        return Odds(CERTAIN)
    uncounted = sum(v.provider not in names and v.operator not in names for v in here)
    good_here = sum(total(tenant.goods_since(name, since)) for name in sorted(names))
    good_here += uncounted * (1 / cal.MOST - 1)
    good = total(tenant.goods_since(BEYOND, since))
    trials_elsewhere = max(0.0, good - good_here) + elsewhere
    base = max(cal.PROVIDER_FLOOR, tenant.rates.sender_base)
    share = min(cal.MOST, max(2 * base, len(here) / max(1.0, good_here + len(here))))
    ratio = elsewhere * math.log(share / base) + (
        trials_elsewhere - elsewhere
    ) * math.log((1 - share) / (1 - base))
    name = next(iter(names)) if len(names) == 1 and not uncounted else None
    return Odds(ratio + BLAME[channel.cause()].tenant_odds, operator, name)


def _names(tenant: Tenant, voices: list[Voice]) -> set[str]:
    """Answer under which providers the mail of these customers is counted."""
    names = {voice.provider for voice in voices if voice.provider != REST}
    rest = {voice.operator for voice in voices if voice.provider == REST}
    return names | {operator for operator in rest if operator in tenant.rates.of}


def refine(tenant: Tenant, channel: Channel) -> list[Verdict]:
    """Understand an open incident better: its cause, then its scope."""
    incident = channel.incident
    if incident is None:
        return []
    gaps = cal.REFINE_GAPS * cal.DAY / max(1.0, tenant.rates.mails_a_day)
    limit = min(cal.REFINE_MOST, max(cal.REFINE, gaps))
    young = tenant.now - incident.opened_at < limit
    told = []
    if len(channel.voices) < cal.CUSTOMERS_KEPT or young:
        understood = channel.cause(), channel.mismatch
        changed = understood != (incident.cause, incident.mismatch)
        incident.cause, incident.mismatch = understood
        if changed:
            told.append(verdict(tenant, channel, Turn.CHANGED))
    if tenant.now >= told_anew_at(channel, incident):
        told.append(verdict(tenant, channel, Turn.CHANGED))
    if channel is tenant.submission or not young:
        return told
    moved = _rescope(tenant, channel, incident)
    return [*told, moved] if moved else told


def told_anew_at(channel: Channel, incident: Incident) -> Instant:
    """Answer when the figures of an open incident are to be told again."""
    return tell_at(
        incident.opened_at,
        incident.told_at,
        incident.told_customers,
        len(channel.voices),
    )


def grown(tenant: Tenant, channel: Channel) -> Verdict | None:
    """Tell how far an incident has grown, also when it fails no more."""
    if tenant.now < (growth_told_at(channel) or tenant.now + 1):
        return None
    return verdict(tenant, channel, Turn.CHANGED)


def growth_told_at(channel: Channel) -> Instant | None:
    """Answer when an incident's growth is to be told; None when all is said."""
    incident = channel.incident
    if incident is None:
        return None
    if not has_grown(incident.told_customers, len(channel.voices)):
        return None
    return told_anew_at(channel, incident)


def _rescope(tenant: Tenant, channel: Channel, incident: Incident) -> Verdict | None:
    """Narrow an incident to an operator, or widen it, when the odds are clear."""
    found = odds(tenant, channel, channel.strong.since)
    beyond = tenant.beyond
    if incident.scope is Scope.TENANT:
        if found.tenant >= cal.PROVIDER_ODDS or found.operator is None:
            return None
        named = None if found.name is None else tenant.make_channel(found.name)
        if named is not None and named.incident is not None:
            return None
        return move(tenant, channel, named or channel, found.operator)
    free = channel is beyond or beyond.incident is None
    if found.tenant > cal.TENANT_ODDS and free:
        return move(tenant, channel, beyond, None)
    return None


def move(
    tenant: Tenant, channel: Channel, to: Channel, operator: str | None
) -> Verdict:
    """Give an incident, with its evidence, to another channel; the key stays."""
    incident = channel.incident
    if incident is None:
        msg = "only an open incident can move"
        raise ValueError(msg)
    incident.scope = Scope.TENANT if operator is None else Scope.PROVIDER
    incident.provider = operator
    if to is not channel:
        _hand_over(channel, to)
    return verdict(tenant, to, Turn.CHANGED)


def _hand_over(channel: Channel, to: Channel) -> None:
    for bucket, weights in channel.votes.items():
        into = to.votes.setdefault(bucket, [0.0, 0.0])
        into[0] += weights[0]
        into[1] += weights[1]
    for bucket, trials in channel.failures.items():
        to.failures[bucket] = to.failures.get(bucket, 0) + trials
    to.fleet.add(channel.fleet)
    room = cal.CUSTOMERS_KEPT - len(to.voices)
    to.voices.update(list(channel.voices.items())[:room])
    to.incident = channel.incident
    to.strong = to.strong._replace(since=channel.strong.since)
    to.lag = max(channel.lag, to.lag)
    to.last, to.recovered_at, to.due = channel.last, None, 0
    channel.incident = None
    channel.clear()
