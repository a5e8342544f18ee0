"""What the engine writes to the log: a closed set of names, at the edges only.

Nothing is logged per record or batch in normal operation, and never a key, value
or header: facts are stage, partition, generation, numbers and class names.
"""

import logging
from enum import StrEnum

logger = logging.getLogger("streams.engine")
FAUST_LOGGER = logging.getLogger("faust")
"""Where the engine's subclasses of Faust's services log what Faust says in them;
without it they would log in our name, and not from the closed set."""


class Event(StrEnum):
    """Name of a log line."""

    WORKER_STARTING = "worker_starting"
    """The worker has its settings and goes to join the group."""
    PARTITIONS_REVOKED = "partitions_revoked"
    """A rebalance began; accepted work is being finished."""
    LANES_OPEN = "lanes_open"
    """Newly owned partitions are recovered and served."""
    TABLES_RECOVERED = "tables_recovered"
    """Changelogs were read to their ends."""
    TABLE_DISCARDED = "table_discarded"
    """A table on disk could not be believed: it is made anew from its changelog."""
    LANE_DROPPED = "lane_dropped"
    """A lane could not finish in time: its work will be done again elsewhere."""
    LANE_FENCED = "lane_fenced"
    """A newer owner of the partition exists: the lane's state is dropped."""
    LANE_REOPENED = "lane_reopened"
    """The outcome of a commit was in doubt: the state was recovered anew."""
    COORDINATOR_ERROR = "coordinator_error"
    """The group coordinator reported an error that may pass."""
    OFFSETS_NOT_COMMITTED = "offsets_not_committed"
    """Group offsets could not be committed; tried again soon."""
    BULLETIN_READ = "bulletin_read"
    """A bulletin's topic was read to its end for the first time."""
    WORKER_STOPPING = "worker_stopping"
    """Asked to stop; accepted work is being finished."""
    WORKER_STOPPED = "worker_stopped"
    """The process ends as asked."""
    WORKER_FAILED = "worker_failed"
    """The process ends by itself; `exit_code` says why."""


def note(event: Event, level: int = logging.INFO, **facts: object) -> None:
    """Write one line; facts become fields of the log record."""
    logger.log(level, event.value, extra=facts)
