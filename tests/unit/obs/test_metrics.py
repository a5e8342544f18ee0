"""The catalogue is closed, complete and named as Prometheus wants it."""

import inspect
import re
from collections import Counter

import pytest

from streams.agents import tally
from streams.core.failure import Side
from streams.core.instant import Instant
from streams.engine.observer import AbortReason, Observer
from streams.engine.readiness import Readiness
from streams.obs.metrics import (
    COUNTED,
    AlertReader,
    Delivery,
    Metrics,
    OpenAlert,
)
from streams.wire.address_state import Standing

TOPIC = "mail.send-attempts.v1"
LABELS = {
    *("stage", "topic", "partition", "reason", "kind", "said", "change", "side"),
    *("class", "cause", "condition", "suppress_recommended", "version", "le"),
    *("event", "scope", "tenant", "replica", "result", "confidence", "reader"),
}
"""What may be a label; each has a closed set of values or is a partition."""
FOREIGN = ("process_", "python_")


@pytest.fixture
def metrics():
    return Metrics()


def full(metrics):
    """Touch every series that a worker has, and answer the metrics."""
    metrics.watch_readiness(lambda: Readiness(*[True] * 5))
    metrics.watch_flags(dict)
    metrics.watch_fuses(dict)
    metrics.watch_alerts(lambda: [alert("t-1")])
    metrics.notifies(1)
    metrics.batch_processed("ingest", TOPIC, 0, records=3, size=300)
    metrics.progressed("ingest", TOPIC, 0, reached=Instant(1000), now=Instant(2000))
    metrics.committed("ingest", messages={TOPIC: 1}, tallies=Counter())
    metrics.transaction_finished("flags", 0, seconds=0.1, records=1)
    metrics.transaction_aborted("flags", 0, AbortReason.FENCED)
    metrics.forwarded("ingest", seconds=0.1, records=1)
    metrics.recovery_progressed("flags", 0, applied=1, left=0)
    metrics.lanes_open("flags", 1)
    metrics.lag("ingest", TOPIC, 0, 5)
    metrics.table_size("flags", 0, 7)
    metrics.pending(3)
    return metrics


def families(metrics):
    return list(metrics.registry.collect())


def alert(tenant, customers=3, opened=1000, cause="submission_auth_failed"):
    kind = "platform-spike" if tenant is None else "spike"
    scope = "platform" if tenant is None else "tenant"
    return OpenAlert(kind, scope, cause, tenant, customers, Instant(opened))


def value(metrics, name, **labels):
    return metrics.registry.get_sample_value(name, labels)


def constructed():
    """Answer an example of every tally that the stages can make."""
    for name, made in vars(tally).items():
        if name.startswith("_"):
            continue
        if inspect.isfunction(made):
            yield made(*["any"] * len(inspect.signature(made).parameters))
        elif isinstance(made, tuple):
            yield made


def test_every_tally_of_the_stages_is_in_the_catalogue_with_its_labels():
    names = {made[0] for made in constructed()}
    assert names == set(COUNTED)
    for name, *labels in constructed():
        assert len(labels) == len(COUNTED[name].labels), name


def test_every_tally_can_be_counted(metrics):
    for made in constructed():
        metrics.committed("flags", messages={}, tallies=Counter({made: 2}))
        name, *labels = made
        shown = dict(zip(COUNTED[name].labels, labels, strict=True))
        assert value(metrics, f"mailflag_{name}_total", **shown) == 2


def test_a_tally_that_the_catalogue_does_not_know_is_a_programming_error(metrics):
    with pytest.raises(KeyError, match="no_such_tally"):
        metrics.committed(
            "flags", messages={}, tallies=Counter({("no_such_tally",): 1})
        )


def test_series_that_are_known_beforehand_start_at_zero(metrics):
    known = {
        "flag_changes": {
            "change": "flag-set",
            "side": "recipient",
            "class": "bad_mailbox",
        },
        "records_rejected": {"topic": TOPIC, "reason": "not_json"},
        "response_mismatches": {},
    }
    for name, labels in known.items():
        assert value(Metrics(), f"mailflag_{name}_total", **labels) == 0
        assert value(metrics, f"mailflag_{name}_total", **labels) == 0


def test_open_alerts_are_counted_by_kind_and_scope_and_none_are_zero(metrics):
    opened = [alert("t-1"), alert("t-2"), alert(None)]
    metrics.watch_alerts(lambda: opened)
    name = "mailflag_alerts_open"
    assert value(metrics, name, kind="spike", scope="tenant") == 2
    assert value(metrics, name, kind="platform-spike", scope="platform") == 1
    opened.clear()
    assert value(metrics, name, kind="spike", scope="tenant") == 0
    assert value(metrics, name, kind="platform-spike", scope="platform") == 0


def test_only_the_ten_greatest_alerts_are_shown_with_their_tenant(metrics):
    metrics.watch_alerts(lambda: [alert(f"t-{n}", customers=n) for n in range(1, 40)])
    shown = {
        sample.labels["tenant"]: sample.value
        for family in families(metrics)
        if family.name == "mailflag_alert_customers"
        for sample in family.samples
    }
    assert shown == {f"t-{n}": n for n in range(30, 40)}


def test_two_alerts_of_one_tenant_and_cause_are_one_series(metrics):
    """They differ by the provider, which is a domain and so no label."""
    metrics.watch_alerts(lambda: [alert("t-1", 3, 5000), alert("t-1", 4, 2000)])
    where = {
        "tenant": "t-1",
        "kind": "spike",
        "scope": "tenant",
        "class": "submission_auth_failed",
    }
    assert value(metrics, "mailflag_alert_customers", **where) == 7
    assert value(metrics, "mailflag_alert_opened_timestamp_seconds", **where) == 2


def test_requests_to_alertmanagers_are_counted_by_replica_and_result(metrics):
    metrics.notifies(2)
    metrics.notified(1, Delivery.UNAVAILABLE)
    name = "mailflag_alertmanager_requests_total"
    assert value(metrics, name, replica="1", result="unavailable") == 1
    assert value(metrics, name, replica="0", result="delivered") == 0


def test_every_metric_has_our_prefix_a_help_and_labels_of_the_closed_set(metrics):
    for family in families(full(metrics)):
        if family.name.startswith(FOREIGN):
            continue
        assert re.fullmatch(r"mailflag_[a-z]+(_[a-z]+)*", family.name)
        assert family.documentation.endswith("."), family.name
        for sample in family.samples:
            assert set(sample.labels) <= LABELS, sample


def test_what_is_counted_ends_in_total_and_nothing_else_does(metrics):
    for family in families(full(metrics)):
        for sample in family.samples:
            assert (family.type == "counter") == sample.name.endswith("_total")


def test_the_metrics_are_an_observer_in_every_signature(metrics):
    for name, asked in inspect.getmembers(Observer, inspect.isfunction):
        if not name.startswith("_"):
            given = getattr(Metrics, name)
            assert inspect.signature(given) == inspect.signature(asked), name


def test_times_are_seconds_since_1970(metrics):
    full(metrics)
    where = {"stage": "ingest", "topic": TOPIC, "partition": "0"}
    assert value(metrics, "mailflag_last_processed_timestamp_seconds", **where) == 2
    assert value(metrics, "mailflag_last_record_timestamp_seconds", **where) == 1


def test_a_delay_is_from_the_log_to_the_stage_and_never_negative(metrics):
    where = {"stage": "ingest", "topic": TOPIC, "partition": "0"}
    full(metrics)
    assert value(metrics, "mailflag_delay_seconds", **where) == 1
    metrics.progressed("ingest", TOPIC, 0, reached=Instant(9000), now=Instant(8000))
    assert value(metrics, "mailflag_delay_seconds", **where) == 0
    assert value(metrics, "mailflag_batch_delay_seconds_sum", stage="ingest") == 1
    assert value(metrics, "mailflag_batch_delay_seconds_count", stage="ingest") == 2


def test_a_partition_that_is_given_up_leaves_no_gauge_behind(metrics):
    full(metrics).lag_unknown("ingest", TOPIC, 0)
    metrics.lag_unknown("flags", "mailflag.evidence.v1", 0)
    left = [s for f in families(metrics) for s in f.samples if "partition" in s.labels]
    assert left == []


def test_giving_up_a_partition_of_which_nothing_is_known_is_no_error(metrics):
    metrics.lag_unknown("ingest", TOPIC, 0)


def test_standing_flags_are_asked_for_at_every_scrape(metrics):
    standing = {Standing(Side.RECIPIENT, suppress_recommended=True): 4}
    metrics.watch_flags(lambda: standing)
    where = {"side": "recipient", "suppress_recommended": "true"}
    assert value(metrics, "mailflag_flags_standing", **where) == 4
    standing[Standing(Side.RECIPIENT, suppress_recommended=True)] = 5
    assert value(metrics, "mailflag_flags_standing", **where) == 5
    where["suppress_recommended"] = "false"
    assert value(metrics, "mailflag_flags_standing", **where) == 0


def test_the_fuse_shown_is_the_nearest_of_those_that_this_worker_still_serves(metrics):
    charges = {(TOPIC, 0): 0.2, (TOPIC, 1): 0.7}
    metrics.watch_fuses(lambda: charges)
    assert value(metrics, "mailflag_fuse_charge_ratio", topic=TOPIC) == 0
    for partition in (0, 1):
        metrics.progressed(
            "ingest", TOPIC, partition, reached=Instant(1), now=Instant(1)
        )
    assert value(metrics, "mailflag_fuse_charge_ratio", topic=TOPIC) == 0.7
    metrics.lag_unknown("ingest", TOPIC, 1)
    assert value(metrics, "mailflag_fuse_charge_ratio", topic=TOPIC) == 0.2


def test_readiness_is_one_gauge_and_one_for_each_condition(metrics):
    conditions = [True, True, False, True, True]
    metrics.watch_readiness(lambda: Readiness(*conditions))
    assert value(metrics, "mailflag_worker_ready") == 0
    assert value(metrics, "mailflag_worker_condition", condition="positioned") == 0
    assert value(metrics, "mailflag_worker_condition", condition="assigned") == 1
    conditions[2] = True
    assert value(metrics, "mailflag_worker_ready") == 1


def test_the_page_is_text_for_prometheus_and_openmetrics_for_who_asks(metrics):
    body, kind = metrics.page("text/plain;version=0.0.4")
    assert kind.startswith("text/plain; version=0.0.4")
    assert b"# HELP mailflag_build_info" in body
    body, kind = metrics.page("application/openmetrics-text; version=1.0.0")
    assert kind.startswith("application/openmetrics-text; version=1.0.0")
    assert body.endswith(b"# EOF\n")


def test_alerts_that_cannot_be_read_are_told_for_each_reader(metrics):
    metrics.watch_unreadable(AlertReader.FLAGS, lambda: 2)
    name = "mailflag_alerts_unreadable"
    assert value(metrics, name, reader="flags") == 2
    assert value(metrics, name, reader="notifier") is None
