"""`mailflag demo`, with its own Kafka and a real worker, off a terminal."""

import json
import os
import signal
import subprocess
import sys
import time
from typing import NamedTuple

import orjson
import pytest

from streams.core.instant import Instant, parse, render
from streams.demo.day import day
from streams.demo.hired import HiredWorker, WorkerFailed
from streams.demo.logbook import MINUTE
from streams.demo.summary import PROMISES
from streams.demo.traffic import DAY
from streams.settings import load
from streams.wire.topic import Topic

COMMAND = [sys.executable, "-m", "streams.cli.main"]
EVENTS = 6_000
"""In a day with fewer, four real bounces are half of a tenant's mail."""
SMALL = ["--events", str(EVENTS), "--seconds", "20"]
SEED = 1
TYPES = {
    Topic.SEND_ATTEMPTS: "send-attempt",
    Topic.DSN_EVENTS: "dsn",
    Topic.FLAG_COMMANDS: "flag-command",
}


NEARLY = 20 * MINUTE
"""Two beats of the play, of a worker that is slower than the day."""


class Offline(NamedTuple):
    """What a replay of the same day comes to."""

    sides: list[str]
    """Of each flag that stands."""
    opened: dict[tuple[str, str], Instant]
    """Alerts by kind and tenant."""
    rejected: int


def workers():
    """Answer the processes that are workers of a demo."""
    found = subprocess.run(
        ["pgrep", "-f", "streams.cli.main worker .*--app-id mailflag-demo"],
        capture_output=True,
        text=True,
        check=False,
    )
    return set(found.stdout.split())


@pytest.fixture(scope="module")
def played():
    before = workers()
    ran = subprocess.run(
        [*COMMAND, "demo", *SMALL, "--seed", str(SEED), "--json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stderr
    assert workers() <= before
    return json.loads(ran.stdout)


@pytest.fixture(scope="module")
def offline(tmp_path_factory):
    """The same day through `mailflag replay`."""
    start = parse("2026-03-02T00:00:00Z")
    file = tmp_path_factory.mktemp("day") / "day.jsonl"
    with file.open("wb") as lines:
        for event in day(SEED, start, events=EVENTS):
            lines.write(as_line(event) + b"\n")
        # An hour later nothing waits any more for a report that may still come.
        later = render(Instant(start + DAY + 3_600_000))
        lines.write(b'{"type":"dsn","arrived_at":"%s"}\n' % later.encode())
    ran = subprocess.run(
        [*COMMAND, "replay", str(file), "--quiet"],
        capture_output=True,
        check=True,
        timeout=60,
    )
    standing, opened, rejected = {}, {}, 0
    for line in map(orjson.loads, ran.stdout.splitlines()):
        rejected += line["type"] == "rejected"
        flag = line.get("flag")
        if line["type"] in {"flag-set", "flag-updated"}:
            standing[flag["tenant_id"], flag["address"]] = flag["side"]
        elif line["type"] == "flag-cleared":
            del standing[flag["tenant_id"], flag["address"]]
        elif line["type"] == "alert-opened":
            opened[line["kind"], line["tenant_id"]] = parse(line["opened_at"])
    return Offline(list(standing.values()), opened, rejected - 1)


def as_line(event):
    try:
        document = orjson.loads(event.value or b"")
    except orjson.JSONDecodeError:
        return event.value or b"null"
    arrived = render(event.arrived_at)
    return orjson.dumps(document | {"type": TYPES[event.topic], "arrived_at": arrived})


def test_the_demo_shows_an_example_of_each_promise(played):
    assert played["examples"].keys() == PROMISES.keys()
    for example in played["examples"].values():
        assert example["server_said"]
        assert example["where_to_check"]
        assert example["what_to_do"]
    set_up = played["examples"]["sender_set_up"]["flag"]
    assert set_up["side"] == "sender_config"
    assert not set_up["suppress_recommended"]
    persistent = played["examples"]["persistent"]["flag"]
    assert persistent["persistent"]
    assert persistent["suppress_recommended"]


def test_flags_are_set_cleared_and_updated(played):
    flags = played["flags"]
    assert min(flags["set"], flags["cleared"], flags["updated"]) > 0
    assert flags["set"] - flags["cleared"] == flags["standing"]
    assert sum(played["standing_by_side"].values()) == flags["standing"]


def test_nothing_else_is_alerted_than_what_the_day_has_in_it(played):
    told = {
        (alert["severity"], alert["kind"], alert["tenant_id"])
        for alert in played["alerts"]
    }
    assert told == {
        ("critical", "spike", "alder-power"),
        ("critical", "spike", "ember-shop"),
        # Its mail arrives, so nobody is woken.
        ("warning", "response-mismatch", "birch-insurance"),
    }


def test_an_alert_opens_in_the_minute_in_which_a_replay_opens_it(played, offline):
    for alert in played["alerts"]:
        told = offline.opened[alert["kind"], alert["tenant_id"]]
        late = parse(alert["opened_at"]) % DAY - told % DAY
        assert abs(late) < NEARLY, alert["summary"]


def test_the_worker_ends_with_the_flags_that_a_replay_ends_with(played, offline):
    sides = played["standing_by_side"]
    assert sides == {side: offline.sides.count(side) for side in sides}
    assert sum(played["rejected"].values()) == offline.rejected


def test_a_terminated_demo_takes_its_worker_with_it():
    before = workers()
    demo = subprocess.Popen(
        [*COMMAND, "demo", "--events", "20000"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        limit = time.monotonic() + 30
        while not workers() - before and time.monotonic() < limit:
            time.sleep(0.05)
        assert workers() - before
        demo.terminate()
        assert demo.wait(45) == 128 + signal.SIGTERM
    finally:
        demo.kill()
        demo.wait()
    assert workers() <= before


def test_a_worker_that_ends_is_told_with_its_last_lines(monkeypatch):
    settings = load({"bootstrap_servers": "127.0.0.1:1"})
    wrong = settings.model_copy(update={"app_id": "no such/id"})
    with HiredWorker(wrong, embedded=True) as worker:
        os.waitid(os.P_PID, worker.pid, os.WEXITED | os.WNOWAIT)
        with pytest.raises(WorkerFailed, match=r"exit code 2.*\n.*MAILFLAG_APP_ID"):
            worker.check()


def test_a_kafka_that_is_not_there_is_one_line_and_its_own_exit_code():
    ran = subprocess.run(
        [*COMMAND, "demo", "--kafka", "127.0.0.1:1"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == 69
    assert ran.stderr.count("\n") == 1
    assert "127.0.0.1:1 does not answer" in ran.stderr
