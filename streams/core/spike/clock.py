"""How far a tenant's own clock is behind, so that a wrong one hides no incident.

The least time from an attempt to its arrival is near zero while the clock is right,
however late a backlog is; a clock that is behind shows in every single attempt.
"""

from streams.core.activity import Activity, heavier
from streams.core.spike import calibration as cal


class Clock:
    """The least lags of the last two periods in which anything was heard."""

    __slots__ = ("before", "began", "lately", "steady_since")

    def __init__(self) -> None:
        """Start with nothing known of it."""
        self.before: int | None = None
        """Of the period before, in milliseconds ..."""
        self.lately: int | None = None
        """... and of this one, which ..."""
        self.began = 0
        """... began then: periods are of mail, so that a pause ends none."""
        self.steady_since = 0
        """When the least lag last fell: that of a backlog falls until it is gone."""

    @property
    def least(self) -> int | None:
        """Answer the least lag of both periods; None while nothing was heard."""
        if self.lately is None or self.before is None:
            return self.lately
        return min(self.lately, self.before)

    def hear(self, lag: int, now: int) -> None:
        """Take in the least lag of a batch's attempts."""
        known = self.least
        if self.lately is None or now - self.began >= cal.CLOCK_PERIOD:
            self.before, self.lately, self.began = self.lately, lag, now
        else:
            self.lately = min(self.lately, lag)
        if known is None or lag < known - cal.CLOCK_SLACK:
            self.steady_since = now

    def behind(self, now: int) -> int:
        """Answer by how many whole minutes it is behind, in milliseconds."""
        least = self.least
        if least is None or least < cal.CLOCK_SLACK:
            return 0
        if now - self.steady_since < cal.CLOCK_STEADY:
            return 0
        return least - least % cal.MINUTE


def date(activity: Activity, behind: int, now: int) -> None:
    """Date a batch's mail as a right clock would have; what is too old goes.

    Args:
        activity: what happened.
        behind: whole minutes by which the clock is behind, in milliseconds.
        now: no mail is dated after this.
    """
    passed, failed = activity.passed, activity.failed
    oldest = now - now % cal.MINUTE - cal.KEEP - behind
    young = not passed or min(passed)[0] >= oldest
    if not behind and young and (not failed or min(failed).minute >= oldest):
        return

    def right(minute: int) -> int:
        return max(minute, min(minute + behind, now - now % cal.MINUTE))

    activity.passed, activity.failed = {}, {}
    for (minute, provider), counts in passed.items():
        if minute >= oldest:
            mine = activity.passed.setdefault((right(minute), provider), [0, 0, 0])
            for i, count in enumerate(counts):
                mine[i] += count
    for key, weighed in failed.items():
        if key.minute >= oldest:
            to = key._replace(minute=right(key.minute))
            activity.failed[to] = heavier(activity.failed.get(to), weighed)
    for host, places in activity.delivered.items():
        dated = {p: right(m) for p, m in places.items() if m >= oldest}
        activity.delivered[host] = dated
