"""Boundaries between parts, also those that the header lost or tells in no code."""

import re
from email.errors import MessageError
from email.message import Message
from email.parser import BytesParser

from streams.core.dsn.part import POLICY

PARSER_ERRORS = (MessageError, ValueError, TypeError, LookupError, AttributeError)
"""What Python's MIME parser raises on input that it was not written for."""

MAX_PREAMBLE = 12
"""Lines before the first part, as `This is a message in MIME format.`"""

_FIRST = re.compile(
    rb"^--([^\s\"\\]{1,70})[ \t]{0,9}\r?\nContent-[\w-]{1,40}:",
    re.IGNORECASE | re.MULTILINE,
)
_LOOKED_AT = 4096
_HEADER_ENDS = re.compile(rb"\r?\n\r?\n")


def parsed(raw: bytes) -> Message:
    """Answer a mail in its parts, as Python's own parser reads it.

    One that this parser was not written for, as with a boundary in a character set
    that is none, is a mail without header.
    """
    try:
        return BytesParser(policy=POLICY).parsebytes(raw)
    except PARSER_ERRORS:
        message = Message(POLICY)
        message.set_payload(_HEADER_ENDS.split(raw, 1)[-1].decode("latin-1"))
        return message


def regained(message: Message) -> Message | None:
    """Answer a message in parts that claims to have none, or whose boundary is lost.

    What follows a header that tells a boundary is a returned message's part.
    """
    if message.is_multipart():
        return None
    payload = message.get_payload(decode=True)
    start = _FIRST.search(payload[:_LOOKED_AT]) if isinstance(payload, bytes) else None
    if start is None or not isinstance(payload, bytes):
        return None
    before = payload[: start.start()]
    if before.count(b"\n") > MAX_PREAMBLE or b"boundary" in before.lower():
        return None
    head = b'Content-Type: multipart/mixed; boundary="%s"\n\n' % start[1]
    return parsed(head + payload)
