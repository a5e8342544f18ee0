"""The notifier and a real Alertmanager with the routes that are published."""

import asyncio
import json
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from alertmanager_server import CONFIG, AlertmanagerServer, Pager

from streams.adapters import alertmanager, replica
from streams.adapters.alert_feed import AlertFeed
from streams.adapters.alertmanager import Notifier, wall
from streams.adapters.notice import notice, payload
from streams.core.instant import Instant, parse, render
from streams.obs.metrics import Delivery
from streams.wire.alert import decode

EXAMPLES = Path(__file__).parents[2] / "schemas" / "examples" / "alert" / "v1"
LIMIT = 45

pytestmark = [
    pytest.mark.ops,
    pytest.mark.skipif(
        not shutil.which("prometheus-alertmanager") or not shutil.which("amtool"),
        reason="prometheus-alertmanager is not installed",
    ),
]


class Counts(Counter):
    """Requests by result."""

    def notifies(self, replicas):
        pass

    def notified(self, replica, result):
        self[result] += 1


def value(name, key, **changes):
    """Answer an example as a record that was written now."""
    now = wall()
    said = json.loads((EXAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    said |= {"key": key, "at": render(now), "revision": now} | changes
    return json.dumps(said).encode()


class Scene:
    """The alerts topic as a list, notifiers that read it, and who is told."""

    def __init__(self, server, pager):
        self.server = server
        self.pager = pager
        self.counts = Counts()
        self.opened_at = Instant(wall() - 60_000)
        self._records = []
        self._feeds = []
        self._running = []

    def start(self):
        """Start a notifier that reads the topic from its beginning."""
        feed = AlertFeed("https://grafana.test/d/mailflag-incidents")
        for record in self._records:
            feed.apply(*record)
        self._feeds.append(feed)
        notifier = Notifier([self.server.url], feed, self.counts)
        self._running.append(asyncio.create_task(notifier.run(lambda: True)))

    async def stop(self):
        """Stop all notifiers, as a kill would."""
        for one in self._running:
            one.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        self._feeds, self._running = [], []

    def say(self, key, name="opened-for-a-tenant", **changes):
        record = (
            key.encode(),
            value(name, key, opened_at=render(self.opened_at), **changes),
            wall(),
        )
        self._records.append(record)
        for feed in self._feeds:
            feed.apply(*record)

    def resolve(self, key, name="opened-for-a-tenant", **changes):
        now = render(wall())
        self.say(key, name, type="alert-resolved", resolved_at=now, **changes)

    async def until(self, true):
        async with asyncio.timeout(LIMIT):
            while not await true():  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.05)

    async def firing(self, *keys):
        async def there():
            return set(await self.server.alerts()) == set(keys)

        await self.until(there)
        return await self.server.alerts()

    async def told(self, receiver, *notes):
        async def heard():
            return self.pager.told(receiver) == list(notes)

        await self.until(heard)

    async def sent(self, more):
        """Wait for some more requests that are taken."""
        least = self.counts[Delivery.DELIVERED] + more

        async def enough():
            return self.counts[Delivery.DELIVERED] >= least

        await self.until(enough)


@pytest.fixture
async def scene(monkeypatch):
    monkeypatch.setattr(alertmanager, "TICK", 0.05)
    monkeypatch.setattr(replica, "REFRESH", 500)
    monkeypatch.setattr(replica, "FIRST_PAUSE", 100)
    pager = Pager()
    await pager.start()
    server = AlertmanagerServer(pager.port)
    await server.start()
    one = Scene(server, pager)
    one.start()
    yield one
    await one.stop()
    server.close()
    await pager.stop()


async def test_an_incident_pages_once_stays_the_same_alert_and_is_closed(scene):
    scene.say("k")
    first = (await scene.firing("k"))["k"]
    assert parse(first["startsAt"]) == scene.opened_at
    assert first["generatorURL"].endswith("?var-tenant=autohaus-muster")
    await scene.told("page", ("firing", "k"))
    scene.say("k", cause="relay_unreachable", customers_failing=500)
    await scene.sent(3)
    again = (await scene.firing("k"))["k"]
    assert again["fingerprint"] == first["fingerprint"]
    assert again["startsAt"] == first["startsAt"]
    assert parse(again["endsAt"]) > parse(first["endsAt"])
    assert again["annotations"]["cause"] == "relay_unreachable"
    scene.resolve("k")
    await scene.firing()
    await scene.told("page", ("firing", "k"), ("resolved", "k"))
    await scene.sent(3)
    await scene.told("page", ("firing", "k"), ("resolved", "k"))


async def test_a_new_notifier_goes_on_where_the_last_one_was_killed(scene):
    scene.say("k")
    scene.say("over")
    before = await scene.firing("k", "over")
    await scene.until(_heard(scene, 2))
    await scene.stop()
    scene.resolve("over")
    scene.start()
    after = await scene.firing("k")
    assert after["k"]["fingerprint"] == before["k"]["fingerprint"]
    assert after["k"]["startsAt"] == before["k"]["startsAt"]
    await scene.until(_heard(scene, 3))
    await scene.sent(3)
    assert sorted(scene.pager.told("page")) == [
        ("firing", "k"),
        ("firing", "over"),
        ("resolved", "over"),
    ]


async def test_an_alertmanager_that_restarts_is_told_again_and_pages_nobody_twice(
    scene,
):
    scene.say("k")
    await scene.told("page", ("firing", "k"))
    scene.server.stop()

    async def failed():
        return scene.counts[Delivery.UNAVAILABLE] >= 2

    await scene.until(failed)
    scene.say("during")
    await scene.server.start()
    found = await scene.firing("k", "during")
    assert parse(found["k"]["startsAt"]) == scene.opened_at
    await scene.told("page", ("firing", "k"), ("firing", "during"))


async def test_two_notifiers_make_one_alert_and_one_page(scene):
    scene.start()
    scene.say("k")
    await scene.firing("k")
    await scene.told("page", ("firing", "k"))
    await scene.sent(4)
    scene.resolve("k")
    await scene.told("page", ("firing", "k"), ("resolved", "k"))
    await scene.sent(4)
    await scene.firing()
    await scene.told("page", ("firing", "k"), ("resolved", "k"))


async def test_a_silence_of_a_tenant_holds_while_the_alert_moves(scene):
    now = wall()
    matcher = {"name": "tenant", "value": "autohaus-muster", "isRegex": False}
    await scene.server.silence(
        {
            "matchers": [matcher],
            "startsAt": render(now),
            "endsAt": render(Instant(now + 600_000)),
            "createdBy": "test",
            "comment": "known",
        }
    )
    scene.say("k")
    scene.say("other", tenant_id="somebody-else")
    await scene.told("page", ("firing", "other"))
    scene.say("k", cause="relay_unreachable")
    await scene.sent(3)
    found = await scene.firing("k", "other")
    assert found["k"]["status"]["state"] == "suppressed"
    assert found["k"]["status"]["silencedBy"]
    assert scene.pager.told("page") == [("firing", "other")]


async def test_what_a_platform_incident_covers_is_inhibited_and_pages_nobody(scene):
    scene.say("p", "opened-for-the-platform")
    scene.say("c", "covered-by-a-platform-alert", parent="p")
    await scene.told("page", ("firing", "p"))

    async def inhibited():
        found = await scene.server.alerts()
        return "c" in found and found["c"]["status"]["inhibitedBy"]

    await scene.until(inhibited)
    await scene.sent(3)
    assert {note[2] for note in scene.pager.notes} == {"p"}


async def test_a_page_is_closed_when_a_platform_incident_takes_it_over(scene):
    scene.say("k")
    await scene.told("page", ("firing", "k"))
    scene.say("p", "opened-for-the-platform")
    scene.say("k", "covered-by-a-platform-alert", parent="p")
    await scene.until(_heard(scene, 3))
    assert sorted(scene.pager.told("page")) == [
        ("firing", "k"),
        ("firing", "p"),
        ("resolved", "k"),
    ]


async def test_a_server_that_lies_is_for_office_hours(scene):
    scene.say("m", "response-mismatch")
    await scene.told("chat", ("firing", "m"))
    assert scene.pager.told("page") == []


@pytest.mark.parametrize(
    "name",
    [
        "opened-for-a-tenant",
        "opened-for-the-platform",
        "covered-by-a-platform-alert",
        "response-mismatch",
        "resolved",
    ],
)
async def test_every_example_is_taken_also_with_texts_of_any_alphabet(scene, name):
    tenant = 'Ünïcode 株式会社 "quoted" {{ .X }} \\'
    alert = decode(value(name, "k", tenant_id=tenant, summary="a\u2028b\tc\x7f"))
    url = "https://grafana.test/d/mailflag-incidents"
    assert await scene.server.post([payload(notice(alert, url), wall())]) == 200


async def test_a_refused_request_is_taken_in_part(scene):
    """Which is why a refused request is sent again by pieces."""
    good = payload(notice(decode(value("opened-for-a-tenant", "k")), ""), wall())
    bad = good | {"labels": {"not a name": "x"}}
    assert await scene.server.post([bad, good]) == 400
    await scene.firing("k")


def test_the_published_routes_are_valid_also_with_their_example_receivers(tmp_path):
    published = CONFIG.read_text(encoding="utf-8")
    head, receivers, tail = re.split(
        r"^(?=receivers:|inhibit_rules:)", published, flags=re.MULTILINE
    )
    filled = tmp_path / "alertmanager.yml"
    filled.write_text(head + receivers.replace("  # ", "    ") + tail, "utf-8")
    assert "\n    pagerduty_configs:\n" in filled.read_text(encoding="utf-8")
    for config in (CONFIG, filled):
        done = subprocess.run(
            ["amtool", "check-config", str(config)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (["alertname=MailflagWatchdog"], "nobody"),
        (["alertname=MailflagDown", "severity=critical"], "screen"),
        (["kind=spike", "severity=critical"], "page"),
        (["kind=platform-spike", "severity=critical"], "page"),
        (["kind=spike", "severity=info"], "nobody"),
        (["kind=response-mismatch", "severity=warning"], "chat"),
    ],
)
def test_each_alert_has_its_receiver(labels, receiver):
    asked = ["amtool", "config", "routes", "test", f"--config.file={CONFIG}", *labels]
    done = subprocess.run(asked, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == receiver


def _heard(scene, pages):
    async def enough():
        return len(scene.pager.told("page")) >= pages

    return enough
