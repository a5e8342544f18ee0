"""A tenant's incident through the stages alone: opened, updated, resolved, once."""

import pytest
from tenants import AUTH, START, Piece, Tenants, activity, journal_of

from streams.core.activity import MINUTE
from streams.core.instant import Instant
from streams.core.spike import snapshot
from streams.engine.stage import Batch
from streams.errors import MailflagError
from streams.wire.topic import Topic


@pytest.fixture
def world():
    """A tenant that has worked for three hours."""
    one = Tenants()
    one.minutes(180, good=8)
    return one


def story(world):
    """An expired password: an hour without any mail through, then repaired."""
    world.minutes(60, bad=8)
    world.minutes(60, good=8)


def test_an_incident_is_opened_updated_and_resolved_under_one_key(world):
    story(world)
    assert world.types() == ["alert-opened", "alert-resolved"]
    assert "alert-updated" in [a.type for a in world.said]
    assert {a.key for a in world.said} == {world.said[0].key}
    assert {a.cause for a in world.said} == {AUTH}
    assert [a.revision for a in world.said] == sorted({a.revision for a in world.said})
    opened, resolved = world.said[0], world.said[-1]
    assert opened.opened_at < resolved.resolved_at
    assert opened.customers >= 3


def test_a_tenant_that_works_says_nothing(world):
    world.minutes(60, good=8)
    assert world.said == []


@pytest.mark.parametrize("every", [1, 7])
def test_restarts_change_no_word_of_what_is_said(world, every):
    plain = Tenants()
    plain.minutes(180, good=8)
    story(plain)
    for minute in range(120):
        if minute % every == 0:
            world.restart()
        if minute < 60:
            world.minute(bad=8)
        else:
            world.minute(good=8)
    assert world.said == plain.said


def test_a_restart_in_the_middle_opens_no_second_incident(world):
    world.minutes(10, bad=8)
    assert world.types() == ["alert-opened"]
    world.restart()
    world.minutes(10, bad=8)
    assert world.types() == ["alert-opened"]
    world.minutes(60, good=8)
    assert world.types() == ["alert-opened", "alert-resolved"]


def test_a_restored_tenant_is_the_same_to_the_byte(world):
    world.minutes(5, bad=8)
    world.minutes(3, good=1, bad=1)
    before = _state(world)
    world.restart()
    assert _state(world) == before


def test_what_cannot_be_read_is_counted_and_stops_nothing(world):
    now = world.now = Instant(world.now + MINUTE)
    good = world.record(activity(now, bad=8))
    world.hear(
        Piece(b"t-1", b"nonsense"),
        Piece(b"t-1", None),
        Piece(b"t-1", b'{"tenant_id":"t-1"}'),
        good,
    )
    counted = {k[2]: n for k, n in world.output.tallies.items()}
    assert counted == {"not_json": 1, "empty_value": 1, "schema_violation": 1}
    world.minutes(3, bad=8)
    assert world.types() == ["alert-opened"]


@pytest.mark.parametrize("restarted", [False, True])
def test_a_record_that_comes_again_counts_once(world, restarted):
    now = world.now = Instant(world.now + MINUTE)
    record = world.record(activity(now, good=8, bad=1))
    world.hear(record)
    once = _state(world)
    if restarted:
        world.restart()
    for _ in range(5):
        world.hear(record)
        world.hear(record, record)
    assert _state(world) == once


def test_a_record_twice_in_one_batch_counts_once(world):
    now = world.now = Instant(world.now + MINUTE)
    other = Tenants()
    other.minutes(180, good=8)
    other.now = now
    record = world.record(activity(now, good=8, bad=1))
    world.hear(record, record)
    other.hear(other.record(activity(now, good=8, bad=1)))
    assert _state(world) == _state(other)


def test_a_whole_hour_of_records_that_comes_again_changes_nothing(world):
    records = []
    for _ in range(60):
        now = world.now = Instant(world.now + MINUTE)
        records.append(world.record(activity(now, good=8)))
        world.hear(records[-1])
    before = _state(world)
    world.restart()
    for record in records:
        world.hear(record)
    assert _state(world) == before


def test_records_of_several_evidence_partitions_all_count(world):
    now = world.now = Instant(world.now + MINUTE)
    before = _tenant(world).rates.mails
    for partition in (3, 1, 2):
        world.offset = 0  # each partition counts its own
        world.hear(world.record(activity(now, good=8), partition=partition))
    assert _tenant(world).rates.mails == before + 24


def test_a_topic_that_was_made_anew_is_heard_although_it_counts_from_zero(world):
    world.offset = 0
    world.minutes(4, bad=8)
    assert world.types() == ["alert-opened"]


def test_records_of_one_batch_give_the_state_that_a_restart_gives(world):
    now = world.now = Instant(world.now + MINUTE)
    several = [
        world.record(activity(now, good=4, bad=1, customer=str(n)), partition=n)
        for n in range(3)
    ]
    world.hear(*several)
    before = _state(world)
    world.restart()
    assert _state(world) == before
    for record in several:
        world.hear(record)
    assert _state(world) == before


def test_a_record_with_line_breaks_is_kept_readable(world):
    now = world.now = Instant(world.now + MINUTE)
    record = world.record(activity(now, good=8, bad=1))
    record.value = record.value.replace(b",", b",\n")
    world.hear(record)
    before = _state(world)
    world.restart()
    assert _state(world) == before


def test_a_snapshot_of_another_version_stops_the_stage_and_forgets_nothing(
    world, monkeypatch
):
    world.minutes(10, bad=8)
    with monkeypatch.context() as newer:
        newer.setattr(snapshot, "VERSION", snapshot.VERSION + 1)
        _seal(world)
    pairs = dict(world.tenants.scan())
    world.restart()
    with pytest.raises(MailflagError, match="another version"):
        world.minute(bad=8)
    assert dict(world.tenants.scan()) == pairs


def test_the_tenants_of_one_batch_are_told_apart():
    world = Tenants()
    for _ in range(180):
        world.minute(good=8)
        world.hear(world.record(activity(world.now, good=8), "t-2"))
    for _ in range(5):
        now = world.now = Instant(world.now + MINUTE)
        world.hear(
            world.record(activity(now, bad=8), "t-1"),
            world.record(activity(now, good=8), "t-2"),
        )
    assert {a.tenant_id for a in world.said} == {"t-1"}


def test_a_batch_costs_a_small_write_and_not_the_whole_state(world):
    world.tenants.take_changes()
    world.minute(good=8)
    (key, value), (_, told) = sorted(world.tenants.take_changes().items(), reverse=True)
    assert key.startswith(b"t-1/")
    assert len(value) < len(world.tenants.get(b"t-1")) * 2
    assert len(told) == 12  # which digest was the last


def test_due_without_a_state_does_nothing():
    world = Tenants()
    assert world.spikes.due(world.tenants, START).messages == []
    batch = Batch(Topic.TENANT_ACTIVITY, 0, [Piece(b"t-1", b"")])
    world.spikes.process(batch, world.tenants, START)
    assert len(world.tenants) == 0


def _tenant(world):
    journal = journal_of(world.spikes)
    return journal.open(world.tenants, b"t-1", world.now).state


def _state(world):
    return snapshot.dump(_tenant(world))


def _seal(world):
    journal = journal_of(world.spikes)
    live = journal.open(world.tenants, b"t-1", world.now)
    journal.seal(world.tenants, live, world.now, None)
