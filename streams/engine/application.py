"""The Faust app of a worker: settings, agents, and what hangs on its signals."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import faust
from faust.auth import SASLCredentials, SSLCredentials
from faust.serializers.schemas import Schema

from streams.engine.config import EngineConfig
from streams.engine.consumer import BatchConsumer, BatchTransport
from streams.engine.event import FAUST_LOGGER
from streams.engine.follower import Follower
from streams.engine.ownership import Lanes
from streams.engine.services import Services
from streams.engine.spec import LaneSpec
from streams.engine.upstream import Untyped

QUEUE_LIMIT = 10_000
"""Batches that fit an agent's queue: more than one fetch ever makes, because the
consumer stops fetching for an agent long before (`BatchConsumer`)."""


def settings(config: EngineConfig) -> dict[str, Any]:
    """Answer Faust's settings, every one given by hand.

    Faust reads about eighty environment variables without a prefix (`WEB_PORT`,
    `BROKER_URL`, `TIMEZONE`) and prefers them to what the program says
    (types/settings/base.py:160), and it takes unknown keywords in silence, so a
    test checks each name.
    """
    request = max(config.request_timeout, 1.5 * config.session_timeout)
    web = config.web_port is not None
    return {
        "env_prefix": "MAILFLAG_FAUST",
        "version": 1,
        "autodiscover": False,
        # Faust makes this folder at start, though nothing of ours is kept there.
        "datadir": str(Path(gettempdir()) / f"{config.app_id}-data"),
        "debug": False,
        "broker": ";".join(f"kafka://{server}" for server in config.servers),
        "broker_credentials": credentials(config),
        "broker_client_id": config.app_id,
        "broker_session_timeout": config.session_timeout,
        "broker_heartbeat_interval": config.heartbeat_interval,
        "broker_rebalance_timeout": config.rebalance_timeout,
        "broker_request_timeout": request,
        "broker_max_poll_interval": config.max_poll_interval,
        "broker_check_crcs": config.check_crcs,
        "broker_max_poll_records": config.fetch_max_records,
        "consumer_max_fetch_size": config.fetch_max_bytes,
        "consumer_auto_offset_reset": "earliest",
        "processing_guarantee": "at_least_once",
        "key_serializer": "raw",
        "value_serializer": "raw",
        "store": "memory://",
        "table_standby_replicas": 0,
        "topic_allow_declare": False,
        "topic_disable_leader": True,
        # Faust waits this long in every rebalance before it goes on; 3 s is its
        # default. Long enough for a second rebalance right after the first.
        "stream_recovery_delay": 0.05,
        "stream_buffer_maxsize": QUEUE_LIMIT,
        "stream_wait_empty": True,
        "stream_publish_on_commit": False,
        "producer_threaded": False,
        "web_enabled": web,
        "web_bind": config.web_host,
        "web_host": config.web_host,
        "web_port": config.web_port if config.web_port is not None else 6066,
        "web_tables_enabled": False,
        "web_router_enabled": False,
        "web_metrics_enabled": False,
        "worker_redirect_stdouts": False,
    }


def credentials(config: EngineConfig) -> SASLCredentials | SSLCredentials | None:
    """Answer Faust's form of the security settings."""
    security = config.security
    if security.uses_sasl:
        return SASLCredentials(
            username=security.sasl_username,
            password=security.sasl_password,
            mechanism=security.sasl_mechanism.value,
            ssl_context=security.ssl_context if security.uses_tls else None,
        )
    if security.uses_tls:
        return SSLCredentials(context=security.ssl_context)
    return None


class RawBatches(Schema[Untyped, Untyped]):
    """Lets the list of records through as it is (serializers/schemas.py:164)."""

    def compile(self, app: Untyped, **_: Untyped) -> Untyped:
        """Answer a decoder that decodes nothing."""
        create = app.create_event

        async def decode(message: Untyped, **_: Untyped) -> Untyped:
            return create(message.key, message.value, None, message)

        return decode


class BatchApp(faust.App):
    """A Faust app whose agents process batches in lanes."""

    logger = FAUST_LOGGER
    consumer: BatchConsumer

    def __init__(
        self, services: Services, lanes: Lanes, followers: Sequence[Follower]
    ) -> None:
        """Take the engine's parts; `serve` adds the agents."""
        self.services = services
        self.lanes = lanes
        self.followers = followers
        super().__init__(services.config.app_id, **settings(services.config))

    def _new_transport(self) -> BatchTransport:
        """Consume through the engine (Faust's: app/base.py:1932)."""
        return BatchTransport(self.conf.broker_consumer, self)

    def _new_producer_transport(self) -> BatchTransport:
        """Answer the same kind of transport (Faust's: app/base.py:1940)."""
        return BatchTransport(self.conf.broker_producer, self)

    def serve(self, spec: LaneSpec) -> None:
        """Add the agents of a stage, one for each input topic."""
        for topic in spec.topics:
            name = self.services.config.topic(topic)
            schema = RawBatches(key_type=bytes, value_type=bytes)
            channel = self.topic(name, key_type=bytes, value_type=bytes, schema=schema)
            self.agent(channel, name=f"{spec.name}:{topic}")(self._process)

    async def _process(self, stream: Untyped) -> None:
        """Hand each batch to its lane; wait while too much is uncommitted.

        The body of every agent.
        """
        consumer, budget = self.consumer, self.services.budget
        async for event in stream.noack().events():
            message = event.message
            lane = consumer.claim(message)
            if lane is None:
                continue
            lane.take(message.value, message.offset + 1)
            if budget.exhausted:
                await budget.room()
            await asyncio.sleep(0)  # a full queue would never let others run

    async def sweep_often(self) -> None:
        """Let timers come due and gauges be read, about once a second."""
        observer, config = self.services.observer, self.services.config
        while not self.should_stop:
            await asyncio.sleep(config.timer_interval)
            for swept in self.lanes.stateful():
                swept.sweep(behind=self.consumer.lag(swept.tp) != 0)
                size = len(swept.table)
                observer.table_size(swept.spec.name, swept.tp.partition, size)
                await asyncio.sleep(0)
            for lane in self.lanes.all():
                lag = self.consumer.lag(lane.tp)
                if lag is not None:
                    observer.lag(lane.spec.name, lane.topic, lane.tp.partition, lag)
            observer.pending(self.services.budget.pending)
