import os

import pytest

from streams.errors import ConfigurationError
from streams.settings import PREFIX, Settings, load, revealed


@pytest.fixture(autouse=True)
def _clean(monkeypatch):

    for name in [n for n in os.environ if n.startswith(PREFIX)]:
        monkeypatch.delenv(name)


def test_without_anything_set_the_defaults_hold():
    assert load().bootstrap_servers == "127.0.0.1:9092"


def test_an_option_goes_before_the_environment(monkeypatch):
    monkeypatch.setenv("MAILFLAG_TOPIC_PREFIX", "a.")
    assert load().topic_prefix == "a."
    assert load({"topic_prefix": "b."}).topic_prefix == "b."
    assert load({"topic_prefix": None}).topic_prefix == "a."


def test_an_empty_variable_counts_as_not_set(monkeypatch):
    monkeypatch.setenv("MAILFLAG_WEB_PORT", "")
    assert load().web_port == 6066


def test_a_misspelt_variable_is_an_error_that_names_the_right_one(monkeypatch):
    monkeypatch.setenv("MAILFLAG_BOOTSTRAP_SERVER", "x:1")
    with pytest.raises(
        ConfigurationError, match="did you mean MAILFLAG_BOOTSTRAP_SERV"
    ):
        load()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MAILFLAG_BOOTSTRAP_SERVERS", "localhost"),
        ("MAILFLAG_BOOTSTRAP_SERVERS", "localhost:99999"),
        ("MAILFLAG_BOOTSTRAP_SERVERS", " , "),
        ("MAILFLAG_WEB_PORT", "many"),
        ("MAILFLAG_LOG_FORMAT", "xml"),
        ("MAILFLAG_TOPIC_PREFIX", "a b"),
        ("MAILFLAG_APP_ID", "a/b"),
        ("MAILFLAG_DEAD_LETTER_SHARE", "0"),
        ("MAILFLAG_SECURITY_PROTOCOL", "TLS"),
        ("MAILFLAG_ALERTMANAGER_URLS", "am:9093"),
        ("MAILFLAG_ALERTMANAGER_URLS", "http://am:9093,ftp://am:9093"),
        ("MAILFLAG_ALERTMANAGER_URLS", "http://am:port"),
        ("MAILFLAG_ALERTMANAGER_URLS", "http://"),
        ("MAILFLAG_ALERTMANAGER_URLS", "http://am:9093/?a=b"),
        ("MAILFLAG_DASHBOARD_URL", "/d/mailflag-incidents"),
        ("MAILFLAG_DASHBOARD_URL", "https://g/ a"),
    ],
)
def test_a_bad_value_is_refused_with_the_variables_name(monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError, match=variable):
        load()


def test_a_secret_may_stand_in_a_file_and_is_never_shown(monkeypatch, tmp_path):
    secret = tmp_path / "password"
    secret.write_text("s3cret\n")
    monkeypatch.setenv("MAILFLAG_SASL_PASSWORD_FILE", str(secret))
    settings = load()
    assert revealed(settings.sasl_password) == "s3cret"
    assert "s3cret" not in repr(settings)


def test_a_secret_file_that_is_not_there_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("MAILFLAG_SASL_PASSWORD_FILE", str(tmp_path / "none"))
    with pytest.raises(ConfigurationError, match="MAILFLAG_SASL_PASSWORD_FILE"):
        load()


def test_a_refused_secret_is_not_shown():
    with pytest.raises(ConfigurationError) as caught:
        load({"sasl_password": ["s3cret"]})
    assert "s3cret" not in str(caught.value)


def test_sasl_without_credentials_is_refused():
    with pytest.raises(ConfigurationError, match="sasl_username"):
        load({"security_protocol": "SASL_SSL"})


def test_a_certificate_that_cannot_be_read_is_a_configuration_error(tmp_path):
    settings = load(
        {"security_protocol": "SSL", "ssl_ca_location": tmp_path / "none.pem"}
    )
    with pytest.raises(ConfigurationError, match="SSL_"):
        _ = settings.ssl_context


def test_every_setting_says_what_it_does():
    for name, field in Settings.model_fields.items():
        assert field.description, name


def test_every_alertmanager_is_told_once_and_keeps_its_number(monkeypatch):
    urls = " http://b:9093/ ,https://a/am,http://b:9093,"
    monkeypatch.setenv("MAILFLAG_ALERTMANAGER_URLS", urls)
    assert load().alertmanagers == ["http://b:9093", "https://a/am"]


def test_nobody_is_told_unless_an_alertmanager_is_set():
    assert load().alertmanagers == []


@pytest.mark.parametrize("name", ["ALERTMANAGER_URLS", "DASHBOARD_URL"])
def test_a_login_in_an_address_is_refused_and_not_shown(monkeypatch, name):
    monkeypatch.setenv(PREFIX + name, "http://me:hush@am:9093")
    with pytest.raises(ConfigurationError, match="user or password") as refused:
        load()
    assert "hush" not in str(refused.value)
