"""A clock that is behind hides no incident, and no backlog is taken for one."""

import pytest

from streams.core.activity import MINUTE, Activity, Failed, Hop, Trial, Weighed
from streams.core.failure import FailureClass
from streams.core.instant import Instant
from streams.core.spike import calibration as cal
from streams.core.spike.clock import Clock, date
from streams.core.spike.detector import step
from streams.core.spike.incident import Turn
from streams.core.spike.tenant import Tenant

START = Instant(1_767_571_200_000)
AUTH = FailureClass.SUBMISSION_AUTH_FAILED
MINUTES = cal.CLOCK_STEADY // MINUTE


def clock(*lags, every=MINUTE):
    """Answer a clock that heard these lags, and when it heard the last."""
    made, now = Clock(), START
    for lag in lags:
        now += every
        made.hear(lag, now)
    return made, now


def failed(customer, now, tried):
    return Trial(
        arrived_at=Instant(now),
        at=Instant(tried),
        tried_at=Instant(tried),
        customer=customer,
        provider="google",
        hop=Hop.SUBMISSION,
        reported=False,
        attempt=1,
        final=True,
        failure_class=AUTH,
        known=True,
        counted=None,
    )


class Sender:
    """A tenant's mail, whose times are what its own clock says."""

    def __init__(self):
        self.tenant, self.now, self.said = Tenant("t-1", START), START, []

    def minutes(self, count, *, lag=0, bad=False, each=3):
        for _ in range(count):
            self.now += MINUTE
            activity = Activity()
            for n in range(each):
                if bad:
                    said = f"c-{self.now}-{n}", self.now, self.now - lag
                    activity.add(failed(*said))
                else:
                    activity.accept(self.now, self.now - lag, "google", Hop.SUBMISSION)
            self.said += step(self.tenant, activity, Instant(self.now)).verdicts
        return [v for v in self.said if v.turn is Turn.OPENED]


@pytest.mark.parametrize("lag", [90 * MINUTE, 2 * cal.HOUR, 30 * cal.DAY])
def test_a_clock_that_is_behind_hides_no_incident(lag):
    sender = Sender()
    sender.minutes(180, lag=lag)
    (opened,) = sender.minutes(4, lag=lag, bad=True)
    assert opened.incident.cause is AUTH
    assert sender.now - opened.incident.since <= 5 * MINUTE


@pytest.mark.parametrize("lag", [2 * cal.HOUR, 5 * cal.DAY])
def test_a_backlog_of_failures_among_mail_of_now_opens_nothing(lag):
    sender = Sender()
    sender.minutes(180)
    for _ in range(20):
        sender.minutes(1)
        sender.minutes(1, lag=lag, bad=True)
    assert sender.minutes(20) == []


def test_a_backlog_after_a_pause_of_days_opens_nothing():
    sender = Sender()
    sender.minutes(180)
    sender.now += 3 * cal.DAY
    assert sender.minutes(120, lag=2 * cal.DAY, bad=True) == []


def test_old_mail_that_is_read_in_one_go_opens_nothing():
    sender = Sender()
    for hour in range(150):
        old = (150 - hour) * cal.HOUR
        opened = sender.minutes(1, lag=old, bad=100 < hour < 130, each=8)
    assert opened == []


def test_a_clock_that_was_set_right_is_believed_at_once():
    sender = Sender()
    sender.minutes(180, lag=2 * cal.HOUR)
    sender.minutes(1)
    assert sender.tenant.clock.behind(sender.now) == 0
    assert sender.minutes(4, bad=True)


def test_a_clock_that_falls_behind_is_known_after_two_periods_at_most():
    sender = Sender()
    sender.minutes(60)
    sender.minutes(2 * cal.CLOCK_PERIOD // MINUTE, lag=2 * cal.HOUR, each=1)
    assert sender.tenant.clock.behind(sender.now) == 2 * cal.HOUR


def test_a_lag_below_the_slack_is_none():
    heard, now = clock(*[cal.CLOCK_SLACK - 1] * (MINUTES + 2))
    assert heard.behind(now) == 0


def test_a_lag_is_an_error_once_it_is_steady():
    lag = 30 * MINUTE + 17
    heard, now = clock(*[lag] * MINUTES)
    assert heard.behind(now) == 0
    heard, now = clock(*[lag] * (MINUTES + 1))
    assert heard.behind(now) == 30 * MINUTE


def test_periods_are_of_mail_so_that_a_pause_makes_no_error():
    heard, now = clock(0, 0)
    heard.hear(cal.DAY, now + cal.DAY)
    assert heard.behind(now + 2 * cal.DAY) == 0


def activity_at(*minutes):
    made = Activity()
    for minute in minutes:
        made.passed[minute, "google"] = [1, 1, 0]
        made.failed[Failed(minute, Hop.MX, "google", AUTH, 7)] = Weighed(1.0, 1, 0)
    return made


def test_mail_of_more_than_six_days_ago_is_dropped():
    made = activity_at(START, START - cal.KEEP, START - cal.KEEP - MINUTE)
    date(made, 0, START)
    kept = [START, START - cal.KEEP]
    assert [minute for minute, _ in made.passed] == kept
    assert [key.minute for key in made.failed] == kept


def test_mail_is_dated_later_but_never_after_now():
    made = activity_at(START - 60 * MINUTE, START - 3 * MINUTE, START - 2 * MINUTE)
    date(made, 10 * MINUTE, START)
    assert made.passed == {
        (START - 50 * MINUTE, "google"): [1, 1, 0],
        (START, "google"): [2, 2, 0],
    }
    assert [weighed.trials for weighed in made.failed.values()] == [1, 2]


def test_deliveries_are_dated_as_the_mail_that_they_are_of():
    made = Activity()
    for host, tried in (("new", START - 20 * MINUTE), ("old", START - 2 * cal.KEEP)):
        made.accept(START, tried, "google", Hop.MX, host)
    date(made, 10 * MINUTE, START)
    assert made.delivered == {"new": {"google": START - 10 * MINUTE}, "old": {}}
