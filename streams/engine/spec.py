"""Which stage reads which topics, and whether it keeps state."""

from dataclasses import dataclass

from streams.engine.stage import Stage
from streams.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class LaneSpec:
    """The lanes of one stage: one for each partition of its input topics.

    Without a table the lanes only forward: outputs are acknowledged before the
    offset is committed (at least once), the stage's table stays empty and `due`
    is never called. With one, changed keys, outputs and the input offset are
    one Kafka transaction (exactly once); such a stage reads a single topic, so
    that no key can have two owners.
    """

    name: str
    """The stage; part of transactional ids, so never changed lightly."""
    topics: tuple[str, ...]
    """Input topics by logical name."""
    stage: Stage
    table: str | None = None
    """Name of the table; its changelog is `<prefix><app id>-<table>-changelog`
    and has as many partitions as the input topic."""
    gather: float = 0.0
    """Seconds between two batches of a lane, or two rounds of a stage that only
    forwards, unless there is enough for a full one: what comes meanwhile is done
    together. It is added to the latency, and saves transactions."""

    def __post_init__(self) -> None:
        """Refuse a stage without input, or with a table and several inputs."""
        if not self.topics:
            message = f"stage {self.name} reads no topic"
            raise ConfigurationError(message)
        if self.stateful and len(self.topics) > 1:
            message = f"stage {self.name} has a table, so it may read one topic only"
            raise ConfigurationError(message)

    @property
    def stateful(self) -> bool:
        """Say whether the stage keeps state, and so runs in transactions."""
        return self.table is not None
