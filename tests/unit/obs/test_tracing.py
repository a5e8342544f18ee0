"""Spans of what takes time, with stage, partition and numbers and nothing else."""

import sys

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from streams.engine.observer import AbortReason
from streams.errors import ConfigurationError
from streams.obs.tracing import traced

ATTRIBUTES = {
    *("stage", "partition", "writes", "messages", "records", "reason"),
}


@pytest.fixture
def exported():
    return InMemorySpanExporter()


@pytest.fixture
def metrics(exported):
    return traced(SimpleSpanProcessor(exported))


def test_a_transaction_is_a_span_as_long_as_it_took(metrics, exported):
    metrics.transaction_finished("flags", 3, seconds=0.25, records=7)
    (span,) = exported.get_finished_spans()
    assert span.name == "transaction flags"
    assert span.end_time - span.start_time == 250_000_000
    assert span.attributes == {
        "mailflag.stage": "flags",
        "mailflag.partition": 3,
        "mailflag.writes": 7,
    }


def test_a_span_is_counted_among_the_metrics_as_well(metrics):
    metrics.transaction_finished("flags", 3, seconds=0.25, records=7)
    metrics.forwarded("ingest", seconds=0.1, records=5)
    metrics.transaction_aborted("flags", 3, AbortReason.FENCED)
    of = metrics.registry.get_sample_value
    assert of("mailflag_transaction_seconds_sum", {"stage": "flags"}) == 0.25
    assert of("mailflag_forward_messages_sum", {"stage": "ingest"}) == 5
    labels = {"stage": "flags", "reason": "fenced"}
    assert of("mailflag_transactions_aborted_total", labels) == 1


def test_a_recovery_is_one_span_whatever_its_steps(metrics, exported):
    for applied, left in ((0, 900), (500, 400), (900, 0)):
        metrics.recovery_progressed("flags", 0, applied=applied, left=left)
    (span,) = exported.get_finished_spans()
    assert span.name == "recovery flags"
    assert span.attributes["mailflag.records"] == 900


def test_spans_have_attributes_of_a_closed_set_and_our_name(metrics, exported):
    metrics.transaction_finished("flags", 3, seconds=0.25, records=7)
    metrics.forwarded("ingest", seconds=0.1, records=5)
    metrics.transaction_aborted("flags", 3, AbortReason.FENCED)
    metrics.recovery_progressed("flags", 0, applied=1, left=0)
    spans = exported.get_finished_spans()
    assert len(spans) == 4
    for span in spans:
        names = {name.removeprefix("mailflag.") for name in span.attributes}
        assert names <= ATTRIBUTES
        assert span.resource.attributes["service.name"] == "mailflag"


def test_without_the_extra_the_way_out_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(ConfigurationError, match=r"mailflag\[tracing\]"):
        traced()
