"""Which incidents are open, as the alerts topic tells every worker."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.agents.incidents import OpenIncidents
from streams.core.failure import FailureClass
from streams.core.instant import Instant, render
from streams.engine.bulletin import Bulletin

EXAMPLES = Path(__file__).parents[3] / "schemas" / "examples" / "alert" / "v1"
OPENED = json.loads((EXAMPLES / "opened-for-a-tenant.json").read_text(encoding="utf-8"))
MINUTE = 60_000
NOON = Instant(1_772_452_800_000)
AUTH, FULL = FailureClass.SUBMISSION_AUTH_FAILED, FailureClass.MAILBOX_FULL


def alert(key="k-1", minute=0, *, over=False, **changes):
    """Answer a record of the alerts topic."""
    at = render(Instant(NOON + minute * MINUTE))
    said = OPENED | {"key": key, "revision": minute + 1, "at": at}
    if over:
        said |= {"type": "alert-resolved", "resolved_at": at}
    return key.encode(), json.dumps(said | changes).encode()


@pytest.fixture
def told():
    """Answer what is open after some records."""

    def tell(*records):
        incidents = OpenIncidents()
        for key, value in records:
            incidents.bulletin.apply(key, value, NOON)
        return incidents

    return tell


def keys(incidents, tenant="autohaus-muster"):
    return [one.key for one in incidents.of(tenant)]


stories = st.lists(
    st.lists(st.sampled_from(["open", "update", "over", "poison"]), max_size=5),
    min_size=1,
    max_size=5,
)
"""What becomes of some alerts, each in its order."""


def records(stories):
    """Answer the records of each alert; two tenants share them."""
    for number, story in enumerate(stories):
        key, minutes = f"k-{number}", range(len(story))
        mine = []
        for minute, turn in zip(minutes, story, strict=True):
            if turn == "poison":
                mine.append((key.encode(), b'{"type": "alert-opened"}'))
                continue
            mine.append(
                alert(
                    key,
                    minute,
                    over=turn == "over",
                    tenant_id=f"t-{number % 2}",
                    opened_at=render(Instant(NOON + number)),
                )
            )
        yield mine


@given(stories, st.data())
def test_any_interleaving_ends_with_the_same_incidents_open(stories, data):
    waiting = [list(mine) for mine in records(stories)]
    incidents = OpenIncidents()
    while any(waiting):
        mine = data.draw(st.sampled_from([mine for mine in waiting if mine]))
        incidents.bulletin.apply(*mine.pop(0), NOON)
        if data.draw(st.booleans()):  # a look in between changes nothing
            incidents.of("t-0")
    last = {f"k-{n}": story[-1] for n, story in enumerate(stories) if story}
    open_ = [key for key, turn in last.items() if turn in {"open", "update"}]
    for n in range(2):
        assert keys(incidents, f"t-{n}") == [k for k in open_ if int(k[2:]) % 2 == n]
    assert sorted(one.key for one in incidents.alerts()) == open_
    over = {key for key, turn in last.items() if turn == "over"}
    assert {key for key in last if incidents.resolved_at(key) is not None} == over
    assert incidents.unreadable() == list(last.values()).count("poison")


def test_the_oldest_incident_comes_first(told):
    late = alert("a", opened_at=render(Instant(NOON + MINUTE)))
    early = alert("b", opened_at=render(NOON))
    assert keys(told(late, early)) == ["b", "a"]


def test_a_resolved_incident_is_not_open_and_known_to_be_over(told):
    incidents = told(alert(), alert(minute=9, over=True))
    assert keys(incidents) == []
    assert incidents.resolved_at("k-1") == NOON + 9 * MINUTE
    assert incidents.resolved_at("another") is None


def test_an_incident_that_is_opened_again_is_not_over(told):
    incidents = told(alert(over=True))
    assert incidents.resolved_at("k-1") is not None
    incidents.bulletin.apply(*alert(minute=1), NOON)
    assert incidents.resolved_at("k-1") is None
    assert keys(incidents) == ["k-1"]


def test_a_fault_of_many_and_a_servers_lie_are_no_incident_of_a_tenant(told):
    incidents = told(
        alert("a", kind="platform-spike", tenant_id=None, scope="platform"),
        alert("b", kind="response-mismatch"),
        alert("c"),
    )
    assert keys(incidents) == ["c"]
    assert {one.key for one in incidents.alerts()} == {"a", "b", "c"}


@pytest.mark.parametrize(("chance", "named"), [(2, {AUTH, FULL}), (1, {AUTH})])
def test_a_class_of_fewer_than_a_fifth_is_chance(told, chance, named):
    causes = [
        {"class": AUTH, "customers": 8},
        {"class": FULL, "customers": chance},
        {"class": "of_a_newer_version", "customers": 0},
    ]
    (incident,) = told(alert(causes=causes)).of("autohaus-muster")
    assert incident.classes == named


def test_the_cause_is_never_chance(told):
    causes = [{"class": FULL, "customers": 9}, {"class": AUTH, "customers": 1}]
    (incident,) = told(alert(causes=causes)).of("autohaus-muster")
    assert incident.classes == {AUTH, FULL}


POISON = {
    "not JSON": b"nonsense",
    "empty": b"",
    "another shape": b"[]",
    "a member is missing": json.dumps(
        {**OPENED, "key": "k-1"} | {"kind": "?"}
    ).encode(),
    "no time": alert(opened_at="noon")[1],
    "nested too deeply": b"[" * 100_000,
    "another key": alert("k-2")[1],
}


@pytest.mark.parametrize("value", POISON.values(), ids=POISON)
def test_what_cannot_be_read_is_counted_and_hides_no_other(told, value):
    incidents = told(alert(), alert("k-9"), (b"k-1", value))
    assert keys(incidents) == ["k-9"]
    assert incidents.unreadable() == 1
    incidents.bulletin.apply(*alert(minute=2), NOON)
    assert sorted(keys(incidents)) == ["k-1", "k-9"]
    assert incidents.unreadable() == 0


def test_a_key_that_is_no_text_is_one_that_cannot_be_read(told):
    assert told((b"\xff", alert()[1])).unreadable() == 1


def test_a_topic_that_is_read_again_says_the_same(told):
    incidents = told(alert(), alert("k-2", over=True))
    incidents.bulletin.clear()
    assert (keys(incidents), incidents.resolved_at("k-2")) == ([], None)
    for record in (alert(), alert("k-2", over=True)):
        incidents.bulletin.apply(*record, NOON)
    assert keys(incidents) == ["k-1"]
    assert incidents.resolved_at("k-2") == NOON


class Counting(Bulletin):
    """Notes which values are looked at."""

    def __init__(self):
        super().__init__("mail.alerts.v1")
        self.looked_at = []

    def get(self, key):
        self.looked_at.append(key)
        return super().get(key)


def test_of_a_thousand_alerts_only_the_one_that_changed_is_read_again():
    incidents = OpenIncidents(Counting())
    for number in range(1_000):
        incidents.bulletin.apply(*alert(f"k-{number}"), NOON)
    assert len(keys(incidents)) == 1_000
    incidents.bulletin.looked_at.clear()
    incidents.bulletin.apply(*alert("k-7", 5, over=True), NOON)
    assert len(keys(incidents)) == 999
    assert incidents.bulletin.looked_at == [b"k-7"]
