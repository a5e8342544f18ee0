"""All settings: one frozen class, and the only reader of the environment.

A setting `topic_prefix` is the variable `MAILFLAG_TOPIC_PREFIX`, and the option
`--topic-prefix` of every command that needs it. A secret may also stand in a
file: `MAILFLAG_SASL_PASSWORD_FILE`. A variable that is no setting is an error,
so that a misspelt one cannot be overlooked.
"""

import os
import ssl
from collections.abc import Mapping
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Any, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from streams.engine.config import SaslMechanism, SecurityProtocol
from streams.errors import ConfigurationError

PREFIX = "MAILFLAG_"
TEST_PREFIX = "MAILFLAG_TEST_"
"""Variables of the test suite, which are no settings."""
FILE_SUFFIX = "_FILE"


class LogFormat(StrEnum):
    """How log lines are written."""

    JSON = "json"
    """One JSON object a line."""
    CONSOLE = "console"
    """Readable lines, with colour on a terminal."""


class LogLevel(StrEnum):
    """The least important lines that are still written."""

    DEBUG = "debug"
    """Everything."""
    INFO = "info"
    """What an operator may want to know."""
    WARNING = "warning"
    """What may need attention."""
    ERROR = "error"
    """What needs attention."""


class Store(StrEnum):
    """Where the tables of the stages are kept while the worker runs."""

    MEMORY = "memory"
    """In memory, read from the changelog whenever a partition is taken over."""
    ROCKSDB = "rocksdb"
    """On disk, as a copy of the changelog that is brought up to date."""


class Settings(BaseSettings):
    """What a deployment decides. The description of each field is its manual."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", env_ignore_empty=True
    )

    bootstrap_servers: str = Field(
        "127.0.0.1:9092", description="Kafka brokers, host:port, comma separated."
    )
    topic_prefix: str = Field(
        "",
        max_length=100,
        pattern=r"^[a-zA-Z0-9.-]*$",
        description="Put before every topic's name, e.g. `staging.`",
    )
    app_id: str = Field(
        "mailflag",
        min_length=1,
        max_length=100,
        pattern=r"^[a-zA-Z0-9.-]+$",
        description="Consumer group, and first part of changelogs and transactional"
        " ids: two deployments on one cluster need two. Never change it while workers"
        " with the old one are running.",
    )
    policy_file: Path | None = Field(
        None, description="TOML file with the flag policy of all tenants or of one."
    )
    rules_files: str = Field(
        "",
        description="Classification rules of your own, put in front of the built-in"
        " ones: TOML files, comma separated.",
    )
    fold_local_part: bool = Field(
        default=True,
        description="Treat Ada@example.com and ada@example.com as one address.",
    )
    success_memory_days: int = Field(
        60,
        ge=0,
        le=3650,
        description="How long a success is remembered, to tell a stale list from an"
        " outage; 0 remembers none: faster, but a late report about an old message"
        " may then flag an address that has received mail since.",
    )
    dead_letter_share: float = Field(
        0.5,
        gt=0,
        le=1,
        description="The fuse: stop when more than this share of the last 1000"
        " records of a partition is rejected; 1 switches it off.",
    )
    dead_letter_run: int = Field(
        500,
        ge=0,
        description="The fuse: stop after this many rejected records in a row in a"
        " partition; 0 switches it off. Mails in a bounce mailbox that are no report"
        " count for neither.",
    )
    check_topics: bool = Field(
        default=True,
        description="Compare all topics with the contracts at start, and refuse to"
        " start when one differs; off for brokers that cannot say, as the demo's.",
    )
    check_crcs: bool = Field(
        default=True,
        description="Check the check sum of every record batch that is read; off only"
        " for the demo's broker, whose transaction markers have none.",
    )
    follow_records: bool = Field(
        default=False,
        description="Let time go by the newest record that was read, not by the wall:"
        " for playing recorded traffic back, as the demo does. Never in production,"
        " where nothing would become due while no mail is sent.",
    )
    store: Store = Field(
        Store.MEMORY,
        description="Where the worker keeps its tables: memory, or rocksdb for more"
        " addresses than memory holds, which needs the extra `rocksdb`.",
    )
    store_directory: Path | None = Field(
        None,
        description="Directory of the tables on disk, for rocksdb; each worker takes a"
        " folder of its own in it. A cache: deleting it while no worker runs is safe.",
    )
    store_memory_mib: int = Field(
        256,
        ge=32,
        le=1 << 20,
        description="Memory, in MiB, for what all tables of a worker on disk cache and"
        " have still to write.",
    )

    alertmanager_urls: str = Field(
        "",
        description="Alertmanagers that are told of incidents: every replica, comma"
        " separated, e.g. `http://am-1:9093,http://am-2:9093`. None: incidents are on"
        " the topic mail.alerts.v1 only.",
    )
    dashboard_url: str = Field(
        "",
        description="Address of the Incidents dashboard, for the link of an alert, e.g."
        " `https://grafana.example/d/mailflag-incidents`. The tenant is put in for"
        " `{tenant}`, else added as Grafana's variable.",
    )

    web_host: str = Field(
        "127.0.0.1",
        description="Address the worker's /metrics, /healthz and /readyz bind to.",
    )
    web_port: int = Field(
        6066, ge=0, le=65535, description="Port of the same; 0 switches it off."
    )
    log_format: LogFormat = Field(
        LogFormat.JSON, description="json, or console for people."
    )
    log_level: LogLevel = Field(
        LogLevel.INFO, description="debug, info, warning or error."
    )
    log_hash_key: SecretStr = Field(
        SecretStr(""),
        description="Key of the hash that stands for an address in a log line;"
        " without one a new key is made at every start.",
    )

    traces: bool = Field(
        default=False,
        description="Send traces of transactions by OTLP; needs the extra `tracing`."
        " Where to is told by OpenTelemetry's own variables, as"
        " OTEL_EXPORTER_OTLP_ENDPOINT.",
    )

    security_protocol: SecurityProtocol = Field(
        SecurityProtocol.PLAINTEXT,
        description="PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL.",
    )
    sasl_mechanism: SaslMechanism = Field(
        SaslMechanism.SCRAM_SHA_512,
        description="PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512.",
    )
    sasl_username: str | None = Field(None, description="User at the broker.")
    sasl_password: SecretStr | None = Field(None, description="Password of the user.")
    ssl_ca_location: Path | None = Field(
        None, description="PEM file of the authorities to trust; else the system's."
    )
    ssl_certificate_location: Path | None = Field(
        None, description="PEM file of the client's certificate, for mutual TLS."
    )
    ssl_key_location: Path | None = Field(
        None, description="PEM file of the client's key."
    )
    ssl_key_password: SecretStr | None = Field(
        None, description="Password of that file."
    )
    ssl_endpoint_identification_algorithm: str = Field(
        "https",
        pattern="^(https|none)$",
        description="https checks the broker's host name, none does not.",
    )

    session_timeout_seconds: float = Field(
        30,
        ge=6,
        le=1800,
        description="A silent worker's partitions are handed over after this time.",
    )
    transaction_timeout_seconds: float = Field(
        15,
        ge=1,
        le=900,
        description="A dead worker's open transaction holds back readers for at most"
        " this long.",
    )
    max_pending_records: int = Field(
        40_000,
        ge=100,
        description="Writes that wait for their transaction before reading pauses.",
    )

    @field_validator("bootstrap_servers")
    @classmethod
    def _servers_have_ports(cls, value: str) -> str:
        servers = [s.strip() for s in value.split(",") if s.strip()]
        for server in servers:
            host, _, port = server.rpartition(":")
            if not host or not port.isdigit() or int(port) > _HIGHEST_PORT:
                message = f"{server!r} is not host:port"
                raise ValueError(message)
        if not servers:
            message = "no broker given; write host:port"
            raise ValueError(message)
        return ",".join(servers)

    @field_validator("alertmanager_urls")
    @classmethod
    def _are_base_addresses(cls, value: str) -> str:
        urls = [u.strip().rstrip("/") for u in value.split(",") if u.strip()]
        for url in urls:
            parts = _web_address(url)
            if parts.query or parts.fragment:
                message = f"{url!r} has a query; write http://host:port, with a path"
                raise ValueError(message)
        # Told twice at once would be no harm, but a replica's number would mean two.
        return ",".join(dict.fromkeys(urls))

    @field_validator("dashboard_url")
    @classmethod
    def _is_web_address(cls, value: str) -> str:
        if value:
            _web_address(value)
        return value

    @model_validator(mode="after")
    def _belong_together(self) -> Self:
        sasl = self.security_protocol in {
            SecurityProtocol.SASL_PLAINTEXT,
            SecurityProtocol.SASL_SSL,
        }
        if sasl and (self.sasl_username is None or self.sasl_password is None):
            message = (
                f"security_protocol {self.security_protocol} needs sasl_username"
                " and sasl_password (or sasl_password_file)"
            )
            raise ValueError(message)
        if (self.ssl_certificate_location is None) != (self.ssl_key_location is None):
            message = "ssl_certificate_location and ssl_key_location go together"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _tables_have_a_place(self) -> Self:
        if self.store is Store.ROCKSDB and self.store_directory is None:
            message = (
                "store rocksdb needs store_directory: set MAILFLAG_STORE_DIRECTORY"
                " (--store-directory) to a directory on a local disk"
            )
            raise ValueError(message)
        return self

    @property
    def rules_paths(self) -> list[Path]:
        """Answer the rule files, in the order in which they win."""
        return [Path(p.strip()) for p in self.rules_files.split(",") if p.strip()]

    @property
    def alertmanagers(self) -> list[str]:
        """Answer the Alertmanagers' base addresses; the order numbers them."""
        return [url for url in self.alertmanager_urls.split(",") if url]

    @property
    def ssl_context(self) -> ssl.SSLContext | None:
        """Answer the TLS context of connections to Kafka, None without TLS.

        Raises:
            ConfigurationError: a certificate or key cannot be read.
        """
        if self.security_protocol not in {
            SecurityProtocol.SSL,
            SecurityProtocol.SASL_SSL,
        }:
            return None
        try:
            context = ssl.create_default_context(
                cafile=self.ssl_ca_location and str(self.ssl_ca_location)
            )
            if self.ssl_certificate_location is not None:
                context.load_cert_chain(
                    self.ssl_certificate_location,
                    self.ssl_key_location,
                    revealed(self.ssl_key_password),
                )
        except (OSError, ssl.SSLError) as error:
            message = (
                "the certificate files cannot be used"
                f" ({PREFIX}SSL_*_LOCATION): {error}"
            )
            raise ConfigurationError(message) from error
        if self.ssl_endpoint_identification_algorithm == "none":
            context.check_hostname = False
        return context


_HIGHEST_PORT = 65535
_MAY_HOLD_A_LOGIN = frozenset({"alertmanager_urls", "dashboard_url"})
"""Refused when they do, in words that do not quote it."""
SECRETS = tuple(
    name
    for name, field in Settings.model_fields.items()
    if "SecretStr" in str(field.annotation)
)


def _web_address(url: str) -> SplitResult:
    """Answer the parts of an http address.

    Raises:
        ValueError: it is none, or one with a login, which would be shown in help,
            logs and process lists.
    """
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None:
        message = "an address with a user or password; give access by network or proxy"
        raise ValueError(message)
    # A port that is no number raises by itself.
    good = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    if not good or not url.isascii() or not url.isprintable() or " " in url:
        message = f"{url!r} is not http://host:port or https://host:port"
        raise ValueError(message)
    return parts


def revealed(secret: SecretStr | None) -> str | None:
    """Answer what a secret hides."""
    return None if secret is None else secret.get_secret_value()


def load(options: Mapping[str, Any] | None = None) -> Settings:
    """Read the settings from the environment; `options` go before it.

    Raises:
        ConfigurationError: with the setting, what is wrong and the way out.
    """
    given = {k: v for k, v in (options or {}).items() if v is not None}
    try:
        return Settings(**{**_secrets_in_files(), **given})
    except ValidationError as error:
        raise ConfigurationError(_explained(error)) from None


def _secrets_in_files() -> dict[str, str]:
    """Read the secrets that stand in files; refuse variables that mean nothing."""
    secrets: dict[str, str] = {}
    for variable, value in os.environ.items():
        if not variable.startswith(PREFIX) or variable.startswith(TEST_PREFIX):
            continue
        name = variable.removeprefix(PREFIX).lower()
        in_file = name.removesuffix(FILE_SUFFIX.lower())
        if name in Settings.model_fields:
            continue
        if in_file not in SECRETS:
            raise ConfigurationError(_unknown(variable))
        secrets[in_file] = _read_secret(variable, value)
    return secrets


def _read_secret(variable: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        message = f"{variable}: the file cannot be read: {error}"
        raise ConfigurationError(message) from error


def _unknown(variable: str) -> str:
    known = [PREFIX + name.upper() for name in Settings.model_fields]
    near = get_close_matches(variable, known, n=1)
    hint = f"did you mean {near[0]}?" if near else "`mailflag worker --help` lists all."
    return f"{variable} is not a setting; {hint}"


def _explained(error: ValidationError) -> str:
    problems = []
    for problem in error.errors(include_url=False, include_input=True):
        name = str(problem["loc"][0]) if problem["loc"] else ""
        said = problem["msg"].removeprefix("Value error, ")
        if not name:
            problems.append(said)
            continue
        hidden = name in SECRETS or name in _MAY_HOLD_A_LOGIN
        shown = "" if hidden else f": {problem['input']!r}"
        option = "--" + name.replace("_", "-")
        problems.append(f"{PREFIX}{name.upper()} ({option}){shown}: {said}")
    return "; ".join(problems)
