"""The real bounces: what each shows, and each again for another message.

Postfix wrote them (`tools/bounces`); a demo needs more of them than there are, for
its own tenants and days. Only names, ids and dates are replaced.
"""

import re
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import orjson

from streams.core.instant import Instant, from_datetime, to_datetime

_BOUNCES = files("streams.demo") / "bounces"
_DATE = re.compile(
    rb"[A-Z][a-z]{2}, [ 0-3]\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d \+0000(?: \(UTC\))?"
)


class Told(NamedTuple):
    """What a report says about one recipient, and what is right about it."""

    address: str
    """Whom the mail was sent to."""
    final_recipient: str
    action: str
    status: str
    failure_class: str | None
    side: str | None


class Bounce(NamedTuple):
    """One real report."""

    file: str
    """Name after what it shows."""
    shows: str
    kind: str
    tenant_id: str
    message_id: str
    envelope_id: str | None
    reporting_mta: str
    arrived_at: Instant
    """When the mail that it is about reached the reporting server."""
    reported_at: Instant
    recipients: tuple[Told, ...]

    @property
    def raw(self) -> bytes:
        """The report as it came (RFC 5322)."""
        return _read(self.file)

    @property
    def movable(self) -> bool:
        """Whether it can be made to be about somebody else.

        The name of a host that is not derived from the address tells whom it was
        about, and so does an address outside ASCII.
        """
        told = self.recipients[0]
        return (
            len(self.recipients) == 1
            and told.address == told.final_recipient
            and told.address.isascii()
            and told.address in (self.envelope_id or "")
        )


class Stand(NamedTuple):
    """The message that a report is made to be about."""

    tenant_id: str
    address: str
    message_id: str
    sent_at: Instant
    reported_at: Instant


@cache
def bounces() -> tuple[Bounce, ...]:
    """Answer all reports, in the order of their names."""
    rows: list[dict[str, Any]] = orjson.loads(_read("index.json"))
    return tuple(_bounce(row) for row in rows)


def bounce(file: str) -> Bounce:
    """Answer the report of a name, without the ending."""
    return next(b for b in bounces() if b.file == f"{file}.eml")


def retold(told: Bounce, stand: Stand) -> bytes:
    """Answer a report as it would have come about another message.

    What stands before `Reporting-MTA` was written when the report was made; the
    rest tells of the mail that came.
    """
    local, _, domain = stand.address.rpartition("@")
    old_local, _, old_domain = told.recipients[0].address.rpartition("@")
    old_number, _, old_tenant = told.message_id.partition("@")
    number, _, tenant = stand.message_id.partition("@")
    changes = {
        told.recipients[0].address: stand.address,
        old_domain: domain,
        f'"{old_local}"': f'"{local}"',
        told.message_id: stand.message_id,
        f"bounces+{old_number}@": f"bounces+{number}@",
        old_tenant: tenant,
        f"{told.tenant_id}/": f"{stand.tenant_id}/",
        _title(told.tenant_id): _title(stand.tenant_id),
        f"statement {_digits(old_number)}": f"statement {_digits(number)}",
    }
    raw = told.raw
    pattern = b"|".join(
        re.escape(old.encode()) for old in sorted(changes, key=len, reverse=True)
    )
    by_old = {old.encode(): new.encode() for old, new in changes.items()}
    raw = re.sub(pattern, lambda m: by_old[m[0]], raw)
    return _dated(raw, told, stand.sent_at, stand.reported_at)


def redated(told: Bounce, sent_at: Instant, reported_at: Instant) -> bytes:
    """Answer a report as it would have come on another day."""
    return _dated(told.raw, told, sent_at, reported_at)


def _dated(raw: bytes, told: Bounce, sent_at: Instant, reported_at: Instant) -> bytes:
    head, mark, rest = raw.partition(b"\nReporting-MTA:")
    head = _shifted(head, reported_at - told.reported_at)
    return head + mark + _shifted(rest, sent_at - told.arrived_at)


def _shifted(text: bytes, by: int) -> bytes:
    def shift(match: re.Match[bytes]) -> bytes:
        old = parsedate_to_datetime(match[0].decode())
        new = to_datetime(Instant(from_datetime(old.astimezone(UTC)) + by))
        ending = match[0].partition(b"+0000")[2].decode()
        return f"{format_datetime(new)}{ending}".encode()

    return _DATE.sub(shift, text)


def _title(tenant_id: str) -> str:
    return tenant_id.replace("-", " ").title()


def _digits(number: str) -> str:
    return number.rpartition("-")[2]


def _read(name: str) -> bytes:
    return (_BOUNCES / name).read_bytes()


def _instant(date: str) -> Instant:
    moment: datetime = parsedate_to_datetime(date)
    return from_datetime(moment.astimezone(UTC))


def _bounce(row: dict[str, Any]) -> Bounce:
    return Bounce(
        file=row["file"],
        shows=row["shows"],
        kind=row["kind"],
        tenant_id=row["tenant_id"],
        message_id=row["message_id"],
        envelope_id=row["envelope_id"],
        reporting_mta=row["reporting_mta"],
        arrived_at=_instant(row["arrival_date"]),
        reported_at=_instant(row["date"]),
        recipients=tuple(
            Told(
                each["address"],
                each["final_recipient"],
                each["action"],
                each["status"],
                each["class"],
                each["side"],
            )
            for each in row["recipients"]
        ),
    )
