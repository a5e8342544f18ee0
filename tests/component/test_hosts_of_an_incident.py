"""One sending host of four is broken, or all: on-call can tell the two apart."""

from collections import Counter

import orjson
import pytest

from streams.adapters.offline import Offline
from streams.app import build_stages
from streams.core.instant import parse
from streams.settings import load
from streams.simulation import play
from streams.simulation.traffic import MONDAY
from streams.wire import alert as alert_wire
from streams.wire.topic import Topic

HOUR = 3_600_000


def alerts_of(name, seed):
    """Answer the alerts of a day on which it breaks, and the mails that failed."""
    made = play(name, 200, seed)
    broken_at = MONDAY + int(made.truths[0].start * 1000)
    stages, told, failed = build_stages(load()), [], []

    def write(message):
        if message.topic == Topic.ALERTS:
            told.append(alert_wire.decode(message.value).body)

    def refuse(refused):
        pytest.fail(f"refused: {refused}")

    def lines():
        for event in made.events():
            if -8 * HOUR < parse(event["arrived_at"]) - broken_at < 4 * HOUR:
                if event.get("outcome") in {"failed", "deferred"}:
                    failed.append(event)
                yield orjson.dumps(event)

    offline = Offline(stages.by_topic(), write, refuse, stages.bulletins())
    for _ in offline.run(lines()):
        pass
    return told, failed


def refused_since(alert, failed):
    """Count by host what the relay had refused when an alert told of it."""
    return Counter(
        event["helo"]
        for event in failed
        if alert["evidence_from"] <= event["time"] <= event["arrived_at"] <= alert["at"]
        and event["smtp"]["phase"] == "auth"
    )


def test_a_password_that_expired_names_every_host_that_failed():
    told, failed = alerts_of("password_expired", 5)
    assert len(told) >= 5
    for alert in told:
        wanted = refused_since(alert, failed)
        by_host = {one["host"]: one["mails"] for one in alert["failures_by_host"]}
        assert by_host == wanted
        assert set(alert["hosts"]) == set(wanted)
        assert alert["mails_traced"] == wanted.total() == alert["mails_failed"]
        assert alert["hosts_delivering"] == []
    last = told[-1]
    assert len(last["hosts"]) == 4
    assert "Mail fails through 4 hosts of ours: " in last["where_to_check"]


def test_a_password_that_is_old_on_one_host_of_four_names_that_one():
    told, failed = alerts_of("one_host_of_four", 1)
    assert len(told) >= 2
    for alert in told:
        assert alert["hosts"] == ["app2.t1.test"]
        mails = refused_since(alert, failed)["app2.t1.test"]
        assert alert["failures_by_host"] == [{"host": "app2.t1.test", "mails": mails}]
        assert (
            alert["where_to_check"]
            .rpartition("shows the error. ")[2]
            .startswith(f"All {mails} mails that failed went through app2.t1.test; ")
        )
    last = told[-1]
    others = ["app0.t1.test", "app1.t1.test", "app3.t1.test"]
    assert last["hosts_delivering"] == others
    assert last["where_to_check"].endswith("app2.t1.test; 3 others deliver.")
