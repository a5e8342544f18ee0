"""What a tenant's detector says after a step: incidents, with their figures."""

from dataclasses import replace
from typing import NamedTuple

from streams.core.failure import FailureClass
from streams.core.sample import Sample
from streams.core.spike.channel import Channel
from streams.core.spike.fleet import UNKNOWN, Hosts
from streams.core.spike.incident import Incident, Turn
from streams.core.spike.tenant import Tenant, total


class Figures(NamedTuple):
    """How bad an incident is, and what was seen of it."""

    customers: int
    """Distinct failing customers; at least so many when it is CUSTOMERS_KEPT."""
    causes: tuple[tuple[FailureClass, int], ...]
    """Customers by class, most first."""
    failed: int
    """Failed trials."""
    reached: int
    """Good trials at the same place since it began."""
    base: float
    """Share that fails while all is well."""
    ratio: float
    """Log-likelihood ratio when it was opened."""
    threshold: float
    """Ratio that opens."""
    samples: tuple[Sample, ...]
    hosts: Hosts = UNKNOWN
    """Hosts of ours that it goes through."""


class Verdict(NamedTuple):
    """One incident as it is now, and what became of it."""

    turn: Turn
    incident: Incident
    figures: Figures


def verdict(tenant: Tenant, channel: Channel, turn: Turn) -> Verdict:
    """Tell of a channel's open incident; the copy does not change any more."""
    incident = channel.incident
    if incident is None:
        msg = "only an open incident can be told of"
        raise ValueError(msg)
    incident.told_at = tenant.now
    incident.told_customers = len(channel.voices)
    threshold, _ = tenant.rates.limits(channel)
    goods = total(tenant.goods_since(channel.name, channel.strong.since))
    delivered: dict[str, int] = {}
    if channel.recovered_at is None:  # else those that failed deliver, too
        place = incident.hop, incident.provider
        delivered = tenant.deliveries.since(incident.since, *place)
    figures = Figures(
        customers=len(channel.voices),
        causes=tuple(channel.by_class().most_common()),
        failed=sum(channel.failures.values()),
        reached=round(goods),
        base=max(h.base for h in tenant.rates.hypotheses(channel)),
        ratio=channel.strong.ratio,
        threshold=threshold,
        samples=tuple(
            tenant.evidence.about(incident.hop, incident.provider, incident.cause)
        ),
        hosts=channel.fleet.told(delivered),
    )
    return Verdict(turn, replace(incident), figures)
