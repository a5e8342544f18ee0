"""What must be true of the topics before a worker joins the group.

Faust only warns about a missing topic and then waits, looking healthy, for ever.
"""

import asyncio
from collections.abc import Sequence

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from streams.engine.bulletin import Bulletin
from streams.engine.client import authentication
from streams.engine.config import EngineConfig
from streams.engine.spec import LaneSpec
from streams.errors import ConfigurationError, Unavailable

LIMIT = 20.0
"""Seconds for the brokers to answer."""


async def check_topics(
    config: EngineConfig, specs: Sequence[LaneSpec], bulletins: Sequence[Bulletin] = ()
) -> None:
    """Refuse to start on topics that the lanes cannot work with.

    Raises:
        ConfigurationError: a topic is missing, or a changelog has another number
            of partitions than the input it belongs to.
        Unavailable: no broker answers.
    """
    try:
        async with asyncio.timeout(LIMIT):
            counts = await _partition_counts(config)
    except (KafkaError, OSError, TimeoutError) as error:
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
