"""States that older programs wrote: workers read changelogs from before an update."""

import base64
from pathlib import Path

import pytest

from streams.core.activity import MINUTE, Activity, Hop, Trial
from streams.core.failure import FailureClass
from streams.core.instant import Instant
from streams.core.spike import rollup_snapshot, snapshot
from streams.core.spike.detector import step, wake_at
from streams.core.spike.fleet import UNKNOWN, Hosts

STATES = Path(__file__).parents[3] / "data" / "states"


def state(name):
    return base64.b64decode((STATES / name).read_text())


def test_a_tenant_of_the_first_version_keeps_its_incident_and_resolves_it():
    tenant = snapshot.load(state("tenant-in-an-incident.v1.b64"))
    assert tenant.id == "t-1"
    incident = tenant.submission.incident
    assert len(tenant.submission.voices) >= 30
    assert tenant.beyond.voices
    assert snapshot.load(snapshot.dump(tenant)).submission.incident == incident
    # How many customers were told of is not known: it is told again, once.
    (told,) = step(tenant, None, Instant(wake_at(tenant))).verdicts
    assert told.incident.key == incident.key
    assert step(tenant, None, Instant(wake_at(tenant))).verdicts == []


def test_a_rollup_of_the_first_version_keeps_its_parents_and_children():
    rollup = rollup_snapshot.load(state("rollup-with-a-platform-incident.v1.b64"))
    (parent,) = rollup.parents
    assert len(parent.children) == 8
    assert {case.parent for case in rollup.cases.values()} == {parent.key}
    again = rollup_snapshot.load(rollup_snapshot.dump(rollup))
    assert again.parents == rollup.parents
    assert again.cases == rollup.cases


def test_a_rollup_of_the_second_version_keeps_what_its_pools_heard():
    rollup = rollup_snapshot.load(state("rollup-with-a-provider-incident.v2.b64"))
    voices = rollup.pools.by_provider["microsoft"].voices
    assert len(voices) == 2
    blocked = FailureClass.SENDER_BLOCKED
    assert {voice.failure_class for voice in voices.values()} == {blocked}
    (parent,) = rollup.parents
    assert parent.provider == "google"
    assert not parent.most
    again = rollup_snapshot.load(rollup_snapshot.dump(rollup))
    assert again.parents == rollup.parents
    assert again.pools.by_provider["microsoft"].voices == voices


def test_a_tenant_of_the_second_version_is_the_same_in_columns():
    rows = snapshot.load(state("tenant-in-an-incident.v2.b64"))
    columns = snapshot.load(snapshot.dump(rows))
    assert columns.ledger.starts == rows.ledger.starts
    assert len(columns.ledger.starts) > 60
    for start, bucket in rows.ledger.buckets.items():
        same = columns.ledger.buckets[start]
        assert (same.submitted, same.by_mx) == (bucket.submitted, bucket.by_mx)
        assert same.by_relay == bucket.by_relay
        assert same.of == bucket.of
    assert columns.ledger.tracked == rows.ledger.tracked
    incident = columns.submission.incident
    assert incident == rows.submission.incident
    assert incident.told_customers > 0


def test_a_rollup_of_the_third_version_knows_no_hosts_of_its_incidents():
    rollup = rollup_snapshot.load(state("rollup-with-a-platform-incident.v3.b64"))
    assert len(rollup.parents) == 5
    assert len(rollup.cases) == 12
    assert {case.figures.hosts for case in rollup.cases.values()} == {UNKNOWN}
    again = rollup_snapshot.load(rollup_snapshot.dump(rollup))
    assert again.cases == rollup.cases
    assert again.parents == rollup.parents


def test_a_tenant_of_the_fourth_version_counts_hosts_from_now_on():
    tenant = snapshot.load(state("tenant-in-an-incident.v4.b64"))
    incident = tenant.submission.incident
    assert sum(tenant.submission.failures.values()) == 40
    now, activity = Instant(tenant.now + MINUTE), Activity()
    for customer in ("c-1", "c-2"):
        activity.add(refused(now, customer, "app1.example.net"))
    activity.accept(now, now, "google", Hop.SUBMISSION, "app2.example.net")
    step(tenant, activity, now)
    for one in (tenant, snapshot.load(snapshot.dump(tenant))):
        (told,) = step(one, None, Instant(wake_at(one))).verdicts
        assert told.incident.key == incident.key
        assert told.figures.failed == 42
        assert told.figures.hosts == Hosts(
            (("app1.example.net", 2),), 42 - 40, ("app2.example.net",)
        )


def refused(now, customer, host):
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
        through=host,
    )


def test_a_tenant_of_the_third_version_keeps_its_votes_whole_and_its_clock_unknown():
    tenant = snapshot.load(state("tenant-in-an-incident.v3.b64"))
    assert len(tenant.submission.voices) == 40
    assert {voice.weight for voice in tenant.submission.voices.values()} == {1.0}
    assert tenant.clock.behind(tenant.now) == 0
    again = snapshot.load(snapshot.dump(tenant))
    assert again.submission.incident == tenant.submission.incident
    assert again.submission.voices == tenant.submission.voices


@pytest.mark.parametrize("codec", [snapshot, rollup_snapshot])
def test_a_state_of_an_unknown_version_is_none(codec, monkeypatch):
    name = {
        snapshot: "tenant-in-an-incident.v1.b64",
        rollup_snapshot: "rollup-with-a-platform-incident.v1.b64",
    }[codec]
    newer = codec.load(state(name))
    with monkeypatch.context() as later:
        later.setattr(codec, "VERSION", codec.VERSION + 1)
        packed = codec.dump(newer)
    assert codec.load(packed) is None
