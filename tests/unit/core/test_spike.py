"""When many customers of a tenant newly fail, and when it is over."""

import pytest

from streams.core.activity import MINUTE, Activity, Hop, Trial
from streams.core.failure import FailureClass
from streams.core.instant import Instant
from streams.core.spike.calibration import DAY, RIPEN
from streams.core.spike.detector import step, wake_at
from streams.core.spike.incident import Scope, Turn
from streams.core.spike.rollup import Rollup
from streams.core.spike.snapshot import dump, load
from streams.core.spike.tenant import Tenant
from streams.core.spike.word import Digest

START = Instant(1_767_571_200_000)
HOUR = 60 * MINUTE
AUTH = FailureClass.SUBMISSION_AUTH_FAILED
PROVIDERS = ("google", "microsoft", "yahoo", "isp.test")


class World:
    """A tenant's minutes; remembers what was said."""

    def __init__(self):
        self.tenant = Tenant("t-1", START)
        self.now = START
        self.said = []

    def minute(self, good=0, bad=0, **trial):
        self.now = Instant(self.now + MINUTE)
        activity = Activity()
        for n in range(good):
            activity.accept(self.now, self.now, PROVIDERS[n % 4], Hop.MX)
        for n in range(bad):
            activity.add(failure(self.now, f"c-{self.now}-{n}", **trial))
        word = step(self.tenant, activity, self.now)
        self.said += word.verdicts
        return word

    def turns(self):
        return [v.turn for v in self.said if v.turn is not Turn.CHANGED]


def failure(now, customer, **changes):
    given = {
        "hop": Hop.SUBMISSION,
        "failure_class": AUTH,
        "provider": "google",
        "known": True,
        "at": now,
        "tried_at": now,
    }
    given |= changes
    return Trial(
        arrived_at=now,
        customer=customer,
        reported=False,
        attempt=1,
        final=True,
        counted=None,
        **given,
    )


@pytest.fixture
def world():
    one = World()
    for _ in range(180):
        one.minute(good=8)
    return one


def test_an_expired_password_is_an_incident_of_the_tenant_within_two_minutes(world):
    for _ in range(3):
        world.minute(bad=8)
    (verdict,) = [v for v in world.said if v.turn is Turn.OPENED]
    assert verdict.incident.cause is AUTH
    assert verdict.incident.scope is Scope.TENANT
    assert verdict.incident.hop is Hop.SUBMISSION


def test_it_is_over_when_mail_has_gone_through_for_a_while(world):
    for _ in range(10):
        world.minute(bad=8)
    for _ in range(40):
        world.minute(good=8)
    assert world.turns() == [Turn.OPENED, Turn.RESOLVED]


def test_what_fails_no_more_than_in_ordinary_life_keeps_no_incident_open(world):
    spam = {"hop": Hop.MX, "failure_class": FailureClass.SPAM_CONTENT}

    def mail(minutes, *, good, every):
        for minute in range(minutes):
            where = PROVIDERS[minute // every % len(PROVIDERS)]
            world.minute(good=good, bad=minute % every == 0, provider=where, **spam)

    mail(600, good=8, every=6)
    mail(8, good=0, every=1)
    assert world.turns() == [Turn.OPENED]
    mail(400, good=8, every=6)
    assert world.turns() == [Turn.OPENED, Turn.RESOLVED]


def test_a_slip_does_not_add_up_with_an_outage_that_is_long_over():
    small = World()
    for _ in range(400):
        small.now = Instant(small.now + 8 * MINUTE)
        small.minute(good=1)
    ended = small.now
    backlog = Activity()
    for n in range(18):
        tried = Instant(ended - 6 * HOUR - n * 10 * MINUTE)
        backlog.add(failure(small.now, f"b-{n}", tried_at=tried, at=tried))
    small.said += step(small.tenant, backlog, small.now).verdicts
    for _ in range(20):
        small.now = Instant(small.now + 4 * MINUTE)
        small.minute(good=1)
    small.minute(bad=1)
    small.said += step(small.tenant, None, Instant(small.now + 30 * MINUTE)).verdicts
    assert small.turns() == []


def test_what_comes_and_goes_is_over_twice_at_most(world):
    for _ in range(8):
        for _ in range(10):
            world.minute(bad=8)
        for _ in range(30):
            world.minute(good=8)
    for _ in range(45):
        world.minute(good=8)
    assert world.turns() == [Turn.OPENED, Turn.RESOLVED] * 2


def test_silence_resolves_nothing(world):
    for _ in range(10):
        world.minute(bad=8)
    world.now = Instant(world.now + 12 * HOUR)
    world.said += step(world.tenant, None, world.now).verdicts
    assert world.turns() == [Turn.OPENED]


def test_one_noisy_customer_pages_nobody(world):
    for _ in range(60):
        now = Instant(world.now + MINUTE)
        world.now = now
        activity = Activity()
        activity.add(failure(now, "the-same"))
        world.said += step(world.tenant, activity, now).verdicts
    assert world.said == []


def test_three_customers_with_three_causes_are_three_troubles(world):
    for kind in (AUTH, FailureClass.RELAY_DENIED, FailureClass.SENDER_REJECTED):
        world.minute(bad=1, failure_class=kind)
    for _ in range(3):
        world.minute(good=1)
    assert world.said == []


def test_an_answer_of_our_relay_that_nobody_knows_may_have_any_cause(world):
    denied = FailureClass.RELAY_DENIED
    for kind in (FailureClass.UNKNOWN, denied, denied):
        world.minute(bad=1, failure_class=kind)
    world.minute()
    (verdict,) = world.said
    assert verdict.incident.cause is denied


def test_a_provider_that_refuses_is_named(world):
    blocked = {"hop": Hop.MX, "failure_class": FailureClass.SENDER_BLOCKED}
    for _ in range(8):
        now = Instant(world.now + MINUTE)
        world.now = now
        activity = Activity()
        for n in range(6):
            activity.accept(now, now, PROVIDERS[1 + n % 3], Hop.MX)
        for n in range(3):
            activity.add(failure(now, f"g-{now}-{n}", **blocked))
        world.said += step(world.tenant, activity, now).verdicts
    assert {v.incident.provider for v in world.said} == {"google"}
    assert {v.incident.scope for v in world.said} == {Scope.PROVIDER}


def test_a_restored_tenant_decides_as_one_that_was_never_put_away(world):
    world.minute(bad=2)
    packed = dump(world.tenant)
    restored = World()
    restored.tenant, restored.now = load(packed), world.now
    assert dump(restored.tenant) == packed
    world.said = []
    for one in (world, restored):
        for _ in range(5):
            one.minute(bad=8)
    assert restored.said == world.said
    assert world.turns() == [Turn.OPENED]


def test_what_our_own_broken_relay_says_in_the_name_of_others_is_no_second_incident(
    world,
):
    said = {"hop": Hop.MX, "failure_class": FailureClass.POLICY_REJECTED}
    for _ in range(30):
        world.minute(bad=8)
        world.minute(bad=1, **said)
    for _ in range(60):
        world.minute(good=8)
    assert world.turns() == [Turn.OPENED, Turn.RESOLVED]


def test_a_block_behind_one_broken_host_of_four_is_an_incident_of_its_own(world):
    blocked = {"hop": Hop.MX, "failure_class": FailureClass.SENDER_BLOCKED}
    for _ in range(10):
        world.minute(good=6, bad=2)
    for _ in range(10):
        world.minute(good=3, bad=2)
        world.minute(good=1, bad=3, **blocked)
    assert world.turns() == [Turn.OPENED, Turn.OPENED]
    hops = [v.incident.hop for v in world.said if v.turn is Turn.OPENED]
    assert hops == [Hop.SUBMISSION, Hop.MX]


def small():
    """Answer a tenant that has sent 20 mails a day for two weeks."""
    one = World()
    for _ in range(14 * 20):
        one.now = Instant(one.now + HOUR)
        one.minute(good=1)
    one.said.clear()
    return one


def test_a_small_tenant_with_one_broken_host_of_six_waits_for_four_customers():
    one = small()
    for _ in range(4):
        one.now = Instant(one.now + 6 * HOUR)
        one.minute(good=5)
        one.minute(bad=1)
    assert [verdict.turn for verdict in one.said] == [Turn.OPENED]


def test_three_slips_in_a_week_page_no_small_tenant():
    one = small()
    for _ in range(6):
        one.minute(bad=1)
        for _ in range(40):
            one.now = Instant(one.now + HOUR)
            one.minute(good=1)
    assert one.said == []


def test_many_tenants_with_one_fault_are_one_page():
    rollup, alerts = Rollup(), []
    worlds = [World() for _ in range(8)]
    for n, one in enumerate(worlds):
        one.tenant.id = f"t-{n}"
    for minute in range(70):
        digest = Digest()
        for one in worlds:
            broken = minute >= 60
            word = one.minute(good=0 if broken else 5, bad=5 * broken)
            digest.add(word, None)
        alerts += rollup.step([digest], worlds[0].now)
    pages = {a.key for a in alerts if a.severity == "critical"}
    assert len(pages) == 1
    assert {a.scope for a in alerts if a.key in pages} == {Scope.PLATFORM}


def test_in_silence_an_open_incident_is_looked_at_once_a_day(world):
    for _ in range(10):
        world.minute(bad=8)
    assert world.turns() == [Turn.OPENED]
    looks = []
    while len(looks) < 200 and world.now < START + 10 * 24 * HOUR:
        world.now = wake_at(world.tenant)
        step(world.tenant, None, world.now)
        looks.append(world.now)
    midnights = range(START - START % DAY + DAY, world.now, DAY)
    late = [at for at in looks if at > START + DAY]
    assert len(late) <= len(midnights) + 1
    assert all(at % DAY < RIPEN for at in late)


def test_an_incident_that_was_left_in_peace_is_over_as_soon_as_any_other(world):
    for _ in range(10):
        world.minute(bad=8)
    world.now = Instant(world.now + 5 * HOUR)
    for _ in range(40):
        world.minute(good=8)
    assert world.turns() == [Turn.OPENED, Turn.RESOLVED]
