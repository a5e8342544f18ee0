"""Incidents of other tenants that look like one tenant's, and what they say of it.

An incident is much rarer than a suspicion: three of a kind within half an hour
are one fault where suspicions would still be too few, and two of a kind make
the second wait for a third.
"""

import math
from collections.abc import Collection, Iterable
from collections.abc import Set as AbstractSet

from streams.core.activity import Hop
from streams.core.instant import Instant
from streams.core.spike import calibration as cal
from streams.core.spike.blame import kin
from streams.core.spike.case import Case
from streams.core.spike.incident import Incident


def siblings(
    incident: Incident, cases: Iterable[Case], paged: AbstractSet[str], now: int
) -> list[Case]:
    """Answer the young incidents of other tenants that are of a kind.

    Those of tenants that a parent's page tells of are none.
    """
    besides = paged | {incident.tenant_id}
    return [
        case
        for case in cases
        if case.incident.tenant_id not in besides
        and _alike(case.incident, incident)
        and now - case.incident.opened_at < cal.SIBLING_WINDOW
    ]


def _alike(one: Incident, other: Incident) -> bool:
    """Say whether two incidents may be one fault.

    A relay's refusal is an answer to one tenant and a report to the next, which
    looks as if it came from behind it.
    """
    if one.hop is other.hop:
        return kin(one.cause) == kin(other.cause)
    return one.cause is other.cause and one.provider is other.provider is None


def one_fault(incident: Incident, alike: Iterable[Case], active: int) -> list[str]:
    """Answer the tenants of one fault; nobody when it may be coincidence.

    Args:
        incident: one of its incidents.
        alike: the siblings of that.
        active: tenants that lately had mail.
    """
    others = {case.incident.tenant_id for case in alike}
    tenants = sorted({incident.tenant_id, *others})
    mean = cal.INCIDENT_RATE * active * cal.SIBLING_WINDOW / cal.CROWD_WINDOW
    chance = mean + cal.CROWD_SIGMA * math.sqrt(mean + 0.25)
    return tenants if len(tenants) >= max(cal.SIBLINGS, chance) else []


def woken_for(alike: Iterable[Case], active: int) -> Case | None:
    """Answer the newest sibling for which somebody was woken.

    Either a third tells that both are one fault, or the second is a page, too. Where
    tenants are so many that two of a kind are no surprise, nothing waits.
    """
    if cal.INCIDENT_RATE * active > cal.SIBLINGS_BY_CHANCE:
        return None
    paged = [case for case in alike if case.told and case.parent is None]
    return max(
        paged, key=lambda c: (c.incident.opened_at, c.incident.key), default=None
    )


def waits_until(incident: Incident, woken: Case) -> Instant:
    """Answer until when an incident is told as a part of the one that was paged."""
    soon = incident.opened_at + cal.SIBLING_WAITS
    return Instant(min(woken.incident.opened_at + cal.CROWD_WINDOW, soon))


def parts(wide: Incident, cases: Iterable[Case]) -> list[Case]:
    """Answer the pages of a tenant about one provider that a wider one tells of."""
    if wide.provider is not None or wide.hop is not Hop.MX:
        return []
    pages = [c for c in cases if c.told and c.parent is None and c.incident.provider]
    of_tenant = [c for c in pages if c.incident.tenant_id == wide.tenant_id]
    return [c for c in of_tenant if kin(c.incident.cause) == kin(wide.cause)]


def begun(tenants: Collection[str], kind: str, cases: Iterable[Case]) -> Instant | None:
    """Answer when the first incident of a kind of these tenants began."""
    incidents = [c.incident for c in cases if c.incident.tenant_id in tenants]
    return min((i.since for i in incidents if kin(i.cause) == kind), default=None)


def lied_about(tenant_id: str, cases: Iterable[Case]) -> str | None:
    """Answer the incident that a tenant's server with untrue failures is part of."""
    own = [c.incident for c in cases if c.incident.tenant_id == tenant_id]
    return min((i.key for i in own if i.mismatch), default=None)


def failing_everywhere(cases: Iterable[Case]) -> set[str]:
    """Answer the tenants of incidents that fail wherever the mail goes."""
    incidents = [case.incident for case in cases]
    return {incident.tenant_id for incident in incidents if incident.provider is None}
