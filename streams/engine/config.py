"""What the engine must be told: where Kafka is, who we are, and how long to wait.

Plain values with proven defaults; `streams.settings` fills them from the
environment and the engine never reads it.
"""

import ssl
from dataclasses import dataclass, field
from enum import StrEnum

from streams.errors import ConfigurationError


class SecurityProtocol(StrEnum):
    """How a connection to Kafka is protected, as librdkafka names it."""

    PLAINTEXT = "PLAINTEXT"
    """Neither encrypted nor authenticated."""
    SSL = "SSL"
    """TLS; a client certificate in the context makes it mutual."""
    SASL_PLAINTEXT = "SASL_PLAINTEXT"
    """Authenticated, but in the clear."""
    SASL_SSL = "SASL_SSL"
    """Authenticated inside TLS."""


class SaslMechanism(StrEnum):
    """How the worker proves who it is."""

    PLAIN = "PLAIN"
    """User and password (RFC 4616)."""
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    """Salted challenge and response (RFC 7677)."""
    SCRAM_SHA_512 = "SCRAM-SHA-512"
    """The same with SHA-512."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Security:
    """Protocol, credentials and certificates of every connection to Kafka."""

    protocol: SecurityProtocol = SecurityProtocol.PLAINTEXT
    sasl_mechanism: SaslMechanism = SaslMechanism.SCRAM_SHA_512
    sasl_username: str | None = None
    sasl_password: str | None = field(default=None, repr=False)
    ssl_context: ssl.SSLContext | None = None
    """Needed for SSL and SASL_SSL."""

    def __post_init__(self) -> None:
        """Refuse a protocol whose credentials or certificates are missing."""
        if self.uses_tls and self.ssl_context is None:
            message = f"security protocol {self.protocol} needs an SSL context"
            raise ConfigurationError(message)
        if self.uses_sasl and None in (self.sasl_username, self.sasl_password):
            message = f"security protocol {self.protocol} needs user and password"
            raise ConfigurationError(message)

    @property
    def uses_tls(self) -> bool:
        """Say whether connections are encrypted."""
        return self.protocol in (SecurityProtocol.SSL, SecurityProtocol.SASL_SSL)

    @property
    def uses_sasl(self) -> bool:
        """Say whether the worker authenticates with a mechanism."""
        return self.protocol in (
            SecurityProtocol.SASL_PLAINTEXT,
            SecurityProtocol.SASL_SSL,
        )


class Compression(StrEnum):
    """How record batches are packed."""

    NONE = "none"
    """Not at all: cheapest for the worker."""
    LZ4 = "lz4"
    """Fast, and about a quarter of the size for JSON."""
    ZSTD = "zstd"
    """Smaller, slower."""
    GZIP = "gzip"
    """For brokers and readers that know nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineConfig:
    """Everything the engine is told; times in seconds, sizes in bytes.

    Changing `app_id` or a stage's name starts from nothing: both are part of
    group, changelog and transactional ids.
    """

    bootstrap_servers: str
    """`host:port`, comma separated."""
    app_id: str
    """Consumer group, and first part of changelogs and transactional ids."""
    topic_prefix: str = ""
    """Put before every topic's logical name, as it stands."""
    security: Security = Security()

    web_host: str = "127.0.0.1"
    web_port: int | None = None
    """Port of the worker's web server; None: no web server."""

    session_timeout: float = 30.0
    """The group hands a silent worker's partitions over after this time."""
    heartbeat_interval: float = 3.0
    rebalance_timeout: float = 60.0
    """How long the group waits for a member that has not rejoined."""
    max_poll_interval: float = 300.0
    """Longest time without a fetch before the member leaves the group."""
    request_timeout: float = 30.0
    """Longest wait for the answer to one request; at least the session time-out
    goes to the requests of the group protocol."""
    transaction_timeout: float = 15.0
    """After this time the broker aborts the open transaction of a dead worker,
    which until then holds back read_committed readers."""
    commit_deadline: float = 60.0
    """A transaction, or the acknowledgement of forwarded records, that takes
    longer ends the process."""
    recovery_deadline: float = 600.0
    """Opening lanes, recovery included, may take this long..."""
    stall_limit: float = 45.0
    """...and this long without any progress."""
    fence_grace: float = 10.0
    """A fenced lane waits this long for the rebalance that explains it.

    None comes when the broker itself aborted what was open for longer than the
    transaction time-out: then the worker ends with `FENCED`."""
    quiesce_limit: float = 6.0
    """How long accepted work may take to finish when partitions are revoked."""
    stop_limit: float = 30.0
    """How long a stop may take before the process ends itself."""

    commit_interval: float = 0.5
    """How often group offsets are committed: the replay after a crash of a
    forwarding lane; for stateful lanes only what lag monitors see."""
    timer_interval: float = 1.0
    """How often a stateful stage is asked what has become due."""

    fetch_max_wait: float = 0.5
    """How long brokers may wait for records before they answer a fetch."""
    fetch_max_bytes: int = 4 << 20
    """Per partition and fetch; memory is this times the partitions."""
    fetch_max_records: int = 5_000
    """Records taken out of the fetched ones at a time."""
    batch_max_records: int = 1_000
    """Most records of a `Batch`."""
    batch_max_seconds: float = 0.02
    """A slow stage gets fewer records at a time, so that others get their turn."""
    max_pending_records: int = 40_000
    """Changed keys and messages that wait for their transaction, over all
    lanes of the worker: the back-pressure."""
    max_request_bytes: int = 1_000_000
    """Largest record batch; not above `max.message.bytes` of the topics."""
    compression: Compression = Compression.NONE
    check_crcs: bool = True
    """Off only for librdkafka's mock broker, whose transaction markers have none."""
    follow_records: bool = False
    """Time goes by the newest record of each lane, not by the wall: for playing
    back."""

    def __post_init__(self) -> None:
        """Refuse values that cannot work together."""
        if not self.app_id:
            message = "the application id is empty"
            raise ConfigurationError(message)
        if not self.servers:
            message = "the bootstrap servers are empty: give host:port"
            raise ConfigurationError(message)

    @property
    def servers(self) -> list[str]:
        """The bootstrap servers, one by one."""
        return [s.strip() for s in self.bootstrap_servers.split(",") if s.strip()]

    def topic(self, logical: str) -> str:
        """Answer the real name of a topic."""
        return self.topic_prefix + logical

    def changelog(self, table: str) -> str:
        """Answer the real name of a table's changelog topic."""
        return f"{self.topic_prefix}{self.app_id}-{table}-changelog"
