"""Incidents and answers as parts of a snapshot."""

from streams.core.activity import Hop
from streams.core.failure import FailureClass
from streams.core.instant import Instant
from streams.core.sample import Sample
from streams.core.spike.evidence import Evidence, Kind
from streams.core.spike.incident import Incident, Scope
from streams.core.spike.mismatch import Liar, Liars
from streams.core.spike.packing import Names, Packer, Unpacker

GROWTH_KNOWN = 2
"""First version of the snapshots that say how many customers were told of."""
_CLASSES = {c.value: c for c in FailureClass}
_HOPS = (Hop.SUBMISSION, Hop.MX)
_SCOPES = (Scope.TENANT, Scope.PROVIDER, Scope.PLATFORM)


def to_class(name: str) -> FailureClass:
    """Answer a class by its word; one that only a newer version knows is unknown."""
    return _CLASSES.get(name, FailureClass.UNKNOWN)


def pack_incident(body: Packer, incident: Incident) -> None:
    """Write an incident, without its tenant."""
    body.natural(_HOPS.index(incident.hop))
    body.natural(_SCOPES.index(incident.scope))
    body.text(incident.cause)
    body.natural(incident.mismatch)
    body.natural(incident.failures)
    body.maybe_text(incident.provider)
    for at in (incident.since, incident.opened_at, incident.last_seen_at):
        body.integer(at)
    body.integer(incident.told_at)
    body.natural(incident.told_customers)


def load_incident(source: Unpacker, tenant_id: str, version: int) -> Incident:
    """Read an incident of a tenant, as a snapshot of this version has it."""
    hop, scope = _HOPS[source.natural()], _SCOPES[source.natural()]
    cause, mismatch = to_class(source.text()), bool(source.natural())
    failures, provider = source.natural(), source.maybe_text()
    since, opened_at, last_seen_at, told_at = (
        Instant(source.integer()) for _ in range(4)
    )
    told_customers = source.natural() if version >= GROWTH_KNOWN else 0
    return Incident(
        tenant_id=tenant_id,
        hop=hop,
        since=since,
        opened_at=opened_at,
        scope=scope,
        provider=provider,
        cause=cause,
        last_seen_at=last_seen_at,
        told_at=told_at,
        told_customers=told_customers,
        mismatch=mismatch,
        failures=failures,
    )


def pack_sample(body: Packer, sample: Sample) -> None:
    """Write one answer."""
    body.integer(sample.at)
    body.maybe(sample.code)
    body.maybe_text(sample.enhanced)
    body.text(sample.text)
    for name in (sample.peer, sample.host, sample.template_id):
        body.maybe_text(name)


def load_sample(source: Unpacker) -> Sample:
    """Read one answer."""
    return Sample(
        Instant(source.integer()),
        source.maybe(),
        source.maybe_text(),
        source.text(),
        source.maybe_text(),
        source.maybe_text(),
        source.maybe_text(),
    )


def pack_samples(body: Packer, evidence: Evidence, names: Names) -> None:
    """Write the answers to show."""
    body.natural(len(evidence.samples))
    for kind, sample in evidence.samples.items():
        body.natural(_HOPS.index(kind.hop))
        body.natural(names.number(kind.failure_class))
        body.natural(names.number(kind.provider))
        pack_sample(body, sample)


def load_samples(source: Unpacker, names: list[str]) -> Evidence:
    """Read the answers to show."""
    samples = {}
    for _ in source.times():
        hop, failure_class = (
            _HOPS[source.natural()],
            to_class(names[source.natural()]),
        )
        kind = Kind(hop, failure_class, names[source.natural()])
        samples[kind] = load_sample(source)
    return Evidence(samples)


def pack_liars(body: Packer, liars: Liars) -> None:
    """Write the servers that contradict a tenant."""
    body.natural(len(liars.by_server))
    for liar in liars.by_server.values():
        body.text(liar.server)
        body.natural(len(liar.customers))
        for customer, at in liar.customers.items():
            body.natural(customer)
            body.integer(at)
        body.natural(len(liar.classes))
        for failure_class, times in liar.classes.items():
            body.text(failure_class)
            body.natural(times)
        body.natural(len(liar.samples))
        for sample in liar.samples:
            pack_sample(body, sample)
        body.integer(liar.since)
        body.maybe(liar.opened_at)
        body.integer(liar.told_at)


def load_liars(source: Unpacker) -> Liars:
    """Read the servers that contradict a tenant."""
    liars = []
    for _ in source.times():
        liar = Liar(source.text())
        for _ in source.times():
            customer = source.natural()
            liar.customers[customer] = Instant(source.integer())
        for _ in source.times():
            failure_class = to_class(source.text())
            liar.classes[failure_class] = source.natural()
        liar.samples = tuple(load_sample(source) for _ in source.times())
        liar.since = Instant(source.integer())
        opened_at = source.maybe()
        liar.opened_at = None if opened_at is None else Instant(opened_at)
        liar.told_at = Instant(source.integer())
        liars.append(liar)
    return Liars(liars)
