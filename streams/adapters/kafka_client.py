"""Clients of the look-up and set-up commands: librdkafka, told by our settings.

The one place that knows how a setting is called there, and that turns what goes
wrong into one line with a way out. The worker has its own client in the engine.
"""

from typing import Any, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient

from streams.engine.config import SecurityProtocol
from streams.errors import ConfigurationError, MailflagError, Unavailable
from streams.settings import PREFIX, Settings, revealed

PATIENCE = 10.0
"""Seconds that a request may take before Kafka counts as unavailable."""

_GROUP = "mailflag-look-up"
"""librdkafka wants a name; nothing is ever committed under it."""

_Client = TypeVar("_Client", Consumer, Producer, AdminClient)

_LOGIN = frozenset(
    {
        KafkaError._AUTHENTICATION,  # noqa: SLF001  # librdkafka's own codes begin so
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError.UNSUPPORTED_SASL_MECHANISM,
    }
)
_RIGHTS = frozenset(
    {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    }
)
_MISSING = frozenset(
    {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001  # the same
        KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001  # the same
    }
)
_TLS = frozenset({KafkaError._SSL})  # noqa: SLF001  # the same
_NO_MORE = KafkaError._ALL_BROKERS_DOWN  # noqa: SLF001  # the same
_CAUSES = _LOGIN | _RIGHTS | _TLS


class Cluster:
    """The Kafka that the settings name, and every way to reach it.

    Keeps what librdkafka says while it tries: a time-out alone does not tell a
    wrong password from a broker that is down.
    """

    def __init__(self, settings: Settings, *, patience: float = PATIENCE) -> None:
        """Remember where Kafka is; nothing is connected yet."""
        self.patience = patience
        self._settings = settings
        self._complaint: KafkaError | None = None

    def topic(self, logical: str) -> str:
        """Answer the real name of a topic."""
        return self._settings.topic_prefix + logical

    def logical(self, topic: str) -> str:
        """Answer a topic's name without the deployment's prefix."""
        return topic.removeprefix(self._settings.topic_prefix)

    def consumer(self, **more: object) -> Consumer:
        """Answer a consumer that belongs to no group and commits nothing."""
        config = {
            "group.id": _GROUP,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "allow.auto.create.topics": False,
            "isolation.level": "read_committed",
        }
        return self._made(Consumer, config | self._names(more))

    def producer(self, **more: object) -> Producer:
        """Answer a producer that keeps order and writes nothing twice."""
        config = {"enable.idempotence": True, "partitioner": "murmur2_random"}
        return self._made(Producer, config | self._names(more))

    def admin(self, **more: object) -> AdminClient:
        """Answer a client that asks for topics and makes them."""
        return self._made(AdminClient, self._names(more))

    def failure(self, error: KafkaError) -> MailflagError:
        """Answer the exception for what went wrong: one line, with the way out."""
        complaint = self._complaint
        if complaint is not None and error.code() not in _CAUSES | _MISSING:
            error = complaint
        code, said = error.code(), error.str().rstrip(".")
        where = f"Kafka at {self._settings.bootstrap_servers}"
        if code in _LOGIN:
            return ConfigurationError(
                f"{where} refuses the login: {said}; see {PREFIX}SECURITY_PROTOCOL"
                f" and {PREFIX}SASL_MECHANISM, _USERNAME and _PASSWORD"
            )
        if code in _TLS:
            return ConfigurationError(
                f"no TLS with {where}: {said}; see {PREFIX}SECURITY_PROTOCOL and"
                f" {PREFIX}SSL_CA_LOCATION"
            )
        if code in _RIGHTS:
            return ConfigurationError(
                f"{where} does not allow this: {said}; give the user the right, or"
                f" log in as another ({PREFIX}SASL_USERNAME)"
            )
        if code in _MISSING:
            return ConfigurationError(
                f"{where} misses a topic: {said}; `mailflag topics apply` creates"
                f" all, and {PREFIX}TOPIC_PREFIX must be the workers'"
            )
        return Unavailable(
            f"{where} does not answer: {said}; is it running, and is"
            f" {PREFIX}BOOTSTRAP_SERVERS right?"
        )

    def silence(self) -> MailflagError:
        """Answer the exception for a Kafka that has said nothing for too long."""
        code = KafkaError._TIMED_OUT  # noqa: SLF001  # the same
        return self.failure(KafkaError(code, f"nothing for {self.patience:.0f} s"))

    def missing(self, topic: str) -> ConfigurationError:
        """Answer the exception for a topic that is not there."""
        return ConfigurationError(
            f"Kafka at {self._settings.bootstrap_servers} has no topic {topic};"
            f" `mailflag topics apply` creates it, and {PREFIX}TOPIC_PREFIX must be"
            " the workers'"
        )

    def _made(self, kind: type[_Client], more: dict[str, Any]) -> _Client:
        try:
            return kind(librdkafka(self._settings) | {"error_cb": self.hear} | more)
        except KafkaException as error:
            message = (
                f"the connection cannot be set up: {error.args[0].str()}; see the"
                f" settings {PREFIX}SSL_* and {PREFIX}SASL_*"
            )
            raise ConfigurationError(message) from None

    def hear(self, error: KafkaError) -> None:
        """Keep a client's complaint; what says more is not replaced by less."""
        known = self._complaint
        if known is not None and (known.code() in _CAUSES or error.code() == _NO_MORE):
            return
        self._complaint = error

    @staticmethod
    def _names(more: dict[str, object]) -> dict[str, object]:
        """Answer options under librdkafka's names: `linger_ms` is `linger.ms`."""
        return {name.replace("_", "."): value for name, value in more.items()}


def librdkafka(settings: Settings) -> dict[str, Any]:
    """Answer what librdkafka must be told to reach the Kafka of the settings."""
    config: dict[str, Any] = {
        "bootstrap.servers": settings.bootstrap_servers,
        "client.id": "mailflag",
        "security.protocol": settings.security_protocol.value,
        # It would write to standard error; what matters comes by the callback.
        "log_level": 0,
    }
    if settings.security_protocol in {
        SecurityProtocol.SASL_PLAINTEXT,
        SecurityProtocol.SASL_SSL,
    }:
        config |= {
            "sasl.mechanism": settings.sasl_mechanism.value,
            "sasl.username": settings.sasl_username,
            "sasl.password": revealed(settings.sasl_password),
        }
    if settings.security_protocol in {SecurityProtocol.SSL, SecurityProtocol.SASL_SSL}:
        files = {
            "ssl.ca.location": settings.ssl_ca_location,
            "ssl.certificate.location": settings.ssl_certificate_location,
            "ssl.key.location": settings.ssl_key_location,
        }
        config |= {name: str(path) for name, path in files.items() if path}
        password = revealed(settings.ssl_key_password)
        if password:
            config["ssl.key.password"] = password
        config["ssl.endpoint.identification.algorithm"] = (
            settings.ssl_endpoint_identification_algorithm
        )
    return config
