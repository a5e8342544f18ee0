"""From incidents and parents to alerts."""

from collections import Counter
from collections.abc import Sequence

from streams.core.failure import TRAITS, FailureClass, Side
from streams.core.instant import Instant
from streams.core.provider import provider
from streams.core.spike import calibration as cal
from streams.core.spike.alert import Alert, Kind
from streams.core.spike.evidence import SHOWN
from streams.core.spike.fleet import joint
from streams.core.spike.incident import Scope, Turn
from streams.core.spike.mismatch import Mismatch
from streams.core.spike.parent import Parent
from streams.core.spike.verdict import Figures, Verdict


def tenant_alert(
    verdict: Verdict, *, parent: str | None, revision: int, at: Instant
) -> Alert:
    """Answer the alert of one tenant's incident."""
    incident, figures = verdict.incident, verdict.figures
    return Alert(
        turn=verdict.turn,
        key=incident.key,
        kind=Kind.SPIKE,
        revision=revision,
        at=at,
        opened_at=incident.opened_at,
        evidence_from=incident.since,
        last_seen_at=incident.last_seen_at,
        resolved_at=incident.resolved_at,
        parent=parent,
        tenant_id=incident.tenant_id,
        scope=incident.scope,
        provider=incident.provider,
        hop=incident.hop,
        side=_side(incident.cause, incident.scope),
        cause=incident.cause,
        mismatch=incident.mismatch,
        causes=figures.causes,
        customers=figures.customers,
        failed=figures.failed,
        reached=figures.reached,
        base=figures.base,
        ratio=figures.ratio,
        threshold=figures.threshold,
        tenants=1,
        children=(),
        samples=figures.samples,
        hosts=figures.hosts,
    )


def parent_alert(
    parent: Parent, turn: Turn, children: Sequence[Verdict], at: Instant
) -> Alert:
    """Answer the alert of a fault of many tenants."""
    causes = customers_by_class(parent, [child.figures for child in children])
    hops = Counter(parent.children.values()).most_common(1)
    failed = parent.failed or sum(child.figures.failed for child in children)
    reached = parent.reached or sum(child.figures.reached for child in children)
    of_children = [s for child in children for s in child.figures.samples[:1]]
    samples = [*of_children, *(s for s in parent.samples if s not in of_children)]
    newest = sorted(children, key=lambda child: -child.incident.opened_at)
    return Alert(
        turn=turn,
        key=parent.key,
        kind=Kind.PLATFORM_SPIKE,
        revision=parent.revision,
        at=at,
        opened_at=parent.opened_at,
        evidence_from=Instant(parent.since),
        last_seen_at=parent.last_seen_at or at,
        resolved_at=parent.resolved_at,
        parent=None,
        tenant_id=None,
        scope=parent.scope,
        provider=parent.provider,
        hop=hops[0][0] if hops else None,
        side=_side(parent.cause, parent.scope),
        cause=parent.cause,
        mismatch=False,
        causes=tuple(causes.most_common()),
        customers=causes.total(),
        failed=failed,
        reached=reached,
        base=parent.base,
        ratio=None,
        threshold=None,
        tenants=len(parent.children),
        children=tuple(c.incident.key for c in newest[: cal.CHILDREN_TOLD]),
        samples=tuple(samples[:SHOWN]),
        hosts=joint(child.figures.hosts for child in children),
    )


def customers_by_class(
    parent: Parent, children: Sequence[Figures]
) -> Counter[FailureClass]:
    """Count the customers of a fault of many tenants, by what they fail with.

    Children know those from before the fault was one, the parent those of tenants
    too small for an incident of their own; neither knows all. What was known once
    stays: a child that is over has failed nevertheless.
    """
    heard = Counter(failure_class for failure_class, _ in parent.votes.values())
    told: Counter[FailureClass] = Counter()
    for child in children:
        for failure_class, customers in child.causes:
            told[failure_class] += customers
    return max(heard, told, parent.most, key=Counter.total)


def mismatch_alert(mismatch: Mismatch, *, parent: str | None, at: Instant) -> Alert:
    """Answer the alert of a server whose failures are untrue."""
    liar = mismatch.liar
    causes = sorted(liar.classes.items(), key=lambda pair: (-pair[1], pair[0]))
    return Alert(
        turn=mismatch.turn,
        key=mismatch.key,
        kind=Kind.RESPONSE_MISMATCH,
        revision=at,
        at=at,
        opened_at=liar.opened_at or at,
        evidence_from=liar.since,
        last_seen_at=liar.last_seen_at,
        resolved_at=mismatch.resolved_at,
        parent=parent,
        tenant_id=mismatch.tenant_id,
        scope=Scope.PROVIDER,
        provider=provider(liar.server, liar.server),
        hop=None,
        side=Side.UNKNOWN,
        cause=liar.cause,
        mismatch=True,
        causes=tuple(causes),
        customers=len(liar.customers),
        failed=sum(liar.classes.values()),
        reached=0,
        base=0.0,
        ratio=None,
        threshold=None,
        tenants=1,
        children=(),
        samples=liar.samples,
    )


def _side(cause: FailureClass, scope: Scope) -> Side:
    """Say whose fault it is: what breaks at one provider only breaks there."""
    if cause is FailureClass.TLS_FAILED and scope is Scope.PROVIDER:
        return Side.TRANSIENT
    return TRAITS[cause].side
