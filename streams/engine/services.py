"""What every lane of a worker shares."""

from dataclasses import dataclass

from streams.engine.budget import Budget
from streams.engine.config import EngineConfig
from streams.engine.ending import Ending
from streams.engine.group_offsets import GroupOffsets
from streams.engine.observer import Observer


@dataclass(frozen=True, slots=True)
class Services:
    """Settings, watchers and limits that belong to the worker, not to a lane."""

    config: EngineConfig
    observer: Observer
    budget: Budget
    ending: Ending
    offsets: GroupOffsets
