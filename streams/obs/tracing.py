"""Traces, for who wants them: a span for each transaction, round and recovery.

OpenTelemetry is an optional extra, `mailflag[tracing]`; where spans go is told by
its own variables (`OTEL_EXPORTER_OTLP_ENDPOINT` and others). A span has the stage,
the partition and numbers, never a key, an address or a text.
"""

import time
from typing import TYPE_CHECKING

from streams import __version__
from streams.engine.observer import AbortReason
from streams.errors import ConfigurationError
from streams.obs.metrics import Metrics

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.trace import Tracer

SERVICE = "mailflag"
_NANOSECONDS = 1_000_000_000


class TracedMetrics(Metrics):
    """The metrics, and a span for whatever has a duration."""

    def __init__(self, tracer: "Tracer") -> None:
        """Take what makes spans."""
        super().__init__()
        self._tracer = tracer
        self._recovering: dict[tuple[str, int], float] = {}

    def transaction_finished(
        self, stage: str, partition: int, *, seconds: float, records: int
    ) -> None:
        """Note a committed transaction."""
        super().transaction_finished(stage, partition, seconds=seconds, records=records)
        self._span("transaction", seconds, stage, partition=partition, writes=records)

    def transaction_aborted(
        self, stage: str, partition: int, reason: AbortReason
    ) -> None:
        """Note a transaction that was given up; how long it took is not known."""
        super().transaction_aborted(stage, partition, reason)
        self._span("abort", 0, stage, partition=partition, reason=reason.value)

    def forwarded(self, stage: str, *, seconds: float, records: int) -> None:
        """Note an acknowledged round of a forwarding stage."""
        super().forwarded(stage, seconds=seconds, records=records)
        self._span("forward", seconds, stage, messages=records)

    def recovery_progressed(
        self, stage: str, partition: int, *, applied: int, left: int
    ) -> None:
        """Note a recovery when it is over."""
        super().recovery_progressed(stage, partition, applied=applied, left=left)
        began = self._recovering.setdefault((stage, partition), time.monotonic())
        if not left:
            del self._recovering[stage, partition]
            seconds = time.monotonic() - began
            self._span("recovery", seconds, stage, partition=partition, records=applied)

    def _span(self, name: str, seconds: float, stage: str, **facts: str | int) -> None:
        end = time.time_ns()
        span = self._tracer.start_span(
            f"{name} {stage}",
            start_time=end - int(seconds * _NANOSECONDS),
            attributes={"mailflag.stage": stage}
            | {f"mailflag.{fact}": value for fact, value in facts.items()},
        )
        span.end(end)


def traced(processor: "SpanProcessor | None" = None) -> TracedMetrics:
    """Make the metrics of a worker that traces, by OTLP unless told otherwise.

    Raises:
        ConfigurationError: the optional extra is not installed.
    """
    try:
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - optional
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - optional
    except ImportError as missing:
        message = (
            "MAILFLAG_TRACES needs OpenTelemetry: pip install 'mailflag[tracing]',"
            " or switch it off"
        )
        raise ConfigurationError(message) from missing
    named = {"service.name": SERVICE, "service.version": __version__}
    provider = TracerProvider(resource=Resource.create(named))
    provider.add_span_processor(processor or _otlp())
    return TracedMetrics(provider.get_tracer("streams", __version__))


def _otlp() -> "SpanProcessor":
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
        OTLPSpanExporter,
    )
    from opentelemetry.sdk.trace.export import (  # noqa: PLC0415 - optional
        BatchSpanProcessor,
    )

    return BatchSpanProcessor(OTLPSpanExporter())
