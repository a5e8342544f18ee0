"""Bad input as a value: expected, counted, dead-lettered, never raised."""

from enum import StrEnum
from typing import NamedTuple


class RejectReason(StrEnum):
    """Why a record cannot be used; the `dlq-reason` header, a closed set."""

    NOT_JSON = "not_json"
    """Not UTF-8 JSON text (RFC 8259), or nested too deeply."""
    SCHEMA_VIOLATION = "schema_violation"
    """JSON, but not what the published schema asks for."""
    TOO_LARGE = "too_large"
    """Larger than the topic's contract allows."""
    EMPTY_VALUE = "empty_value"
    """No value at all: nothing can be deleted on an input topic."""
    BAD_TENANT = "bad_tenant"
    """An empty tenant id, or one with `/` or control characters."""
    BAD_ADDRESS = "bad_address"
    """No mail address, or none that could be written to."""
    BAD_TIME = "bad_time"
    """No RFC 3339 time with a zone, or outside 2000 to 2100."""
    UNATTRIBUTABLE = "unattributable"
    """A report that names no tenant or no recipient: it flags nobody."""
    DSN_UNPARSEABLE = "dsn_unparseable"
    """A raw message that is no report about a message of ours."""
    OUTPUT_TOO_LARGE = "output_too_large"
    """What would have to be written does not fit a record."""


class Reject(NamedTuple):
    """A record that cannot be used, with a field path but never an address."""

    reason: RejectReason
    detail: str
