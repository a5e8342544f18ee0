"""The notifier and Alertmanagers that fail in every way."""

import asyncio
import json
import logging
from collections import Counter
from pathlib import Path

import pytest
from alertmanager_double import BAD, AlertmanagerDouble

from streams.adapters import alertmanager
from streams.adapters.alert_feed import AlertFeed
from streams.adapters.alertmanager import Notifier
from streams.core.instant import Instant, parse, render
from streams.obs.metrics import Delivery

EXAMPLE = (
    Path(__file__).parents[2] / "schemas/examples/alert/v1/opened-for-a-tenant.json"
)
NOON = Instant(1_772_452_800_000)
DELIVERED = (0, Delivery.DELIVERED)


class Counts(Counter):
    """Requests by replica and result."""

    def notifies(self, replicas):
        self.replicas = replicas

    def notified(self, replica, result):
        self[replica, result] += 1


class Scene:
    """A notifier whose clock the test turns, and the Alertmanagers it tells."""

    def __init__(self, doubles):
        self.doubles = doubles
        self.feed = AlertFeed()
        self.counts = Counts()
        self.now = NOON
        self.informed = True
        urls = [double.url for double in doubles]
        self.notifier = Notifier(urls, self.feed, self.counts, clock=lambda: self.now)

    def say(self, key, *, tenant="t", over=False, revision=1):
        alert = json.loads(EXAMPLE.read_text(encoding="utf-8")) | {
            "key": key,
            "tenant_id": tenant,
            "opened_at": render(NOON),
            "revision": revision,
        }
        if over:
            alert |= {"type": "alert-resolved", "resolved_at": render(self.now)}
        self.feed.apply(key.encode(), json.dumps(alert).encode(), self.now)

    async def until(self, true):
        async with asyncio.timeout(20):
            while not true():  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.005)


@pytest.fixture
async def doubles():
    made = [AlertmanagerDouble(), AlertmanagerDouble()]
    for double in made:
        await double.start()
    yield made
    for double in made:
        await double.stop()


@pytest.fixture
async def scene(doubles, monkeypatch):
    monkeypatch.setattr(alertmanager, "TICK", 0.01)
    monkeypatch.setattr(alertmanager, "PATIENCE", 0.2)
    one = Scene(doubles)
    running = asyncio.create_task(one.notifier.run(lambda: one.informed))
    yield one
    running.cancel()
    ended = await asyncio.gather(running, return_exceptions=True)
    assert isinstance(ended[0], asyncio.CancelledError)


async def test_every_replica_is_told(scene, doubles):
    scene.say("k")
    await scene.until(lambda: all("k" in double.taken for double in doubles))
    assert scene.counts.replicas == 2
    assert doubles[0].taken == doubles[1].taken
    told = doubles[0].taken["k"]
    assert parse(told["startsAt"]) == NOON
    assert parse(told["endsAt"]) == NOON + 240_000


async def test_nothing_is_told_before_the_topic_was_read_to_its_end(scene, doubles):
    scene.informed = False
    scene.say("k")
    scene.say("k", over=True, revision=2)
    await asyncio.sleep(0.1)
    assert doubles[0].requests == []
    scene.informed = True
    await scene.until(lambda: doubles[0].requests)
    assert parse(doubles[0].requests[0][0]["endsAt"]) == NOON


@pytest.mark.parametrize("trouble", [500, 503, 429, None, "gone"])
async def test_a_replica_in_trouble_is_tried_again_and_harms_no_other(
    scene, doubles, trouble
):
    bad, good = doubles
    if trouble == "gone":
        await bad.stop()
    else:
        bad.answer = trouble
    scene.say("k")
    failed = (0, Delivery.UNAVAILABLE)
    await scene.until(lambda: scene.counts[failed] and "k" in good.taken)
    tried = scene.counts[failed]
    scene.now += 2_000
    await scene.until(lambda: scene.counts[failed] > tried)
    if trouble == "gone":
        await bad.start()
    bad.answer = 200
    scene.now += 60_000
    await scene.until(lambda: "k" in bad.taken)
    assert parse(bad.taken["k"]["startsAt"]) == NOON
    assert scene.counts[1, Delivery.UNAVAILABLE] == 0


async def test_after_an_hour_away_each_open_alert_is_told_once(scene, doubles):
    away = doubles[0]
    away.answer = 503
    scene.say("over")
    scene.say("open")
    for minute in range(60):
        before = scene.counts[0, Delivery.UNAVAILABLE]
        scene.now = Instant(NOON + minute * 60_000)
        await scene.until(
            lambda: scene.counts[0, Delivery.UNAVAILABLE] > before  # noqa: B023
        )
        if minute == 30:
            scene.say("over", over=True, revision=2)
        scene.say("open", revision=2 + minute)
    away.requests.clear()
    away.answer = 200
    scene.now = Instant(NOON + 3_600_000)
    await scene.until(lambda: away.taken)
    scene.now += 1_000
    await asyncio.sleep(0.1)
    (request,) = away.requests
    assert [one["labels"]["key"] for one in request] == ["open"]


async def test_one_bad_alert_does_not_keep_the_others_back(scene, doubles, caplog):
    for key, tenant in (("a", "t"), ("b", BAD), ("c", "t")):
        scene.say(key, tenant=tenant)
    refused = (0, Delivery.REFUSED)
    await scene.until(lambda: scene.counts[refused] == 2)
    await scene.until(lambda: scene.counts[DELIVERED] == 2)
    sizes = [len(request) for request in doubles[0].requests]
    assert sizes == [3, 1, 1, 1]
    assert doubles[0].taken.keys() == {"a", "c"}
    scene.now += 60_000
    await scene.until(lambda: len(doubles[0].requests) == 6)
    assert [len(request) for request in doubles[0].requests[4:]] == [2, 1]


@pytest.mark.parametrize("status", [301, 401, 404])
async def test_who_refuses_altogether_is_said_once_and_asked_once_a_minute(
    scene, doubles, caplog, status
):
    caplog.set_level(logging.INFO)
    doubles[0].answer = status
    scene.say("k")
    scene.say("l")
    for minute in range(1, 4):
        await scene.until(lambda: scene.counts[0, Delivery.REFUSED] == minute)  # noqa: B023
        scene.now += 60_000
    said = [r for r in caplog.records if r.message == "alertmanager_refuses"]
    assert [(r.replica, r.status) for r in said] == [(0, status)]
    assert scene.counts[1, Delivery.DELIVERED] >= 1


async def test_an_end_is_told_and_repeated(scene, doubles):
    scene.say("k")
    await scene.until(lambda: scene.counts[DELIVERED] == 1)
    scene.now += 1_000
    over = scene.now
    scene.say("k", over=True, revision=2)
    for minute in range(5):
        scene.now = Instant(over + minute * 60_000)
        # Not its requests: the clock may turn when their answer was noted, not before.
        await scene.until(lambda: scene.counts[DELIVERED] == 2 + minute)  # noqa: B023
    ends = [parse(request[0]["endsAt"]) for request in doubles[0].requests[1:]]
    assert ends == [over] * 5
    scene.now = Instant(over + 5 * 60_000)
    await asyncio.sleep(0.1)
    assert len(doubles[0].requests) == 6


async def test_two_notifiers_say_the_same(scene, doubles):
    scene.say("k")
    await scene.until(lambda: "k" in doubles[0].taken)
    other = Notifier([doubles[0].url], scene.feed, Counts(), clock=lambda: scene.now)
    second = asyncio.create_task(other.run(lambda: True))
    await scene.until(lambda: len(doubles[0].requests) == 2)
    second.cancel()
    assert doubles[0].requests[0] == doubles[0].requests[1]
