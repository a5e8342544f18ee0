"""What an error of Kafka's means for the worker."""

import asyncio

from aiokafka import errors

from streams.engine.exits import ExitCode

REFUSED = (
    errors.MessageSizeTooLargeError,
    errors.RecordListTooLargeError,
    errors.InvalidTopicError,
    errors.UnknownTopicOrPartitionError,
    errors.TopicAuthorizationFailedError,
    errors.ClusterAuthorizationFailedError,
    errors.TransactionalIdAuthorizationFailed,
    errors.InvalidRequiredAcksError,
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


def exit_code_of(error: BaseException) -> ExitCode:
    """Say with which code a worker ends that met `error` while writing."""
    if isinstance(error, REFUSED):
        return ExitCode.OUTPUT_REFUSED
    if isinstance(error, asyncio.TimeoutError | errors.KafkaTimeoutError):
        return ExitCode.UNAVAILABLE
    if isinstance(error, errors.KafkaError) and error.retriable:
        return ExitCode.UNAVAILABLE
    return ExitCode.ENGINE_FAILED
