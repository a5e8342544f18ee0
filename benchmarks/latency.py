"""Milliseconds from producing an attempt to reading the change that it makes.

Through the whole pipeline: `mailflag worker` on a real Kafka, ingest and flags; the
reader sees committed records only. One event in a hundred fails, as on a quiet day,
and those are timed; the others are the traffic around them.

    nice -n 5 .venv/bin/python benchmarks/latency.py --rates 100,1000,10000
"""

import argparse
import threading
import time
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition
from peers.told import Told
from rig import machine, report
from rig.bed import Bed, KafkaBroker
from rig.contender import CONTENDERS
from rig.contest import Running, end_cleanly
from rig.mail import Mail

from streams.core.instant import Instant
from streams.wire.topic import Topic

EVERY = 100
"""One event in so many fails, and is timed."""
SETTLE = 3.0
"""Seconds at the beginning that do not count."""
STEP = 0.002
"""Seconds between two portions of the producer."""


class Reader(threading.Thread):
    """Notes when each address's first change can be read."""

    def __init__(self, bed: Bed) -> None:
        super().__init__(daemon=True)
        self.seen: dict[bytes, float] = {}
        self.over = threading.Event()
        self._bed = bed

    def run(self) -> None:
        consumer = Consumer(
            {
                "bootstrap.servers": self._bed.kafka,
                "group.id": f"{self._bed.app_id}-reader",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "log_level": 0,
            }
        )
        name = self._bed.prefix + Topic.FLAG_CHANGES
        count = self._bed.partitions
        consumer.assign([TopicPartition(name, number, 0) for number in range(count)])
        while not self.over.is_set():
            for message in consumer.consume(100, 0.02):
                if message.error() is None:
                    self.seen.setdefault(message.key() or b"", time.perf_counter())
        consumer.close()


def produce(
    bed: Bed, mail: Mail, rate: int, seconds: float, every: int = EVERY
) -> dict[bytes, float]:
    """Produce at a steady rate; answer when each failing address's event was sent.

    Who fails is new; the others are those whom the mail goes to.
    """
    producer = Producer(
        {"bootstrap.servers": bed.kafka, "linger.ms": 0, "log_level": 0}
    )
    topic = bed.prefix + Topic.SEND_ATTEMPTS
    sent: dict[bytes, float] = {}
    began = time.perf_counter()
    number = 0
    while (passed := time.perf_counter() - began) < seconds:
        while number < passed * rate:
            failed = number % every == 0
            at = Instant(int(time.time() * 1000))
            customer = mail.addresses + number if failed else number % mail.addresses
            value = mail.attempt(number, customer, at, failed=failed)
            if failed and passed > SETTLE:
                sent[mail.key(customer)] = time.perf_counter()
            producer.produce(topic, value, partition=number % bed.partitions)
            number += 1
        producer.poll(0)
        time.sleep(STEP)
    producer.flush()
    return sent


def measure(broker: KafkaBroker, rate: int, options: argparse.Namespace) -> Any:  # noqa: ANN401 - a row
    """Answer the latencies at one rate."""
    bed = Bed(broker.address, options.partitions)
    told = Told(bed.kafka, bed.prefix, bed.app_id, Topic.SEND_ATTEMPTS, bed.partitions)
    running = Running(CONTENDERS["worker"](told))
    reader = Reader(bed)
    try:
        running.wait_ready()
        reader.start()
        before = machine.usage(running.pid)
        mail = Mail(0.01, addresses=1_000_000_000)
        sent = produce(bed, mail, rate, options.seconds + SETTLE)
        limit = time.monotonic() + 60
        while time.monotonic() < limit and not sent.keys() <= reader.seen.keys():
            time.sleep(0.1)
        after = machine.usage(running.pid)
    finally:
        reader.over.set()
        running.end()
    reader.join(10)
    waits = sorted(
        (reader.seen[key] - at) * 1000 for key, at in sent.items() if key in reader.seen
    )
    bed.delete()
    cpu = (after.cpu - before.cpu) / (options.seconds + SETTLE)
    return {
        "events/s": rate,
        "timed": len(waits),
        "lost": len(sent) - len(waits),
        "p50 ms": round(waits[len(waits) // 2], 1),
        "p99 ms": round(waits[int(len(waits) * 0.99)], 1),
        "p99.9 ms": round(waits[int(len(waits) * 0.999)], 1),
        "max ms": round(waits[-1], 1),
        "worker cpu %": round(cpu * 100),
        "load": machine.load(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rates", default="100,1000,10000")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--result", help="file under benchmarks/results")
    options = parser.parse_args()
    end_cleanly()
    with KafkaBroker() as broker:
        rows = [measure(broker, int(r), options) for r in options.rates.split(",")]
    print(report.table(rows))
    report.save("latency", {"options": vars(options), "rows": rows}, options.result)


if __name__ == "__main__":
    main()
