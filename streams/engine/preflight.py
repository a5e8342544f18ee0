"""What must be true of the topics before a worker joins the group.

Faust only warns about a missing topic and then waits, looking healthy, for ever.
"""

import asyncio
import socket
import ssl
from collections.abc import Sequence

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.conn import create_conn
from aiokafka.errors import (
    AuthenticationFailedError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)

from streams.engine.bulletin import Bulletin
from streams.engine.client import authentication
from streams.engine.config import EngineConfig
from streams.engine.spec import LaneSpec
from streams.errors import ConfigurationError, Unavailable

LIMIT = 20.0
"""Seconds for the brokers to answer."""
REFUSALS = (
    AuthenticationFailedError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
"""What a broker says to somebody whom it does not know."""


def check_web_address(config: EngineConfig) -> None:
    """Refuse a web address that cannot be listened on; Faust would only crash.

    Raises:
        ConfigurationError: the port is taken, or the host is not this machine's.
    """
    if config.web_port is None:
        return
    place = f"{config.web_host}:{config.web_port}"
    try:
        family, *_, address = socket.getaddrinfo(
            config.web_host, config.web_port, type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        message = f"the web server cannot listen on {place}: {error.strerror}"
        raise ConfigurationError(message) from error


async def check_topics(
    config: EngineConfig, specs: Sequence[LaneSpec], bulletins: Sequence[Bulletin] = ()
) -> None:
    """Refuse to start on topics that the lanes cannot work with.

    Raises:
        ConfigurationError: a topic is missing, a changelog has another number of
            partitions than its input, or the brokers refuse who we are.
        Unavailable: no broker answers.
    """
    try:
        async with asyncio.timeout(LIMIT):
            counts = await _partition_counts(config)
    except (KafkaError, OSError, TimeoutError) as error:
        await _look_for_a_refusal(config)
        message = f"no answer from Kafka at {config.bootstrap_servers}"
        raise Unavailable(message) from error
    read = [topic for spec in specs for topic in spec.topics]
    for topic in [*read, *(one.topic for one in bulletins)]:
        name = config.topic(topic)
        if name not in counts:
            message = f"topic {name} is missing: run `mailflag topics apply`"
            raise ConfigurationError(message)
    for spec in specs:
        if spec.table is not None:
            _check_changelog(config, spec.table, spec.topics[0], counts)


def _check_changelog(
    config: EngineConfig, table: str, topic: str, counts: dict[str, int]
) -> None:
    """Refuse a changelog that does not belong to its input partition by partition."""
    name = config.topic(topic)
    changelog = config.changelog(table)
    found = counts.get(changelog, 0)
    if found != counts[name]:
        message = (
            f"topic {changelog} has {found} partitions and must have {counts[name]},"
            f" as {name}: run `mailflag topics apply`"
        )
        raise ConfigurationError(message)


async def _look_for_a_refusal(config: EngineConfig) -> None:
    """Tell a broker that refuses from one that is away.

    aiokafka logs why each server could not be used and then says only that none
    could (client.py:242).
    """
    host, _, port = config.servers[0].rpartition(":")
    try:
        async with asyncio.timeout(LIMIT):
            connection = await create_conn(host, int(port), **authentication(config))
    except REFUSALS as error:
        message = (
            f"{config.servers[0]} refuses user, password or mechanism"
            f" ({type(error).__name__}): check the SASL settings"
        )
        raise ConfigurationError(message) from error
    except ssl.SSLError as error:
        message = (
            f"no TLS with {config.servers[0]} ({error.reason or 'handshake'}):"
            " check the SSL settings"
        )
        raise ConfigurationError(message) from error
    except (KafkaError, OSError, TimeoutError, ValueError):
        return  # away; or a port that is none, which bootstrap has refused already
    connection.close()


async def _partition_counts(config: EngineConfig) -> dict[str, int]:
    admin = AIOKafkaAdminClient(
        bootstrap_servers=config.servers,
        client_id=f"{config.app_id}-preflight",
        **authentication(config),
    )
    await admin.start()
    try:
        topics = await admin.describe_topics()
    finally:
        await admin.close()
    return {topic["topic"]: len(topic["partitions"]) for topic in topics}
