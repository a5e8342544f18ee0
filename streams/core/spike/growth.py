"""When what was told of an open incident is no longer how bad it is.

Opening says how many had failed by then, which is as few as it takes; the pauses
before more is told double, so that a fault that grows is never a storm of words.
"""

from streams.core.instant import Instant
from streams.core.spike import calibration as cal


def tell_at(opened_at: Instant, told_at: Instant, told: int, now_hit: int) -> Instant:
    """Answer when figures that have changed are to be told.

    Args:
        opened_at: of the incident.
        told_at: when its figures were last told.
        told: how many customers, or tenants, these said.
        now_hit: how many there are now.
    """
    if has_grown(told, now_hit):
        pause = max(cal.TELL_SOON, told_at - opened_at)
        return Instant(told_at + min(pause, cal.TELL_EVERY))
    # TELL_PART of its age will have passed after this part of its age when last told.
    part = (told_at - opened_at) // (cal.TELL_PART - 1)
    return Instant(told_at + max(cal.TELL_EVERY, part))


def has_grown(told: int, now_hit: int) -> bool:
    """Say whether so many more are hit that the figures mislead."""
    return now_hit >= told + cal.TELL_GROWN or now_hit >= 2 * max(1, told)
