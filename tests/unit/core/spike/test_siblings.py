"""When incidents of several tenants are one page, and when a page waits for that."""

from dataclasses import replace

import pytest

from streams.core.activity import MINUTE, Failed, Hop, Weighed
from streams.core.failure import FailureClass
from streams.core.instant import Instant
from streams.core.sample import Sample
from streams.core.spike import rollup_snapshot
from streams.core.spike.alert import Severity
from streams.core.spike.incident import Incident, Scope, Turn
from streams.core.spike.rollup import Rollup
from streams.core.spike.verdict import Figures, Verdict
from streams.core.spike.word import Digest, Suspicion, Word

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
        self.woken = set()
        self.said = []
        self.told = {}
        self.minute = 0
        self._step(Digest(greetings=active))

    def breaks(self, tenant_id, minute, cause=SENDER, figures=None, **more):
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
        figures = figures or FIGURES._replace(causes=((cause, 3),))
        told = self.told[tenant_id] = Verdict(Turn.OPENED, incident, figures)
        self.hear(Digest(words=[Word(tenant_id, verdicts=[told])]))

    def becomes(self, tenant_id, cause, turn=Turn.CHANGED, **more):
        """Let a tenant's incident have another cause, or be over."""
        told = self.told[tenant_id]
        over = self._now() if turn is Turn.RESOLVED else None
        incident = replace(told.incident, cause=cause, resolved_at=over, **more)
        causes = ((cause, told.figures.customers),)
        figures = told.figures._replace(causes=causes)
        told = self.told[tenant_id] = Verdict(turn, incident, figures)
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
        for alert in alerts:
            wakes = alert.severity is Severity.CRITICAL
            if wakes and alert.key not in self.woken:
                self.woken.add(alert.key)
                self.pages.append((self.minute, alert.tenant_id))

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
    fleet.breaks("t-2", 4)
    fleet.until(9)
    assert fleet.pages == [(1, "t-1")]
    fleet.until(10)
    assert fleet.pages == [(1, "t-1"), (10, "t-2")]


def test_a_third_makes_one_page_of_a_second_that_was_paged(fleet):
    for number in range(3):
        fleet.breaks(f"t-{number}", 1 + 7 * number)
    fleet.until(30)
    assert fleet.pages == [(1, "t-0"), (14, "t-1"), (15, None)]


def test_an_incident_whose_page_waits_is_told_at_once_as_part_of_the_first(fleet):
    fleet.breaks("t-1", 1)
    fleet.breaks("t-2", 6)
    first, second = fleet.said
    assert (second.turn, second.severity) == (Turn.OPENED, Severity.INFO)
    assert second.parent == first.key
    fleet.until(30)
    assert (fleet.said[-1].turn, fleet.said[-1].parent) == (Turn.CHANGED, None)


def test_an_incident_that_is_over_before_its_page_wakes_nobody(fleet):
    fleet.breaks("t-1", 1)
    fleet.breaks("t-2", 6)
    fleet.becomes("t-2", SENDER, Turn.RESOLVED)
    fleet.until(30)
    assert fleet.pages == [(1, "t-1")]
    assert fleet.said[-1].turn is Turn.RESOLVED


@pytest.mark.parametrize(
    "other",
    [
        {"cause": FailureClass.SUBMISSION_AUTH_FAILED},
        {"hop": Hop.MX, "provider": "google"},
    ],
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


def test_three_of_a_kind_in_half_an_hour_are_one_fault_though_two_were_paged(fleet):
    for number, minute in enumerate((1, 10, 28)):
        fleet.breaks(f"t-{number}", minute)
    fleet.until(40)
    assert fleet.pages == [(1, "t-0"), (16, "t-1"), (28, None)]


def test_what_one_tenant_is_answered_and_others_are_reported_is_one_fault(fleet):
    fleet.breaks("t-1", 1)
    fleet.breaks("t-2", 3, hop=Hop.MX)
    fleet.breaks("t-3", 5)
    fleet.until(30)
    assert fleet.pages == [(1, "t-1"), (5, None)]


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


STANDING = (
    BLOCKED,
    FailureClass.RATE_LIMITED,
    FailureClass.POLICY_REJECTED,
    FailureClass.SPAM_CONTENT,
)


@pytest.mark.parametrize("first", STANDING)
@pytest.mark.parametrize("later", STANDING)
def test_a_network_of_bad_name_is_one_fault_under_all_its_names(fleet, first, later):
    for number in range(3):
        fleet.breaks(f"t-{number}", 1, first, hop=Hop.MX)
    fleet.breaks("t-9", 20, later, hop=Hop.MX)
    fleet.until(90)
    (parent,) = fleet.rollup.parents
    assert [whose for _, whose in fleet.pages][-1] is None
    assert "t-9" not in [whose for _, whose in fleet.pages]
    assert "t-9" in parent.children


def test_an_incident_joins_an_open_fault_as_soon_as_it_is_understood_so(fleet):
    for number in range(3):
        fleet.breaks(f"t-{number}", 1)
    fleet.breaks("t-9", 5, FailureClass.BAD_MAILBOX)
    fleet.until(10)
    assert fleet.pages[-1] == (5, "t-9")
    fleet.becomes("t-9", SENDER)
    (parent,) = fleet.rollup.parents
    last = fleet.said[-1]
    assert (last.tenant_id, last.turn, last.cause) == ("t-9", Turn.CHANGED, SENDER)
    assert (last.parent, last.severity) == (parent.key, Severity.INFO)
    assert "t-9" in parent.children


def test_an_incident_whose_page_waits_is_no_page_once_it_has_a_parent(fleet):
    for number in range(3):
        fleet.breaks(f"t-{number}", 1)
    fleet.breaks("t-8", 5, FailureClass.BAD_MAILBOX)
    fleet.breaks("t-9", 6, FailureClass.BAD_MAILBOX)
    pages = list(fleet.pages)
    assert "t-9" not in [whose for _, whose in pages]
    fleet.becomes("t-9", SENDER)
    fleet.until(90)
    assert fleet.pages == pages
    assert fleet.said[-1].turn is not Turn.RESOLVED
    assert "t-9" in {alert.tenant_id for alert in fleet.said if alert.parent}


@pytest.mark.parametrize(("customers", "paged"), [(2, True), (3, False)])
def test_an_incident_is_part_of_a_fault_that_a_third_of_it_shows(
    fleet, customers, paged
):
    for number in range(3):
        fleet.breaks(f"t-{number}", 1)
    other = FailureClass.BAD_MAILBOX
    mixed = ((other, 9 - customers), (SENDER, customers))
    figures = FIGURES._replace(customers=9, causes=mixed)
    fleet.breaks("t-9", 5, other, figures=figures)
    fleet.until(30)
    assert ("t-9" in [whose for _, whose in fleet.pages]) is paged


def test_customers_of_children_that_are_over_still_count(fleet):
    for number in range(3):
        fleet.breaks(f"t-{number}", 1)
    for number in range(2):
        fleet.becomes(f"t-{number}", SENDER, Turn.RESOLVED)
    one = FIGURES._replace(customers=1, causes=((SENDER, 1),))
    for number in range(3, 7):
        fleet.breaks(f"t-{number}", 40, figures=one)
    fleet.until(60)
    told = [a for a in fleet.said if a.tenant_id is None]
    assert [(a.tenants, a.customers) for a in told] == [(3, 9), (7, 9)]


def refused(fleet, minute, failure_class, *, provider="google", operator=""):
    """Let an operator refuse two customers of each of eight tenants of a provider."""
    fleet.until(minute)
    tried = START + minute * MINUTE
    words = []
    for number in range(8):
        failed = {
            Failed(
                tried, Hop.MX, provider, failure_class, 1_000 * tried + 10 * number + n
            ): Weighed(1, 1, 0, operator)
            for n in range(2)
        }
        said = Sample(
            Instant(tried), 550, "5.7.1", f"Blocked {number}", None, None, None
        )
        words.append(
            Word(f"{provider}-{number}", failed=failed, samples={provider: said})
        )
    fleet.hear(Digest(words=words))


def test_a_provider_is_blamed_for_what_it_says_since_it_began(fleet):
    for minute in (1, 2):
        fleet.until(minute)
        one = refusals(f"t-{minute}", 12, minute)
        failed = {
            failed._replace(failure_class=FailureClass.BAD_MAILBOX): weighed
            for failed, weighed in one.failed.items()
        }
        fleet.hear(Digest(words=[one._replace(failed=failed)]))
    fleet.until(39)
    good = {(START + n * MINUTE, "google"): [90, 0] for n in range(4, 40)}
    fleet.hear(Digest(pooled=good))
    for minute in (40, 41, 42, 43, 44):
        refused(fleet, minute, BLOCKED)
    (parent,) = fleet.rollup.parents
    (opened,) = [alert for alert in fleet.said if alert.turn is Turn.OPENED]
    assert (opened.provider, opened.cause) == ("google", BLOCKED)
    assert opened.causes == ((BLOCKED, opened.customers),)
    assert opened.customers >= 8
    assert parent.scope is Scope.PROVIDER


def test_a_tenant_that_fails_as_many_of_a_fault_do_is_part_of_it(fleet):
    mixed = FIGURES._replace(customers=6, causes=((SENDER, 4), (BLOCKED, 2)))
    for number in range(3):
        fleet.breaks(f"t-{number}", number, figures=mixed)
    fleet.until(5)
    fleet.breaks("t-9", 6, BLOCKED)
    fleet.until(20)
    assert "t-9" not in [whose for _, whose in fleet.pages]


def test_a_page_for_tenants_without_incidents_shows_what_servers_said(fleet):
    for minute in range(1, 8):
        refused(fleet, minute, BLOCKED)
    (opened,) = [alert for alert in fleet.said if alert.turn is Turn.OPENED]
    assert len(opened.samples) == 3
    assert {sample.text[:7] for sample in opened.samples} == {"Blocked"}
    again = rollup_snapshot.load(rollup_snapshot.dump(fleet.rollup))
    assert again.parents == fleet.rollup.parents


def test_what_servers_said_outlives_a_restart(fleet):
    refused(fleet, 1, BLOCKED)
    again = rollup_snapshot.load(rollup_snapshot.dump(fleet.rollup))
    restored, kept = (r.pools.by_provider["google"] for r in (again, fleet.rollup))
    assert restored.samples == kept.samples != []


@pytest.mark.parametrize(
    ("operator", "scope"), [("google", Scope.PROVIDER), ("", Scope.PLATFORM)]
)
def test_only_a_second_operator_makes_a_providers_fault_everybodys(
    fleet, operator, scope
):
    for minute in range(1, 8):
        refused(fleet, minute, BLOCKED)
    assert fleet.rollup.parents[0].scope is Scope.PROVIDER
    for minute in range(10, 18):
        refused(fleet, minute, BLOCKED, provider="other.test", operator=operator)
    (parent,) = fleet.rollup.parents
    assert parent.scope is scope


@pytest.mark.parametrize(("own", "pages"), [(True, ["big"]), (False, [None])])
def test_a_tenant_that_fails_everywhere_is_no_evidence_against_a_provider(
    fleet, own, pages
):
    if own:
        fleet.breaks("big", 1, SENDER, hop=Hop.MX)
    for minute in range(2, 7):
        fleet.until(minute)
        words = [refusals(f"t-{n}", 1, minute) for n in range(3)]
        good = {(START + minute * MINUTE, "google"): [55, 0]}
        fleet.hear(Digest([refusals("big", 3, minute), *words], pooled=good))
    fleet.until(12)
    assert [whose for _, whose in fleet.pages] == pages


def test_an_incident_that_widens_covers_the_tenants_others_and_leaves_them_again(fleet):
    fleet.breaks("t-1", 1, BLOCKED, hop=Hop.MX, provider="google")
    wide = fleet.told["t-1"]
    fleet.breaks("t-1", 30, FailureClass.POLICY_REJECTED, hop=Hop.MX, provider="gmx")
    narrow = fleet.told["t-1"]
    assert len(fleet.pages) == 2
    fleet.told["t-1"] = wide
    fleet.becomes("t-1", BLOCKED, provider=None, scope=Scope.TENANT)
    last = fleet.said[-1]
    assert (last.key, last.parent) == (narrow.incident.key, wide.incident.key)
    fleet.becomes("t-1", BLOCKED, Turn.RESOLVED)
    fleet.until(100)
    assert fleet.said[-1].turn is Turn.RESOLVED  # no page for what does not go on


def answered_by(*peers):
    return FIGURES._replace(
        samples=tuple(
            Sample(Instant(START + n), 451, "4.3.2", "Busy", peer, None, None)
            for n, peer in enumerate(peers)
        )
    )


GOOGLE, OTHER = "alt1.gmail-smtp-in.l.google.com", "mx.example.net"


@pytest.mark.parametrize(
    ("peers", "pages"), [((GOOGLE, GOOGLE), []), ((GOOGLE, OTHER), ["t-9"])]
)
def test_a_tenant_whose_answers_all_come_from_a_failing_provider_is_part_of_it(
    fleet, peers, pages
):
    for minute in range(1, 8):
        refused(fleet, minute, FailureClass.NETWORK_ERROR)
    busy = FailureClass.RECIPIENT_SYSTEM_ERROR
    fleet.breaks("t-9", 10, busy, hop=Hop.MX, figures=answered_by(*peers))
    fleet.until(20)
    assert [whose for _, whose in fleet.pages] == [None, *pages]
    fleet.becomes("t-9", busy, provider="google", scope=Scope.PROVIDER)
    assert fleet.said[-1].parent == fleet.rollup.parents[0].key


def at_two_operators(fleet):
    """Let one operator make a crowd suspect, and another refuse two tenants."""
    trouble = Suspicion(BLOCKED, Hop.MX, "google")
    words = [
        refusals(f"s-{n}", 1, 1, "mx.test")._replace(suspicion=trouble)
        for n in range(8)
    ]
    fleet.hear(Digest(words=words))
    for number in range(2):
        where = {"hop": Hop.MX, "provider": "microsoft"}
        fleet.breaks(f"t-{number}", 3 + number, BLOCKED, **where)
    fleet.until(60)


def test_no_incident_that_tells_of_a_crowd_is_told_to_nobody(fleet):
    at_two_operators(fleet)
    assert {"t-0", "t-1"} <= {alert.tenant_id for alert in fleet.said}


def test_a_crowd_that_has_its_page_makes_no_second(fleet):
    at_two_operators(fleet)
    assert [whose for _, whose in fleet.pages].count(None) == 1
    assert len(fleet.rollup.parents) == 1
