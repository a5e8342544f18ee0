"""The words of a notification: whom it names, and what it says about them.

Bounces that are not RFC 3464 are all of one shape: an address on a line of its
own, at the start of a line, or in a set sentence, and the reason next to it. That
shape is looked for, strongest first, instead of one parser a mail system.
"""

import re
from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple

from streams.core.address import Address, canonical

MAX_LINES = 1200
MAX_LINE = 2000
"""Characters; what is longer is no line that a person or a mailer wrote."""
MAX_RULED_LINE = 200
MAX_PASSAGE = 8192
MAX_ADDRESSES = 50
"""Addresses in sentences that are looked at."""
SURE = 2
"""The least sure rank of a line; what only sentences name is less sure."""


class Passage(NamedTuple):
    """An address that a notification names as not reached."""

    address: str
    """Canonical, with the case of its local part."""
    original: str | None
    """The address that it was expanded from."""
    text: str
    """What is said about it; empty when that stands elsewhere."""
    rank: int
    """How sure it is that this is a failed recipient; 0 is surest."""


_WIDE = r"\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7ff\uff00-\uffef"
"""Scripts that put no space between words: `to` stands right before an address."""
_LOCAL = (
    r"(?:\"[^\"\s]{1,64}\""
    rf"|[^\s<>()\[\],;:\"|=@{_WIDE}]{{1,64}}|[{_WIDE}]{{1,64}})"
)
_DOMAIN = (
    rf"(?:[^\s<>()\[\],;:\"'|=@/{_WIDE}]{{1,255}}"
    r"|[^\s<>()\[\],;:\"'|=@/]{1,255})"
)
ADDRESS = rf"(?-i:{_LOCAL}@{_DOMAIN})"
"""No letter is named in it; without regard to case, each of 40,000 characters would be
looked up when the module is loaded."""

_ORIGINAL_FOLLOWS = re.compile(
    r"""^[\s>*|]{0,8}(?:
      [-=_]{2,60}\s{0,20}(?:begin|start|the\ (?:header|original|message|body|text)
        |this\ is\ (?:a|the)\ copy|below|enclosed|included|original|returned|unsent
        |undelivered|header|headers|copy|return|a\ copy|mensaje|texte|ursprungliche
        |forwarded|attached|message\ (?:text|header|headers|follows|body|below|source)
        )\b
      |below\ (?:this\ line\ )?is\ (?:a|the)\ copy
      |(?:a\ copy\ of\ )?(?:the|your)?\ ?original\ message(?:\ (?:headers?\ )?(?:follows
        |below|headers|header|details|attached|text)|:|\ headers?:)
      |message\ headers?\ follows?|your\ message\ (?:reads|follows|is\ attached)
      |old\ message:|original\ mail\ info|message\ header\s*:|headers?\ of\ the\ orig
      |(?:the\ )?(?:text|header|headers|contents?|body|first\ lines)\ of\ (?:the|your)
        \ (?:original\ |message)|a\ summary\ of\ the\ undelivered
      |-{4,}\ ?(?:original|unsent|returned|message)
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_HEADER_LINE = re.compile(
    r"(?:received|return-path|dkim-signature|mime-version|x-[\w-]{2,40}|delivered-to"
    r"|message-id|content-type|references|arc-seal|user-agent|envelope-to):",
    re.IGNORECASE,
)
_HEADING = re.compile(
    r"failed|failure|error|problem|transcript|technical|details|diagnostic|detail"
    r"|permanent|fatal|recipients|addresses|report unavailable|session|server message"
    r"|\blog|command|not delivered|following",
    re.IGNORECASE,
)

_NAME = (
    r"(?:\"[^\"<>@]{1,80}\""
    r"|(?!.{0,80}\b(?:contact|please|mail|message|send|to|from|by|with|via|for|of|at"
    r"|sender|is|was)\b)"
    r"(?!.{0,80}\b[245]\d\d\b)[\w .,'()/-]{1,60})(?=\s?<)"
)

_LEADING = re.compile(
    rf"^[\s>*|]{{0,12}}[<\"'](?P<address>{ADDRESS})[>\"']\s{{0,3}}"
    rf"(?:\((?:expanded\ from|originally\ addressed\ to):?\s*<?(?P<original>{ADDRESS})"
    r">?\)\s{0,3})?(?:\.\.\.|[:,])\s{0,3}(?P<rest>.*)$".replace(r"\ ", " "),
    re.IGNORECASE,
)
_PLAIN_LEADING = re.compile(rf"^\s{{0,8}}(?P<address>{ADDRESS}): (?P<rest>\S.*)$")
_ALONE = re.compile(
    r"^[\s>*|\u2022\u00b7\u2013-]{0,16}"
    r"(?:(?P<label>[A-Za-z][\w\ '(),-]{1,60})\s?:\s{0,3})?"
    rf"(?:\[?(?:smtp|rfc822|mailto):\s?)?(?:{_NAME}\s?)?<?"
    rf"(?P<address>{ADDRESS})[>\])\"']{{0,3}}"
    rf"(?:\s?\(?<?\(?{ADDRESS}\)?>?\)?)?(?:\s?<mailto:{ADDRESS}>)?"
    r"(?P<rest>\s*[:;,.]{0,3}|[\s,;:]{1,4}.{1,500})$",
    re.IGNORECASE | re.VERBOSE,
)
_CUE = re.compile(
    r"(?:deliver|address|recipient|user|mailbox|account|unknown|message|mail|letter"
    r"|reach|reject|fail|violation|generated)[^@<>.]{0,80}$",
    re.IGNORECASE,
)
_BEFORE = 90
"""Characters before an address that say why it is named."""
_ANY_ADDRESS = re.compile(ADDRESS)


def notification(texts: Iterable[str]) -> tuple[str, str]:
    """Answer the text before the returned message, and what follows it."""
    kept: list[str] = []
    rest: list[str] = []
    for text in texts:
        lines = text.splitlines()[: MAX_LINES * 2]
        cut = _cut(lines)
        kept += lines[:cut]
        rest += lines[cut:]
        if rest:
            break
    return "\n".join(kept[:MAX_LINES]), "\n".join(rest[:MAX_LINES])


def _cut(lines: list[str]) -> int:
    """Answer the number of the line where the returned message starts."""
    for number, line in enumerate(lines):
        if number and _HEADER_LINE.match(line):
            return number
        if len(line) > MAX_RULED_LINE or not _ORIGINAL_FOLLOWS.match(line):
            continue
        ruled = line.lstrip(" >*|")[:2] in {"--", "==", "__", "**"}
        if ruled and _HEADING.search(line) and "copy" not in line.lower():
            continue
        return number
    return len(lines)


def passages(text: str, ours: frozenset[str]) -> list[Passage]:
    """Answer whom a notification names; those of the surest rank only.

    `ours` are the addresses that the mail is from and to, in lower case: they count
    only where
    nobody else is named, or where a line starts with them.
    """
    lines = text.split("\n")
    heads: list[tuple[int, Passage]] = []
    for number, line in enumerate(lines):
        if "@" in line and len(line) <= MAX_LINE and (passage := _head(line)):
            if passage.rank and passage.address.lower() in ours:
                passage = passage._replace(rank=5)
            heads.append((number, passage))
    surest = min((passage.rank for _, passage in heads), default=0)
    heads = _with_originals(head for head in heads if head[1].rank == surest)
    # A line that names the same address again belongs to what is said about it.
    heads = [
        head
        for before, head in zip([None, *heads], heads, strict=False)
        if before is None or before[1].address.lower() != head[1].address.lower()
    ]
    found: dict[str, Passage] = {}
    for index, (number, head) in enumerate(heads):
        following = heads[index + 1][0] if index + 1 < len(heads) else len(lines)
        said = head._replace(text=_said(head.text, lines[number + 1 : following]))
        known = found.get(head.address.lower())
        if known is None or (head.rank, not said.text) < (known.rank, not known.text):
            found[head.address.lower()] = said
    if all(passage.rank > SURE for passage in found.values()):
        for passage in _in_sentences(text, ours):
            found.setdefault(passage.address.lower(), passage)
    if not found:
        return []
    best = min(passage.rank for passage in found.values())
    return [p for p in found.values() if p.rank == best]


def _with_originals(
    heads: Iterable[tuple[int, Passage]],
) -> list[tuple[int, Passage]]:
    """Join a recipient and the `Original address:` on the line after it."""
    joined: list[tuple[int, Passage]] = []
    for number, head in heads:
        if joined and number == joined[-1][0] + 1 and _ORIGINAL.match(head.text):
            before, final = joined.pop()
            joined.append((before, final._replace(original=head.address)))
        else:
            joined.append((number, head))
    return joined


_ORIGINAL = re.compile(r"original(?:ly)? (?:address|recipient|to)", re.IGNORECASE)
_CONTACT = re.compile(
    r"contact|assistance|question|help ?desk|support|please (?:send|mail|write|forward"
    r"|e-?mail|call|report)|administrator|for (?:more|further)|if you|ask\b"
    r"|(?<!e)(?<!e-)mail to\b|write to|abuse|problems?,|complain|wrote:|sent by"
    r"|was sent from|\bfrom:? <?\S*@",
    re.IGNORECASE,
)
_SENDER = re.compile(r"\b(?:from|sender(?: is)?)[\s:<\"']{1,4}$", re.IGNORECASE)
_OTHER_PARTY = re.compile(
    r"(?:\w+[ -]){0,2}(?:from|sender|reply.?to|return.?path|errors?.?to|subject|subj"
    r"|date|sent|by|bcc|message.?id|x-postfix-sender|server|host|via|author|id)",
    re.IGNORECASE,
)
_FOOTER = re.compile(r"\s*(?:please |for (?:further|more) |if you )", re.IGNORECASE)
_RULE = re.compile(r"^\s{0,20}[-_=*#~]{8,}")


def _head(line: str) -> Passage | None:
    """Read a line that names a recipient at its start or alone."""
    for pattern in (_LEADING, _PLAIN_LEADING):
        if match := pattern.match(line):
            said = match.groupdict()
            original = said.get("original")
            return _passage(said["address"], original, said["rest"], 0)
    match = _ALONE.match(line)
    if not match or _CONTACT.search(line):
        return None
    label, rest = match["label"] or "", match["rest"].strip(" :;,.")
    if _OTHER_PARTY.fullmatch(label):
        return None
    rank = 1 + bool(rest) + (label.lower() in {"to", "cc"})
    said_there = f"{label}: {rest}" if " " in label else rest
    return _passage(match["address"], None, said_there.strip(), rank)


def _passage(
    address: str, original: str | None, text: str, rank: int
) -> Passage | None:
    found = canonical_of(address)
    if found is None:
        return None
    return Passage(found, canonical_of(original) if original else None, text, rank)


def _said(rest: str, lines: list[str]) -> str:
    """Answer what follows an address, up to the next blank line after words."""
    said = [rest] if rest.strip() else []
    for line in lines[:40]:
        if line.strip():
            if _RULE.match(line) or _FOOTER.match(line):
                break
            said.append(line)
        elif said and not said[-1].rstrip().endswith(":"):
            break
    return " ".join(" ".join(said).split())[:MAX_PASSAGE]


def _in_sentences(text: str, ours: frozenset[str]) -> Iterable[Passage]:
    """Find addresses in sentences that say where something was not delivered."""
    flat = " ".join(text.split())[: 2 * MAX_PASSAGE]
    for match in islice(_ANY_ADDRESS.finditer(flat), MAX_ADDRESSES):
        before = flat[max(match.start() - _BEFORE, 0) : match.start()]
        address = canonical_of(match[0])
        if _SENDER.search(before):
            continue
        if address and address.lower() not in ours and not _CONTACT.search(before):
            rank = 3 if _CUE.search(before) else 4
            yield Passage(address, None, "", rank)


def canonical_of(address: str) -> str | None:
    """Answer an address of a text in canonical form, None when it is none."""
    bare = address.strip("'`").rstrip(".,:;>)]}\"'")
    found = canonical(bare, fold_local=False)
    return str(found) if isinstance(found, Address) else None
