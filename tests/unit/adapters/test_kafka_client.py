"""What librdkafka is told, and what people are told when it fails."""

# ruff: noqa: SLF001  # librdkafka's own codes begin with an underscore

import os

import pytest
from confluent_kafka import KafkaError

from streams.adapters.kafka_client import Cluster, librdkafka
from streams.errors import ConfigurationError, Unavailable
from streams.settings import PREFIX, Settings


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch):
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)


def failed(code, said="because", settings=None):
    return Cluster(settings or Settings()).failure(KafkaError(code, said))


def test_without_security_only_the_brokers_are_told():
    assert librdkafka(Settings(bootstrap_servers="k1:9092,k2:9092")) == {
        "bootstrap.servers": "k1:9092,k2:9092",
        "client.id": "mailflag",
        "security.protocol": "PLAINTEXT",
        "log_level": 0,
    }


def test_every_security_setting_reaches_librdkafka():
    config = librdkafka(
        Settings(
            security_protocol="SASL_SSL",
            sasl_mechanism="SCRAM-SHA-256",
            sasl_username="mailflag",
            sasl_password="secret",
            ssl_ca_location="ca.pem",
            ssl_certificate_location="me.pem",
            ssl_key_location="me.key",
            ssl_key_password="hush",
            ssl_endpoint_identification_algorithm="none",
        )
    )
    assert (
        config.items()
        >= {
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "SCRAM-SHA-256",
            "sasl.username": "mailflag",
            "sasl.password": "secret",
            "ssl.ca.location": "ca.pem",
            "ssl.certificate.location": "me.pem",
            "ssl.key.location": "me.key",
            "ssl.key.password": "hush",
            "ssl.endpoint.identification.algorithm": "none",
        }.items()
    )


def test_with_tls_and_no_authority_the_systems_are_trusted():
    config = librdkafka(Settings(security_protocol="SSL"))
    assert not any(name.endswith(".location") for name in config)
    assert config["ssl.endpoint.identification.algorithm"] == "https"


def test_librdkafka_knows_every_option_it_is_told():
    cluster = Cluster(
        Settings(
            security_protocol="SASL_PLAINTEXT", sasl_username="u", sasl_password="p"
        )
    )
    cluster.consumer(fetch_wait_max_ms=10).close()
    assert cluster.producer(linger_ms=20) is not None
    assert cluster.admin() is not None


def test_a_certificate_that_cannot_be_read_is_a_mistake_in_the_settings(tmp_path):
    settings = Settings(security_protocol="SSL", ssl_ca_location=tmp_path / "no.pem")
    with pytest.raises(ConfigurationError, match="MAILFLAG_SSL_"):
        Cluster(settings).consumer()


@pytest.mark.parametrize(
    ("code", "kind", "way_out"),
    [
        (KafkaError._AUTHENTICATION, ConfigurationError, "MAILFLAG_SASL_MECHANISM"),
        (KafkaError.SASL_AUTHENTICATION_FAILED, ConfigurationError, "_PASSWORD"),
        (KafkaError._SSL, ConfigurationError, "MAILFLAG_SSL_CA_LOCATION"),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, ConfigurationError, "the right"),
        (KafkaError.UNKNOWN_TOPIC_OR_PART, ConfigurationError, "topics apply"),
        (KafkaError._ALL_BROKERS_DOWN, Unavailable, "MAILFLAG_BOOTSTRAP_SERVERS"),
        (KafkaError._TRANSPORT, Unavailable, "is it running"),
        (KafkaError._TIMED_OUT, Unavailable, "is it running"),
        (KafkaError._RESOLVE, Unavailable, "MAILFLAG_BOOTSTRAP_SERVERS"),
    ],
)
def test_every_failure_is_one_line_with_the_brokers_and_a_way_out(code, kind, way_out):
    failure = failed(code, settings=Settings(bootstrap_servers="k1:9092"))
    assert type(failure) is kind
    assert "k1:9092" in str(failure)
    assert way_out in str(failure)
    assert "\n" not in str(failure)


def test_a_time_out_after_a_refused_login_is_the_refused_login():
    cluster = Cluster(Settings())
    cluster.hear(KafkaError(KafkaError._TRANSPORT, "connection refused"))
    cluster.hear(KafkaError(KafkaError._AUTHENTICATION, "no such user"))
    cluster.hear(KafkaError(KafkaError._ALL_BROKERS_DOWN, "1/1 brokers are down"))
    failure = cluster.failure(KafkaError(KafkaError._TRANSPORT, "no metadata"))
    assert isinstance(failure, ConfigurationError)
    assert "no such user" in str(failure)


def test_a_time_out_says_what_the_client_last_complained_about():
    cluster = Cluster(Settings())
    cluster.hear(KafkaError(KafkaError._TRANSPORT, "connection refused"))
    cluster.hear(KafkaError(KafkaError._RESOLVE, "name not known"))
    cluster.hear(KafkaError(KafkaError._ALL_BROKERS_DOWN, "1/1 brokers are down"))
    failure = cluster.failure(KafkaError(KafkaError._TRANSPORT, "no metadata"))
    assert "name not known" in str(failure)


def test_silence_says_for_how_long():
    assert "for 3 s" in str(Cluster(Settings(), patience=3.0).silence())


def test_names_get_and_lose_the_deployments_prefix():
    cluster = Cluster(Settings(topic_prefix="staging."))
    assert cluster.topic("mail.alerts.v1") == "staging.mail.alerts.v1"
    assert cluster.logical("staging.mail.alerts.v1") == "mail.alerts.v1"
