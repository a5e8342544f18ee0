"""A worker dies in the middle of an open incident: nobody is told twice, or never."""

import itertools
import json
import time

import pytest
from mail_deployment import wait_for
from mail_traffic import MINUTE, Event, Traffic
from worker_clock import WorkerClocks

from streams.core.instant import Instant, render
from streams.wire.topic import Topic

pytestmark = pytest.mark.broker

TENANT = "stadtwerke"
NUMBERS = itertools.count()


def mail(at, *, fails):
    number = next(NUMBERS)
    smtp = {"phase": "data_end", "code": 250, "peer_role": "relay"}
    if fails:
        text = "5.7.8 Error: authentication failed"
        smtp = {"phase": "auth", "code": 535, "text": text, "peer_role": "relay"}
    body = {
        "id": f"i-{number}",
        "time": render(Instant(int(at))),
        "tenant_id": TENANT,
        "address": f"kunde{number}@example.com",
        "customer_id": f"k-{number}",
        "message_id": f"<i{number}@stadtwerke.test>",
        "smtp": smtp | {"peer": "relay.stadtwerke.test"},
    }
    if fails:
        body["outcome"] = "failed"
    return Event(Topic.SEND_ATTEMPTS, body)


@pytest.fixture
def now():
    return int(time.time() * 1000)


def told(deployment):
    """Answer what readers of committed records see of alerts."""
    rows = deployment.tails[Topic.ALERTS].read()
    return [json.loads(row.value) for row in rows if row.value]


def types(deployment):
    return [alert["type"] for alert in told(deployment)]


def test_a_worker_killed_in_an_open_incident_opens_and_resolves_it_once(deploy, now):
    deployment = deploy()
    clocks = WorkerClocks(deployment)
    traffic = Traffic(1, now=now, people=1)
    worker = deployment.start().wait_ready()

    def publish(*events):
        deployment.send(traffic.publish(events))
        deployment.flush()

    publish(*(mail(now - (50 - n * 0.1) * MINUTE, fails=False) for n in range(400)))
    publish(*(mail(now - (10 - n * 0.1) * MINUTE, fails=True) for n in range(95)))
    assert wait_for(lambda: "alert-opened" in types(deployment)), worker.text[-2000:]
    publish(*(mail(now - 3 * MINUTE, fails=True) for _ in range(40)))
    worker.kill()

    heir = deployment.start().wait_ready()
    publish(*(mail(now - 3 * MINUTE, fails=True) for _ in range(40)))
    publish(*(mail(time.time() * 1000, fails=False) for _ in range(200)))
    deployment.settle()
    assert types(deployment).count("alert-opened") == 1
    assert "alert-resolved" not in types(deployment)

    # A broker refuses a clock that is an hour ahead.
    times = iter(range(5 * MINUTE, 56 * MINUTE, 5 * MINUTE))

    def over():
        """Let five minutes pass, unless it is said."""
        ahead = next(times, None)
        if ahead is not None:
            clocks.set(heir, ahead)
        return "alert-resolved" in types(deployment)

    assert wait_for(over), (types(deployment), heir.text[-2000:])
    said = [a for a in told(deployment) if a["type"] != "alert-updated"]
    assert [a["type"] for a in said] == ["alert-opened", "alert-resolved"]
    assert len({a["key"] for a in told(deployment)}) == 1
    revisions = [a["revision"] for a in told(deployment)]
    assert revisions == sorted(set(revisions))
    assert heir.alive
