"""When an incident is over: mail old enough to have bounced goes through again.

Silence never resolves anything.
"""

import math

from streams.core.spike import calibration as cal
from streams.core.spike.channel import Channel
from streams.core.spike.incident import Turn
from streams.core.spike.lag import bounced_until
from streams.core.spike.ledger import REST
from streams.core.spike.opening import hidden
from streams.core.spike.ratio import Row, rows, works_again
from streams.core.spike.tenant import Tenant
from streams.core.spike.verdict import Verdict, verdict


def look(tenant: Tenant, channel: Channel) -> Verdict | None:
    """Resolve an open incident if it has worked again for long enough."""
    base = max(h.base for h in tenant.rates.hypotheses(channel))
    trials = _trials(tenant, channel, base)
    ratio, goods = works_again(trials, base, asked_until(tenant, channel))
    if ratio < cal.RECOVERED or goods < cal.RECOVERED_GOODS:
        channel.recovered_at = None
        return None
    if channel.recovered_at is None:
        channel.recovered_at = tenant.now
    if tenant.now < held_until(tenant, channel, channel.recovered_at):
        return None
    return _resolve(tenant, channel, channel.recovered_at)


def held_until(tenant: Tenant, channel: Channel, recovered_at: int) -> int:
    """Say until when it has to work before it is over.

    What has come back once after a pause will do so again after the same.
    """
    worked_at = tenant.explained.get(channel.name, 0)
    opened_at = tenant.now if channel.incident is None else channel.incident.opened_at
    pause = opened_at - worked_at
    if pause >= cal.RELAPSE:
        return recovered_at + cal.HOLD
    return recovered_at + max(cal.HOLD, min(cal.HOLD_PAUSES * pause, cal.RELAPSE))


def asked_until(tenant: Tenant, channel: Channel) -> int:
    """Say when the youngest mail was tried that would have bounced by now."""
    return bounced_until(tenant.now, channel.lag)


def _trials(tenant: Tenant, channel: Channel, base: float) -> list[Row]:
    if channel is tenant.beyond and channel.voices:
        goods = _contradicting_goods(tenant, channel, base)
    else:
        goods = tenant.goods_since(channel.name, channel.strong.since)
    return rows(goods, channel.failures)


def _contradicting_goods(
    tenant: Tenant, channel: Channel, base: float
) -> list[tuple[int, float]]:
    """Weigh each good mail by how much it contradicts the incident.

    A provider that never failed proves nothing by working, unless no more fails than
    does in ordinary life: then it was no incident, and all mail says so.
    """
    starts = tenant.ledger.since(channel.strong.since)
    failing_until = max(voice.bucket for voice in channel.voices.values())
    tracked = list(tenant.ledger.tracked)
    votes = channel.by_provider()

    def good(name: str) -> float:
        return sum(tenant.goods(name, b) for b in starts if b <= failing_until)

    during = {name: good(name) for name in tracked}
    during[REST] = max(0.0, good(channel.name) - sum(during.values()))
    good_meanwhile, failed = sum(during.values()), sum(channel.failures.values())
    if failed <= base * (failed + good_meanwhile):
        return tenant.goods_since(channel.name, channel.strong.since)
    overall = len(channel.voices) / max(1.0, len(channel.voices) + good_meanwhile)

    def weight(name: str) -> float:
        share = (votes[name] + overall) / (votes[name] + during[name] + 1.0)
        return math.log((1 - base) / (1 - min(0.97, max(base, share))))

    weights = {name: weight(name) for name in during}
    most = max(weights.values()) or 1.0
    result = []
    for start in starts:
        own = {name: tenant.goods(name, start) for name in tracked}
        rest = max(0.0, tenant.goods(channel.name, start) - sum(own.values()))
        weighed = rest * weights[REST] / most
        weighed += sum(weights[n] / most * goods for n, goods in own.items())
        result.append((start, weighed))
    return result


def _resolve(tenant: Tenant, channel: Channel, recovered_at: int) -> Verdict | None:
    if channel.incident is None:
        return None
    channel.incident.resolved_at = tenant.now
    resolved = verdict(tenant, channel, Turn.RESOLVED)
    if channel is tenant.submission:
        _forget_hidden(tenant)
    channel.incident = None
    tenant.explained[channel.name] = recovered_at
    channel.clear()
    if channel is tenant.beyond:
        tenant.providers = {
            name: other
            for name, other in tenant.providers.items()
            if other.incident is not None
        }
    elif channel is not tenant.submission:
        del tenant.providers[channel.name]
        if tenant.beyond.incident is None:
            tenant.beyond.clear()
    if len(tenant.explained) > 2 * cal.PROVIDERS:
        oldest = tenant.now - cal.KEEP
        tenant.explained = {n: t for n, t in tenant.explained.items() if t > oldest}
    return resolved


def _forget_hidden(tenant: Tenant) -> None:
    """Drop what was heard of others while our own hop refused most mail."""
    for channel in [tenant.beyond, *tenant.providers.values()]:
        began = min(channel.votes, default=0)
        if channel.incident is None and hidden(tenant, channel, began):
            channel.clear()
