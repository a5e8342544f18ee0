"""No address, name or answer of a mail server is in logs, metrics or messages.

Every way through the program is gone with words that occur nowhere else, those on
which it stumbles included; then everything that it has said is searched for them.
"""

import base64
import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from confluent_kafka import Producer
from kafka_broker import KafkaBroker, free_port
from mail_deployment import MAILFLAG, Deployment, wait_for
from mail_traffic import Sending

from streams.engine.exits import ExitCode
from streams.wire import contract
from streams.wire.topic import Topic

WORDS = ("quokka", "wombat", "numbat", "bilby", "kiwi", "emu")
ADDRESS = "Quokka.Wombat@numbat.example"
TEXT = "550 5.1.1 <quokka.wombat@numbat.example>: bilby says that it is unknown"
WHEN = "2025-11-03T10:00:00Z"
FAULTY = Path(__file__).with_name("faulty_worker.py")

pytestmark = [pytest.mark.ops, pytest.mark.broker]


def attempt(number, **changed):
    return {
        "id": f"emu-{number}",
        "time": WHEN,
        "tenant_id": "acme",
        "address": ADDRESS,
        "customer_id": "kiwi",
        "message_id": f"<emu-{number}@wombat.example>",
        "smtp": {
            "phase": "rcpt",
            "code": 550,
            "text": TEXT,
            "peer": "mx.bilby.example",
        },
        **changed,
    }


def bounce():
    """Answer a raw report about the address, as a mail server writes it."""
    return f"""\
From: <>
To: <kiwi@wombat.example>
Subject: bilby
Message-ID: <emu@bilby.example>
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

{TEXT}
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; bilby.example
Arrival-Date: Mon, 3 Nov 2025 10:00:00 +0000

Final-Recipient: rfc822; {ADDRESS}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; {TEXT}
--b--
""".encode()


def good():
    """Answer events of every kind that can be used."""
    report = {"id": "emu-r", "time": WHEN, "tenant_id": "acme"}
    raw = base64.b64encode(bounce()).decode()
    command = {
        "id": "emu-c",
        "time": WHEN,
        "tenant_id": "acme",
        "address": ADDRESS,
        "action": "clear",
        "reason": "other",
        "note": "bilby",
        "actor": "kiwi",
    }
    return [
        (Topic.SEND_ATTEMPTS, attempt(1)),
        (Topic.SEND_ATTEMPTS, attempt(2, smtp={"code": 250, "text": TEXT})),
        (Topic.SEND_ATTEMPTS, attempt(3, error=TEXT, smtp=None)),
        (Topic.SEND_ATTEMPTS, attempt(4, time="2099-01-01T00:00:00Z")),
        (Topic.DSN_EVENTS, {**report, "raw": raw}),
        (Topic.DSN_EVENTS, {**report, "address": ADDRESS, "action": "delivered"}),
        (Topic.FLAG_COMMANDS, command),
    ]


def bad():
    """Answer records that cannot be used, each in a way of its own."""
    text = json.dumps(attempt(9))
    no_report = base64.b64encode(b"Subject: quokka\n\nwombat").decode()
    report = {"id": "emu-r", "time": WHEN, "tenant_id": "acme"}
    values = {
        Topic.SEND_ATTEMPTS: [
            text[:-1],
            text.replace("550,", '"550 bilby",'),
            json.dumps(attempt(9, address="quokka at numbat")),
            json.dumps(attempt(9, address=f"{ADDRESS}\u0000")),
            json.dumps(attempt(9, time="bilby o'clock")),
            json.dumps(attempt(9, tenant_id="quokka/wombat")),
            json.dumps(attempt(9, smtp={"text": "bilby " * 20_000})),
            '{"quokka@numbat.example": ' * 2000,
        ],
        Topic.DSN_EVENTS: [
            json.dumps({**report, "raw": no_report}),
            json.dumps({**report, "raw": "quokka@numbat.example"}),
            json.dumps({**report, "action": "failed", "diagnostic": "550 bilby"}),
        ],
        Topic.FLAG_COMMANDS: [
            json.dumps({"address": ADDRESS, "action": "bilby"}),
        ],
    }
    return [(topic, value) for topic, of in values.items() for value in of]


def sending(topic, value):
    if isinstance(value, dict):
        value = json.dumps(value)
    raw = value.encode()
    return Sending(topic, ADDRESS.encode(), raw, [("quokka", b"wombat")], 0, None)


def changelog_of(deployment):
    """Answer the logical name of the flags table's changelog."""
    topics = [manifest.topic for manifest in contract.changelogs(deployment.app_id)]
    return next(topic for topic in topics if "flags" in topic)


def leaks(text):
    """Answer the lines that say what nobody may be told."""
    return [
        line[:500]
        for line in text.splitlines()
        if any(word in line.lower() for word in WORDS)
    ]


def metrics(port):
    url = f"http://127.0.0.1:{port}/metrics"
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


@pytest.fixture
def deploy(broker):
    made = []

    def make(**told):
        made.append(Deployment(broker.address, **told))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def faulty(tmp_path):
    """Start the worker that has a bug; answer what it said when it has ended."""

    def run(deployment, until_started):
        port = free_port()
        told = {**deployment.options(), "log-level": "debug", "web-port": port}
        options = [f"--{name}={value}" for name, value in told.items()]
        log = tmp_path / "log"
        with log.open("wb") as written:
            process = subprocess.Popen(
                [sys.executable, str(FAULTY), "worker", *options],
                stdout=written,
                stderr=subprocess.STDOUT,
            )
        try:
            until_started()
            return process.wait(60), log.read_text(errors="replace")
        finally:
            process.kill()
            process.wait()

    return run


def test_the_search_finds_what_it_looks_for():
    assert leaks(f"fine\nabout {ADDRESS}\n") == [f"about {ADDRESS}"]
    assert all(word in json.dumps([*good(), *bad()]).lower() for word in WORDS)


@pytest.mark.parametrize("form", ["json", "console"])
def test_nothing_is_told_of_what_can_and_what_cannot_be_used(deploy, form):
    deployment = deploy()
    worker = deployment.start(log_level="debug", log_format=form).wait_ready()
    deployment.send(sending(*one) for one in (*good(), *bad()))
    deployment.settle()

    def put_aside():
        names = ("mailflag_records_rejected_total", "mailflag_reports_ignored_total")
        return sum(sum(worker.metric(name).values()) for name in names)

    assert wait_for(lambda: put_aside() == len(bad()), 20), put_aside()
    assert leaks(metrics(worker.port)) == []
    assert worker.stop() == ExitCode.OK
    assert "worker_stopped" in worker.text
    assert leaks(worker.text) == []


def test_a_bug_that_stumbles_over_an_address_does_not_tell_it(deploy, faulty):
    deployment = deploy()
    explosive = attempt(1, message_id="explode@wombat.example")

    def send():
        deployment.send([sending(Topic.SEND_ATTEMPTS, explosive)])
        deployment.flush()

    code, text = faulty(deployment, send)
    assert code == ExitCode.STAGE_FAILED
    assert '"error":"KeyError"' in text
    assert leaks(text) == []


def test_a_blown_fuse_does_not_tell_what_blew_it(deploy):
    deployment = deploy()
    worker = deployment.start(log_level="debug", dead_letter_run=20)
    deployment.send(sending(*one) for one in bad() * 40)
    deployment.flush()
    assert wait_for(lambda: not worker.alive, 60)
    assert worker.code == ExitCode.STAGE_FAILED
    assert "FuseBlown" in worker.text
    assert leaks(worker.text) == []


def test_a_state_that_cannot_be_read_is_not_told(deploy, broker):
    deployment = deploy()
    producer = Producer({"bootstrap.servers": broker.address})
    changelog = deployment.prefix + changelog_of(deployment)
    key = b"acme/quokka.wombat@numbat.example"
    for partition in range(deployment.counts[Topic.EVIDENCE]):
        producer.produce(changelog, b"\xff" + ADDRESS.encode(), key, partition)
    assert producer.flush(30) == 0
    worker = deployment.start(log_level="debug")
    deployment.send([sending(Topic.SEND_ATTEMPTS, attempt(1))])
    deployment.flush()
    assert wait_for(lambda: not worker.alive, 60)
    assert "UnreadableState" in worker.text
    assert leaks(worker.text) == []


def test_a_broker_that_goes_away_in_the_middle_tells_nothing(deploy, tmp_path):
    """Producers that fail name what they could not send, in their libraries' lines."""
    with KafkaBroker(heap="384m") as fragile:
        if not fragile.can_be_hurt:
            pytest.skip("the broker is not a process of the tests")
        deployment = Deployment(fragile.address)
        worker = deployment.start(log_level="debug").wait_ready()
        deployment.send(sending(*one) for one in good() * 20)
        deployment.flush()
        fragile.kill()
        said = len(worker.text)
        assert wait_for(lambda: len(worker.text) > said, 30)
        assert leaks(worker.text) == []
        worker.kill()
        deployment.close()


def test_progress_and_summary_of_a_replay_name_nobody(tmp_path):
    types = {
        Topic.SEND_ATTEMPTS: "send-attempt",
        Topic.DSN_EVENTS: "dsn",
        Topic.FLAG_COMMANDS: "flag-command",
    }
    events = [json.dumps({"type": types[topic], **body}) for topic, body in good()]
    broken = [value for _, value in bad()]
    file = tmp_path / "events.jsonl"
    file.write_text("\n".join([*events, *broken]), encoding="utf-8")
    ran = subprocess.run(
        [MAILFLAG, "replay", str(file), "--changes", os.devnull],
        check=False,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr
    assert leaks(ran.stderr) == []
