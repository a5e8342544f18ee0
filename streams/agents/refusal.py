"""Records that cannot be used: counted, and put aside as dead letters."""

from streams.agents import tally
from streams.core.instant import Instant
from streams.engine.stage import Batch, Message, Output, Record
from streams.wire import dead_letter
from streams.wire.reject import Reject


def refuse(
    batch: Batch, record: Record, reject: Reject, now: Instant, output: Output
) -> None:
    """Write the dead letter of a record of a batch, and count it."""
    output.messages.append(Message(*dead_letter.build(batch, record, reject, now)))
    output.tallies[tally.rejected(batch.topic, reject.reason)] += 1
