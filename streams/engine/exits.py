"""Why a worker's process ended: a closed table of exit codes.

A supervisor that restarts the worker is part of the design: whatever is not
understood ends the process before anything wrong is committed, and the code says
what to look at. The table in the operator's documentation is made from here.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """What the process tells its supervisor."""

    OK = 0
    """Asked to stop (SIGTERM, SIGINT); everything accepted was committed."""
    CONFIGURATION = 2
    """A setting, topic or installed version is wrong; restarting will not help."""
    STAGE_FAILED = 70
    """A stage raised: a programming error or a bad record that it did not reject.

    The transaction was aborted and nothing committed, so a restart meets the
    same records again: read the traceback in the log.
    """
    ENGINE_FAILED = 71
    """The engine met something it does not understand; nothing was committed."""
    CONTINUITY_BROKEN = 72
    """A batch did not begin where the last one of its partition ended."""
    COORDINATION_FAILED = 73
    """The group coordinator refuses this member for good (authorisation, session
    time-out out of the broker's bounds, protocol mismatch)."""
    FENCED = 74
    """Another worker owns a transactional id of ours, and no rebalance said why."""
    UNAVAILABLE = 75
    """Kafka did not acknowledge within the deadline: restart when it is back."""
    OPEN_FAILED = 76
    """Taking over partitions failed: a producer's start or a table's recovery."""
    INPUT_TRUNCATED = 77
    """An input partition ends before the position the table says was processed.

    The topic was made anew or lost records (unclean leader election): decide
    whether to reset the application's changelogs or to restore the topic.
    """
    STOP_TIMED_OUT = 78
    """The worker was asked to stop and did not manage within its limit."""
    SEEK_FAILED = 79
    """The positions to continue from could not be found or set."""
    STALLED = 80
    """Partitions were assigned, but opening them made no progress."""
    OUTPUT_REFUSED = 81
    """The broker refuses an output for good: too large, no right to write it, or dated
    over an hour ahead, which says that this machine's clock is wrong."""
    STORE_FAILED = 82
    """A table on disk cannot be read or written: the disk is full or broken.

    Nothing is lost; the next start goes on from the changelog.
    """
