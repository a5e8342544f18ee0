"""Notifications of Amazon SES that came by mail: JSON instead of RFC 3464.

SNS wraps the event as a text of its own, or puts it into a `Message` member.
Source: Amazon SES developer guide, "Amazon SNS notification contents".
"""

import json
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from streams.core.dsn import status
from streams.core.dsn.report import ReportKind
from streams.core.dsn.status import MessageBlock, StatusBlock
from streams.core.evidence import Action

MAX_JSON = 64 * 1024
_MAX_NESTING = 100


class Notice(NamedTuple):
    """What an SES event says."""

    kind: ReportKind
    message: MessageBlock
    message_id: str | None
    recipients: list[StatusBlock]


_KINDS = {
    "bounce": ReportKind.BOUNCE,
    "complaint": ReportKind.COMPLAINT,
    "delivery": ReportKind.DELIVERED,
}
_ACTIONS = {"bounce": Action.FAILED, "delivery": Action.DELIVERED}
_LISTS = {"bounce": "bouncedRecipients", "delivery": "recipients"}


def read(texts: Iterable[str]) -> Notice | None:
    """Answer the SES event in a mail's texts, None when there is none."""
    for text in texts:
        if "otificationType" in text or "eventType" in text:
            event = _event(_json(text))
            if event is not None:
                return _notice(event)
    return None


def _json(text: str) -> object:
    start = text.find("{")
    if start < 0 or text.count("{", 0, MAX_JSON) + text.count("[") > _MAX_NESTING:
        return None
    try:
        value, _ = json.JSONDecoder(strict=False).raw_decode(text[start:][:MAX_JSON])
    except (ValueError, RecursionError):
        return None
    return value


def _event(value: object) -> Mapping[str, object] | None:
    """Answer the event itself, out of SNS's wrapping."""
    if not isinstance(value, Mapping):
        return None
    inner = value.get("Message")
    if isinstance(inner, str):
        return _event(_json(inner))
    return value if _type(value) in _KINDS else None


def _type(event: Mapping[str, object]) -> str:
    name = event.get("notificationType") or event.get("eventType") or ""
    return str(name).lower()


def _notice(event: Mapping[str, object]) -> Notice:
    name = _type(event)
    detail = _table(event.get(name))
    mail = _table(event.get("mail"))
    headers = _table(mail.get("commonHeaders"))
    message_id = headers.get("messageId") or mail.get("messageId")
    blocks = []
    listed = detail.get(_LISTS.get(name, ""))
    for entry in listed if isinstance(listed, list) else []:
        fields = (
            _table(entry) if isinstance(entry, Mapping) else {"emailAddress": entry}
        )
        address = status.address(str(fields.get("emailAddress", "")))
        block = status.recipient(
            [
                ("action", str(fields.get("action") or _ACTIONS.get(name, ""))),
                ("status", str(fields.get("status", ""))),
                ("diagnostic-code", str(fields.get("diagnosticCode", ""))),
            ]
        )
        blocks.append(block._replace(final_recipient=address))
    return Notice(
        _KINDS[name],
        MessageBlock(status.host(str(detail.get("reportingMTA", ""))), None, None),
        str(message_id) if message_id else None,
        [block for block in blocks if block.final_recipient],
    )


def _table(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}
