"""How soon on-call reads how far an incident has grown, and how often."""

from itertools import pairwise

from streams.core.activity import MINUTE, Activity, Hop, Trial
from streams.core.failure import FailureClass
from streams.core.instant import Instant
from streams.core.spike import calibration as cal
from streams.core.spike.detector import step, wake_at
from streams.core.spike.growth import has_grown, tell_at
from streams.core.spike.incident import Turn
from streams.core.spike.rollup import Rollup
from streams.core.spike.tenant import Tenant
from streams.core.spike.word import Digest

START = Instant(1_767_571_200_000)
SECOND = 1_000


class Mail:
    """A tenant that has worked for hours, and whose password then expires."""

    def __init__(self, name="t-1"):
        self.tenant = Tenant(name, START)
        self.now = START
        self.told = []
        self.customers = 0
        for _ in range(180):
            self.hear(MINUTE, good=8)

    def hear(self, after, good=0, bad=0):
        self.now = Instant(self.now + after)
        activity = Activity()
        for _ in range(good):
            activity.accept(self.now, self.now, "google", Hop.MX)
        for _ in range(bad):
            self.customers += 1
            activity.add(failure(self.now, f"c-{self.customers}"))
        return self.take(activity)

    def take(self, activity):
        word = step(self.tenant, activity, self.now)
        self.told += word.verdicts
        return word

    def wake(self):
        self.now = wake_at(self.tenant)
        return self.take(None)

    def figures(self):
        return [verdict.figures.customers for verdict in self.told]


def failure(now, customer):
    return Trial(
        arrived_at=now,
        at=now,
        tried_at=now,
        customer=customer,
        provider="google",
        hop=Hop.SUBMISSION,
        reported=False,
        attempt=1,
        final=True,
        failure_class=FailureClass.SUBMISSION_AUTH_FAILED,
        known=True,
        counted=None,
    )


def test_growth_is_told_a_minute_after_the_opening_although_nothing_fails_any_more():
    mail = Mail()
    mail.hear(MINUTE, bad=7)
    mail.hear(MINUTE, bad=1)
    assert mail.figures() == [8]
    mail.hear(SECOND, bad=50)
    assert mail.figures() == [8]
    opened_at = mail.now - SECOND
    mail.wake()
    assert mail.now == opened_at + cal.TELL_SOON
    assert mail.figures() == [8, 58]
    assert [one.turn for one in mail.told] == [Turn.OPENED, Turn.CHANGED]


def test_a_fault_that_grows_for_an_hour_is_told_after_longer_and_longer_pauses():
    mail = Mail()
    for _ in range(6 * 60):
        mail.hear(10 * SECOND, bad=1)
    at = [verdict.incident.told_at for verdict in mail.told]
    pauses = [later - sooner for sooner, later in pairwise(at)]
    assert MINUTE <= pauses[0] < 2 * MINUTE
    assert pauses == sorted(pauses)
    assert len(mail.told) <= 9
    figures = mail.figures()
    assert figures == sorted(figures)
    assert figures[-1] == cal.CUSTOMERS_KEPT


def test_a_fault_that_does_not_grow_is_told_every_quarter_of_an_hour():
    mail = Mail()
    mail.hear(MINUTE, bad=8)
    mail.hear(MINUTE, bad=1)
    for _ in range(40):
        mail.customers = 0  # the same customer again and again
        mail.hear(MINUTE, bad=1)
    assert mail.figures() == [9, 9, 9]


def test_what_waits_to_be_told_is_said_once():
    mail = Mail()
    mail.hear(MINUTE, bad=7)
    mail.hear(MINUTE, bad=1)
    mail.hear(SECOND, bad=50)
    mail.wake()
    for _ in range(5):
        mail.wake()
    assert mail.figures() == [8, 58]


def test_growth_is_ten_more_or_twice_as_many():
    assert has_grown(3, 6)
    assert not has_grown(3, 5)
    assert has_grown(40, 50)
    assert not has_grown(40, 49)


def test_the_pause_before_growth_is_told_is_never_longer_than_a_quarter_of_an_hour():
    told_at = Instant(START + 10 * 60 * MINUTE)
    assert tell_at(START, told_at, 10, 60) == told_at + cal.TELL_EVERY
    assert tell_at(START, told_at, 10, 11) == told_at + 200 * MINUTE


def test_a_fault_of_many_tenants_says_how_many_customers_it_has_by_now():
    rollup, alerts = Rollup(), []
    mails = [Mail(f"t-{number}") for number in range(8)]
    for _ in range(30):
        digest = Digest()
        for mail in mails:
            digest.add(mail.hear(MINUTE, bad=3), None)
        alerts += rollup.step([digest], mails[0].now)
    (key,) = {a.key for a in alerts if a.severity == "critical"}
    told = [(a.at, a.customers) for a in alerts if a.key == key]
    figures = [customers for _, customers in told]
    assert figures == sorted(figures)
    assert figures[-1] >= 5 * figures[0]
    assert told[1][0] - told[0][0] <= 2 * MINUTE
    assert len(told) <= 7


def test_a_fault_of_many_tenants_that_is_silent_says_nothing_more():
    rollup, alerts = Rollup(), []
    mails = [Mail(f"t-{number}") for number in range(8)]
    for _ in range(5):
        digest = Digest()
        for mail in mails:
            digest.add(mail.hear(MINUTE, bad=3), None)
        alerts += rollup.step([digest], mails[0].now)
    later = [Instant(mails[0].now + n * MINUTE) for n in range(1, 90)]
    said = [one.at for at in later for one in rollup.step((), at)]
    assert len(said) <= 1  # what failed after it was last told of
