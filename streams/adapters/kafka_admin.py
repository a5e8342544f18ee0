"""The topics of a deployment: looked at, compared with the contracts, created.

Nothing is ever deleted, made smaller or changed: what differs is said, and a
person decides.
"""

from collections.abc import Iterable, Mapping, Sequence

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # no __all__
    ConfigResource,
    NewTopic,
    ResourceType,
)

from streams.adapters.kafka_client import Cluster
from streams.adapters.topic_plan import (
    Difference,
    Found,
    Wanted,
    Wish,
    differences,
    names,
    plan,
)
from streams.engine.config import SecurityProtocol
from streams.errors import ConfigurationError, MailflagError
from streams.settings import Settings

PATIENCE = 6.0
"""Seconds until Kafka counts as unavailable: a person waits for the answer."""
_CREATION = 30.0
"""Seconds that creating all topics may take."""
_REFUSALS: dict[int, str] = {
    KafkaError.INVALID_REPLICATION_FACTOR: "--replication-factor sets another",
    KafkaError.INVALID_PARTITIONS: "--partitions sets another number",
    KafkaError.INVALID_CONFIG: "these brokers do not know a setting of the contract",
    KafkaError.POLICY_VIOLATION: "ask who set that policy on the brokers",
}
"""What brokers refuse to create for good, and what to do about it."""


class TopicAdmin:
    """One deployment's topics on its brokers."""

    def __init__(self, settings: Settings, wish: Wish) -> None:
        """Prepare; the brokers are asked by each method."""
        self._wish = wish
        self._cluster = Cluster(settings, patience=PATIENCE)
        self._client = self._cluster.admin()

    def found(self) -> dict[str, Found]:
        """Answer those topics of the deployment that exist.

        Raises:
            Unavailable: no broker answers.
            ConfigurationError: the brokers refuse us.
        """
        try:
            listed = self._client.list_topics(timeout=PATIENCE).topics
            there = {n: listed[n] for n in names(self._wish) if n in listed}
            if not there:
                return {}
            asked = self._client.describe_configs(
                [ConfigResource(ResourceType.TOPIC, name) for name in there],
                request_timeout=PATIENCE,
            )
            settings = {
                resource.name: {s: e.value for s, e in future.result().items()}
                for resource, future in asked.items()
            }
        except KafkaException as exception:
            raise self._failure(exception) from exception
        return {
            name: Found(
                partitions=len(topic.partitions),
                replication_factor=min(
                    len(partition.replicas) for partition in topic.partitions.values()
                ),
                settings=settings[name],
            )
            for name, topic in there.items()
        }

    def create(self, missing: Sequence[Wanted], *, pretend: bool = False) -> None:
        """Create topics; pretending, the brokers only say whether they would.

        Raises:
            Unavailable: no broker answers.
            ConfigurationError: the brokers refuse one; they may have made others.
        """
        if not missing:
            return
        new = [
            NewTopic(
                wanted.name,
                num_partitions=wanted.partitions,
                replication_factor=wanted.replication_factor,
                config=dict(wanted.manifest.settings),
            )
            for wanted in missing
        ]
        asked = self._client.create_topics(
            new, validate_only=pretend, request_timeout=_CREATION
        )
        for name, future in asked.items():
            try:
                future.result()
            except KafkaException as exception:
                error = exception.args[0]
                # Somebody else may have been faster: that is as good.
                if error.code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise self._failure(exception, name) from exception

    def _failure(self, exception: KafkaException, topic: str = "") -> MailflagError:
        # Complaints about the connection are delivered by a poll only.
        self._client.poll(0)
        error = exception.args[0]
        hint = _REFUSALS.get(error.code())
        if hint is None:
            return self._cluster.failure(error)
        said = error.str().rstrip(".")
        return ConfigurationError(f"Kafka refuses to create {topic}: {said}; {hint}")


def compare(
    wanted: Iterable[Wanted], found: Mapping[str, Found]
) -> tuple[list[Wanted], list[Difference]]:
    """Answer the topics that are missing, and what differs in the others."""
    missing: list[Wanted] = []
    differing: list[Difference] = []
    for one in wanted:
        there = found.get(one.name)
        if there is None:
            missing.append(one)
        else:
            differing += differences(one, there)
    return missing, differing


def require_topics(settings: Settings) -> None:
    """Refuse to go on unless every topic is there and as the contracts say.

    Raises:
        ConfigurationError: a topic is missing or differs; the first is named.
        Unavailable: no broker answers.
    """
    wish = Wish(settings.topic_prefix, settings.app_id)
    found = TopicAdmin(settings, wish).found()
    missing, differing = compare(plan(wish, found), found)
    if missing:
        listed = ", ".join(wanted.name for wanted in missing)
        message = f"topics are missing: {listed}: run `mailflag topics apply`"
        if settings.security_protocol is not SecurityProtocol.PLAINTEXT:
            message += "; or they are there and this user may not see them"
        raise ConfigurationError(message)
    if differing:
        one = differing[0]
        more = f", and {len(differing) - 1} more" if differing[1:] else ""
        message = (
            f"topic {one.topic}: {one.setting} is {one.found} and must be"
            f" {one.expected}{more}: `mailflag topics check` shows all"
        )
        raise ConfigurationError(message)
