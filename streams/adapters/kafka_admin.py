"""The topics of a deployment: looked at, compared with the contracts, created.

Nothing is ever deleted, made smaller or changed: what differs is said, and a
person decides.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # no __all__
    AdminClient,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from streams.adapters.librdkafka import configuration
from streams.adapters.topic_plan import (
    Difference,
    Found,
    Wanted,
    Wish,
    differences,
    names,
    plan,
)
from streams.errors import ConfigurationError, Unavailable
from streams.settings import Settings

LIMIT = 15.0
"""Seconds for the brokers to answer."""


class TopicAdmin:
    """One deployment's topics on its brokers."""

    def __init__(self, settings: Settings, wish: Wish) -> None:
        """Prepare; the brokers are asked by each method."""
        self._servers = settings.bootstrap_servers
        self._wish = wish
        self._last_error: KafkaError | None = None
        try:
            self._client = AdminClient(
                configuration(settings)
                | {"error_cb": self._remember, "socket.timeout.ms": int(LIMIT * 1000)}
            )
        except KafkaException as error:
            message = f"Kafka's client refuses its settings: {error.args[0].str()}"
            raise ConfigurationError(message) from error

    def found(self) -> dict[str, Found]:
        """Answer those topics of the deployment that exist.

        Raises:
            Unavailable: no broker answers.
            ConfigurationError: the brokers refuse us.
        """
        with self._explained("look at the topics"):
            listed = self._client.list_topics(timeout=LIMIT).topics
            there = {n: listed[n] for n in names(self._wish) if n in listed}
            resources = [ConfigResource(ResourceType.TOPIC, name) for name in there]
            if not resources:
                return {}
            asked = self._client.describe_configs(resources, request_timeout=LIMIT)
            settings = {
                resource.name: {s: e.value for s, e in future.result().items()}
                for resource, future in asked.items()
            }
        return {
            name: Found(
                partitions=len(topic.partitions),
                replication_factor=min(
                    len(p.replicas) for p in topic.partitions.values()
                ),
                settings=settings[name],
            )
            for name, topic in there.items()
        }

    def create(self, missing: Sequence[Wanted], *, pretend: bool = False) -> None:
        """Create topics; pretending, the brokers only say whether they would.

        Raises:
            Unavailable: no broker answers.
            ConfigurationError: the brokers refuse; the others are created.
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
        with self._explained("create the topics"):
            asked = self._client.create_topics(
                new, validate_only=pretend, request_timeout=LIMIT
            )
        self._await(asked)

    def _await(self, asked: Mapping[str, Future[None]]) -> None:
        refused = []
        for name, future in asked.items():
            try:
                with self._explained(f"create {name}"):
                    future.result()
            except ConfigurationError as error:
                refused.append(error)
        if refused:
            raise refused[0]

    def _remember(self, error: KafkaError) -> None:
        """Keep what went wrong with a connection; a time-out does not say it."""
        if error.code() in _REFUSALS:
            self._last_error = error

    @contextmanager
    def _explained(self, task: str) -> Iterator[None]:
        """Turn the client's errors into one line with a way out."""
        try:
            yield
        except KafkaException as exception:
            self._client.poll(0)
            error = self._last_error or exception.args[0]
            code = error.code()
            if code == KafkaError.TOPIC_ALREADY_EXISTS:
                return  # somebody else was faster
            if code not in _REFUSALS and (error.retriable() or code < 0):
                message = (
                    f"no answer from Kafka at {self._servers}: is it running, and is"
                    " that where it listens? --bootstrap-servers names another"
                )
                raise Unavailable(message) from exception
            hint = _REFUSALS.get(code, "the broker's log says more")
            message = f"Kafka refuses to {task}: {error.str()} ({hint})"
            raise ConfigurationError(message) from exception


_LOGIN = "look at MAILFLAG_SASL_* and MAILFLAG_SECURITY_PROTOCOL"
_TLS = "look at MAILFLAG_SSL_* and MAILFLAG_SECURITY_PROTOCOL"
_REFUSALS: dict[int, str] = {
    KafkaError._AUTHENTICATION: _LOGIN,  # noqa: SLF001  # its public name
    KafkaError.SASL_AUTHENTICATION_FAILED: _LOGIN,
    KafkaError._SSL: _TLS,  # noqa: SLF001  # its public name
    KafkaError.INVALID_REPLICATION_FACTOR: "--replication-factor sets another",
    KafkaError.INVALID_PARTITIONS: "--partitions sets another number",
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "grant Create and DescribeConfigs on it",
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: "grant Create and Describe on the cluster",
    KafkaError.POLICY_VIOLATION: "the cluster's administrator set that policy",
}
"""What a broker refuses for good, and what to do about it."""


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
        raise ConfigurationError(message)
    if differing:
        one = differing[0]
        more = f", and {len(differing) - 1} more" if differing[1:] else ""
        message = (
            f"topic {one.topic}: {one.setting} is {one.found} and must be"
            f" {one.expected}{more}: `mailflag topics check` shows all"
        )
        raise ConfigurationError(message)
