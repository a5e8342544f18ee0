"""The roll-up's state as bytes, compact and with a version, and back."""

from streams.core.activity import Hop
from streams.core.instant import Instant
from streams.core.spike.case import Case, Waiting
from streams.core.spike.crowd import Suspect
from streams.core.spike.fleet import UNKNOWN
from streams.core.spike.packed import (
    GROWTH_KNOWN,
    load_incident,
    load_sample,
    pack_incident,
    pack_sample,
    to_class,
)
from streams.core.spike.packed_fleet import load_hosts, pack_hosts
from streams.core.spike.packed_pool import (
    SAMPLES_KNOWN,
    VOICES_KNOWN,
    load_pool,
    pack_pool,
)
from streams.core.spike.packing import (
    DAMAGED,
    Names,
    Packer,
    Unpacker,
    packed,
    unpacked,
)
from streams.core.spike.parent import Parent
from streams.core.spike.rollup import Rollup
from streams.core.spike.taken import Reached
from streams.core.spike.verdict import Figures
from streams.core.spike.word import Suspicion

VERSION = 4
"""2 says how many customers were told of, and which digests were heard; 3 with what
each customer of a pool fails, and how many a parent had at most; 4 through which hosts
of ours each incident goes, and what servers said to all."""
_OLDEST = 1
_TAKEN_KNOWN = 2
_HOSTS_KNOWN = 4
_HOPS = (Hop.SUBMISSION, Hop.MX)


def dump(rollup: Rollup) -> bytes:
    """Answer the roll-up's state as bytes."""
    body, names = Packer(), Names()
    _pack_crowd(body, rollup, names)
    body.integer(rollup.pools.day)
    body.natural(len(rollup.pools.by_provider))
    for provider, pool in rollup.pools.by_provider.items():
        body.natural(names.number(provider))
        pack_pool(body, pool, names)
    body.natural(len(rollup.cases))
    for case in rollup.cases.values():
        _pack_case(body, case, names)
    body.natural(len(rollup.waiting))
    for key, waiting in rollup.waiting.items():
        body.text(key)
        body.integer(waiting.until)
        body.natural(waiting.failures)
    body.natural(len(rollup.parents))
    for parent in rollup.parents:
        _pack_parent(body, parent, names)
    body.natural(len(rollup.taken.by_partition))
    for partition, (number, minute) in rollup.taken.by_partition.items():
        body.natural(partition)
        body.natural(number)
        body.integer(minute)
    head = Packer()
    head.natural(VERSION)
    head.natural(len(names.names))
    for name in names.names:
        head.text(name)
    return packed(head, body)


def load(snapshot: bytes) -> Rollup | None:
    """Answer the roll-up of a snapshot, None when it cannot be read."""
    try:
        source = unpacked(snapshot)
        version = source.natural()
        return _load(source, version) if _OLDEST <= version <= VERSION else None
    except DAMAGED:
        return None


def _load(source: Unpacker, version: int) -> Rollup:
    names = [source.text() for _ in source.times()]
    rollup = Rollup()
    _load_crowd(source, rollup, names)
    rollup.pools.day = source.integer()
    for _ in source.times():
        provider = names[source.natural()]
        rollup.pools.by_provider[provider] = load_pool(source, names, version)
    for _ in source.times():
        case = _load_case(source, names, version)
        rollup.cases[case.incident.key] = case
    for _ in source.times():
        key = source.text()
        rollup.waiting[key] = Waiting(source.integer(), source.natural())
    rollup.parents = [_load_parent(source, names, version) for _ in source.times()]
    for _ in source.times() if version >= _TAKEN_KNOWN else ():
        partition, number = source.natural(), source.natural()
        reached = Reached(number, Instant(source.integer()))
        rollup.taken.by_partition[partition] = reached
    return rollup


def _pack_crowd(body: Packer, rollup: Rollup, names: Names) -> None:
    crowd = rollup.crowd
    body.natural(len(crowd.suspects))
    for tenant_id, (since, trouble) in crowd.suspects.items():
        body.natural(names.number(tenant_id))
        body.integer(since)
        body.natural(names.number(trouble.cause))
        body.natural(_HOPS.index(trouble.hop))
        body.maybe_text(trouble.provider)
    body.natural(len(crowd.greeted))
    for quarter, tenants in crowd.greeted.items():
        body.integer(quarter)
        body.natural(tenants)


def _load_crowd(source: Unpacker, rollup: Rollup, names: list[str]) -> None:
    crowd = rollup.crowd
    for _ in source.times():
        tenant_id, since = names[source.natural()], source.integer()
        cause, hop = to_class(names[source.natural()]), _HOPS[source.natural()]
        trouble = Suspicion(cause, hop, source.maybe_text())
        crowd.suspects[tenant_id] = Suspect(since, trouble)
    for _ in source.times():
        quarter = source.integer()
        crowd.greeted[quarter] = source.natural()


def _pack_case(body: Packer, case: Case, names: Names) -> None:
    body.text(case.incident.tenant_id)
    pack_incident(body, case.incident)
    figures = case.figures
    body.natural(len(figures.causes))
    for cause, customers in figures.causes:
        body.text(cause)
        body.natural(customers)
    for count in (figures.customers, figures.failed, figures.reached):
        body.natural(count)
    body.real(figures.base, figures.ratio, figures.threshold)
    body.natural(len(figures.samples))
    for sample in figures.samples:
        pack_sample(body, sample)
    pack_hosts(body, figures.hosts, names)
    body.natural(case.failures)
    body.natural(case.told)
    body.maybe_text(case.parent)
    body.natural(case.revision)


def _load_case(source: Unpacker, names: list[str], version: int) -> Case:
    incident = load_incident(source, source.text(), version)
    causes = tuple((to_class(source.text()), source.natural()) for _ in source.times())
    figures = Figures(
        causes=causes,
        customers=source.natural(),
        failed=source.natural(),
        reached=source.natural(),
        base=source.real(),
        ratio=source.real(),
        threshold=source.real(),
        samples=tuple(load_sample(source) for _ in source.times()),
        hosts=load_hosts(source, names) if version >= _HOSTS_KNOWN else UNKNOWN,
    )
    return Case(
        incident,
        figures,
        source.natural(),
        bool(source.natural()),
        source.maybe_text(),
        source.natural(),
    )


def _pack_parent(body: Packer, parent: Parent, names: Names) -> None:
    for at in (parent.since, parent.opened_at, parent.checked_at):
        body.integer(at)
    body.text(parent.cause)
    body.maybe_text(parent.provider)
    body.natural(len(parent.children))
    for tenant_id, hop in parent.children.items():
        body.natural(names.number(tenant_id))
        body.natural(_HOPS.index(hop))
    body.real(parent.base, parent.lag)
    body.natural(parent.wide)
    for maybe in (parent.recovered_at, parent.resolved_at, parent.last_seen_at):
        body.maybe(maybe)
    counts = (parent.revision, parent.failed, parent.reached)
    for count in (*counts, parent.told_at, *parent.told):
        body.natural(count)
    body.natural(len(parent.names))
    for name in sorted(parent.names):
        body.natural(names.number(name))
    body.natural(len(parent.counts))
    for minute, by_tenant in parent.counts.items():
        body.integer(minute)
        body.natural(len(by_tenant))
        for tenant_id, trials in by_tenant.items():
            body.natural(names.number(tenant_id))
            body.real(*trials)
    body.natural(len(parent.settled))
    for minute, shares in parent.settled.items():
        body.integer(minute)
        body.real(*shares)
    _pack_customers(body, parent, names)


def _pack_customers(body: Packer, parent: Parent, names: Names) -> None:
    body.natural(len(parent.votes))
    for (tenant_id, customer), (cause, provider) in parent.votes.items():
        body.natural(names.number(tenant_id))
        body.natural(customer)
        body.natural(names.number(cause))
        body.maybe_text(provider)
    body.natural(len(parent.most))
    for cause, customers in parent.most.items():
        body.natural(names.number(cause))
        body.natural(customers)
    body.natural(len(parent.samples))
    for sample in parent.samples:
        pack_sample(body, sample)


def _load_parent(source: Unpacker, names: list[str], version: int) -> Parent:
    since, opened_at, checked_at = (source.integer() for _ in range(3))
    cause, provider = to_class(source.text()), source.maybe_text()
    children = {
        names[source.natural()]: _HOPS[source.natural()] for _ in source.times()
    }
    parent = Parent(since, Instant(opened_at), cause, provider, children, checked_at)
    parent.base, parent.lag = source.real(), source.real()
    parent.wide = bool(source.natural())
    parent.recovered_at, parent.resolved_at, parent.last_seen_at = (
        None if at is None else Instant(at)
        for at in (source.maybe(), source.maybe(), source.maybe())
    )
    parent.revision, parent.failed = source.natural(), source.natural()
    parent.reached = source.natural()
    if version >= GROWTH_KNOWN:
        parent.told_at = Instant(source.natural())
        parent.told = source.natural(), source.natural()
    parent.names = {names[source.natural()] for _ in source.times()}
    for _ in source.times():
        minute = source.integer()
        parent.counts[minute] = {
            names[source.natural()]: [source.real(), source.real()]
            for _ in source.times()
        }
    for _ in source.times():
        minute = source.integer()
        parent.settled[minute] = [source.real(), source.real()]
    for _ in source.times():
        voter = names[source.natural()], source.natural()
        vote = to_class(names[source.natural()]), source.maybe_text()
        parent.votes[voter] = vote
    for _ in source.times() if version >= VOICES_KNOWN else ():
        cause = to_class(names[source.natural()])
        parent.most[cause] = source.natural()
    if version >= SAMPLES_KNOWN:
        parent.samples = tuple(load_sample(source) for _ in source.times())
    return parent
