"""When an open incident need not be looked at: in silence each look finds the same.

Mail that is heard of wakes a tenant anyway. What time alone can change is how sure
it is that a relay's mail has not bounced, which mail is old enough to be asked, and
what fades once a day.
"""

from streams.core.spike import calibration as cal
from streams.core.spike.channel import Channel
from streams.core.spike.recovery import asked_until
from streams.core.spike.scope import growth_told_at
from streams.core.spike.tenant import Tenant

_MATURE = cal.LAG_EDGES[-1] * cal.SECOND


def next_look(tenant: Tenant) -> int:
    """Answer when the next look at open incidents may find something else.

    Looks stay on their beat, whether or not those between are taken.
    """
    beat = tenant.now + cal.RIPEN
    if not _rests(tenant):
        return beat
    quiet = [c.last for c in tenant.providers.values() if c.incident is None]
    dropped = min(quiet, default=tenant.now + cal.DAY) + cal.QUIET_CHANNEL + 1
    change = min(dropped, (tenant.day + 1) * cal.DAY)
    return beat + max(0, -(-(change - beat) // cal.RIPEN)) * cal.RIPEN


def passed_look(tenant: Tenant, until: int) -> int | None:
    """Answer the last look up to `until` that was left out; None for none."""
    if until < tenant.now + cal.RIPEN or not _looks(tenant):
        return None
    last = min(until, next_look(tenant) - 1)
    beats = (last - tenant.now) // cal.RIPEN
    return tenant.now + beats * cal.RIPEN if beats > 0 else None


def _looks(tenant: Tenant) -> bool:
    """Say whether an open incident is waiting for mail that goes through again."""
    return any(c.incident and c.recovered_at is None for c in tenant.channels())


def _rests(tenant: Tenant) -> bool:
    """Say whether a look has just been taken, and time alone changes nothing in it."""
    if tenant.check_at != tenant.now + cal.CHECK_EVERY:
        return False
    return all(_settled(tenant, c) for c in tenant.channels() if c.incident is not None)


def _settled(tenant: Tenant, channel: Channel) -> bool:
    """Say whether all mail that an incident is judged by has had time to bounce."""
    if growth_told_at(channel) is not None:
        return False
    starts = tenant.ledger.starts
    if starts and starts[-1] > asked_until(tenant, channel):
        return False
    ripening = (
        tenant.ledger.buckets[start].by_relay
        for start in tenant.ledger.since(channel.strong.since)
        if tenant.now - start <= _MATURE
    )
    return channel is tenant.submission or not any(ripening)
