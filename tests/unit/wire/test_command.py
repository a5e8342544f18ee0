"""What a person decides is read as it was written."""

import orjson

from streams.core.evidence import CommandAction
from streams.wire import command
from streams.wire.command import FlagCommand

CLEAR = {
    "id": "c-1",
    "time": "2026-03-03T10:00:00+01:00",
    "tenant_id": "t-42",
    "address": "karl@example.org",
    "action": "clear",
    "reason": "customer_request",
    "actor": "support:mmeier",
}


def test_a_clear_is_read_without_a_note():
    assert command.decode(orjson.dumps(CLEAR)) == FlagCommand(
        id="c-1",
        at=1772528400000,
        tenant_id="t-42",
        address="karl@example.org",
        action=CommandAction.CLEAR,
        message_id=None,
        reason="customer_request",
        note="",
        actor="support:mmeier",
    )


def test_a_proof_of_delivery_may_name_its_message():
    proof = CLEAR | {"action": "delivered", "message_id": "m-1", "note": "he called"}
    read = command.decode(orjson.dumps(proof))
    assert read.action is CommandAction.DELIVERED
    assert (read.message_id, read.note) == ("m-1", "he called")
