"""A tenant's state as bytes, compact and with a version, and back.

Loading and dumping again gives the same bytes, and a restored tenant decides as
one that was never put away. A snapshot of an older version is read, of an unknown one
not: `load` answers None rather than what is misread.
"""

from itertools import chain

from streams.core.instant import Instant
from streams.core.spike import calibration as cal
from streams.core.spike.channel import Channel, Rise, RuledOut, Voice
from streams.core.spike.clock import Clock
from streams.core.spike.lag import Lags
from streams.core.spike.packed import (
    load_incident,
    load_liars,
    load_samples,
    pack_incident,
    pack_liars,
    pack_samples,
    to_class,
)
from streams.core.spike.packed_fleet import (
    load_deliveries,
    load_fleet,
    pack_deliveries,
    pack_fleet,
)
from streams.core.spike.packed_ledger import (
    load_ledger,
    load_ledger_by_row,
    pack_ledger,
)
from streams.core.spike.packing import (
    DAMAGED,
    Names,
    Packer,
    Unpacker,
    packed,
    unpacked,
)
from streams.core.spike.rate import Rate
from streams.core.spike.taken import Reached
from streams.core.spike.tenant import Tenant

VERSION = 5
"""2 says how many customers were told of; 3 has the good mails in columns; 4 says how
far the tenant's clock is behind, and how much each customer's vote weighs; 5 through
which hosts mail fails, and which deliver."""
COLUMNS = 3
CLOCK = 4
HOSTS = 5
_OLDEST = 1

_HALF = 2


def dump(tenant: Tenant) -> bytes:
    """Answer a tenant's state as bytes."""
    body = Packer()
    names = Names()
    _pack_rates(body, tenant, names)
    pack_ledger(body, tenant.ledger, names)
    body.natural(len(tenant.providers))
    for name in tenant.providers:
        body.natural(names.number(name))
    for channel in tenant.channels():
        _pack_channel(body, channel, names)
    body.natural(len(tenant.explained))
    for name, until in tenant.explained.items():
        body.natural(names.number(name))
        body.integer(until)
    pack_samples(body, tenant.evidence, names)
    pack_liars(body, tenant.liars)
    _pack_clock(body, tenant.clock)
    pack_deliveries(body, tenant.deliveries, names)
    body.natural(len(tenant.taken.by_partition))
    for partition, (offset, minute) in tenant.taken.by_partition.items():
        body.natural(partition)
        body.natural(offset)
        body.natural(minute // cal.MINUTE)
    head = Packer()
    head.natural(VERSION)
    head.text(tenant.id)
    for at in (tenant.now, tenant.day, tenant.compact_at, tenant.check_at):
        head.integer(at)
    head.integer(tenant.troubled_at)
    head.integer(tenant.greeted)
    head.natural(len(names.names))
    for name in names.names:
        head.text(name)
    return packed(head, body)


def load(snapshot: bytes) -> Tenant | None:
    """Answer the tenant of a snapshot, None when it cannot be read."""
    try:
        source = unpacked(snapshot)
        version = source.natural()
        return _load(source, version) if _OLDEST <= version <= VERSION else None
    except DAMAGED:
        return None


def _load(source: Unpacker, version: int) -> Tenant:
    tenant = Tenant(source.text(), Instant(source.integer()))
    tenant.day, tenant.compact_at = source.integer(), source.integer()
    tenant.check_at = source.integer()
    tenant.troubled_at, tenant.greeted = source.integer(), source.integer()
    names = [source.text() for _ in source.times()]
    _load_rates(source, tenant, names)
    ledger = load_ledger if version >= COLUMNS else load_ledger_by_row
    tenant.ledger = ledger(source, names)
    for _ in source.times():
        name = names[source.natural()]
        tenant.providers[name] = Channel(name)
    for channel in tenant.channels():
        _load_channel(source, channel, names, (tenant.id, version))
    for _ in source.times():
        name = names[source.natural()]
        tenant.explained[name] = source.integer()
    tenant.evidence = load_samples(source, names)
    tenant.liars = load_liars(source)
    if version >= CLOCK:
        _load_clock(source, tenant.clock)
    if version >= HOSTS:
        tenant.deliveries = load_deliveries(source, names)
    for _ in source.times():
        partition, offset = source.natural(), source.natural()
        minute = Instant(source.natural() * cal.MINUTE)
        tenant.taken.by_partition[partition] = Reached(offset, minute)
    return tenant


def _pack_rates(body: Packer, tenant: Tenant, names: Names) -> None:
    rates = tenant.rates
    body.real(rates.mails, rates.days)
    for rate in (rates.submission, rates.beyond, rates.others):
        body.real(rate.goods, rate.votes)
    body.natural(len(rates.of))
    for name, rate in rates.of.items():
        body.natural(names.number(name))
        body.real(rate.goods, rate.votes)
    body.real(
        rates.relearn_at,
        rates.threshold,
        rates.submission_base,
        rates.sender_base,
        rates.other_base,
    )
    body.real(*tenant.lags.counts, *tenant.lags.curve)


def _load_rates(source: Unpacker, tenant: Tenant, names: list[str]) -> None:
    rates = tenant.rates
    rates.mails, rates.days = source.real(), source.real()
    for rate in (rates.submission, rates.beyond, rates.others):
        rate.goods, rate.votes = source.real(), source.real()
    for _ in source.times():
        name = names[source.natural()]
        rates.of[name] = Rate(source.real(), source.real())
    rates.relearn_at, rates.threshold = source.real(), source.real()
    rates.submission_base, rates.sender_base = source.real(), source.real()
    rates.other_base = source.real()
    counts, curve = ([source.real() for _ in cal.LAG_EDGES] for _ in range(2))
    tenant.lags = Lags(counts, curve)


def _pack_clock(body: Packer, clock: Clock) -> None:
    body.maybe(clock.before)
    body.maybe(clock.lately)
    body.integer(clock.began)
    body.integer(clock.steady_since)


def _load_clock(source: Unpacker, clock: Clock) -> None:
    clock.before, clock.lately = source.maybe(), source.maybe()
    clock.began, clock.steady_since = source.integer(), source.integer()


def _pack_channel(body: Packer, channel: Channel, names: Names) -> None:
    body.natural(len(channel.ruled_out))
    for customer, old in channel.ruled_out.items():
        body.naturals((customer, old.times, old.last // cal.MINUTE))
    idle = not channel.failures and channel.incident is None
    body.natural(not idle)
    if idle:
        return
    for rise in (channel.strong, channel.weak):
        body.real(rise.ratio)
        body.integer(rise.since)
        body.natural(rise.votes)
    body.integer(channel.run)
    body.integer(channel.last)
    body.integer(channel.due)
    body.integer(channel.goods_since_failure)
    body.natural(channel.replies_only)
    body.real(channel.lag)
    body.maybe(channel.recovered_at)
    buckets = sorted(channel.votes)
    body.ascending(buckets, cal.MINUTE)
    weights = chain.from_iterable(channel.votes[bucket] for bucket in buckets)
    body.naturals(round(_HALF * weight) for weight in weights)
    buckets = sorted(channel.failures)
    body.ascending(buckets, cal.MINUTE)
    body.naturals(channel.failures[bucket] for bucket in buckets)
    body.natural(len(channel.voices))
    for customer, voice in channel.voices.items():
        body.naturals(
            (
                customer,
                voice.bucket // cal.MINUTE,
                2 * names.number(voice.failure_class) + voice.contradicted,
                names.number(voice.provider),
                names.number(voice.operator),
                round(_HALF * voice.weight),
            )
        )
    pack_fleet(body, channel.fleet, names)
    body.natural(channel.incident is not None)
    if channel.incident is not None:
        pack_incident(body, channel.incident)


def _load_channel(
    source: Unpacker, channel: Channel, names: list[str], of: tuple[str, int]
) -> None:
    for _ in source.times():
        customer, times = source.natural(), source.natural()
        channel.ruled_out[customer] = RuledOut(times, source.natural() * cal.MINUTE)
    if not source.natural():
        return
    channel.strong, channel.weak = (
        Rise(source.real(), source.integer(), source.natural()) for _ in range(2)
    )
    channel.run, channel.last = source.integer(), source.integer()
    channel.due, channel.goods_since_failure = source.integer(), source.integer()
    channel.replies_only = bool(source.natural())
    channel.lag = source.real()
    recovered_at = source.maybe()
    channel.recovered_at = None if recovered_at is None else Instant(recovered_at)
    for bucket in source.ascending(cal.MINUTE):
        channel.votes[bucket] = []
    for weights in channel.votes.values():
        weights += [source.natural() / _HALF, source.natural() / _HALF]
    for bucket in source.ascending(cal.MINUTE):
        channel.failures[bucket] = 0
    for bucket in channel.failures:
        channel.failures[bucket] = source.natural()
    for _ in source.times():
        customer, bucket = source.natural(), source.natural() * cal.MINUTE
        number, contradicted = divmod(source.natural(), 2)
        name, operator = names[source.natural()], names[source.natural()]
        weight = source.natural() / _HALF if of[1] >= CLOCK else 1.0
        failure_class = to_class(names[number])
        channel.voices[customer] = Voice(
            bucket, failure_class, name, operator, bool(contradicted), weight
        )
    if of[1] >= HOSTS:
        channel.fleet = load_fleet(source, names)
    if source.natural():
        channel.incident = load_incident(source, *of)
