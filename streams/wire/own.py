"""Records that only we write: their values, read back by their schema."""

from collections.abc import Callable
from typing import Any, TypeVar

import orjson

from streams.wire import contract
from streams.wire.reject import Reject, RejectReason

_T = TypeVar("_T")


def read(
    value: bytes | None, schema: str, build: Callable[[dict[str, Any]], _T]
) -> _T | Reject:
    """Build what a value says; a Reject when none of ours can have written it."""
    if not value:
        return Reject(RejectReason.EMPTY_VALUE, "no value")
    try:
        body = orjson.loads(value)
    except orjson.JSONDecodeError:
        return Reject(RejectReason.NOT_JSON, "not UTF-8 JSON text")
    try:
        if contract.validator(schema).is_valid(body):
            return build(body)
    except ValueError:  # a time that is none, or nesting too deep to validate
        return Reject(RejectReason.SCHEMA_VIOLATION, f"{schema}: format")
    return Reject(RejectReason.SCHEMA_VIOLATION, schema)
