"""The words of an HTML text, in time that grows with its length and no faster."""

import re
from html import unescape

_HIDDEN = re.compile(r"<(/?)(style|script|head)\b(>?)", re.IGNORECASE)
_LINE = re.compile(r"</?(?:br|div|tr|li|pre)\b[^<>]{0,2000}>", re.IGNORECASE)
_NEXT_LINE = re.compile(r"</(?:div|tr|li)>\s{0,99}<(?=(?:div|tr|li)\b)", re.IGNORECASE)
"""Between two lines stands the end of one and the start of the other."""
_PARAGRAPH = re.compile(r"</?(?:p|h[1-6]|table)\b[^<>]{0,2000}>", re.IGNORECASE)
_TAG = re.compile(r"<[/!a-zA-Z][^<>]{0,2000}>")


def words(html: str) -> str:
    """Answer the words, a line for each paragraph."""
    lines = _LINE.sub("\n", _NEXT_LINE.sub("<", _shown(html)))
    return unescape(_TAG.sub(" ", _PARAGRAPH.sub("\n\n", lines)))


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
