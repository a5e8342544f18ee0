"""A seeded run of faults over workers and broker, with an oracle at the end.

    .venv/bin/python tests/broker/chaos.py --seconds 600 --seed 1 --faults all

The same seed gives the same traffic and the same faults; when they strike depends
on the machine. What must hold does not: nothing lost, invented or repeated for a
subscriber that reads committed records, and the compacted state as sent.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).resolve().parents[2])]

# ruff: noqa: E402 - found through the path above
from fault_proxy import ADD_PARTITIONS, END_TXN, INIT_PRODUCER_ID, PRODUCE, FaultProxy
from kafka_broker import KafkaBroker
from log_reader import read
from oracle import Flow
from worker_process import HOLD_LONG, HOLD_SHORT, WorkerProcess, wait_for

SHORT = ("kill", "term", "join", "zombie", "pause", "broker")
ALL = (*SHORT, "transaction_zombie", "freeze_broker", "slow", "lose", "overdue")
PAUSE, ZOMBIE = 1.5, 7.0
"""Seconds that a worker is frozen: within, and beyond, its session time-out."""


class Chaos:
    """Workers under traffic and faults."""

    def __init__(  # noqa: PLR0913 - all that makes one run different from another
        self, broker, seed, faults, *, proxy=None, workers=3, inputs=None
    ):
        self.random = random.Random(seed)
        self.faults = faults
        self.broker = broker
        self.proxy = proxy
        self.flow = Flow(broker.address, partitions=8, inputs=inputs)
        self.wanted = workers
        self.workers = [self._start() for _ in range(workers)]
        self.ended = []
        self.struck = Counter()
        self.exits = Counter()
        self.frozen = {}
        self.events = 0

    def run(self, seconds, *, gap=5.0, keys=1500, rate=1000, least=0):
        """Send and strike for some seconds, and until `least` faults have struck."""
        self.workers[0].wait_ready()
        end, strike = time.monotonic() + seconds, time.monotonic() + gap / 2
        while time.monotonic() < end or self.struck.total() < least:
            self._send(rate // 5, keys)
            time.sleep(0.2)
            self._supervise()
            if time.monotonic() > strike:
                self._strike(self.random.choice(self.faults))
                strike = time.monotonic() + self.random.uniform(gap / 2, gap * 1.5)

    def settle(self, limit=120.0):
        """End all faults, wait until everything is committed, compare."""
        if self.proxy is not None:
            self.proxy.calm()
        self._thaw(everything=True)
        self.flow.flush(120)

        def done():
            self._supervise()
            settled = self.flow.all_forwarded and not self.flow.left
            return (settled and not self.flow.group_left) or None

        wait_for(done, limit)
        return self.flow.findings()

    def keep_traces(self):
        """Write down all that is needed to understand a finding; answer where."""
        folder = Path(tempfile.mkdtemp(prefix="mailflag-chaos-"))
        for worker in [*self.ended, *self.workers]:
            name = f"worker-{worker.process.pid}.log"
            (folder / name).write_text(worker.text)
        for topic in (self.flow.evidence, self.flow.out, self.flow.changelog):
            for isolation in ("read_committed", "read_uncommitted"):
                rows = read(self.broker.address, topic, isolation)
                lines = "".join(f"{row}\n" for row in rows)
                (folder / f"{topic}-{isolation}.txt").write_text(lines)
        return folder

    def clean_up(self):
        for worker in [*self.workers, *self.ended]:
            worker.clean_up()

    def _start(self):
        port = self.broker.proxy_port
        address = f"127.0.0.1:{port}" if self.proxy else self.broker.address
        return WorkerProcess(address, self.flow.app, **self.flow.told, chatty=True)

    def _send(self, count, keys):
        for _ in range(count):
            self.events += 1
            key = b"tenant/user%d@mail.example" % self.random.randrange(keys)
            sets = self.random.random() < 0.2
            value = b"set %d" % self.events if sets else b"clear"
            if self.flow.inputs:
                topic = self.random.choice(list(self.flow.inputs))
                place = self.random.randrange(self.flow.inputs[topic])
                self.flow.forward(topic, key, value, place)
            else:
                self.flow.send(key, value)
        self.flow.poll()

    def _supervise(self):
        """Do what the supervisor of a deployment does: start again what ended."""
        self._thaw()
        for place, worker in enumerate(self.workers):
            if not worker.alive:
                said = worker.said("worker_failed")
                why = "no reason told"
                if said:
                    why = f"{said[-1]['reason']} {said[-1].get('error', '')}"
                self.exits[worker.wait(), why] += 1
                self._replace(place)

    def _replace(self, place):
        self.ended.append(self.workers[place])
        self.workers[place] = self._start()

    def _thaw(self, *, everything=False):
        for worker, until in list(self.frozen.items()):
            if everything or time.monotonic() > until or not worker.alive:
                del self.frozen[worker]
                if worker.alive:
                    worker.thaw()

    def _freeze(self, worker, seconds):
        worker.freeze()
        self.frozen[worker] = time.monotonic() + seconds

    def _strike(self, fault):
        places = [n for n, w in enumerate(self.workers) if w not in self.frozen]
        if not places:
            return
        self.struck[fault] += 1
        getattr(self, f"_{fault}")(self.random.choice(places))

    def _kill(self, place):
        self.workers[place].kill()
        self._replace(place)

    def _term(self, place):
        self.exits[self.workers[place].stop()] += 1
        self._replace(place)

    def _join(self, place):
        if len(self.workers) <= self.wanted:
            self.workers.append(self._start())
        else:
            self.exits[self.workers[place].stop()] += 1
            self.ended.append(self.workers.pop(place))

    def _zombie(self, place):
        self._freeze(self.workers[place], ZOMBIE)

    def _pause(self, place):
        self._freeze(self.workers[place], PAUSE)

    def _transaction_zombie(self, place):
        worker = self.workers[place]
        held = len(worker.said("holding"))
        worker.signal(HOLD_SHORT)
        self._send(200, 1500)
        wait_for(lambda: len(worker.said("holding")) > held, 1.0)
        self._freeze(worker, ZOMBIE)

    def _overdue(self, place):
        self.workers[place].signal(HOLD_LONG)

    def _broker(self, _):
        self.broker.kill()
        time.sleep(self.random.uniform(0.2, 2.0))
        self.broker.start()

    def _freeze_broker(self, _):
        self.broker.freeze()
        time.sleep(self.random.uniform(2.0, 7.0))
        self.broker.thaw()

    def _slow(self, _):
        kinds = (INIT_PRODUCER_ID, ADD_PARTITIONS, END_TXN)
        self.proxy.delay = dict.fromkeys(kinds, self.random.uniform(0.3, 2.0))
        self.proxy.lose = {}

    def _lose(self, _):
        kinds = (PRODUCE, INIT_PRODUCER_ID, ADD_PARTITIONS, END_TXN)
        self.proxy.lose = dict.fromkeys(kinds, 0.15)
        self.proxy.delay = {}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--faults", default="all")
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--forward", action="store_true", help="two stages, not one")
    options = parser.parse_args()
    faults = ALL if options.faults == "all" else tuple(options.faults.split(","))
    with (
        KafkaBroker() as broker,
        FaultProxy(broker.proxy_port, broker.proxied_port) as proxy,
    ):
        told = {"proxy": proxy, "workers": options.workers}
        if options.forward:
            told["inputs"] = {"attempts": 3, "reports": 5}
        chaos = Chaos(broker, options.seed, faults, **told)
        try:
            chaos.run(options.seconds)
            findings = chaos.settle()
            left = chaos.flow.left + chaos.flow.group_left
            if left or not findings.nothing:
                sys.stdout.write(f"traces in {chaos.keep_traces()}\n")
        finally:
            chaos.clean_up()
    sys.stdout.write(
        f"seed {options.seed}: {chaos.events} events, faults {dict(chaos.struck)}\n"
        f"exits {dict(chaos.exits)}, proxy {dict(proxy.done)}\n"
        f"not committed {left}, {findings}\n"
    )
    sys.exit(0 if findings.nothing and not left else 1)


if __name__ == "__main__":
    main()
