"""States put away and taken out again decide as if they had never been."""

from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.activity import MINUTE, Activity, Contradiction, Hop, Trial
from streams.core.failure import FailureClass
from streams.core.instant import Instant
from streams.core.spike import calibration as cal
from streams.core.spike import rollup_snapshot, snapshot
from streams.core.spike.case import Case, Waiting
from streams.core.spike.channel import Channel
from streams.core.spike.detector import step, wake_at
from streams.core.spike.incident import Incident, Scope
from streams.core.spike.parent import Parent
from streams.core.spike.rollup import Rollup
from streams.core.spike.taken import newest
from streams.core.spike.tenant import Tenant
from streams.core.spike.verdict import Figures
from streams.core.spike.word import Digest, Suspicion, Word

START = Instant(1_767_571_200_000)
TENANTS = tuple(f"t-{n}" for n in range(6))
PROVIDERS = ("google", "microsoft", "isp.test")
CLASSES = (
    FailureClass.SUBMISSION_AUTH_FAILED,
    FailureClass.NETWORK_ERROR,
    FailureClass.SENDER_BLOCKED,
    FailureClass.DELIVERY_EXPIRED,
    FailureClass.UNKNOWN,
    FailureClass.BAD_MAILBOX,
)


FIGURES = Figures(
    customers=5,
    causes=((CLASSES[0], 5),),
    failed=5,
    reached=0,
    base=0.02,
    ratio=10.0,
    threshold=9.0,
    samples=(),
)


class Happening(NamedTuple):
    """What happens at once to the mail of some tenants."""

    after: int
    """Minutes since what happened before."""
    kind: str
    tenants: int
    customers: int
    failure_class: FailureClass
    provider: str
    lag: int
    """Minutes from the mail to what is said of it."""


HAPPENINGS = st.lists(
    st.builds(
        Happening,
        st.sampled_from([0, 1, 1, 2, 5, 30, 3 * 60, 26 * 60]),
        st.sampled_from(
            ["good", "good", "refused", "bounced", "bounced", "contradicted"]
        ),
        st.integers(1, len(TENANTS)),
        st.integers(1, 14),
        st.sampled_from(CLASSES),
        st.sampled_from(PROVIDERS),
        st.sampled_from([0, 1, 7, 50, 5 * 60]),
    ),
    min_size=5,
    max_size=30,
)


def activity(happening, now, number):
    made = Activity()
    tried = Instant(now - happening.lag * MINUTE)
    for n in range(happening.customers):
        if happening.kind == "good":
            by = (Hop.MX, Hop.SUBMISSION)[n % 2]
            made.accept(now, tried, happening.provider, by, f"app{n % 4}.test")
            continue
        if happening.kind == "contradicted":
            said = now, tried, f"c-{n}", "mx.example.net", happening.failure_class
            made.contradict(Contradiction(*said, 550, "5.1.1", "550 no such user"))
            continue
        reported = happening.kind == "bounced"
        own = happening.failure_class is FailureClass.SUBMISSION_AUTH_FAILED
        made.add(
            Trial(
                arrived_at=now,
                at=now,
                tried_at=tried if reported else now,
                customer=f"c-{number}-{n}",
                provider=happening.provider,
                hop=Hop.SUBMISSION if own else Hop.MX,
                reported=reported,
                attempt=1,
                final=True,
                failure_class=happening.failure_class,
                known=True,
                counted=Hop.SUBMISSION if reported else None,
                code=550,
                text="550 no",
                operator="operator.test" if reported and n % 2 else "",
                through=(None, "app0.test", f"app{number}-{n}.test")[n % 3],
            )
        )
    return made


class World:
    """Tenants and their roll-up; `renewed` puts all away after each step."""

    def __init__(self, *, renewed):
        self.now, self.number, self.renewed = START, 0, renewed
        self.tenants = {name: Tenant(name, START) for name in TENANTS}
        self.rollup = Rollup()
        self.said = []

    def let(self, happening):
        self.now = Instant(self.now + happening.after * MINUTE)
        self.number += 1
        digest = Digest()
        for name in TENANTS[: happening.tenants]:
            told = activity(happening, self.now, self.number)
            self._step(name, told, digest)
        for name, tenant in self.tenants.items():
            wanted = wake_at(tenant)
            if wanted is not None and wanted <= self.now:
                self._step(name, None, digest)
        self.rollup.taken.take(self.number % 3, self.number, digest.newest)
        self.said += self.rollup.step([digest], self.now)
        if self.renewed:
            self.rollup = renewed(rollup_snapshot, self.rollup)

    def _step(self, name, told, digest):
        tenant = self.tenants[name]
        if told is not None:
            tenant.taken.take(0, self.number, newest(told))
        word = step(tenant, told, self.now)
        digest.add(word, told)
        self.said += [*word.verdicts, *word.mismatches]
        if self.renewed:
            self.tenants[name] = renewed(snapshot, tenant)


def renewed(codec, state):
    packed = codec.dump(state)
    again = codec.load(packed)
    assert again is not None
    assert codec.dump(again) == packed
    return again


@settings(max_examples=25, deadline=None)
@given(HAPPENINGS)
def test_whatever_has_happened_a_state_put_away_is_the_same(happenings):
    stays, moves = World(renewed=False), World(renewed=True)
    for happening in happenings:
        stays.let(happening)
        moves.let(happening)
    assert moves.said == stays.said
    assert rollup_snapshot.dump(moves.rollup) == rollup_snapshot.dump(stays.rollup)


def fault(minutes):
    """Answer what happens when a platform fails for so long, and then works."""
    yield from [Happening(30, "good", 6, 14, CLASSES[0], "google", 0)] * 8
    refused = Happening(1, "refused", 6, 5, CLASSES[0], "google", 0)
    yield from [refused] * minutes
    bounced = Happening(1, "bounced", 6, 9, CLASSES[2], "google", 30)
    yield from [bounced] * minutes
    yield from [Happening(1, "contradicted", 6, 9, CLASSES[2], "google", 30)] * 3
    yield from [Happening(2, "good", 6, 14, CLASSES[0], "google", 0)] * 60


def test_a_fault_of_many_put_away_at_each_step_is_told_as_it_was():
    stays, moves = World(renewed=False), World(renewed=True)
    for happening in fault(12):
        stays.let(happening)
        moves.let(happening)
    kinds = {type(one).__name__ for one in stays.said}
    assert kinds == {"Alert", "Verdict", "Mismatch"}
    assert stays.rollup.parents
    assert moves.said == stays.said


@pytest.mark.parametrize("codec", [snapshot, rollup_snapshot])
@given(st.binary(max_size=200))
def test_bytes_that_nobody_wrote_are_no_state_and_no_crash(codec, garbage):
    assert codec.load(garbage) is None


@pytest.fixture(scope="module")
def packed():
    world = World(renewed=False)
    for happening in [*fault(3)][:15]:
        world.let(happening)
    return rollup_snapshot.dump(world.rollup)


@settings(deadline=None)
@given(st.data())
def test_a_state_with_a_byte_changed_is_no_state_and_no_crash(packed, data):
    at = data.draw(st.integers(0, len(packed) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != packed[at]))
    load = rollup_snapshot.load(packed[:at] + bytes([other]) + packed[at + 1 :])
    assert load is None or rollup_snapshot.dump(load) == packed


def test_more_250s_taken_back_than_given_leave_a_parent_that_can_be_put_away():
    now = Instant(START + 10 * MINUTE)
    parent = Parent(START, START, CLASSES[1], None, {"t-1": Hop.MX}, START)
    passed = {(now - MINUTE, "google"): [0, 5, -7]}
    parent.hear(Word("t-1", passed=passed), now)
    assert parent.reached >= 0
    rollup = Rollup()
    rollup.parents.append(parent)
    assert renewed(rollup_snapshot, rollup).parents[0].reached == parent.reached


@pytest.mark.parametrize("bounces", range(15, 25))
def test_more_250s_taken_back_than_given_leave_a_pool_that_can_be_looked_at(bounces):
    world = World(renewed=False)
    world.let(Happening(1, "bounced", 1, bounces, CLASSES[2], "google", 1))
    pool = world.rollup.pools.by_provider["google"]
    assert pool.goods == -bounces
    assert pool.base() >= cal.POOL_FLOOR


@pytest.mark.parametrize("taken_back", [0, 59, 60, 61, 300, 1_000])
def test_no_number_of_250s_taken_back_makes_a_base_rate_of_nothing(taken_back):
    tenant = Tenant("t-1", START)
    plain = [h.base for c in tenant.channels() for h in tenant.rates.hypotheses(c)]
    for rate in (tenant.rates.beyond, tenant.rates.make("google")):
        rate.goods -= taken_back
    tenant.rates.learn()
    channels = [*tenant.channels(), Channel("google")]
    bases = [h.base for c in channels for h in tenant.rates.hypotheses(c)]
    assert bases[: len(plain)] == plain
    assert tenant.rates.share_of("google") == 0


def test_a_parent_made_for_one_that_waits_covers_another_that_waits():
    rollup, now = Rollup(), START
    for name in ("t-1", "t-2", "t-3"):
        incident = Incident(
            tenant_id=name,
            hop=Hop.SUBMISSION,
            since=now,
            opened_at=now,
            scope=Scope.TENANT,
            provider=None,
            cause=CLASSES[0],
            last_seen_at=now,
            told_at=now,
        )
        rollup.cases[incident.key] = Case(incident, FIGURES)
        rollup.waiting[incident.key] = Waiting(now + MINUTE, 0)
        rollup.crowd.note(name, Suspicion(CLASSES[0], Hop.SUBMISSION, None), now)
    said = rollup.step([], Instant(now + MINUTE))
    (parent,) = rollup.parents
    assert [a.key for a in said if a.parent is None] == [parent.key]
    assert {a.parent for a in said} == {None, parent.key}
    assert rollup.waiting == {}
