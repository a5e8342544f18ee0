"""What the engine is told, and what it refuses to be told."""

import ssl

import pytest

from streams.engine.application import credentials
from streams.engine.client import authentication
from streams.engine.config import (
    EngineConfig,
    SaslMechanism,
    Security,
    SecurityProtocol,
)
from streams.engine.spec import LaneSpec
from streams.errors import ConfigurationError

TLS = ssl.create_default_context()


def config(**told):
    return EngineConfig(**{"bootstrap_servers": "a:1, b:2", "app_id": "app", **told})


def test_servers_are_told_apart():
    assert config().servers == ["a:1", "b:2"]


@pytest.mark.parametrize("servers", ["", " , "])
def test_empty_servers_are_refused(servers):
    with pytest.raises(ConfigurationError, match="bootstrap servers"):
        config(bootstrap_servers=servers)


def test_an_empty_application_id_is_refused():
    with pytest.raises(ConfigurationError, match="application id"):
        config(app_id="")


def test_every_name_has_the_prefix():
    one = config(topic_prefix="stage.")
    assert one.topic("mail.alerts.v1") == "stage.mail.alerts.v1"
    assert one.changelog("flags") == "stage.app-flags-changelog"


@pytest.mark.parametrize("protocol", [SecurityProtocol.SSL, SecurityProtocol.SASL_SSL])
def test_tls_without_a_context_is_refused(protocol):
    with pytest.raises(ConfigurationError, match="SSL context"):
        Security(protocol=protocol, sasl_username="u", sasl_password="p")


@pytest.mark.parametrize(
    "protocol", [SecurityProtocol.SASL_PLAINTEXT, SecurityProtocol.SASL_SSL]
)
@pytest.mark.parametrize(("user", "password"), [(None, "p"), ("u", None)])
def test_sasl_without_user_or_password_is_refused(protocol, user, password):
    with pytest.raises(ConfigurationError, match="user and password"):
        Security(
            protocol=protocol,
            ssl_context=TLS,
            sasl_username=user,
            sasl_password=password,
        )


def test_a_password_is_not_shown():
    security = Security(
        protocol=SecurityProtocol.SASL_PLAINTEXT,
        sasl_username="u",
        sasl_password="hidden-word",
    )
    assert "hidden-word" not in repr(config(security=security))


def test_plain_connections_have_no_credentials():
    assert credentials(config()) is None
    assert authentication(config()) == {"security_protocol": "PLAINTEXT"}


def test_tls_is_the_same_for_faust_and_for_the_engines_own_connections():
    one = config(security=Security(protocol=SecurityProtocol.SSL, ssl_context=TLS))
    assert credentials(one).context is TLS
    assert authentication(one) == {"security_protocol": "SSL", "ssl_context": TLS}


@pytest.mark.parametrize(
    ("protocol", "context"),
    [(SecurityProtocol.SASL_PLAINTEXT, None), (SecurityProtocol.SASL_SSL, TLS)],
)
@pytest.mark.parametrize("mechanism", SaslMechanism)
def test_sasl_is_the_same_for_faust_and_for_the_engines_own_connections(
    protocol, context, mechanism
):
    one = config(
        security=Security(
            protocol=protocol,
            sasl_mechanism=mechanism,
            sasl_username="u",
            sasl_password="p",
            ssl_context=context,
        )
    )
    told, own = credentials(one), authentication(one)
    assert told.protocol.value == own["security_protocol"] == protocol.value
    assert told.mechanism.value == own["sasl_mechanism"] == mechanism.value
    assert told.ssl_context is own.get("ssl_context") is context
    assert (told.username, told.password) == ("u", "p")
    assert (own["sasl_plain_username"], own["sasl_plain_password"]) == ("u", "p")


def test_a_stage_with_a_table_reads_one_topic_only():
    with pytest.raises(ConfigurationError, match="one topic only"):
        LaneSpec("flags", ("a", "b"), None, "flags")


def test_a_stage_reads_something():
    with pytest.raises(ConfigurationError, match="no topic"):
        LaneSpec("flags", (), None)
