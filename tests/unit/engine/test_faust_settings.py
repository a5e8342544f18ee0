"""Faust is told everything, and listens to no environment variable."""

import asyncio

import faust
import pytest

from streams.engine.application import settings
from streams.engine.config import EngineConfig
from streams.engine.observer import NullObserver
from streams.engine.worker import build

CONFIG = EngineConfig(bootstrap_servers="host:9", app_id="app", web_port=1234)


@pytest.mark.parametrize("name", settings(CONFIG))
def test_every_keyword_is_a_setting_of_faust(name):
    known = set(faust.Settings.SETTINGS) | {"env_prefix"}
    assert name in known, "Faust ignores unknown keywords in silence"


@pytest.fixture
def app(monkeypatch):
    """An app that was made in an environment full of traps."""
    for name, value in {
        "BROKER_URL": "kafka://elsewhere:1",
        "WEB_PORT": "1",
        "WEB_BIND": "0.0.0.0",  # noqa: S104 - the trap
        "PROCESSING_GUARANTEE": "exactly_once",
        "NODE_HOSTNAME": "elsewhere",
        "STREAM_BUFFER_MAXSIZE": "7",
    }.items():
        monkeypatch.setenv(name, value)
    asyncio.set_event_loop(asyncio.new_event_loop())
    worker = build(CONFIG, [], NullObserver())
    yield worker.app
    asyncio.get_event_loop().close()


def test_the_environment_changes_nothing(app):
    assert [str(url) for url in app.conf.broker] == ["kafka://host:9"]
    assert (app.conf.web_bind, app.conf.web_port) == ("127.0.0.1", 1234)
    assert app.conf.processing_guarantee.name == "AT_LEAST_ONCE"
    assert app.conf.stream_buffer_maxsize > 1000


def test_nothing_of_a_table_is_served_over_the_web(app):
    assert not app.conf.web_tables_enabled
    assert not app.conf.web_router_enabled
    assert not app.conf.debug


def test_a_worker_without_a_web_port_opens_none():
    config = EngineConfig(bootstrap_servers="host:9", app_id="app")
    assert settings(config)["web_enabled"] is False


def test_requests_to_the_group_outlast_the_session():
    config = EngineConfig(bootstrap_servers="h:9", app_id="a", session_timeout=120)
    assert settings(config)["broker_request_timeout"] > 120
