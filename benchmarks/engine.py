"""What the engine costs: worker CPU per event and events per second.

Beside a plain aiokafka loop in the same run, on the same Kafka and the same
preloaded topic: at least once, no transactions, no recovery, no fencing, which is
what most programs are. Then recovery: how fast a table comes back.

    nice -n 10 .venv/bin/python benchmarks/engine.py --events 1000000
"""

import argparse
import asyncio
import json
import os
import platform
import random
import resource
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parents[1] / "tests" / "broker")]

from kafka_broker import KafkaBroker  # noqa: E402 - found through the path above

from streams.core.instant import Instant  # noqa: E402
from streams.engine import ownership  # noqa: E402
from streams.engine.config import EngineConfig  # noqa: E402
from streams.engine.observer import NullObserver  # noqa: E402
from streams.engine.partitioner import partition_of  # noqa: E402
from streams.engine.recovery import recover  # noqa: E402
from streams.engine.spec import LaneSpec  # noqa: E402
from streams.engine.stage import (  # noqa: E402
    Batch,
    Message,
    Output,
    PartitionTable,
)
from streams.engine.table import Store  # noqa: E402
from streams.engine.worker import build  # noqa: E402

KEYS = 200_000
FAILING = 0.01


class Flags:
    """One failure in a hundred sets a flag, the next success clears it."""

    def process(self, batch: Batch, table: PartitionTable, _now: Instant) -> Output:
        output = Output()
        for record in batch.records:
            event, key = orjson.loads(record.value), record.key
            if event["status"] == "bounced":
                value = orjson.dumps({"address": event["address"], "ts": event["ts"]})
                table.put(key, value)
            elif table.get(key) is not None:
                table.delete(key)
                value = b"{}"
            else:
                continue
            output.messages.append(Message("out", key, value, (), batch.partition))
        return output

    def due_at(self, _key: bytes, _value: bytes) -> Instant | None:
        return None

    def due(self, _table: PartitionTable, _now: Instant) -> Output:
        return Output()


class Latest(Flags):
    """Every event changes the state of its key."""

    def process(self, batch: Batch, table: PartitionTable, _now: Instant) -> Output:
        for record in batch.records:
            event = orjson.loads(record.value)
            value = orjson.dumps({"address": event["address"], "ts": event["ts"]})
            table.put(record.key, value)
        return Output()


STAGES = {"1%": Flags, "100%": Latest}


class Meter(NullObserver):
    """Measures from the first batch until everything is committed."""

    def __init__(self, events: int) -> None:
        self.left = events
        self.events = events
        self.began: tuple[float, float] | None = None
        self.transactions = 0

    def batch_processed(self, *_: object, records: int, **__: object) -> None:
        if self.began is None:
            self.began = time.perf_counter(), time.process_time()
        self.left -= records

    def transaction_finished(self, *_: object, **__: object) -> None:
        self.transactions += 1

    def result(self) -> dict[str, float]:
        wall = time.perf_counter() - self.began[0]
        cpu = time.process_time() - self.began[1]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return {
            "events_per_second": round(self.events / wall),
            "cpu_us_per_event": round(cpu / self.events * 1e6, 2),
            "transactions": self.transactions,
            "peak_rss_mb": round(peak),
        }


def tell(result: dict[str, float]) -> None:
    os.write(1, b"RESULT " + json.dumps(result).encode() + b"\n")
    os._exit(0)


def run_engine(told: dict) -> None:
    """Process the topic and measure until nothing is pending."""
    meter = Meter(told["events"])
    prefix = told["prefix"]
    config = EngineConfig(
        bootstrap_servers=told["kafka"], app_id=told["app"], topic_prefix=prefix
    )
    spec = LaneSpec("flags", ("events",), STAGES[told["load"]](), "flags")
    worker = build(config, [spec], meter)

    async def watch() -> None:
        lanes = worker.app.lanes
        while meter.left or not all(  # noqa: ASYNC110 - measured from outside
            lane.clean for lane in lanes.all()
        ):
            await asyncio.sleep(0.01)  # what the measure costs itself
        tell(meter.result())

    if told["recover"]:
        ownership.recover = timed_recovery
    else:
        worker.app.task(watch)
    worker.run()


async def timed_recovery(
    config: EngineConfig, stores: Mapping[TopicPartition, Store], **options: object
) -> None:
    """Measure recovery alone, with the producers started and nothing else on."""
    began, cpu = time.perf_counter(), time.process_time()
    found = await recover(config, stores, **options)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    records = sum(one.records for one in found.values())
    tell(
        {
            "records": records,
            "seconds": round(seconds, 2),
            "records_per_second": round(records / seconds),
            "cpu_us_per_record": round(cpu / records * 1e6, 2),
        }
    )


async def plain(told: dict) -> None:
    """Consume, process, send, wait, commit offsets: a loop as many are."""
    prefix, stage, table = told["prefix"], STAGES[told["load"]](), Dict()
    common = {"bootstrap_servers": told["kafka"]}
    consumer = AIOKafkaConsumer(
        prefix + "events",
        group_id=told["app"],
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=4 << 20,
        **common,
    )
    producer = AIOKafkaProducer(
        acks="all", max_batch_size=900_000, max_request_size=1_000_000, **common
    )
    await consumer.start()
    await producer.start()
    meter = Meter(told["events"])
    while meter.left:
        fetched = await consumer.getmany(timeout_ms=500, max_records=5000)
        for tp, records in fetched.items():
            meter.batch_processed("", "", 0, records=len(records), size=0)
            batch = Batch("events", tp.partition, records)
            output = stage.process(batch, table, Instant(0))
            rows = {
                prefix + "out": [(m.key, m.value) for m in output.messages],
                f"{prefix}{told['app']}-flags-changelog": list(table.changes.items()),
            }
            table.changes = {}
            sent = []
            for topic, pairs in rows.items():
                sent += await send(producer, topic, tp.partition, pairs)
            await asyncio.gather(*sent)
        await consumer.commit()
    tell(meter.result())


async def send(
    producer: AIOKafkaProducer,
    topic: str,
    partition: int,
    pairs: Iterable[tuple[bytes, bytes | None]],
) -> list[asyncio.Future]:
    """Pack pairs into batches; answer the futures of their acknowledgements."""
    sent, builder = [], producer.create_batch()
    for key, value in pairs:
        if builder.append(key=key, value=value, timestamp=None) is None:
            sent.append(await producer.send_batch(builder, topic, partition=partition))
            builder = producer.create_batch()
            builder.append(key=key, value=value, timestamp=None)
    if builder.record_count():
        sent.append(await producer.send_batch(builder, topic, partition=partition))
    return sent


class Dict:
    """The plain loop's table."""

    def __init__(self) -> None:
        self.pairs: dict[bytes, bytes] = {}
        self.changes: dict[bytes, bytes | None] = {}
        self.get = self.pairs.get

    def put(self, key: bytes, value: bytes) -> None:
        self.pairs[key] = self.changes[key] = memoryview(value).tobytes()

    def delete(self, key: bytes) -> None:
        if self.pairs.pop(key, None) is not None:
            self.changes[key] = None


def load(kafka: str, topic: str, events: int, partitions: int) -> None:
    """Write events of 256 bytes, one in a hundred a failure."""
    producer = Producer(
        {"bootstrap.servers": kafka, "linger.ms": 50, "queue.buffering.max.messages": 0}
    )
    rnd = random.Random(7)
    for number in range(events):
        k = rnd.randrange(KEYS)
        address = f"user{k}@mail{k % 997}.example.com"
        failed = rnd.random() < FAILING
        event = {
            "id": f"{rnd.getrandbits(128):032x}",
            "tenant": f"t{k % 50}",
            "address": address,
            "ts": 1_700_000_000_000 + number,
            "status": "bounced" if failed else "delivered",
            "smtp": "550 5.1.1 user unknown" if failed else "250 2.0.0 OK",
            "mx": f"mx{k % 13}.example.net",
            "campaign": number % 1000,
        }
        key = f"t{k % 50}/{address}".encode()
        while True:
            try:
                producer.produce(
                    topic,
                    orjson.dumps(event),
                    key,
                    partition=partition_of(key, partitions),
                )
                break
            except BufferError:
                producer.poll(0.1)
        if not number % 5000:
            producer.poll(0)
    producer.flush()


def contend(kafka: str, prefix: str, told: dict) -> dict:
    """Run one contender as a process of its own."""
    app = f"app-{uuid.uuid4().hex[:6]}"
    app = told.get("app", app)
    told = {"kafka": kafka, "prefix": prefix, "recover": False, **told, "app": app}
    ran = subprocess.run(
        [sys.executable, str(HERE), "--told", json.dumps(told)],
        capture_output=True,
        text=True,
        check=False,
    )
    for line in ran.stdout.splitlines():
        if line.startswith("RESULT "):
            return json.loads(line[7:])
    raise SystemExit(ran.stdout[-2000:] + ran.stderr[-2000:])


def make_topics(kafka: str, names: dict[str, dict], partitions: int) -> None:
    admin = AdminClient({"bootstrap.servers": kafka})
    topics = [NewTopic(name, partitions, 1, config=c) for name, c in names.items()]
    for made in admin.create_topics(topics).values():
        made.result(30)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--told", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.told:
        told = json.loads(options.told)
        if told["who"] == "engine":
            run_engine(told)
        else:
            asyncio.run(plain(told))
        return
    with KafkaBroker() as broker:
        measure(broker.address, options)


def measure(kafka: str, options: argparse.Namespace) -> None:
    prefix = f"bench{uuid.uuid4().hex[:6]}."
    compact = {"cleanup.policy": "compact"}
    make_topics(kafka, {prefix + "events": {}, prefix + "out": {}}, options.partitions)
    load(kafka, prefix + "events", options.events, options.partitions)
    print(f"{options.events} events, {options.partitions} partitions,", end=" ")
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}", flush=True)
    last = ""
    for share in STAGES:
        for who in ("engine", "plain aiokafka"):
            results = []
            for _ in range(options.rounds):
                app = f"app-{uuid.uuid4().hex[:6]}"
                log = f"{prefix}{app}-flags-changelog"
                make_topics(kafka, {log: compact}, options.partitions)
                told = {"who": who, "load": share, "events": options.events}
                results.append(contend(kafka, prefix, {**told, "app": app}))
                last = app if who == "engine" else last
            rate = statistics.median(r["events_per_second"] for r in results)
            cpu = statistics.median(r["cpu_us_per_event"] for r in results)
            print(f"{share:>5} state writes  {who:15} {rate:9,.0f} events/s ", end="")
            print(f"{cpu:6.2f} us/event  {results[-1]}", flush=True)
    told = {"who": "engine", "load": "100%", "events": 0, "recover": True}
    print("recovery", contend(kafka, prefix, {**told, "app": last}))


if __name__ == "__main__":
    main()
