"""A long run of faults on a real Kafka, against everything that must be so.

    make chaos ARGS="--seconds 600 --seed 3"
    make chaos ARGS="--faults kill,broker,lose"

Real workers (`mailflag worker`), eight partitions, three tenants with much that is
wrong with one of them, hostile producers with poison among the mail, a real
Alertmanager where there is one. Now and then another tenant's relay refuses it.
Whatever strikes, no change may be lost, invented or repeated for a read_committed
subscriber, every flag must be what the mail says, each of these incidents must be
opened once and resolved once, Alertmanager must know what the topic says, dead
letters must be the poison, nothing may hang, and the lag of every stage must go to
zero, by its own count and by its group's. The same seed gives the same mail and the
same faults; when they strike depends on the machine. One JSON line a run goes to
benchmarks/results/chaos.jsonl; a run with a violation exits 1 and keeps the logs.

`all` are all faults but `clock`: a worker whose clock is hours wrong may take an
incident for over, and nothing can be said of how often it is told.
"""

import argparse
import json
import os
import platform
import random
import resource
import shutil
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parents[1] / "tests" / "broker")]

import fault_proxy  # noqa: E402 - found through the path above
from fault_proxy import FaultProxy  # noqa: E402
from kafka_broker import KafkaBroker  # noqa: E402
from mail_audit import Audit, audit  # noqa: E402
from mail_deployment import Deployment, MailWorker  # noqa: E402
from mail_traffic import Traffic  # noqa: E402
from rig.pager import Pager, hire  # noqa: E402
from stricken_tenant import Phase, StrickenTenant  # noqa: E402

from streams.adapters.notice import EXPIRY  # noqa: E402
from streams.cli.main import EXIT_UNAVAILABLE  # noqa: E402
from streams.engine.exits import ExitCode  # noqa: E402
from streams.wire import alert as alert_wire  # noqa: E402
from streams.wire.alert import PublishedAlert  # noqa: E402
from streams.wire.topic import Topic  # noqa: E402

RESULTS = HERE.parent / "results" / "chaos.jsonl"
PARTITIONS = {
    Topic.SEND_ATTEMPTS: 8,
    Topic.DSN_EVENTS: 5,
    Topic.FLAG_COMMANDS: 3,
    Topic.EVIDENCE: 8,
    Topic.TENANT_ACTIVITY: 4,
}
COMPACTED = {"segment.ms": "10000", "min.cleanable.dirty.ratio": "0.05"}
"""A changelog that is compacted during the run."""
POLICIES = (None, '[default]\nclear_on = "accepted"\n')
TICK = 0.1
SESSION = 6.0
"""The workers' session time-out, in seconds."""
FUSE = 300
"""Rejected records in a row that stop a worker."""
LOOK = 3.0
"""Seconds between two looks at the alerts."""
OF_BROKER = {"broker", "disk", "broker-stop", "delete"}
STOP_LIMIT = 45.0
"""Seconds in which a worker that is asked to stop must have ended."""
FEWEST = 2
"""Workers that are left alone."""
SMALL = 1000
"""Bytes of a record that may come hundreds of times."""
FETCH, JOIN_GROUP, HEARTBEAT, SYNC_GROUP = 1, 11, 12, 14
WRITING = (
    fault_proxy.PRODUCE,
    fault_proxy.INIT_PRODUCER_ID,
    fault_proxy.ADD_PARTITIONS,
    fault_proxy.END_TXN,
    fault_proxy.OFFSET_COMMIT,
)
ALL_KINDS = (
    *WRITING,
    fault_proxy.OFFSET_FETCH,
    fault_proxy.METADATA,
    FETCH,
    JOIN_GROUP,
    HEARTBEAT,
    SYNC_GROUP,
)
CLOCK = HERE.parents[1] / "tests" / "broker" / "jumping_clock"
JUMP = signal.SIGRTMIN + 3
JUMPS = "3000,-9000,6000"
"""Seconds by which clocks jump, one after the other: ahead, behind, right again.
Brokers take no record from more than an hour ahead."""
AT_LAST, JUMPS_AT_LAST = "300", 11
"""Seconds by which the last workers' clocks jump, and how often at most, until the
incidents have been over for long enough."""
REACTION = 5.0
"""Seconds in which workers look at their clock and say what it changes."""
REPEATED_MS = (EXPIRY.total_seconds() + REACTION) * 1000
"""How much later than its end Alertmanager may take an alert for over: a worker that
had not heard of the end may have told of it as open once more."""
INCIDENT_EVERY = 30.0
"""Seconds from one tenant's incident to the next one's."""
INCIDENTS = 3
"""Of a run; more at a time would be one of the platform's."""
ONCE = ("alert-opened", "alert-resolved")
PAGER_LIMIT = 120.0
"""Seconds until Alertmanager must know what it missed: told again every minute."""
ENDED_BY_US = {0, -9}
NOT_YET_RUNNING = {-15, EXIT_UNAVAILABLE}
"""Exits of workers that were asked to stop, or met no broker, while they started."""
EXPECTED = {
    ExitCode.FENCED,
    ExitCode.UNAVAILABLE,
    ExitCode.OPEN_FAILED,
    ExitCode.SEEK_FAILED,
    ExitCode.COORDINATION_FAILED,
    ExitCode.ENGINE_FAILED,
    ExitCode.STALLED,
    ExitCode.STOP_TIMED_OUT,
}
"""Exits that the design allows under faults: a supervisor starts the next one."""


class Chaos:
    """One run."""

    def __init__(
        self, broker: KafkaBroker, proxy: FaultProxy, options: argparse.Namespace
    ) -> None:
        self.options = options
        self.random = random.Random(options.seed)
        self.broker = broker
        self.proxy = proxy
        self.deployment = Deployment(
            broker.address,
            policy=POLICIES[options.seed % len(POLICIES)],
            partitions=PARTITIONS,
            changelog=COMPACTED,
            workers_kafka=f"127.0.0.1:{broker.proxy_port}",
        )
        self.deployment.revive = self._revive
        self.deployment.environment = {
            "PYTHONPATH": os.pathsep.join(
                [str(CLOCK), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
            ),
            "CLOCK_JUMPS": JUMPS,
        }
        self.jumped = False
        self.pager: Pager = hire()
        self.pager_is_there = True
        self.stricken: list[StrickenTenant] = []
        self.traffic = Traffic(
            options.seed, now=int(time.time() * 1000), people=options.people
        )
        self.struck: Counter[str] = Counter()
        self.violations: dict[str, object] = {}
        self._later: list[tuple[float, Callable[[], None]]] = []
        self._ending: dict[MailWorker, float] = {}
        """Workers that were asked to stop, and until when they may take."""
        self._broker_away = False
        self._return: threading.Thread | None = None
        """Of the broker, from a fault of its own."""
        self._began = time.monotonic()
        self.faults: dict[str, Callable[[], None]] = {
            "kill": self.kill,
            "term": self.term,
            "stop": lambda: self.freeze(self.random.uniform(7, 10)),
            "pause": lambda: self.freeze(self.random.uniform(0.5, 3)),
            "rebalance-stop": self.stop_in_a_rebalance,
            "join": self.join,
            "leave": self.leave,
            "broker": self.kill_broker,
            "broker-stop": self.freeze_broker,
            "slow": self.slow,
            "lose": self.lose,
            "cut": self.cut,
            "expire": self.expire,
            "disk": self.fill_disk,
            "clock": self.jump,
            "burst": self.burst,
            "poison": self.poison,
            "delete": self.delete_topics,
            "pager": self.lose_the_pager,
        }

    # The run --------------------------------------------------------------------

    def run(self, faults: list[str]) -> None:
        """Send mail and strike until the time is over."""
        for _ in range(self.options.workers):
            self._start()
        self.deployment.workers[0].wait_ready()
        strike = told = looked = began = time.monotonic()
        end = began + self.options.seconds
        while (now := time.monotonic()) < end:
            self.deployment.send(self.traffic.take(int(self.options.rate * TICK)))
            self._tend()
            if now > began + INCIDENT_EVERY * (len(self.stricken) + 0.5):
                self._begin_an_incident()
            if now > looked + LOOK and not self._broker_suffers:
                self._mend_faults()
                looked = time.monotonic()
            if now > strike:
                self._strike(faults)
                strike = time.monotonic() + self.options.gap * self.random.uniform(
                    0.5, 1.5
                )
            if now > told:
                self.tell(f"{len(self.deployment.sent)} sent")
                told = now + 10
            time.sleep(TICK)

    def _strike(self, faults: list[str]) -> None:
        """Do one of the faults; no second one to a broker that has one."""
        possible = [f for f in faults if not (self._broker_suffers and f in OF_BROKER)]
        if possible:
            fault = self.random.choice(possible)
            self.struck[fault] += 1
            self.faults[fault]()

    def settle(self) -> None:
        """End every fault, and wait until all that was sent has come through."""
        self.proxy.calm()
        while self._later:
            later, self._later = self._later, []
            for _, action in later:
                action()
        if self._return is not None:
            self._return.join()
        for worker in list(self._ending):
            del self._ending[worker]
            self._end(worker)
        self.deployment.send(self.traffic.rest())
        self.tell(f"{len(self.deployment.sent)} sent, settling")
        try:
            self.deployment.settle(self.options.patience, supervise=True)
        except AssertionError as late:
            self.violations["not everything came through"] = str(late)
        if not self._until(lambda: self._lanes() == self.deployment.lanes):
            served = {w.process.pid: w.lanes for w in self.deployment.running}
            self.violations["workers that serve nothing, or too much"] = served
        if not self._until(lambda: all(w.ready for w in self.deployment.running)):
            self.violations["workers that are not ready"] = [
                w.process.pid for w in self.deployment.running if not w.ready
            ]
        self._require_zero_lag()
        self._require_that_pager_and_topic_agree()

    def resolve(self) -> None:
        """Let every incident be over, as it would be in half an hour."""
        if not self._until(self._all_are_open):
            still = [one.id for one in self.stricken if one.phase is Phase.BEGUN]
            self.violations["incidents that were not told of"] = still
        self.deployment.flush()
        self.deployment.environment["CLOCK_JUMPS"] = AT_LAST
        for worker in self.deployment.running:
            self._end(worker, calm=True)
            self._start().wait_ready()
        self.deployment.settle(self.options.patience, supervise=True)
        self.tell("waiting for the incidents to be over")
        for _ in range(JUMPS_AT_LAST):
            for worker in self.deployment.running:
                worker.signal(JUMP)
            if self._until(self._all_are_over, REACTION):
                break
        else:
            self.violations["incidents that are not over"] = self._turns()
        self._require_zero_lag()
        self._require_that_ends_are_known()

    def judge(self) -> Audit:
        """Stop everything, and compare."""
        for worker in self.deployment.running:
            self._end(worker, calm=True)
        self.tell("auditing")
        true_clocks = not self.jumped
        lives = dict(self.traffic.lives)
        for tenant in self.stricken:
            lives.update(tenant.lives)
        found = audit(self.deployment, lives, true_clocks=true_clocks)
        told = {tenant: turns for tenant, turns in self._turns().items() if turns}
        once = {one.id: list(ONCE) for one in self.stricken}
        if not self.jumped and told != once:
            self.violations["incidents not told of once"] = told
        for what, cases in found.findings.items():
            self.violations[what] = len(cases)
        for worker in self.deployment.workers:
            if "@" in worker.text:
                self.violations["address in a log"] = str(worker.log)
        unexpected = [
            (code, self._why(worker))
            for worker in self.deployment.workers
            if (code := worker.code) not in ENDED_BY_US | EXPECTED
            and not self._blown(worker)
            and (worker.was_ready or code not in NOT_YET_RUNNING)
        ]
        if unexpected:
            self.violations["exits that nothing explains"] = unexpected
        return found

    # Incidents ------------------------------------------------------------------

    def _begin_an_incident(self) -> None:
        if len(self.stricken) < INCIDENTS:
            tenant = StrickenTenant(len(self.stricken), _now())
            self.stricken.append(tenant)
            self.deployment.send(self.traffic.publish(tenant.fails()))

    def _mend_faults(self) -> None:
        """Let the tenants whose incident has been told of send mail again."""
        waiting = [one for one in self.stricken if one.phase is Phase.BEGUN]
        try:
            turns = self._turns() if waiting else {}
        except (KafkaException, TimeoutError):
            return  # struck
        for tenant in waiting:
            if turns[tenant.id]:
                tenant.phase = Phase.OPEN
                self.deployment.send(self.traffic.publish(tenant.works_again(_now())))

    def _all_are_open(self) -> bool:
        self._mend_faults()
        return all(one.phase is Phase.OPEN for one in self.stricken)

    def _all_are_over(self) -> bool:
        return all("alert-resolved" in turns for turns in self._turns().values())

    def _alerts(self) -> list[PublishedAlert]:
        """Answer all that was told of incidents, in order."""
        rows = self.deployment.tails[Topic.ALERTS].read()
        told = [alert_wire.decode(row.value) for row in rows]
        return [alert for alert in told if isinstance(alert, PublishedAlert)]

    def _turns(self) -> dict[str, list[str]]:
        """Answer which turns were told of each stricken tenant, but for updates."""
        turns: dict[str, list[str]] = {one.id: [] for one in self.stricken}
        causes = {one.id: one.fault.cause for one in self.stricken}
        for alert in self._alerts():
            if alert.tenant_id in turns and alert.type != "alert-updated":
                right = alert.cause == causes[alert.tenant_id]
                what = "" if right else f" {alert.cause}"
                turns[alert.tenant_id].append(alert.type + what)
        return turns

    def _newest(self) -> dict[str, PublishedAlert]:
        return {alert.key: alert for alert in self._alerts()}

    def _require_that_pager_and_topic_agree(self) -> None:
        """Wait until Alertmanager has open what the topic has open."""

        def differing() -> set[str]:
            now = _now()
            there = {key for key, end in self.pager.ends().items() if end > now}
            return there ^ {key for key, one in self._newest().items() if one.open}

        if not self._until(lambda: not differing(), PAGER_LIMIT):
            self.violations[f"{self.pager.name} differs"] = sorted(differing())

    def _require_that_ends_are_known(self) -> None:
        """Wait until Alertmanager knows when each incident was over.

        The workers' clocks are ahead of its own, and of two ends in the future it
        keeps the later one: that of the last repetition before.
        """

        def unknown() -> list[str]:
            ends, newest = self.pager.ends(), self._newest()
            ours = {one.id for one in self.stricken}
            return [
                key
                for key, alert in newest.items()
                if alert.tenant_id in ours
                and alert.resolved_at is not None
                and not 0 <= ends.get(key, 0) - alert.resolved_at <= REPEATED_MS
            ]

        if not self._until(lambda: not unknown(), PAGER_LIMIT):
            self.violations[f"ends that {self.pager.name} does not know"] = unknown()

    def _require_zero_lag(self) -> None:
        """Wait until the group's offsets say that nothing is waiting."""

        def lag() -> dict[str, int]:
            return {t: n for t, n in self.deployment.group_lag().items() if n}

        if not self._until(lambda: not lag()):
            self.violations["lag of the group"] = lag()

    # Waiting --------------------------------------------------------------------

    def _lanes(self) -> int:
        return sum(worker.lanes for worker in self.deployment.running)

    def _until(self, what: Callable[[], object], limit: float = 60.0) -> bool:
        end = time.monotonic() + limit
        while not what():
            self.deployment.restart_the_dead()
            if time.monotonic() > end:
                return False
            time.sleep(TICK)
        return True

    def _tend(self) -> None:
        """Do what is due, and what a supervisor does."""
        now = time.monotonic()
        due = [action for at, action in self._later if at <= now]
        self._later = [one for one in self._later if one[0] > now]
        for action in due:
            action()
        for worker in self.deployment.running:
            if not (worker.was_ready or worker.frozen):
                _ = worker.ready  # remembered
        for worker in self.deployment.restart_the_dead():
            self.tell(f"ended by itself: {self._why(worker)}")
        for worker, until in list(self._ending.items()):
            if not worker.alive or now > until:
                del self._ending[worker]
                self._end(worker)

    def _after(self, seconds: float, action: Callable[[], None]) -> None:
        self._later.append((time.monotonic() + seconds, action))

    def tell(self, what: str) -> None:
        """Print one line of progress."""
        seconds = time.monotonic() - self._began
        faults = sum(self.struck.values())
        print(
            f"{seconds:6.1f} s  {faults:3} faults"
            f"  {len(self.deployment.running)} workers  {what}",
            flush=True,
        )

    # Workers --------------------------------------------------------------------

    def _start(self) -> MailWorker:
        return self._worker(dead_letter_run=FUSE)

    def _worker(self, **told: object) -> MailWorker:
        url = self.pager.url
        return self.deployment.start(log_level="info", alertmanager_urls=url, **told)

    def _revive(self, worker: MailWorker) -> MailWorker:
        """Start the next one; after a flood of poison, as a person would decide."""
        if self._blown(worker):
            return self._worker(dead_letter_run=0, dead_letter_share=1)
        return self._start()

    def _blown(self, worker: MailWorker) -> bool:
        told = worker.said("worker_failed")
        return (
            worker.code == ExitCode.STAGE_FAILED
            and bool(told)
            and told[-1].get("error") == "FuseBlown"
        )

    def _why(self, worker: MailWorker) -> str:
        failed = worker.said("worker_failed")
        told = failed[-1] if failed else {}
        facts = ("exit_name", "reason", "error", "detail")
        said = " ".join(str(told[fact])[:200] for fact in facts if told.get(fact))
        return f"pid {worker.process.pid} code {worker.code} {said} {worker.log.name}"

    @property
    def _staying(self) -> list[MailWorker]:
        """The workers that run and were not asked to stop."""
        return [w for w in self.deployment.running if w not in self._ending]

    def _any(self) -> MailWorker | None:
        free = [w for w in self._staying if not w.frozen]
        return self.random.choice(free) if free else None

    def _ask_to_stop(self, worker: MailWorker) -> None:
        """Ask a worker to stop; what comes of it is looked at later."""
        worker.asked_to_stop = True
        _ = worker.ready  # remembered
        worker.signal(signal.SIGTERM)
        self._ending[worker] = time.monotonic() + STOP_LIMIT

    def _end(self, worker: MailWorker, *, calm: bool = False) -> None:
        """Ask a worker to stop; it must do so in time and, when all is well, say 0."""
        running = worker.ready or worker.was_ready
        try:
            code = worker.stop(STOP_LIMIT)
        except AssertionError:
            self.violations["hung when asked to stop"] = self._why(worker)
            return
        allowed = {ExitCode.OK} if calm else {ExitCode.OK, *EXPECTED}
        if running and code not in allowed:
            self.violations["ended badly when asked to stop"] = self._why(worker)

    # Faults ---------------------------------------------------------------------

    def kill(self) -> None:
        """Kill -9, and another one in its place."""
        if worker := self._any():
            worker.kill()
            worker.asked_to_stop = True
            self._start()

    def term(self) -> None:
        """A rolling restart of one worker."""
        if worker := self._any():
            self._ask_to_stop(worker)
            self._start()

    def freeze(self, seconds: float) -> None:
        """A long garbage collection, a suspended virtual machine."""
        if worker := self._any():
            worker.freeze()
            self._after(seconds, worker.thaw)

    def jump(self) -> None:
        """The clock of a worker jumps by hours, there and back."""
        self.jumped = True
        worker = self._any()
        if worker is not None and worker.was_ready:
            worker.signal(JUMP)

    def stop_in_a_rebalance(self) -> None:
        """A worker comes or goes, and another one freezes in the middle of it."""
        self.join()
        if worker := self._any():
            self._after(self.random.uniform(1, 5), worker.freeze)
            self._after(SESSION + 6, worker.thaw)

    def join(self) -> None:
        """One worker more, up to two more than at the start."""
        if len(self._staying) < self.options.workers + 2:
            self._start()
        else:
            self.leave()

    def leave(self) -> None:
        """One worker fewer, down to the fewest."""
        worker = self._any()
        if worker is None or len(self._staying) <= FEWEST:
            self._start()
        else:
            self._ask_to_stop(worker)

    @property
    def _broker_suffers(self) -> bool:
        return self._broker_away or (
            self._return is not None and self._return.is_alive()
        )

    def _broker_comes_back(self, how: Callable[[], None]) -> None:
        """End what ails the broker, while workers and producers go on as they can."""
        self._broker_away = False
        self._return = threading.Thread(target=how)
        self._return.start()

    def _hurt_broker(self, seconds: float, cure: Callable[[], None]) -> None:
        self._broker_away = True
        self._after(seconds, lambda: self._broker_comes_back(cure))

    def kill_broker(self) -> None:
        """Kill -9 of the broker; it comes back."""
        self.broker.kill()
        self._hurt_broker(self.random.uniform(0.2, 4), self.broker.start)

    def fill_disk(self) -> None:
        """The broker's disk is full: no file may grow any more, until it has ended."""
        unlimited = resource.RLIM_INFINITY
        resource.prlimit(self.broker.pid, resource.RLIMIT_FSIZE, (0, unlimited))
        self._hurt_broker(self.random.uniform(1, 4), self._empty_disk)

    def _empty_disk(self) -> None:
        self.broker.kill()
        self.broker.start()

    def freeze_broker(self) -> None:
        """The broker answers nothing for a while; connections stay."""
        self.broker.freeze()
        self._hurt_broker(self.random.uniform(2, 9), self.broker.thaw)

    def slow(self) -> None:
        """Every answer to a write takes its time."""
        self.proxy.delay = dict.fromkeys(WRITING, self.random.uniform(0.3, 2))
        self._after(6, self.proxy.calm)

    def lose(self) -> None:
        """Writes reach the broker, but some of its answers never come."""
        self.proxy.lose = dict.fromkeys(WRITING, 0.15)
        self._after(4, self.proxy.calm)

    def cut(self) -> None:
        """Connections break before requests of any kind reach the broker."""
        self.proxy.cut = dict.fromkeys(ALL_KINDS, 0.05)
        self._after(4, self.proxy.calm)

    def expire(self) -> None:
        """Transactions end after the broker has given them up."""
        self.proxy.delay = {fault_proxy.END_TXN: 10.0}
        self._after(3, self.proxy.calm)

    def burst(self) -> None:
        """Ten seconds' mail at once."""
        self.deployment.send(self.traffic.take(10 * self.options.rate))

    def poison(self) -> None:
        """A bad deployment of the platform: one partition gets nothing but poison."""
        poisons = [p for p in self.traffic.poisons() if len(p.value or b"") < SMALL]
        lot = self.random.randrange(1 << 16)
        one = self.random.choice(poisons)._replace(lot=lot)
        self.deployment.send([one] * (2 * FUSE))

    def delete_topics(self) -> None:
        """Somebody deletes every topic; the brokers must be set up to refuse."""
        admin = AdminClient({"bootstrap.servers": self.broker.address, "log_level": 0})
        names = [self.deployment.prefix + name for name in self.deployment.counts]
        for name, deleted in admin.delete_topics(names, request_timeout=10).items():
            try:
                deleted.result()
            except KafkaException:
                continue
            self.violations["topic deleted"] = name

    def lose_the_pager(self) -> None:
        """Alertmanager is away for a while, and has forgotten when it is back."""
        if self.pager_is_there:
            self.pager_is_there = False
            self.pager.leave()
            self._after(self.random.uniform(1, 10), self._find_the_pager)

    def _find_the_pager(self) -> None:
        self.pager.come_back()
        self.pager_is_there = True


def _now() -> int:
    return int(time.time() * 1000)


def result(chaos: Chaos, found: Audit, took: float) -> dict[str, object]:
    """Answer what is kept of a run."""
    workers = chaos.deployment.workers
    codes = Counter(str(w.code) for w in workers)
    said = Counter(
        event
        for worker in workers
        for event in ("lane_fenced", "lane_dropped", "coordinator_error")
        for _ in worker.said(event)
    )
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": chaos.options.seed,
        "seconds": round(took),
        "workers": chaos.options.workers,
        "kafka": chaos.broker.version,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "policy": "settled" if chaos.deployment.policy is None else "accepted",
        "faults": sum(chaos.struck.values()),
        "by_fault": dict(sorted(chaos.struck.items())),
        "incidents": len(chaos.stricken),
        "pager": chaos.pager.name,
        "requests": {
            f"{what} {kind}": n for (what, kind), n in sorted(chaos.proxy.done.items())
        },
        "records": found.counts,
        "exits": dict(sorted(codes.items())),
        "lanes": dict(sorted(said.items())),
        "violations": chaos.violations,
    }


def conclude(chaos: Chaos, found: Audit, took: float) -> int:
    """Keep the result, say what it is, and answer the exit code."""
    kept = result(chaos, found, took)
    chaos.options.results.parent.mkdir(parents=True, exist_ok=True)
    with chaos.options.results.open("a") as results:
        results.write(json.dumps(kept, default=str) + "\n")
    print(json.dumps(kept, default=str, indent=2))
    if not chaos.violations:
        print(f"seed {chaos.options.seed}: clean after {kept['faults']} faults")
        return 0
    logs = HERE.parents[1] / ".cache" / f"chaos-{chaos.options.seed}"
    shutil.rmtree(logs, ignore_errors=True)
    shutil.copytree(chaos.deployment.folder, logs)
    (logs / "findings.txt").write_text(str(found))
    for name, rows in chaos.deployment.read().items():
        with (logs / f"{name}.txt").open("w") as written:
            written.writelines(f"{row}\n" for row in rows)
    print(f"\nVIOLATIONS with seed {chaos.options.seed}:")
    for what, case in chaos.violations.items():
        print(f"  {what}: {str(case)[:500]}")
    print(f"Look at {logs}: findings.txt, logs of workers, all topics.")
    return 1


def main() -> int:
    """Run, and answer the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=120, help="how long to strike")
    parser.add_argument("--seed", type=int, default=1, help="decides mail and faults")
    parser.add_argument("--faults", default="all", help="comma separated")
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--rate", type=int, default=200, help="records a second")
    parser.add_argument("--people", type=int, default=400, help="addresses at a time")
    parser.add_argument("--gap", type=float, default=2.5, help="seconds between faults")
    parser.add_argument(
        "--patience", type=float, default=180, help="seconds until lag must be zero"
    )
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    with (
        KafkaBroker(settings={"delete.topic.enable": "false"}) as broker,
        FaultProxy(broker.proxy_port, broker.proxied_port) as proxy,
    ):
        chaos = Chaos(broker, proxy, options)
        known = list(chaos.faults)
        every = [fault for fault in known if fault != "clock"]
        faults = every if options.faults == "all" else options.faults.split(",")
        if not broker.can_be_hurt:
            parser.error("the broker must be a process of ours: it will be killed")
        if unknown := set(faults) - set(known):
            parser.error(f"no such fault: {', '.join(unknown)}; one of {known}")
        try:
            began = time.monotonic()
            chaos.run(faults)
            chaos.settle()
            chaos.resolve()
            found = chaos.judge()
            return conclude(chaos, found, time.monotonic() - began)
        finally:
            chaos.deployment.close()
            chaos.pager.close()


if __name__ == "__main__":
    sys.exit(main())
