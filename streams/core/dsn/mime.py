"""A mail's parts, by Python's own MIME parser, within limits.

The limits are set before parsing, so that a hostile mail costs no more than a
large one: bytes, levels, parts, and characters of text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.header import decode_header, make_header
from email.message import Message

from streams.core.dsn import boundary, html, part_type

MAX_BYTES = 1 << 20
MAX_LINES = 40_000
"""Lines; a mail of `MAX_BYTES` has 15,000 when it is encoded as usual."""
MAX_DEPTH = 20
MAX_PARTS = 200
MAX_REGAINED = 2
"""Levels on which lost boundaries are looked for."""
MAX_BOUNDARY = 2000
"""Bytes of a field from its boundary on; RFC 2046 section 5.1.1 allows 70."""
MAX_TEXT = 64 * 1024
"""Characters of all notification text together."""
MAX_VALUE = 8192
"""Characters of a field in a header: of addresses and subjects no more is read."""
MAX_FIELDS = 4000
"""Fields of all status parts together."""

Fields = list[tuple[str, str]]
"""One block of header fields: lower-case names and unfolded values."""

# Looked for in lower case: five times as fast as without regard to case.
_NESTING = re.compile(rb"boundary|message/(?:rfc822|global|delivery|partial)")
_DELIMITER = re.compile(rb"^--", re.MULTILINE)
_BOUNDARY = re.compile(rb"boundary[*\d]{0,4}\s{0,9}=")
_FIELD_ENDS = re.compile(rb"[\r\n](?![ \t\n])")
_MAX_NESTING = 3 * MAX_DEPTH
_MAX_DELIMITERS = 2 * MAX_PARTS


@dataclass(slots=True)
class Letter:
    """A mail as far as reports are concerned."""

    headers: Fields
    content_type: str
    report_type: str
    texts: list[str] = field(default_factory=list)
    """Notification text, plain before HTML."""
    status: list[Fields] = field(default_factory=list)
    """Blocks of the delivery status, in order."""
    feedback: Fields = field(default_factory=list)
    """Fields of a feedback report (RFC 5965)."""
    receipt: bool = False
    """There is a message disposition notification (RFC 8098)."""
    returned: Fields = field(default_factory=list)
    """Header of the returned message."""
    forwarded: "Letter | None" = None
    """The message that this one carries, when this one has no report itself."""

    def header(self, name: str) -> str:
        """Answer a header field's value, empty when there is none."""
        return first(self.headers, name)


def first(fields: Fields, *names: str) -> str:
    """Answer the value of the first field with one of these names, else nothing."""
    for name in names:
        for key, value in fields:
            if key == name and value:
                return value
    return ""


def read(raw: bytes) -> Letter:
    """Take a mail apart."""
    message = boundary.parsed(_cut(raw))
    letter = Letter(
        headers=_fields(message),
        content_type=message.get_content_type(),
        report_type=_parameter(message, "report-type"),
    )
    htmls: list[str] = []
    nested: list[Message] = []
    for part, _depth in _walk(message, 0):
        _collect(part, letter, htmls, nested)
    if not letter.texts:
        letter.texts = [html.words(text) for text in htmls]
    if nested and not letter.status and not letter.feedback:
        letter.forwarded = _carried(nested[0])
    return letter


def _cut(raw: bytes) -> bytes:
    """Shorten what is larger, deeper or in more parts than a report can need."""
    raw = raw[:MAX_BYTES]
    if raw.count(b"\n") > MAX_LINES:
        raw = b"\n".join(raw.split(b"\n", MAX_LINES)[:MAX_LINES])
    lower = raw.lower()
    for match in _BOUNDARY.finditer(lower):
        if not _FIELD_ENDS.search(lower, match.end(), match.end() + MAX_BOUNDARY):
            lower = lower[: match.start()]
            break
    for hints, pattern, limit in (
        ((b"boundary", b"message/"), _NESTING, _MAX_NESTING),
        ((b"\n--",), _DELIMITER, _MAX_DELIMITERS),
    ):
        if sum(map(lower.count, hints)) < limit:  # counted in a tenth of the time
            continue
        for count, match in enumerate(pattern.finditer(lower)):
            if count == limit:
                lower = lower[: match.start()]
                break
    return raw[: len(lower)]


def _walk(message: Message, depth: int) -> Iterator[tuple[Message, int]]:
    """Go through the parts that are not inside a returned message."""
    if depth <= MAX_REGAINED and (whole := boundary.regained(message)):
        message = whole
    payload = message.get_payload() if message.is_multipart() else None
    kind = message.get_content_type()
    if not isinstance(payload, list) or kind in part_type.UNDIVIDED:
        yield message, depth
        return
    if depth < MAX_DEPTH:
        for part in payload[:MAX_PARTS]:
            if isinstance(part, Message):
                yield from _walk(part, depth + 1)


def _collect(
    part: Message, letter: Letter, htmls: list[str], nested: list[Message]
) -> None:
    """Note what one part adds to the letter."""
    kind = part.get_content_type()
    if kind in part_type.STATUS:
        letter.status += _status_blocks(part)
    elif kind == "message/feedback-report":
        letter.feedback += [f for block in _status_blocks(part) for f in block]
    elif kind == "message/disposition-notification":
        letter.receipt = True
    elif kind in part_type.RETURNED:
        inner = _inner(part)
        if inner is not None:
            nested.append(inner)
            letter.returned = letter.returned or _fields(inner)
        elif not letter.returned:
            letter.returned = next(iter(blocks(text_of(part))), [])
    elif kind == "text/html":
        _add(htmls, part)
    elif kind.startswith("text/"):
        _add(letter.texts, part)
    elif kind == "application/octet-stream" and part_type.LIKE_STATUS.match(
        text_of(part)
    ):
        letter.status += blocks(text_of(part))


def _add(texts: list[str], part: Message) -> None:
    """Note the text of a part, as long as there is room for more."""
    room = MAX_TEXT - sum(map(len, texts))
    if room > 0 and len(texts) < MAX_PARTS:
        texts.append(text_of(part)[:room])


def _carried(message: Message) -> Letter:
    """Take a message apart that another one carries."""
    letter = Letter(
        _fields(message),
        message.get_content_type(),
        _parameter(message, "report-type"),
    )
    htmls: list[str] = []
    for part, _depth in _walk(message, 1):
        _collect(part, letter, htmls, [])
    letter.texts = letter.texts or [html.words(text) for text in htmls]
    return letter


def _inner(part: Message) -> Message | None:
    payload = part.get_payload() if part.is_multipart() else None
    if isinstance(payload, list) and payload and isinstance(payload[0], Message):
        return payload[0]
    return None


def _status_blocks(part: Message) -> list[Fields]:
    """Answer the blocks of a status part, also of a wrongly encoded one."""
    payload = part.get_payload() if part.is_multipart() else None
    found: list[Fields] = []
    encoded = str(part.get("Content-Transfer-Encoding", "")).strip().lower()
    if isinstance(payload, list) and encoded not in {"base64", "quoted-printable"}:
        for block in payload[:MAX_FIELDS]:
            if isinstance(block, Message) and (fields := _fields(block)):
                found.append(fields)
            if isinstance(block, Message):
                found += blocks(text_of(block))
        return found
    if isinstance(payload, list) and payload and isinstance(payload[0], Message):
        body = Message()
        body["Content-Transfer-Encoding"] = encoded
        body.set_payload(payload[0].get_payload())
        return blocks(text_of(body))
    return blocks(text_of(part))


_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9-]{1,60})[ \t]*:(?:[ \t]*)(.*)")


def blocks(text: str) -> list[Fields]:
    """Answer the blocks of header fields that a text consists of."""
    found: list[Fields] = [[]]
    for line in text[:MAX_TEXT].splitlines()[:MAX_FIELDS]:
        if not line.strip():
            if found[-1]:
                found.append([])
        elif line[0] in " \t" and found[-1]:
            name, value = found[-1][-1]
            if len(value) < MAX_TEXT:
                found[-1][-1] = name, f"{value} {line.strip()}"
        elif match := _FIELD.match(line):
            found[-1].append((match[1].lower(), match[2].strip()))
    return [block for block in found if block]


def _fields(message: Message) -> Fields:
    """Answer a message's header, unfolded and decoded."""
    return [
        (name.lower(), _decoded(str(value)))
        for name, value in list(message.raw_items())[:MAX_FIELDS]
    ]


def _decoded(value: str) -> str:
    """Answer a header field's value in plain characters."""
    flat = " ".join(_characters(value[:MAX_VALUE]).split())
    if "=?" not in flat:
        return flat
    try:
        return str(make_header(decode_header(flat)))
    except boundary.PARSER_ERRORS:
        return flat


def _characters(value: str) -> str:
    """Answer a raw value's characters: unencoded ones are UTF-8 (RFC 6532) or not."""
    if value.isascii():
        return value
    content = value.encode("utf-8", "surrogateescape")
    try:
        return content.decode("utf-8")
    except UnicodeError:
        return content.decode("latin-1")


def _parameter(message: Message, name: str) -> str:
    try:
        if name not in str(message.get("content-type", "")).lower():
            return ""
        value = message.get_param(name, "")
    except boundary.PARSER_ERRORS:
        return ""
    return value.lower() if isinstance(value, str) else ""


def text_of(part: Message) -> str:
    """Answer a part's text, in whatever character set it claims."""
    try:
        content = part.get_payload(decode=True)
    except boundary.PARSER_ERRORS:
        return ""
    if not isinstance(content, bytes):
        return ""
    content = content[: 4 * MAX_TEXT]
    for name in (_parameter(part, "charset") or "utf-8", "utf-8"):
        try:
            return content.decode(name)
        except (LookupError, UnicodeError, ValueError):
            continue
    return content.decode("latin-1")
