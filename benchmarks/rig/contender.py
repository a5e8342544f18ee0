"""The contenders by name: each as a command, given what to read and write."""

import random
import sys
from collections.abc import Callable
from pathlib import Path

import orjson
from peers.told import Told
from rig import environment
from rig.contest import Contender
from rig.environment import PEERS

_MAILFLAG = Path(sys.executable).with_name("mailflag")


def _script(
    name: str, interpreter: str = sys.executable
) -> Callable[[Told], Contender]:
    def contender(told: Told) -> Contender:
        arguments = orjson.dumps(told._asdict()).decode()
        return Contender(name, [interpreter, str(PEERS / f"{name}.py"), arguments])

    return contender


def _alone(stage: str) -> Callable[[Told], Contender]:
    def contender(told: Told) -> Contender:
        return _script("ours")(told._replace(only=stage))

    return contender


def _worker(told: Told) -> Contender:
    port = random.randrange(15_000, 32_000)
    options = {
        "bootstrap-servers": told.kafka,
        "topic-prefix": told.prefix,
        "app-id": told.app,
        "success-memory-days": told.success_memory_days,
        "web-port": port,
        "log-level": "info",
    }
    command = [str(_MAILFLAG), "worker", *(f"--{k}={v}" for k, v in options.items())]
    return Contender("worker", command, page=f"http://127.0.0.1:{port}/readyz")


def _quix(told: Told) -> Contender:
    return _script("quix", environment.python())(told)


def _kafka_streams(told: Told) -> Contender:
    arguments = [told.kafka, told.prefix, told.app, told.input, told.job, told.state]
    return Contender("kafka-streams", [*environment.kafka_streams(), *arguments])


CONTENDERS: dict[str, Callable[[Told], Contender]] = {
    "worker": _worker,
    "ingest": _alone("ingest"),
    "flags": _alone("flags"),
    "engine": _script("ours"),
    "plain": _script("plain"),
    "faust": _script("faust_agents"),
    "quix": _quix,
    "kafka-streams": _kafka_streams,
}
"""`worker` is `mailflag worker`, `ingest` and `flags` are its stages alone, `engine`
is our engine with the small job."""
