"""How long nobody is served when one of three workers is killed, or asked to stop.

Failing mail to an address of its own, so many times a second, through three workers;
then one of them ends and another is started in its place. The gap is the longest time
from producing one of these events to a read_committed subscriber having its flag:
all partitions are counted, those that moved and those that did not.

    nice -n 5 .venv/bin/python benchmarks/restart.py --session 10 --result restart.json
"""

import argparse
import signal
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import orjson

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parents[1] / "tests" / "broker")]

from confluent_kafka import Consumer, TopicPartition  # noqa: E402 - as the next
from kafka_broker import KafkaBroker  # noqa: E402 - found through the path above
from mail_deployment import Deployment, MailWorker, wait_for  # noqa: E402
from mail_traffic import Sending  # noqa: E402
from rig import machine, report  # noqa: E402

from streams.core.instant import Instant, render  # noqa: E402
from streams.wire.topic import Topic  # noqa: E402

PARTITIONS = {Topic.SEND_ATTEMPTS: 6, Topic.EVIDENCE: 12, Topic.TENANT_ACTIVITY: 6}
WORKERS = 3
QUIET = 5.0
"""Seconds of events before the worker ends, and after the gap must be over."""
PROMISE = 5.0
"""Seconds beyond the session time-out in which a killed worker is replaced."""


class Probe:
    """Events on their way: when each was produced and when its flag was there."""

    def __init__(self, deployment: Deployment) -> None:
        self.sent: dict[str, float] = {}
        self.seen: dict[str, float] = {}
        self._deployment = deployment
        self._ended = threading.Event()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def send(self) -> None:
        """Produce one failing mail."""
        number = len(self.sent)
        address = f"probe{number}@example.com"
        body = {
            "id": f"p-{number}",
            "time": render(Instant(int(time.time() * 1000))),
            "tenant_id": "t-42",
            "address": address,
            "message_id": f"<p{number}@t-42.test>",
            "smtp": {"phase": "rcpt", "code": 550, "text": "5.1.1 No such user"},
        }
        value = orjson.dumps(body)
        self.sent[address] = time.monotonic()
        self._deployment.send([Sending(Topic.SEND_ATTEMPTS, None, value, [], number)])

    def _read(self) -> None:
        name = self._deployment.prefix + Topic.FLAG_CHANGES
        count = self._deployment.counts[Topic.FLAG_CHANGES]
        consumer = Consumer(
            {
                "bootstrap.servers": self._deployment.kafka,
                "group.id": f"probe-{uuid.uuid4().hex[:8]}",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "fetch.wait.max.ms": 20,
            }
        )
        consumer.assign([TopicPartition(name, p, 0) for p in range(count)])
        while not self._ended.is_set():
            for message in consumer.consume(500, 0.05):
                if message.error() is None:
                    address = orjson.loads(message.value())["flag"]["address"]
                    self.seen.setdefault(address, time.monotonic())
        consumer.close()

    @property
    def complete(self) -> bool:
        """Whether every event has its flag."""
        return self.seen.keys() >= self.sent.keys()

    def close(self) -> None:
        """Stop reading."""
        self._ended.set()
        self._reader.join()


def measure(kafka: str, how: str, options: argparse.Namespace) -> dict[str, Any]:
    """Answer what one end of a worker costs."""
    deployment = Deployment(kafka, partitions=PARTITIONS)
    probe = Probe(deployment)
    try:
        workers = [start(deployment, options) for _ in range(WORKERS)]
        for worker in workers:
            worker.wait_ready()
        even = [worker.lanes for worker in workers]
        play(probe, options.rate, QUIET)
        before = delays(probe)
        struck = time.monotonic()
        successor = end(deployment, workers[1], how, options)
        play(probe, options.rate, options.session + PROMISE + QUIET)
        if not wait_for(lambda: probe.complete, 60):
            missing = probe.sent.keys() - probe.seen.keys()
            message = f"{len(missing)} events without a flag"
            raise SystemExit(message)
        successor.wait_ready()
    finally:
        probe.close()
        deployment.close()
    return {
        "ended by": how,
        "session s": options.session,
        "lanes": "+".join(map(str, even)),
        "usual gap s": round(max(before), 2),
        "gap s": round(max(delays(probe, struck - options.session)), 2),
        "limit s": options.session + PROMISE,
        "events": len(probe.sent),
        "load": machine.load(),
    }


def start(deployment: Deployment, options: argparse.Namespace) -> MailWorker:
    """Start a worker."""
    return deployment.start(session_timeout_seconds=options.session)


def end(
    deployment: Deployment, worker: MailWorker, how: str, options: argparse.Namespace
) -> MailWorker:
    """End a worker, and answer the one that a supervisor starts in its place."""
    worker.asked_to_stop = True
    worker.signal(signal.SIGKILL if how == "kill -9" else signal.SIGTERM)
    return start(deployment, options)


def play(probe: Probe, rate: int, seconds: float) -> None:
    """Produce events at a steady rate."""
    began = time.monotonic()
    while (passed := time.monotonic() - began) < seconds:
        probe.send()
        time.sleep(max(0.0, 1 / rate - (time.monotonic() - began - passed)))


def delays(probe: Probe, since: float = 0.0) -> list[float]:
    """Answer how long each event took that was produced since a moment."""
    return [
        probe.seen[address] - at
        for address, at in probe.sent.items()
        if at >= since and address in probe.seen
    ]


def main() -> int:
    """Measure; 1 when a gap is longer than promised."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--session", type=float, default=10, help="time-out, seconds")
    parser.add_argument("--rate", type=int, default=50, help="events a second")
    parser.add_argument("--result", help="file under benchmarks/results")
    options = parser.parse_args()
    with KafkaBroker() as broker:
        rows = [measure(broker.address, how, options) for how in ("kill -9", "SIGTERM")]
    print(report.table(rows))
    report.save("restart", {"options": vars(options), "rows": rows}, options.result)
    return int(any(row["gap s"] > row["limit s"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
