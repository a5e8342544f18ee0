"""What every lane of a worker shares."""

import time
from dataclasses import dataclass

from streams.core.instant import Instant
from streams.engine.budget import Budget
from streams.engine.config import EngineConfig
from streams.engine.ending import Ending
from streams.engine.group_offsets import GroupOffsets
from streams.engine.observer import Observer


def clock() -> Instant:
    """Answer the present; the only clock that stages and tables ever see."""
    return Instant(time.time_ns() // 1_000_000)


@dataclass(frozen=True, slots=True)
class Services:
    """Settings, watchers and limits that belong to the worker, not to a lane."""

    config: EngineConfig
    observer: Observer
    budget: Budget
    ending: Ending
    offsets: GroupOffsets
