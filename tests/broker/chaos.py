"""A run of faults on a real Kafka, against everything that must be so.

Real workers (`mailflag worker`), eight partitions, three tenants with much that is
wrong with one of them, hostile producers with poison among the mail, a real
Alertmanager where there is one. Now and then another tenant's relay refuses it.
Whatever strikes, no change may be lost, invented or repeated for a read_committed
subscriber, every flag must be what the mail says, each of these incidents must be
opened once and resolved once, Alertmanager must know what the topic says, dead
letters must be the poison, nothing may hang, and the lag of every stage must go to
zero, by its own count and by its group's. The same seed gives the same mail and the
same faults; when they strike depends on the machine.
"""

import random
import resource
import shutil
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import fault_proxy
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from fault_proxy import FaultProxy
from kafka_broker import CHECKOUT, KafkaBroker
from mail_audit import Audit, audit
from mail_deployment import Deployment, MailWorker
from mail_incidents import KINDS, REACTION, Incidents
from mail_traffic import MINUTE, Traffic
from pager import hire
from worker_clock import WorkerClocks
from worker_witness import WorkerWitness

from streams.cli.main import EXIT_UNAVAILABLE
from streams.engine.exits import ExitCode
from streams.wire.topic import Topic

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
OF_BROKER = {"broker", "disk", "broker-stop", "delete", "slow", "lose", "cut", "expire"}
"""Faults that need a sound broker to begin with."""
STOP_LIMIT = 45.0
"""Seconds in which a worker that is asked to stop must have ended."""
OVERTIME = 120.0
"""Seconds more for faults that have done nothing yet."""
FEWEST = 2
"""Workers that are left alone."""
REFUSALS = {KafkaError.TOPIC_DELETION_DISABLED, KafkaError.TOPIC_AUTHORIZATION_FAILED}
SMALL = 1000
"""Bytes of a record that may come hundreds of times."""
WRITING = (
    fault_proxy.PRODUCE,
    fault_proxy.INIT_PRODUCER_ID,
    fault_proxy.ADD_PARTITIONS,
    fault_proxy.END_TXN,
    fault_proxy.OFFSET_COMMIT,
)
STEP_MS = MINUTE
"""By how much clocks are set at a time, as NTP does when one has gone wrong."""
WRONG_BY_MS = (50 * MINUTE, -100 * MINUTE)
"""How wrong the clock of a worker may be whose machine has no NTP. Brokers take no
record from more than an hour ahead."""
FIVE_MINUTES = 5 * MINUTE
LAST_JUMPS = 11
"""By how much, and how often at most, all clocks jump until the incidents have been
over for long enough."""
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


class Plan(NamedTuple):
    """What makes one run different from another."""

    seed: int = 1
    seconds: float = 120.0
    """For which faults strike, and longer until each has struck once."""
    workers: int = 3
    rate: int = 200
    """Records a second."""
    people: int = 400
    """Addresses in play at a time."""
    gap: float = 2.5
    """Seconds between two faults."""
    calm: float = 0.0
    """Seconds that a fault may wait until all partitions are served."""
    patience: float = 180.0
    """Seconds until nothing must be waiting."""
    incident_every: float = 30.0
    """Seconds from one tenant's incident to the next one's."""
    incidents: int = 3


class Chaos:
    """One run."""

    def __init__(self, broker: KafkaBroker, proxy: FaultProxy, plan: Plan) -> None:
        self.plan = plan
        self.random = random.Random(plan.seed)
        self.broker = broker
        self.proxy = proxy
        self.deployment = Deployment(
            broker.address,
            policy=POLICIES[plan.seed % len(POLICIES)],
            partitions=PARTITIONS,
            changelog=COMPACTED,
            workers_kafka=f"127.0.0.1:{broker.proxy_port}",
        )
        self.deployment.revive = self._revive
        self.clocks = WorkerClocks(self.deployment)
        self.clock_error = 0
        """Milliseconds by which a worker's clock was wrong at most."""
        self.pager = hire()
        self.pager_is_there = True
        self.traffic = Traffic(
            plan.seed, now=int(time.time() * 1000), people=plan.people
        )
        kinds = self.random.choice(KINDS)[: plan.incidents]
        self.incidents = Incidents(self.deployment, self.traffic, self.pager, kinds)
        self.witness = WorkerWitness(self.deployment)
        self.struck: Counter[str] = Counter()
        self.violations: dict[str, object] = {}
        self.broker_downtime = 0.0
        """Seconds in which the broker did not answer."""
        self._later: list[tuple[float, Callable[[], None]]] = []
        self._ending: dict[MailWorker, float] = {}
        """Workers that were asked to stop, and until when they may take."""
        self._broker_left: float | None = None
        """When it left, until its return begins."""
        self._return: threading.Thread | None = None
        """Of the broker, from a fault of its own."""
        self._began = time.monotonic()
        self.faults: dict[str, Callable[[], bool]] = {
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
            "step": self.step_a_clock,
            "clock": self.break_a_clock,
            "burst": self.burst,
            "poison": self.poison,
            "delete": self.delete_topics,
            "pager": self.lose_the_pager,
        }

    @property
    def usual(self) -> list[str]:
        """The faults under which everything is promised."""
        return [fault for fault in self.faults if fault != "clock"]

    def keep_traces(self, found: Audit) -> Path:
        """Write down all that is needed to understand a violation; answer where."""
        logs = CHECKOUT / ".cache" / f"chaos-{self.plan.seed}"
        shutil.rmtree(logs, ignore_errors=True)
        shutil.copytree(self.deployment.folder, logs)
        (logs / "findings.txt").write_text(str(found))
        for name, tail in self.deployment.tails.items():
            with (logs / f"{name}.txt").open("w") as written:
                written.writelines(f"{row}\n" for row in tail.rows)
        return logs

    def close(self) -> None:
        """End everything, whatever state it is in, and leave a sound broker."""
        self.witness.close()
        if self._return is not None:
            self._return.join()
        if self._broker_left is not None:
            self._empty_disk()
        self.deployment.close()
        self.pager.close()

    # The run --------------------------------------------------------------------

    def run(self, faults: list[str]) -> None:
        """Send mail and strike until the time is over."""
        for _ in range(self.plan.workers):
            self._start()
        self.deployment.workers[0].wait_ready()
        strike = told = looked = incident = began = time.monotonic()
        strike += self.plan.gap
        incident += self.plan.incident_every / 2
        end = began + self.plan.seconds
        while (now := time.monotonic()) < end or self._not_yet(faults, end):
            self.deployment.send(self.traffic.take(int(self.plan.rate * TICK)))
            self._tend()
            if now > incident:
                self.incidents.begin(_now())
                incident += self.plan.incident_every
            if now > looked + LOOK and not self._broker_suffers:
                self.incidents.mend(_now())
                looked = time.monotonic()
            calm = now > strike + self.plan.calm
            if now > strike and (calm or self._all_are_served):
                self._strike(faults)
                gap = self.plan.gap * self.random.uniform(0.5, 1.5)
                strike = time.monotonic() + gap
            if now > told:
                self.tell(f"{len(self.deployment.sent)} sent")
                told = now + 10
            time.sleep(TICK)

    def _not_yet(self, faults: list[str], end: float) -> bool:
        """Say whether to go on until every fault has done something."""
        missing = [fault for fault in faults if not self._has_struck(fault)]
        if missing and time.monotonic() > end + OVERTIME:
            self.violations["faults that did nothing"] = missing
            return False
        return bool(missing)

    def _has_struck(self, fault: str) -> bool:
        if fault in {"lose", "cut"}:
            return any(what == fault for what, _ in list(self.proxy.done))
        return self.struck[fault] > 0

    def _strike(self, faults: list[str]) -> None:
        """Do one of the faults, first each once."""
        possible = [f for f in faults if not (self._broker_suffers and f in OF_BROKER)]
        fresh = [fault for fault in possible if not self._has_struck(fault)]
        if possible:
            fault = self.random.choice(fresh or possible)
            self.struck[fault] += self.faults[fault]()

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
            self.deployment.settle(self.plan.patience, supervise=True)
        except AssertionError as late:
            self.violations["not everything came through"] = f"{late}; {self._group()}"
        if not self._until(lambda: self._all_are_served):
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
            self.violations["incidents that were not told of"] = self.incidents.untold
        self.deployment.settle(self.plan.patience, supervise=True)
        self.tell("waiting for the incidents to be over")
        for jump in range(LAST_JUMPS + 1):
            for worker in self.deployment.running:
                if worker.ready:
                    self.clocks.set(worker, jump * FIVE_MINUTES)
            if self._until(lambda: self.incidents.are_over, REACTION):
                break
        else:
            self.violations["incidents that are not over"] = self.incidents.turns()
        self._require_zero_lag()
        if self.clock_error <= STEP_MS:
            self._require_that_ends_are_known()

    def judge(self) -> Audit:
        """Stop everything, and compare."""
        self.witness.look()
        for worker in self.deployment.running:
            self._end(worker, calm=True)
        self.tell("auditing")
        lives = dict(self.traffic.lives)
        for tenant in self.incidents.tenants:
            lives.update(tenant.lives)
        found = audit(self.deployment, lives, clock_error=self.clock_error)
        told, parents = self.incidents.not_once(), self.incidents.strange_parents()
        if told and self.clock_error <= STEP_MS:
            self.violations["incidents not told of once"] = told
        if parents:
            self.violations["incidents that are no part of what they say"] = parents
        for what, cases in found.findings.items():
            self.violations[what] = len(cases)
        for worker in self.deployment.workers:
            if "@" in worker.text:
                self.violations["address in a log"] = worker.log.name
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

    # Waiting --------------------------------------------------------------------

    def _all_are_open(self) -> bool:
        self.incidents.mend(_now())
        return not self.incidents.untold

    def _require_that_pager_and_topic_agree(self) -> None:
        """Wait until Alertmanager has open what the topic has open."""

        def differing() -> set[str]:
            return self.incidents.differing(_now())

        if not self._until(lambda: not differing(), PAGER_LIMIT):
            self.violations[f"{self.pager.name} differs"] = sorted(differing())

    def _group(self) -> str:
        """Say what the broker knows of the workers' group."""
        admin = AdminClient({"bootstrap.servers": self.broker.address, "log_level": 0})
        (asked,) = admin.describe_consumer_groups([self.deployment.app_id]).values()
        try:
            found = asked.result(20)
        except KafkaException as error:
            return f"the group cannot be described: {error}"
        members = [len(one.assignment.topic_partitions) for one in found.members]
        return f"group {found.state.name}, members with {members} partitions"

    def _require_that_ends_are_known(self) -> None:
        """Wait until Alertmanager knows when each incident was over."""
        if not self._until(lambda: not self.incidents.unknown_ends(), PAGER_LIMIT):
            what = f"ends that {self.pager.name} does not know"
            self.violations[what] = self.incidents.unknown_ends()

    def _require_zero_lag(self) -> None:
        """Wait until the group's offsets say that nothing is waiting."""

        def lag() -> dict[str, int]:
            return {t: n for t, n in self.deployment.group_lag().items() if n}

        if not self._until(lambda: not lag()):
            self.violations["lag of the group"] = lag()

    @property
    def _all_are_served(self) -> bool:
        lanes = sum(worker.lanes for worker in self.deployment.running)
        return lanes == self.deployment.lanes

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
        workers = len(self.deployment.running)
        sys.stdout.write(
            f"{seconds:6.1f} s  {faults:3} faults  {workers} workers  {what}\n"
        )
        sys.stdout.flush()

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

    # Faults: each answers whether it could strike -----------------------------------

    def kill(self) -> bool:
        """Kill -9, and another one in its place."""
        worker = self._any()
        if worker is None:
            return False
        worker.kill()
        worker.asked_to_stop = True
        self._start()
        return True

    def term(self) -> bool:
        """A rolling restart of one worker."""
        worker = self._any()
        if worker is None:
            return False
        self._ask_to_stop(worker)
        self._start()
        return True

    def freeze(self, seconds: float) -> bool:
        """A long garbage collection, a suspended virtual machine."""
        worker = self._any()
        if worker is None:
            return False
        worker.freeze()
        self._after(seconds, worker.thaw)
        return True

    def step_a_clock(self) -> bool:
        """The clock of a worker is set, by up to a minute; the next time, back."""
        ahead = self.random.randint(-STEP_MS, STEP_MS)
        worker = self._any()
        if worker is None or not worker.was_ready:
            return False
        self._set_clock(worker, 0 if self.clocks.ahead[worker.process.pid] else ahead)
        return True

    def break_a_clock(self) -> bool:
        """The clock of a worker jumps by an hour or two; the next time, back."""
        ahead = self.random.choice(WRONG_BY_MS)
        worker = self._any()
        if worker is None or not worker.was_ready:
            return False
        self._set_clock(worker, 0 if self.clocks.ahead[worker.process.pid] else ahead)
        return True

    def _set_clock(self, worker: MailWorker, ahead: int) -> None:
        self.clock_error = max(self.clock_error, abs(ahead))
        self.clocks.set(worker, ahead)

    def stop_in_a_rebalance(self) -> bool:
        """A worker comes or goes, and another one freezes in the middle of it."""
        self.join()
        worker = self._any()
        if worker is None:
            return False
        self._after(self.random.uniform(1, 5), worker.freeze)
        self._after(SESSION + 6, worker.thaw)
        return True

    def join(self) -> bool:
        """One worker more, up to two more than at the start."""
        if len(self._staying) >= self.plan.workers + 2:
            return self.leave()
        self._start()
        return True

    def leave(self) -> bool:
        """One worker fewer, down to the fewest."""
        worker = self._any()
        if worker is None or len(self._staying) <= FEWEST:
            self._start()
        else:
            self._ask_to_stop(worker)
        return True

    @property
    def _broker_suffers(self) -> bool:
        return self._broker_left is not None or (
            self._return is not None and self._return.is_alive()
        )

    def _hurt_broker(self, seconds: float, cure: Callable[[], None]) -> bool:
        """Let it be cured later, while workers and producers go on as they can."""
        self._broker_left = left = time.monotonic()

        def come_back() -> None:
            cure()
            self.broker_downtime += time.monotonic() - left

        def begin() -> None:
            self._broker_left = None
            self._return = threading.Thread(target=come_back)
            self._return.start()

        self._after(seconds, begin)
        return True

    def kill_broker(self) -> bool:
        """Kill -9 of the broker; it comes back."""
        self.broker.kill()
        return self._hurt_broker(self.random.uniform(0.2, 4), self.broker.start)

    def fill_disk(self) -> bool:
        """The broker's disk is full: no file may grow any more, until it has ended."""
        unlimited = resource.RLIM_INFINITY
        resource.prlimit(self.broker.pid, resource.RLIMIT_FSIZE, (0, unlimited))
        return self._hurt_broker(self.random.uniform(1, 4), self._empty_disk)

    def _empty_disk(self) -> None:
        self.broker.kill()
        self.broker.start()

    def freeze_broker(self) -> bool:
        """The broker answers nothing for a while; connections stay."""
        self.broker.freeze()
        return self._hurt_broker(self.random.uniform(2, 9), self.broker.thaw)

    def slow(self) -> bool:
        """Every answer to a write takes its time."""
        self.proxy.delay = dict.fromkeys(WRITING, self.random.uniform(0.3, 2))
        self._after(6, lambda: setattr(self.proxy, "delay", {}))
        return True

    def lose(self) -> bool:
        """Writes reach the broker, but some of its answers never come."""
        self.proxy.lose = dict.fromkeys(WRITING, 0.15)
        self._after(4, lambda: setattr(self.proxy, "lose", {}))
        return True

    def cut(self) -> bool:
        """Connections break before requests of any kind reach the broker."""
        self.proxy.cut = dict.fromkeys(fault_proxy.NAMES, 0.05)
        self._after(4, lambda: setattr(self.proxy, "cut", {}))
        return True

    def expire(self) -> bool:
        """Transactions end after the broker has given them up."""
        self.proxy.delay = {fault_proxy.END_TXN: 10.0}
        self._after(3, lambda: setattr(self.proxy, "delay", {}))
        return True

    def burst(self) -> bool:
        """Ten seconds' mail at once."""
        self.deployment.send(self.traffic.take(10 * self.plan.rate))
        return True

    def poison(self) -> bool:
        """A bad deployment of the platform: one partition gets nothing but poison."""
        poisons = [p for p in self.traffic.poisons() if len(p.value or b"") < SMALL]
        lot = self.random.randrange(1 << 16)
        one = self.random.choice(poisons)._replace(lot=lot)
        self.deployment.send([one] * (2 * FUSE))
        return True

    def delete_topics(self) -> bool:
        """Somebody deletes every topic; the brokers must be set up to refuse."""
        admin = AdminClient({"bootstrap.servers": self.broker.address, "log_level": 0})
        names = [self.deployment.prefix + name for name in self.deployment.counts]
        refused = 0
        for name, deleted in admin.delete_topics(names, request_timeout=10).items():
            try:
                deleted.result()
            except KafkaException as error:
                refused += error.args[0].code() in REFUSALS
            else:
                self.violations["topic deleted"] = name
        return refused > 0

    def lose_the_pager(self) -> bool:
        """Alertmanager is away for a while, and has forgotten when it is back."""
        if not self.pager_is_there:
            return False
        self.pager_is_there = False
        self.pager.leave()
        self._after(self.random.uniform(1, 10), self._find_the_pager)
        return True

    def _find_the_pager(self) -> None:
        self.pager.come_back()
        self.pager_is_there = True


def _now() -> int:
    return int(time.time() * 1000)
