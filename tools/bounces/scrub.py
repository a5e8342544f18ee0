"""Take out of a report what differs from run to run or tells of this machine.

Dates need no scrubbing, because the clock stands still; what is left are queue
ids, which come from the inode.
"""

import hashlib
import re
from pathlib import Path

_QUEUE_ID = re.compile(
    rb"(?:Queue-ID: |\(Postfix[^)]*\)\s+(?:with \w+\s+)?id |E?SMTP[A-Z0-9]* id |"
    rb"queued as |boundary=\"|Message-Id: <\d{14}\.)([0-9A-F]{6,})"
)


def queue_ids(report: bytes) -> list[bytes]:
    """List the queue ids of a report, in order of appearance."""
    return list(dict.fromkeys(_QUEUE_ID.findall(report)))


def scrub(report: bytes, name: str, directory: Path) -> bytes:
    """Replace queue ids by ones derived from `name`; shorten paths."""
    for place, queue_id in enumerate(queue_ids(report)):
        digest = hashlib.sha256(f"{name} {place}".encode()).hexdigest().upper()
        report = report.replace(queue_id, digest[: len(queue_id)].encode())
    return report.replace(str(directory).encode(), b"/var/spool/mail")
