"""The good mails of a tenant as a part of a snapshot, column by column.

They are most of a large tenant's state, and the numbers of one column are alike:
compression halves them, and writing them takes a call a column.
"""

from collections import defaultdict

from streams.core.spike import calibration as cal
from streams.core.spike.ledger import Bucket, Ledger
from streams.core.spike.packing import Names, Packer, Unpacker


def pack_ledger(body: Packer, ledger: Ledger, names: Names) -> None:
    """Write the buckets and which providers are counted."""
    body.natural(len(ledger.tracked))
    for name, since in ledger.tracked.items():
        body.natural(names.number(name))
        body.integer(since)
    body.natural(len(ledger.starts))
    buckets = [ledger.buckets[start] for start in ledger.starts]
    body.column(_steps([start // cal.MINUTE for start in ledger.starts]))
    body.column([bucket.by_mx for bucket in buckets])
    body.column([bucket.by_relay for bucket in buckets])
    body.column([b.submitted - b.by_mx - b.by_relay for b in buckets])
    rows: defaultdict[str, list[int]] = defaultdict(list)
    for number, bucket in enumerate(buckets):
        for name, counts in bucket.of.items():
            row = rows[name]
            row.append(number)
            row += counts
    body.natural(len(rows))
    for name, row in sorted(rows.items()):
        numbers = row[::3]
        body.natural(names.number(name))
        body.natural(len(numbers))
        body.column(_steps(numbers))
        body.column(row[1::3])
        body.column(row[2::3])


def load_ledger(source: Unpacker, names: list[str]) -> Ledger:
    """Read the buckets and which providers are counted."""
    ledger = Ledger()
    for _ in source.times():
        name = names[source.natural()]
        ledger.tracked[name] = source.integer()
    count = source.natural()
    ledger.starts = [at * cal.MINUTE for at in _sums(source.column(count))]
    columns = [source.column(count) for _ in range(3)]
    rows = zip(ledger.starts, *columns, strict=True)
    for start, by_mx, by_relay, more in rows:
        bucket = ledger.buckets[start] = Bucket()
        bucket.by_mx, bucket.by_relay = by_mx, by_relay
        bucket.submitted = by_mx + by_relay + more
    for _ in source.times():
        name, count = names[source.natural()], source.natural()
        numbers = _sums(source.column(count))
        by_mx, by_relay = source.column(count), source.column(count)
        for number, *counts in zip(numbers, by_mx, by_relay, strict=True):
            ledger.buckets[ledger.starts[number]].of[name] = counts
    return ledger


def load_ledger_by_row(source: Unpacker, names: list[str]) -> Ledger:
    """Read what snapshots before `snapshot.COLUMNS` say, bucket by bucket."""
    ledger = Ledger()
    for _ in source.times():
        name = names[source.natural()]
        ledger.tracked[name] = source.integer()
    ledger.starts = list(source.ascending(cal.MINUTE))
    for start in ledger.starts:
        bucket = ledger.buckets[start] = Bucket()
        bucket.submitted = source.integer()
        bucket.by_mx, bucket.by_relay = source.integer(), source.integer()
        for _ in source.times():
            name = names[source.natural()]
            bucket.of[name] = [source.integer(), source.integer()]
    return ledger


def _steps(numbers: list[int]) -> list[int]:
    """Answer the first number, and each other as what it adds to the one before."""
    return [b - a for a, b in zip([0, *numbers], numbers, strict=False)]


def _sums(steps: tuple[int, ...]) -> list[int]:
    total, numbers = 0, []
    for step in steps:
        total += step
        numbers.append(total)
    return numbers
