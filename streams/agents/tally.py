"""What the stages count: one constructor a metric, so that none is misspelt.

The engine publishes tallies once a batch is committed; `streams.obs.metrics`
has the catalogue with the same names and labels.
"""

from streams.core.failure import Confidence, FailureClass, Side
from streams.core.flag import ChangeType, ClearedBy
from streams.engine.stage import Tally

REJECTED = "records_rejected"
IGNORED = "reports_ignored"
LEFT_OUT = "report_recipients_left_out"
EVIDENCE = "evidence"
FAILURES = "failures_classified"
SKEWED = "clock_skewed_events"
FLAG_CHANGES = "flag_changes"
FLAG_CLEARS = "flag_clears"
LATE_EVIDENCE = "late_evidence_ignored"
MISMATCHES = "response_mismatches"
ALERTS = "alerts_announced"
REPEATED = "sums_repeated"


def rejected(topic: str, reason: str) -> Tally:
    """A record went to the dead-letter topic."""
    return REJECTED, topic, reason


def ignored(kind: str) -> Tally:
    """A mail to the bounce mailbox was no report, e.g. an auto-reply."""
    return IGNORED, kind


NAMELESS: Tally = (LEFT_OUT,)
"""A recipient of a report about several was no address, or of no tenant."""


def evidence(kind: str, said: str) -> Tally:
    """A piece of evidence was made; `said` is its outcome or action."""
    return EVIDENCE, kind, said


def failure(failure_class: FailureClass, confidence: Confidence) -> Tally:
    """A piece of evidence says that something failed, and how sure we are of what."""
    return FAILURES, failure_class, confidence


def skewed(topic: str) -> Tally:
    """An event claimed to be from the future and was dated back to its arrival."""
    return SKEWED, topic


def flag_change(kind: ChangeType, side: Side, failure_class: FailureClass) -> Tally:
    """A flag was set, updated or cleared."""
    return FLAG_CHANGES, kind, side, failure_class


def flag_clear(cause: ClearedBy) -> Tally:
    """A flag was cleared, and why."""
    return FLAG_CLEARS, cause


def alert(kind: str, event: str, scope: str, cause: FailureClass) -> Tally:
    """An alert was opened, updated or resolved; `event` is the record's type."""
    return ALERTS, kind, event, scope, cause


def repeated(topic: str) -> Tally:
    """Activity or a digest came again, and was not counted twice."""
    return REPEATED, topic


LATE: Tally = (LATE_EVIDENCE,)
"""Evidence about a message older than all that are remembered."""
MISMATCH: Tally = (MISMATCHES,)
"""A server's answer was contradicted by a delivery."""
