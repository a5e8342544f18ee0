"""How large a tenant's state may become, whatever it has been through."""

from random import Random

from streams.core.activity import MINUTE, Activity, Hop, Trial
from streams.core.failure import FailureClass
from streams.core.instant import Instant
from streams.core.provider import OPERATORS
from streams.core.sample import Sample
from streams.core.spike import calibration as cal
from streams.core.spike.channel import RuledOut, Voice
from streams.core.spike.detector import step
from streams.core.spike.evidence import KINDS, TEXT, Evidence, Kind
from streams.core.spike.fleet import DELIVERING, KEPT
from streams.core.spike.incident import Incident, Scope
from streams.core.spike.ledger import Bucket
from streams.core.spike.rate import Rate
from streams.core.spike.snapshot import dump, load
from streams.core.spike.tenant import Tenant

NOW = Instant(1_767_571_200_000)
MOST = 15_000
"""Bytes of a tenant in an incident."""
CLASSES = list(FailureClass)
PLACED = ("mx", *sorted(OPERATORS))


def test_a_tenant_of_a_million_mails_a_day_in_an_incident_is_small():
    tenant = crowded(mails_a_minute=700, counted=cal.COUNTED_PROVIDERS, channels=2)
    assert 3_000 < len(dump(tenant)) <= MOST


def test_a_tenant_with_trouble_everywhere_is_no_larger_than_twice_that():
    counted = cal.COUNTED_PROVIDERS + cal.PROVIDERS
    tenant = crowded(mails_a_minute=700, counted=counted, channels=10)
    assert len(dump(tenant)) <= 2 * MOST
    assert dump(load(dump(tenant))) == dump(tenant)


def test_no_time_and_no_id_makes_a_state_grow_without_bound():
    tenant = Tenant("t-1", NOW)
    now, sizes = NOW, []
    for hour in range(12 * 24):
        now = Instant(now + 60 * MINUTE)
        step(tenant, strange(hour, now), now)
        if hour % 24 > 20:
            sizes.append(len(dump(tenant)))
    assert max(sizes) <= MOST
    assert max(sizes[-6:]) <= 1.2 * max(sizes[-12:-6])


def strange(hour, now):
    """Answer an hour of new providers, customers and hosts, at any time there is."""
    activity = Activity()
    times = (-(10**12), 0, now - 10**9, now, now + 10**12)
    for number in range(10):
        name = f"{hour}.{number}.例え.test"
        tried = Instant(times[number % len(times)])
        activity.accept(now, tried, name, Hop.MX, name)
        activity.add(
            Trial(
                arrived_at=now,
                at=tried,
                tried_at=tried,
                customer=name,
                provider=name,
                hop=Hop.MX,
                reported=number % 2 == 0,
                attempt=1,
                final=True,
                failure_class=CLASSES[number % len(CLASSES)],
                known=True,
                counted=Hop.MX,
                text="x" * 500,
                peer=name,
                host=name,
                through=name,
            )
        )
    return activity


def crowded(mails_a_minute, counted, channels):
    """Answer a tenant with every place taken that there is."""
    rng = Random(1)
    tenant = Tenant("t-1", NOW)
    names = [f"provider-{number}.example" for number in range(cal.RATES)]
    tenant.rates.of = {n: Rate(1e6 * rng.random(), 99 * rng.random()) for n in names}
    tenant.ledger.tracked = dict.fromkeys(names[:counted], NOW)
    for start in starts():
        fill(rng, tenant, start, mails_a_minute)
    providers = {name: tenant.make_channel(name) for name in names[: channels - 2]}
    for channel in (tenant.submission, tenant.beyond, *providers.values()):
        take_sides(rng, channel, names)
    tenant.submission.incident = Incident(
        tenant_id="t-1",
        hop=Hop.SUBMISSION,
        since=NOW,
        opened_at=NOW,
        scope=Scope.TENANT,
        provider=None,
        cause=CLASSES[0],
        last_seen_at=NOW,
        told_at=NOW,
    )
    for number in range(DELIVERING * len(PLACED)):
        host = f"app{number % DELIVERING}.t-1.example"
        place = PLACED[number // DELIVERING]
        minute = NOW - rng.randrange(cal.DAY // MINUTE) * MINUTE
        tenant.deliveries.hear({host: {place: minute}})
    words = "".join(chr(rng.randrange(97, 123)) for _ in range(TEXT))
    sample = Sample(NOW, 550, "5.7.1", words, "mx.example.net", "app.example.net", "t")
    tenant.evidence = Evidence(
        {Kind(Hop.MX, c, names[n]): sample for n, c in enumerate(CLASSES[:KINDS])}
    )
    return tenant


def starts():
    minutes = [NOW - n * MINUTE for n in range(90)]
    fives = [NOW - cal.FINE - n * 5 * MINUTE for n in range(72)]
    hours = [NOW - cal.MIDDLE - n * 60 * MINUTE for n in range(138)]
    return sorted({*minutes, *fives, *hours})


def fill(rng, tenant, start, mails):
    ledger = tenant.ledger
    bucket = ledger.buckets[start] = Bucket()
    ledger.starts.append(start)
    mails *= 60 if NOW - start > cal.MIDDLE else 5 if NOW - start > cal.FINE else 1
    for name in ledger.tracked:
        taken = round(mails / len(ledger.tracked) * rng.uniform(0.5, 1.5))
        bucket.of[name] = [taken, 0]
        bucket.by_mx += taken
    bucket.submitted = bucket.by_mx + rng.randrange(9)


def take_sides(rng, channel, names):
    for _ in range(cal.CUSTOMERS_KEPT):
        bucket = NOW - rng.randrange(60) * MINUTE
        customer, where = rng.randrange(2**32), rng.choice(names)
        channel.fail(bucket, 1, 30, NOW)
        channel.vote(customer, Voice(bucket, rng.choice(CLASSES), where, where))
        host = f"app{rng.randrange(KEPT)}.of-{channel.name}.example"
        channel.fleet.fail(host, bucket, rng.randrange(1, 99), by_session=True)
    for _ in range(cal.CHRONICS_KEPT):
        old = RuledOut(3, NOW - rng.randrange(9_999) * MINUTE)
        channel.ruled_out[rng.randrange(2**32)] = old
