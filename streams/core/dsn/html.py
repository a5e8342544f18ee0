"""The words of an HTML text, in time that grows with its length and no faster."""

import re
from html import unescape

_HIDDEN = re.compile(r"<(/?)(style|script|head)\b(>?)", re.IGNORECASE)
_BREAK = re.compile(
    r"</?(?:br|p|div|tr|li|h[1-6]|table|pre)\b[^<>]{0,2000}>", re.IGNORECASE
)
_TAG = re.compile(r"<[/!a-zA-Z][^<>]{0,2000}>")


def words(html: str) -> str:
    """Answer the words, a line for each paragraph."""
    shown = _TAG.sub(" ", _BREAK.sub("\n", _shown(html)))
    return unescape(shown)


def _shown(html: str) -> str:
    """Answer a text without what no reader shows.

    An element that is never closed hides nothing; it is known beforehand which are,
    or each opening would be followed to the end of the text.
    """
    tags = list(_HIDDEN.finditer(html))
    closed = {tag[2].lower(): tag.start() for tag in tags if tag[1] and tag[3]}
    pieces, at, inside = [], 0, ""
    for tag in tags:
        name = tag[2].lower()
        if not inside and not tag[1] and closed.get(name, 0) > tag.start():
            pieces.append(html[at : tag.start()])
            inside = name
        elif inside == name and tag[1] and tag[3]:
            at, inside = tag.end(), ""
    return " ".join([*pieces, html[at:]])
