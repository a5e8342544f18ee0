"""What all tenants tell becomes alerts: as few as there are faults, each once."""

from collections import Counter

import pytest
from tenants import START, Piece, Tenants, activity, journal_of

from streams.core.activity import MINUTE
from streams.core.instant import Instant
from streams.core.spike import rollup_snapshot
from streams.core.spike.alert import Kind, Severity
from streams.core.spike.rollup import Rollup
from streams.engine.stage import Batch
from streams.errors import MailflagError
from streams.wire import contract, dead_letter
from streams.wire import digest as digest_wire
from streams.wire.topic import Topic

TENANTS = tuple(f"t-{n}" for n in range(8))


def together(world, minutes, good=0, bad=0, tenants=TENANTS):
    """Let minutes pass in which every tenant has the same luck."""
    for _ in range(minutes):
        world.now = Instant(world.now + MINUTE)
        world.timers()
        world.hear(*(world.record(activity(world.now, good, bad), t) for t in tenants))


@pytest.fixture
def world():
    """Eight tenants that have worked for a while."""
    one = Tenants()
    together(one, 45, good=4)
    return one


def pages(world):
    critical = [a for a in world.said if a.severity is Severity.CRITICAL]
    return [a for a in critical if a.type == "alert-opened"]


def test_one_fault_of_many_tenants_is_one_page_and_its_resolution(world):
    together(world, 30, bad=4)
    (page,) = pages(world)
    assert page.kind is Kind.PLATFORM_SPIKE
    together(world, 90, good=4)
    resolved = [a for a in world.said if a.type == "alert-resolved"]
    assert [a.key for a in resolved].count(page.key) == 1


def test_the_tenants_own_alerts_name_the_parent_and_wake_nobody(world):
    together(world, 30, bad=4)
    (page,) = pages(world)
    children = [a for a in world.said if a.kind is Kind.SPIKE]
    assert {a.parent for a in children} == {page.key}
    assert {a.severity for a in children} == {Severity.INFO}


def test_restarts_during_a_fault_of_many_page_nobody_twice(world):
    for _ in range(10):
        together(world, 3, bad=4)
        world.restart()
    for _ in range(18):
        together(world, 5, good=4)
        world.restart()
    (page,) = pages(world)
    keys = [(a.key, a.type) for a in world.said if a.type != "alert-updated"]
    assert len(keys) == len(set(keys))
    assert (page.key, "alert-resolved") in keys


def test_every_alert_keeps_the_contract(world):
    together(world, 30, bad=4)
    together(world, 60, good=4)
    assert len(world.said) > 2
    for alert in world.said:
        assert contract.validator("alert.v1").is_valid(alert.body)


def test_a_restored_roll_up_is_the_same_to_the_byte(world):
    together(world, 5, bad=4)
    before = _state(world)
    world.restart()
    assert _state(world) == before


def test_a_digest_that_cannot_be_read_is_a_dead_letter_and_stops_nothing(world):
    bad_time = b'{"greetings": 0, "pooled": [["2026-01-05", "a", 1, 1]], "words": []}'
    poison = [b"nonsense", None, b"[]", b'{"greetings": -1}', b'"\xff"', b"[", bad_time]
    records = [Piece(b"0", value, offset) for offset, value in enumerate(poison)]
    batch = Batch(Topic.SPIKE_DIGESTS, 0, records)
    output = world.rollup.process(batch, world.all, world.now)
    letters = [
        dead_letter.read(Piece(m.key, m.value, 0, 0, m.headers))
        for m in output.messages
    ]
    assert [(one.value, one.offset) for one in letters] == list(
        zip(poison, range(7), strict=True)
    )
    assert {m.topic for m in output.messages} == {"mailflag.spike-digests.v1.dlq"}
    assert {k[2]: n for k, n in output.tallies.items()} == {
        "not_json": 3,
        "empty_value": 1,
        "schema_violation": 3,
    }
    together(world, 5, bad=4)
    assert world.said


def test_a_digest_that_somebody_else_wrote_survives_a_restart(world):
    together(world, 5, bad=4)
    told = Piece(b"0", b'{\n"greetings": 7,\n"pooled": [],\n"words": []\n}')
    batch = Batch(Topic.SPIKE_DIGESTS, 0, [told])
    assert world.rollup.process(batch, world.all, world.now).tallies == {}
    before = _state(world)
    world.restart()
    assert _state(world) == before


def test_a_snapshot_of_another_version_stops_the_stage_and_forgets_nothing(
    world, monkeypatch
):
    together(world, 10, bad=4)
    journal = journal_of(world.rollup)
    with monkeypatch.context() as newer:
        newer.setattr(rollup_snapshot, "VERSION", rollup_snapshot.VERSION + 1)
        journal.seal(
            world.all, journal.open(world.all, b"rollup", world.now), world.now, None
        )
    pairs = dict(world.all.scan())
    world.restart()
    with pytest.raises(MailflagError, match="another version"):
        together(world, 1, bad=4)
    assert dict(world.all.scan()) == pairs


def test_alerts_are_counted_by_what_they_say(world):
    counted = []
    tell = world.tell
    world.tell = lambda output: (counted.append(output.tallies), tell(output))
    together(world, 20, bad=4)
    total = sum(counted, Counter())
    told = Counter(
        ("alerts_announced", a.kind, a.type, a.scope, a.cause) for a in world.said
    )
    assert told
    assert total == told


def test_what_new_code_says_of_steps_that_old_code_was_silent_about_is_said_once(
    world, monkeypatch
):
    with monkeypatch.context() as old:
        old.setattr(Rollup, "_take", lambda self, verdict: None)
        together(world, 4, bad=4)
    assert world.said == []
    world.restart()
    together(world, 1, bad=4)
    (page,) = pages(world)
    assert page.body["tenants"] == len(TENANTS)
    told = len(world.said)
    world.restart()
    assert len(world.said) == told
    together(world, 2, bad=4)
    assert len(pages(world)) == 1


def test_a_batch_of_which_nothing_is_said_writes_only_what_it_heard(world):
    for _ in range(5):
        world.all.take_changes()
        together(world, 1, good=4)
        ((key, value),) = world.all.take_changes().items()
        assert key.startswith(b"rollup/")
        assert digest_wire.decode(value[20:]).greetings in {0, len(TENANTS)}
    assert world.said == []


def test_a_step_that_tells_of_something_writes_only_what_it_heard_too(world):
    together(world, 2, bad=4)
    told = 0
    for _ in range(20):
        world.all.take_changes()
        before = len(world.said)
        together(world, 1, bad=4)
        told += len(world.said) > before
        assert all(key.startswith(b"rollup/") for key in world.all.take_changes())
    assert told > 1


def test_what_new_code_tells_otherwise_of_old_steps_is_told_as_new_code_does(
    world, monkeypatch
):
    with monkeypatch.context() as old:
        old.setattr(Rollup, "_tell", lambda self, case, turn: None)
        together(world, 4, bad=4)
    (page,) = pages(world)
    assert {a.key for a in world.said} == {page.key}
    world.restart()
    together(world, 1, bad=4)
    tenants = {a.body["tenant_id"] for a in world.said if a.parent == page.key}
    assert tenants == set(TENANTS)
    assert {a.key for a in pages(world)} == {page.key}


def test_a_roll_up_that_heard_nothing_wants_nothing():
    world = Tenants()
    assert world.rollup.due(world.all, START).messages == []
    assert world.all.next_due() is None


def _state(world):
    journal = journal_of(world.rollup)
    return rollup_snapshot.dump(journal.open(world.all, b"rollup", world.now).state)
