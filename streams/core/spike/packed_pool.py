"""A provider's mail over all tenants as bytes, and back."""

from collections import Counter

from streams.core.failure import FailureClass
from streams.core.spike import calibration as cal
from streams.core.spike.packed import load_sample, pack_sample, to_class
from streams.core.spike.packing import Names, Packer, Unpacker
from streams.core.spike.pool import Pool, Voice

VOICES_KNOWN = 3
"""First version of the snapshots that say with what each customer fails."""
SAMPLES_KNOWN = 4
"""First version that keeps what servers said."""


def pack_pool(body: Packer, pool: Pool, names: Names) -> None:
    """Append a pool."""
    body.real(pool.goods, pool.votes)
    body.natural(pool.news)
    body.maybe(pool.matured_until)
    body.integer(pool.check_at)
    minutes = sorted(pool.minutes)
    body.ascending(minutes, cal.MINUTE)
    for minute in minutes:
        for count in pool.minutes[minute]:
            body.integer(count)
    body.natural(len(pool.voices))
    for (tenant_id, customer), (minute, failure_class) in pool.voices.items():
        body.natural(names.number(tenant_id))
        body.natural(customer)
        body.natural(minute // cal.MINUTE)
        body.natural(names.number(failure_class))
    body.natural(len(pool.samples))
    for sample in pool.samples:
        pack_sample(body, sample)
    body.natural(len(pool.operators))
    for operator, customers in pool.operators.items():
        body.natural(names.number(operator))
        body.natural(customers)


def load_pool(source: Unpacker, names: list[str], version: int) -> Pool:
    """Read a pool, as a snapshot of this version has it."""
    pool = Pool()
    pool.goods, pool.votes = source.real(), source.real()
    pool.news, pool.matured_until = source.natural(), source.maybe()
    pool.check_at = source.integer()
    minutes = list(source.ascending(cal.MINUTE))
    for minute in minutes:
        pool.minutes[minute] = [source.integer() for _ in range(3)]
    for _ in source.times():
        voter = names[source.natural()], source.natural()
        minute, cause = source.natural() * cal.MINUTE, FailureClass.UNKNOWN
        if version >= VOICES_KNOWN:
            cause = to_class(names[source.natural()])
        pool.voices[voter] = Voice(minute, cause)
    for _ in source.times() if version >= SAMPLES_KNOWN else ():
        pool.samples.append(load_sample(source))
    for _ in source.times():
        operator = names[source.natural()]
        pool.operators[operator] = source.natural()
    if version < VOICES_KNOWN:
        _load_causes(source, pool, names)
    return pool


def _load_causes(source: Unpacker, pool: Pool, names: list[str]) -> None:
    """Read the causes of all customers of a pool; whose is whose is not known."""
    causes: Counter[FailureClass] = Counter()
    for _ in source.times():
        cause = to_class(names[source.natural()])
        causes[cause] = source.natural()
    for voter, one in zip(list(pool.voices), causes.elements(), strict=False):
        pool.voices[voter] = pool.voices[voter]._replace(failure_class=one)
