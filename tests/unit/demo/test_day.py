"""The day is the same each time, keeps the contracts, and tells what it promises."""

from collections import Counter
from itertools import pairwise

import orjson
import pytest

from streams.core.instant import parse
from streams.demo import summary
from streams.demo.cast import ALDER, BIRCH, EMBER, FJORD, TENANTS
from streams.demo.day import FEWEST, day
from streams.demo.mailbag import bounces
from streams.demo.traffic import DAY
from streams.wire import attempt, command, contract, dsn_event
from streams.wire.reject import Reject, RejectReason
from streams.wire.topic import INPUTS, Topic

DECODERS = {
    Topic.SEND_ATTEMPTS: attempt.decode,
    Topic.DSN_EVENTS: dsn_event.decode,
    Topic.FLAG_COMMANDS: command.decode,
}
BROKEN = 36


def documents(events, topic):
    for event in events:
        if event.topic == topic and event.value is not None:
            try:
                document = orjson.loads(event.value)
            except orjson.JSONDecodeError:
                continue
            if not str(document.get("id", "x")).startswith("x"):
                yield event, document


def flags_set(published):
    return [
        orjson.loads(m.value)["flag"]
        for m in published
        if m.topic == Topic.FLAG_CHANGES and b'"flag-set"' in m.value[:40]
    ]


def test_the_same_seed_gives_the_same_day(events, start):
    assert list(day(1, start, events=FEWEST)) == events


def test_another_seed_gives_another_day(events, start):
    assert list(day(2, start, events=FEWEST)) != events


def test_another_start_moves_the_day_and_changes_nothing_else(events, start):
    moved = list(day(1, start + DAY, events=FEWEST))
    assert [e.arrived_at - DAY for e in moved] == [e.arrived_at for e in events]
    assert Counter(e.topic for e in moved) == Counter(e.topic for e in events)


@pytest.mark.parametrize("wanted", [FEWEST, 20_000])
def test_the_size_of_the_day_is_about_what_was_asked_for(start, wanted):
    assert sum(1 for _ in day(3, start, events=wanted)) == pytest.approx(
        wanted, rel=0.1, abs=2_000
    )


def test_events_come_in_the_order_of_their_arrival(events):
    assert all(a.arrived_at <= b.arrived_at for a, b in pairwise(events))


def test_nothing_arrives_after_the_day_nor_before_it_happened(events, start):
    assert events[-1].arrived_at <= start + DAY
    for topic in INPUTS:
        for event, document in documents(events, topic):
            assert parse(document["time"]) <= event.arrived_at


def test_nothing_is_older_than_any_sane_mail_queue(events, start):
    times = [parse(d["time"]) for _, d in documents(events, Topic.SEND_ATTEMPTS)]
    assert min(times) > start - 6 * DAY


@pytest.mark.parametrize("topic", INPUTS)
def test_every_event_that_is_not_broken_on_purpose_keeps_its_schema(events, topic):
    validator = contract.validator(contract.manifest(topic).schema)
    checked = [document for _, document in documents(events, topic)]
    assert checked
    assert [d for d in checked if not validator.is_valid(d)] == []


def test_what_is_broken_on_purpose_is_rejected_and_nothing_else(events):
    rejected = Counter(
        found.reason
        for event in events
        if isinstance(found := DECODERS[event.topic](event.value, ()), Reject)
    )
    # The rest of the broken ones is well-formed, and about nobody or no report.
    assert set(rejected) >= {
        RejectReason.NOT_JSON,
        RejectReason.SCHEMA_VIOLATION,
        RejectReason.BAD_TENANT,
        RejectReason.BAD_TIME,
        RejectReason.EMPTY_VALUE,
    }
    assert 0 < sum(rejected.values()) <= BROKEN


def test_the_stages_refuse_exactly_what_was_broken_on_purpose(published, refused):
    assert published
    assert len(refused) == BROKEN


def test_some_events_come_twice_and_some_late(events):
    attempts = list(documents(events, Topic.SEND_ATTEMPTS))
    ids = Counter(document["id"] for _, document in attempts)
    times = [parse(document["time"]) for _, document in attempts]
    assert any(count == 2 for count in ids.values())
    assert any(later < earlier - 60_000 for earlier, later in pairwise(times))


def test_every_tenant_sends_mail(events):
    tenants = {d["tenant_id"] for _, d in documents(events, Topic.SEND_ATTEMPTS)}
    assert tenants == {tenant.id for tenant in TENANTS}


def test_every_real_bounce_comes_back_in_it(events):
    raws = Counter(d["raw"] for _, d in documents(events, Topic.DSN_EVENTS))
    assert len(raws) >= len(bounces())


def test_it_shows_all_that_the_product_promises(story):
    assert summary.missing(summary.examples(story)) == []


def test_each_incident_is_one_page_and_nothing_else_is(story):
    told = Counter(
        (a["severity"], a["kind"], a["tenant_id"], a["parent"])
        for a in story.told_alerts()
    )
    assert told == {
        ("critical", "spike", ALDER.id, None): 1,
        ("critical", "spike", EMBER.id, None): 1,
        # Its mail arrives, so nobody is woken.
        ("warning", "response-mismatch", BIRCH.id, None): 1,
    }


def test_an_incident_is_a_page_from_the_first_word_on_or_never(story):
    said = {}
    for alert in story.alerts:
        said.setdefault(alert["key"], set()).add(alert["severity"])
    assert sorted(map(sorted, said.values())) == [
        ["critical"],
        ["critical"],
        ["warning"],
    ]


def test_the_expired_password_is_nobodys_address(published):
    flags = [f for f in flags_set(published) if f["tenant_id"] == ALDER.id]
    expired = [f for f in flags if f["class"] == "submission_auth_failed"]
    assert len(expired) > 20
    assert {f["side"] for f in expired} == {"sender_config"}
    assert not any(f["suppress_recommended"] for f in expired)


def test_the_provider_blocks_one_tenant_only(published):
    blocked = Counter(
        f["tenant_id"] for f in flags_set(published) if f["class"] == "sender_blocked"
    )
    assert blocked[EMBER.id] > 5
    assert sum(blocked.values()) - blocked[EMBER.id] <= 2


def test_the_stale_list_flags_addresses_not_the_set_up(published):
    stale = [
        f
        for f in flags_set(published)
        if f["tenant_id"] == FJORD.id and f["customer_id"].startswith("F-8")
    ]
    assert len(stale) >= 5
    assert {f["side"] for f in stale} == {"recipient"}


def test_the_noisy_customer_is_one_flag(story):
    [flag] = [f for k, f in story.flags.items() if b"alarms@plant" in k]
    assert flag["class"] == "mailbox_full"
    assert flag["consecutive_failures"] == 6
