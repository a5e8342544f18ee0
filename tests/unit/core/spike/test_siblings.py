"""When incidents of several tenants are one page, and when a page waits for that."""

import pytest

from streams.core.activity import MINUTE, Failed, Hop, Weighed
from streams.core.failure import FailureClass
from streams.core.instant import Instant
from streams.core.spike.alert import Severity
from streams.core.spike.incident import Incident, Scope, Turn
from streams.core.spike.rollup import Rollup
from streams.core.spike.verdict import Figures, Verdict
from streams.core.spike.word import Digest, Word

START = Instant(1_767_571_200_000)
BLOCKED = FailureClass.SENDER_BLOCKED
SENDER = FailureClass.SENDER_REJECTED
FIGURES = Figures(
    customers=3,
    causes=((SENDER, 3),),
    failed=3,
    reached=0,
    base=0.01,
    ratio=10.0,
    threshold=9.0,
    samples=(),
)


class Fleet:
    """A roll-up, its clock, and the pages that came of it: (minute, whose)."""

    def __init__(self, active=40):
        self.rollup = Rollup()
        self.pages = []
        self.said = []
        self.minute = 0
        self._step(Digest(greetings=active))

    def breaks(self, tenant_id, minute, cause=SENDER, **more):
        self.until(minute)
        now = self._now()
        given = {"hop": Hop.SUBMISSION, "provider": None, "since": now, **more}
        incident = Incident(
            tenant_id=tenant_id,
            opened_at=now,
            scope=Scope.PROVIDER if given["provider"] else Scope.TENANT,
            cause=cause,
            last_seen_at=now,
            told_at=now,
            **given,
        )
        told = Verdict(Turn.OPENED, incident, FIGURES)
        self.hear(Digest(words=[Word(tenant_id, verdicts=[told])]))

    def until(self, minute):
        while self.minute < minute:
            self.minute += 1
            self._step()

    def hear(self, digest):
        self._step(digest)

    def _step(self, *digests):
        alerts = self.rollup.step(digests, self._now())
        self.said += alerts
        self.pages += [
            (self.minute, alert.tenant_id)
            for alert in alerts
            if alert.turn is Turn.OPENED and alert.severity is Severity.CRITICAL
        ]

    def _now(self):
        return Instant(START + self.minute * MINUTE)


@pytest.fixture
def fleet():
    return Fleet()


def test_the_first_of_several_incidents_is_paged_at_once(fleet):
    fleet.breaks("t-1", 1)
    assert fleet.pages == [(1, "t-1")]


def test_a_roll_out_that_breaks_tenant_after_tenant_is_one_page_after_the_first(fleet):
    fleet.breaks("t-1", 1)
    for number in range(2, 12):
        fleet.breaks(f"t-{number}", 4 * number)
    fleet.until(90)
    assert fleet.pages == [(1, "t-1"), (12, None)]


def test_whoever_was_paged_first_is_covered_by_the_page_for_all(fleet):
    for number in range(3):
        fleet.breaks(f"t-{number}", 4 * number)
    (parent,) = fleet.rollup.parents
    assert set(parent.children) == {"t-0", "t-1", "t-2"}
    last = {alert.tenant_id: alert for alert in fleet.said}
    assert {last[f"t-{n}"].parent for n in range(3)} == {parent.key}
    assert last["t-0"].severity is Severity.INFO


def test_the_second_of_a_kind_is_paged_when_no_third_has_come(fleet):
    fleet.breaks("t-1", 1)
    fleet.breaks("t-2", 6)
    fleet.until(15)
    assert fleet.pages == [(1, "t-1")]
    fleet.until(16)
    assert fleet.pages == [(1, "t-1"), (16, "t-2")]


@pytest.mark.parametrize(
    "other",
    [{"cause": FailureClass.SUBMISSION_AUTH_FAILED}, {"hop": Hop.MX}],
    ids=["another cause", "another hop"],
)
def test_an_incident_of_another_kind_waits_no_longer_than_it_did(fleet, other):
    fleet.breaks("t-1", 1)
    fleet.breaks("t-2", 3, **other)
    fleet.until(5)
    assert [whose for _, whose in fleet.pages] == ["t-1", "t-2"]


def test_an_incident_of_long_ago_holds_no_page(fleet):
    fleet.breaks("t-1", 1)
    fleet.breaks("t-2", 16)
    fleet.until(18)
    assert [whose for _, whose in fleet.pages] == ["t-1", "t-2"]


def test_three_of_a_kind_over_an_hour_are_three_pages(fleet):
    for number in range(3):
        fleet.breaks(f"t-{number}", 1 + 20 * number)
    fleet.until(90)
    assert [whose for _, whose in fleet.pages] == ["t-0", "t-1", "t-2"]


def test_two_incidents_of_one_tenant_are_no_company(fleet):
    fleet.breaks("t-1", 1)
    fleet.breaks("t-1", 2)
    fleet.breaks("t-2", 3)
    fleet.until(20)
    assert None not in [whose for _, whose in fleet.pages]


def test_where_tenants_are_many_the_second_of_a_kind_is_paged_soon():
    fleet = Fleet(active=2_000)
    fleet.breaks("t-1", 1)
    fleet.breaks("t-2", 2)
    fleet.breaks("t-3", 3)
    fleet.until(5)
    assert [whose for _, whose in fleet.pages] == ["t-1", "t-2", "t-3"]


def refusals(tenant_id, customers, minute, operator="google"):
    """Answer a word of customers whose mail an operator refused."""
    at = START + minute * MINUTE
    failed = {
        Failed(at, Hop.MX, operator, BLOCKED, 1_000 * minute + n): Weighed(1, 1, 0)
        for n in range(customers)
    }
    return Word(tenant_id, failed=failed)


def blocked(fleet, *, others, good=5, minute=2):
    """Let a provider refuse a big tenant at minute 0, and one customer of others."""
    words = [refusals(f"t-{n}", 1, 0) for n in range(others)]
    digest = Digest(words=[refusals("big", 7, 0), *words])
    digest.pooled[START, "google"] = [good, 0]
    fleet.hear(digest)
    at_google = {"hop": Hop.MX, "provider": "google", "since": START}
    fleet.breaks("big", minute, BLOCKED, **at_google)


def test_a_provider_that_refuses_others_as_well_is_the_first_page_there_is(fleet):
    blocked(fleet, others=4)
    (parent,) = fleet.rollup.parents
    assert fleet.pages == [(2, None)]
    assert (parent.scope, parent.provider) == (Scope.PROVIDER, "google")
    (said,) = [alert for alert in fleet.said if alert.tenant_id == "big"]
    assert (said.parent, said.severity) == (parent.key, Severity.INFO)


@pytest.mark.parametrize(
    ("others", "good", "minute"),
    [(0, 5, 2), (2, 5, 2), (4, 50, 2), (4, 5, 40)],
    ids=["nobody else", "two others", "no more than usual", "found after long"],
)
def test_a_provider_that_refuses_few_others_is_paged_for_one_tenant(
    fleet, others, good, minute
):
    blocked(fleet, others=others, good=good, minute=minute)
    assert fleet.pages == [(minute, "big")]
