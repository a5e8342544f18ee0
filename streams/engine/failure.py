"""What an error of Kafka's means for the worker."""

import asyncio

from aiokafka import errors

from streams.engine.exits import ExitCode
from streams.errors import StoreFailed

REFUSED = (
    errors.MessageSizeTooLargeError,
    errors.RecordListTooLargeError,
    errors.InvalidTopicError,
    errors.TopicAuthorizationFailedError,
    errors.ClusterAuthorizationFailedError,
    errors.TransactionalIdAuthorizationFailed,
    errors.InvalidRequiredAcksError,
    errors.InvalidTimestampError,
    errors.PolicyViolationError,
)
"""The same request would be refused again."""

IN_DOUBT = (
    errors.InvalidTxnState,
    errors.InvalidProducerIdMapping,
    errors.OutOfOrderSequenceNumber,
    errors.ProducerClosed,
)
"""The coordinator and the producer disagree: recover and see what was committed."""


def puts_in_doubt(error: BaseException) -> bool:
    """Say whether a lane should take its partition over from itself.

    A plain `KafkaError` is what aiokafka's sender leaves when it dies of something
    that it did not expect (producer/sender.py:198): that producer is of no use.
    """
    return isinstance(error, IN_DOUBT) or type(error) is errors.KafkaError


def opening_code_of(error: BaseException) -> ExitCode:
    """Say with which code a worker ends that could not open its lanes."""
    code = exit_code_of(error)
    kept = {ExitCode.UNAVAILABLE, ExitCode.STORE_FAILED}
    return code if code in kept else ExitCode.OPEN_FAILED


def exit_code_of(error: BaseException) -> ExitCode:
    """Say with which code a worker ends that met `error` while writing."""
    if isinstance(error, StoreFailed):
        return ExitCode.STORE_FAILED
    if isinstance(error, REFUSED):
        return ExitCode.OUTPUT_REFUSED
    if isinstance(error, asyncio.TimeoutError | errors.KafkaTimeoutError):
        return ExitCode.UNAVAILABLE
    if isinstance(error, errors.KafkaError) and error.retriable:
        return ExitCode.UNAVAILABLE
    return ExitCode.ENGINE_FAILED
