"""The engine's own connections to Kafka: producers of lanes, readers of logs."""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from streams.engine.config import Compression, EngineConfig

READER_BACKOFF_MS = 20
"""aiokafka's default of 100 ms is felt in every recovery: a new client knows no
partition's leader and tries twice."""
_BATCH_OVERHEAD = 4096
START_PAUSE = 0.5
"""Seconds before a client that could not be started is started again."""

Client = TypeVar("Client", AIOKafkaConsumer, AIOKafkaProducer)


async def started(make: Callable[[], Client], config: EngineConfig) -> Client:
    """Make a client and connect it; try again for as long as a session lasts.

    A connection that is cut while partitions are taken over is no reason to end the
    worker: its restart would make the whole group share out the partitions twice.
    """
    end = time.monotonic() + config.session_timeout
    while True:
        client = make()
        try:
            await client.start()
        except KafkaError as error:
            await client.stop()
            if not error.retriable or time.monotonic() > end:
                raise
        else:
            return client
        await asyncio.sleep(START_PAUSE)


def authentication(config: EngineConfig) -> dict[str, Any]:
    """Answer the keyword arguments of aiokafka's clients for the security."""
    security = config.security
    kwargs: dict[str, Any] = {"security_protocol": security.protocol.value}
    if security.uses_tls:
        kwargs["ssl_context"] = security.ssl_context
    if security.uses_sasl:
        kwargs["sasl_mechanism"] = security.sasl_mechanism.value
        kwargs["sasl_plain_username"] = security.sasl_username
        kwargs["sasl_plain_password"] = security.sasl_password
    return kwargs


def forwarding_producer(config: EngineConfig, stage: str) -> AIOKafkaProducer:
    """Make an idempotent producer: no loss and no duplicates of its own making."""
    return AIOKafkaProducer(
        enable_idempotence=True,
        client_id=f"{config.app_id}-{stage}",
        **_producing(config),
    )


def transactional_producer(
    config: EngineConfig, stage: str, partition: int
) -> AIOKafkaProducer:
    """Make the one producer that may write for a partition of a stage.

    Its id belongs to the partition, so starting it fences every older owner and
    ends the older owner's transaction.
    """
    identity = f"{config.app_id}-{stage}-{partition}"
    return AIOKafkaProducer(
        transactional_id=identity,
        transaction_timeout_ms=int(config.transaction_timeout * 1000),
        client_id=identity,
        **_producing(config),
    )


def log_reader(
    config: EngineConfig, purpose: str, *, wait_ms: int = 100
) -> AIOKafkaConsumer:
    """Make a reader without a group, of committed records from the beginning.

    A fetch waits `wait_ms` at the end of the log. A reader that is stopped waits for
    its last fetch; one that stays asks an idle broker once in that time.
    """
    return AIOKafkaConsumer(
        bootstrap_servers=config.servers,
        client_id=f"{config.app_id}-{purpose}",
        group_id=None,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        check_crcs=config.check_crcs,
        max_partition_fetch_bytes=config.fetch_max_bytes,
        fetch_max_wait_ms=wait_ms,
        retry_backoff_ms=READER_BACKOFF_MS,
        request_timeout_ms=int(config.request_timeout * 1000),
        **authentication(config),
    )


async def log_bounds(
    config: EngineConfig, tps: Iterable[tuple[str, int]]
) -> dict[tuple[str, int], tuple[int, int]]:
    """Answer the first and the next offset of each partition's log.

    On a connection of its own: a broker answers a connection's requests one after
    the other, and the group's consumer nearly always has a fetch waiting there,
    which held a rebalance up for most of a second.
    """
    names = [TopicPartition(*tp) for tp in tps]
    reader = await started(lambda: log_reader(config, "bounds"), config)
    try:
        begins = await reader.beginning_offsets(names)
        ends = await reader.end_offsets(names)
    finally:
        await reader.stop()
    return {tuple(name): (begins[name], ends[name]) for name in names}


def _producing(config: EngineConfig) -> dict[str, Any]:
    packed = config.compression is not Compression.NONE
    return {
        "bootstrap_servers": config.servers,
        "acks": "all",
        "compression_type": config.compression.value if packed else None,
        "max_batch_size": config.max_request_bytes,
        "max_request_size": config.max_request_bytes + _BATCH_OVERHEAD,
        "request_timeout_ms": int(config.request_timeout * 1000),
        **authentication(config),
    }
