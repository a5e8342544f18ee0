"""Alertmanagers are told by `mailflag worker` and by `mailflag notify` alike."""

import json
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from confluent_kafka import Producer
from kafka_broker import free_port
from mail_deployment import MAILFLAG, wait_for

from streams.core.instant import Instant, parse, render
from streams.wire.topic import Topic

EXAMPLE = (
    Path(__file__).parents[2] / "schemas/examples/alert/v1/opened-for-a-tenant.json"
)

pytestmark = pytest.mark.broker


class Receiver:
    """Takes alerts as Alertmanager does; remembers the newest of each key."""

    def __init__(self):
        self.taken = {}
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                size = int(self.headers["Content-Length"])
                for one in json.loads(self.rfile.read(size)):
                    receiver.taken[one["labels"]["key"]] = one
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver():
    one = Receiver()
    yield one
    one.close()


class Alerts:
    """Writes to the alerts topic in transactions, as the roll-up does."""

    def __init__(self, deployment):
        self._topic = deployment.prefix + Topic.ALERTS
        self._producer = Producer(
            {
                "bootstrap.servers": deployment.kafka,
                "transactional.id": f"{deployment.app_id}-alerts",
            }
        )
        self._producer.init_transactions(20)
        self.opened_at = Instant(time.time_ns() // 1_000_000)

    def say(self, key, *, over=False, committed=True):
        now = time.time_ns() // 1_000_000
        alert = json.loads(EXAMPLE.read_text(encoding="utf-8")) | {
            "key": key,
            "revision": now,
            "opened_at": render(self.opened_at),
        }
        if over:
            alert |= {"type": "alert-resolved", "resolved_at": render(Instant(now))}
        self._producer.begin_transaction()
        self._producer.produce(self._topic, json.dumps(alert).encode(), key.encode())
        self._producer.flush(20)
        if committed:
            self._producer.commit_transaction(20)
        else:
            self._producer.abort_transaction(20)


@pytest.fixture
def notify(receiver):
    """Start `mailflag notify`; answers the process and the port of its pages."""
    started = []

    def start(deployment):
        port = free_port()
        options = {
            "bootstrap-servers": deployment.kafka,
            "topic-prefix": deployment.prefix,
            "app-id": deployment.app_id,
            "alertmanager-urls": receiver.url,
            "web-port": port,
        }
        words = [f"--{name}={value}" for name, value in options.items()]
        process = subprocess.Popen([str(MAILFLAG), "notify", *words])
        started.append(process)
        return process, port

    yield start
    for process in started:
        process.kill()
        process.wait()


def page(port, name):
    try:
        url = f"http://127.0.0.1:{port}/{name}"
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.read().decode()
    except (urllib.error.URLError, OSError):
        return ""


def test_a_worker_tells_and_a_notifier_goes_on_when_it_is_killed(
    deploy, receiver, notify
):
    deployment = deploy()
    alerts = Alerts(deployment)
    alerts.say("before")
    alerts.say("never", committed=False)
    deployment.environment["MAILFLAG_ALERTMANAGER_URLS"] = receiver.url
    worker = deployment.start().wait_ready()
    assert wait_for(lambda: "before" in receiver.taken), worker.text[-3000:]
    alerts.say("while")
    assert wait_for(lambda: "while" in receiver.taken), worker.text[-3000:]
    counted = worker.metric("mailflag_alertmanager_requests_total")
    assert counted['{replica="0",result="delivered"}'] >= 1
    told = dict(receiver.taken)
    worker.kill()
    alerts.say("while", over=True)
    receiver.taken.clear()

    process, port = notify(deployment)
    assert wait_for(lambda: len(receiver.taken) == 2)
    assert receiver.taken.keys() == told.keys() == {"before", "while"}
    for key, one in receiver.taken.items():
        assert one["labels"] == told[key]["labels"]
        assert one["startsAt"] == told[key]["startsAt"]
    now = time.time_ns() // 1_000_000
    assert parse(receiver.taken["while"]["endsAt"]) <= now
    assert parse(receiver.taken["before"]["endsAt"]) > now
    assert json.loads(page(port, "readyz")) == {"status": "ready", "missing": []}
    assert json.loads(page(port, "healthz")) == {"status": "alive"}
    delivered = 'requests_total{replica="0",result="delivered"}'
    (line,) = [row for row in page(port, "metrics").splitlines() if delivered in row]
    assert float(line.rpartition(" ")[2]) >= 1
    process.terminate()
    assert process.wait(30) == 0


def test_a_worker_stops_in_good_order_while_an_alertmanager_does_not_answer(deploy):
    deployment = deploy()
    Alerts(deployment).say("k")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        deployment.environment["MAILFLAG_ALERTMANAGER_URLS"] = url
        worker = deployment.start().wait_ready()
        silent.settimeout(30)
        connection, _ = silent.accept()
        with connection:
            assert worker.ready
            assert worker.stop() == 0
