"""What a report is, read from it with the standard library alone, and its label.

The label (class, side, whom we wrote to) comes from what was sent, never from
what our own parser says, so that the index can judge the parser.
"""

import email
import re
from email.message import Message

from streams.core.failure import TRAITS, FailureClass
from tools.bounces.mail import Mail, Recipient

_KINDS = {"failed": "bounce"}


_STATUS = re.compile(r"message/(?:global-)?delivery-status\n(?:.+\n)*\n((?:.*\n)*?)--")


def _blocks(report: str) -> list[Message]:
    """Cut out the delivery status; Postfix alone wrote it, so its form is known."""
    found = _STATUS.search(report)
    blocks = found[1].split("\n\n") if found else []
    return [email.message_from_string(block) for block in blocks if block.strip()]


def entry(report: bytes, mails: dict[str, Mail]) -> dict[str, object]:
    """Answer the index entry of one report."""
    text = report.decode(errors="replace")
    message = email.message_from_string(text)
    mail = mails[str(message["To"]).strip("<>")]
    blocks = _blocks(text)
    recipients = [_recipient(block, mail) for block in blocks[1:]]
    action = str(recipients[0]["action"])
    return {
        "return_path": mail.return_path,
        "shows": mail.shows,
        "kind": _KINDS.get(action, action),
        "tenant_id": mail.tenant,
        "message_id": mail.message_id.strip("<>"),
        "envelope_id": mail.envid,
        "reporting_mta": str(blocks[0]["Reporting-MTA"]).partition(";")[2].strip(),
        "arrival_date": str(blocks[0]["Arrival-Date"]),
        "date": str(message["Date"]),
        "recipients": recipients,
    }


def _recipient(block: Message, mail: Mail) -> dict[str, object]:
    final = str(block["Final-Recipient"]).partition(";")[2].strip()
    sent = _sent(final, mail)
    action = str(block["Action"])
    label = sent.failure_class if action in {"failed", "delayed"} else None
    return {
        "address": sent.address,
        "final_recipient": final,
        "action": action,
        "status": str(block["Status"]),
        "answer": next((a[0] for a in sent.answers.values() if a), None),
        "class": label,
        "side": TRAITS[FailureClass(label)].side.value if label else None,
    }


def _sent(final: str, mail: Mail) -> Recipient:
    """Find whom we wrote to; a mail to one recipient needs no search."""
    if len(mail.to) == 1:
        return mail.to[0]
    return next(r for r in mail.to if r.address == final)
