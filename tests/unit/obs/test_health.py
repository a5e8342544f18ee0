"""What the pages of a worker answer."""

from types import SimpleNamespace

import pytest

from streams.engine.readiness import Readiness
from streams.obs import health
from streams.obs.metrics import Metrics


class View:
    """Answers what it was told to answer, as Faust's view would."""

    def json(self, value, status=200):
        return status, value

    def bytes(self, value, headers):
        return headers["Content-Type"], value


@pytest.fixture
def conditions():
    return [True] * 5


@pytest.fixture
def pages(conditions):
    handlers = {}

    def page(path, name):
        assert name
        return lambda handler: handlers.setdefault(path, handler)

    worker = SimpleNamespace(
        app=SimpleNamespace(page=page), readiness=lambda: Readiness(*conditions)
    )
    health.install(worker, Metrics())
    return handlers


async def answer(pages, path, accept=""):
    return await pages[path](View(), SimpleNamespace(headers={"Accept": accept}))


async def test_there_are_three_pages(pages):
    assert set(pages) == {"/metrics", "/healthz", "/readyz"}


async def test_a_worker_is_alive_whenever_it_answers(pages, conditions):
    conditions[:] = [False] * 5
    assert await answer(pages, "/healthz") == (200, {"status": "alive"})


async def test_a_ready_worker_says_so(pages):
    assert await answer(pages, "/readyz") == (200, {"status": "ready", "missing": []})


async def test_a_waiting_worker_says_what_it_waits_for(pages, conditions):
    conditions[1] = False
    told = {"status": "waiting", "missing": ["recovered"]}
    assert await answer(pages, "/readyz") == (503, told)


async def test_the_metrics_include_readiness(pages, conditions):
    kind, body = await answer(pages, "/metrics")
    assert kind.startswith("text/plain")
    assert b"mailflag_worker_ready 1.0" in body
    conditions[0] = False
    _, body = await answer(pages, "/metrics")
    assert b"mailflag_worker_ready 0.0" in body
    assert b'mailflag_worker_condition{condition="assigned"} 0.0' in body
