"""A worker that plays back looks around more often: a second may be an hour there."""

import dataclasses

from streams.app import engine_config
from streams.engine.config import EngineConfig
from streams.settings import load

WAITS = ("commit_interval", "timer_interval", "fetch_max_wait")


def waits(config):
    return [getattr(config, name) for name in WAITS]


def test_timers_commits_and_fetches_of_a_worker_that_plays_back_wait_less():
    usual, back = (
        engine_config(load({"follow_records": follows})) for follows in (False, True)
    )
    assert all(b < u for b, u in zip(waits(back), waits(usual), strict=True))
    more = dict(zip(WAITS, waits(usual), strict=True)) | {"follow_records": False}
    assert dataclasses.replace(back, **more) == usual


def test_a_worker_of_production_keeps_the_engines_own():
    own = EngineConfig(bootstrap_servers="127.0.0.1:9092", app_id="mailflag")
    assert waits(engine_config(load())) == waits(own)
