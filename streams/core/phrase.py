"""Phrases over words: how rules say what a reply must contain.

The language of phrases is smaller than regular expressions on purpose:

- `user unknown`: these words in a row. Case, accents, punctuation and apostrophes do
  not count; a hyphen is a space, except in `e-mail`. An address is the word `@`,
  which a phrase may name or leave out.
- `(is|was|) full`: one of these; an empty one makes it optional.
- `exceed(s|ed)`: endings.
- `[user] unknown`: any word of the set `user`.
- `domain ... expired`: up to eight words between.
- `*spam*`: a word that has this inside and is in no other phrase.
- `^rejected$`: the whole text.
"""

import re
from collections.abc import Mapping
from functools import cache
from itertools import groupby
from typing import NamedTuple
from unicodedata import normalize

MAX_WORDS = 1500
"""Words of a text that are looked at."""

MAX_LENGTH = 20
"""Words a part of a phrase may have."""

_ADDRESS = re.compile(r"[^\s<>\"'(),;:\[\]=|@]{1,64}@[^\s<>\"'(),;:\[\]|@]{1,255}")
_CJK = re.compile(r"([\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7ff\uf900-\ufaff])")
_DROPPED = dict.fromkeys(map(ord, "'\u2018\u2019\u02bc`\u00ad"))
_LETTERS = dict(
    zip(
        "\u0131\u00df\u00f8\u0142\u0111\u00e6\u0153",
        ("i", "ss", "o", "l", "d", "ae", "oe"),
        strict=True,
    )
)
"""Letters that Unicode does not take apart into a letter and an accent."""
_SPACED = {n: " " for n in range(128) if not chr(n).isalnum() and chr(n) not in "'`@"}
_TABLE: dict[int, str | None] = {**_SPACED, **_DROPPED}
_FOLDED: dict[int, str | None] = {ord(c): t for c, t in _LETTERS.items()} | _DROPPED
_COMBINING = re.compile(r"[\u0300-\u036f]")
_NOT_WORD = re.compile(r"[^\w@ ]+")


def words(text: str) -> list[str]:
    """Answer the words of a text, at most `MAX_WORDS`, addresses as `@`."""
    if "@" in text:
        text = _ADDRESS.sub(" @ ", text)
    lower = text.lower().replace("e-mail", "email")
    if not lower.isascii():
        lower = _COMBINING.sub("", normalize("NFKD", lower))
        lower = _NOT_WORD.sub(" ", lower.translate(_FOLDED))
        lower = _CJK.sub(r" \1 ", lower)
    found = lower.translate(_TABLE).split()
    if lower.count("@") > 1:
        found = [word for word, _ in groupby(found) if word.strip("@") or word == "@"]
    return found if len(found) <= MAX_WORDS else found[:MAX_WORDS]


class PhraseError(ValueError):
    """A phrase that is not well-formed; the message says what is wrong."""


Sets = Mapping[str, frozenset[str]]

Elements = tuple["frozenset[str] | Choice", ...]


class Choice(NamedTuple):
    """One of several sequences; an empty one makes it optional."""

    sequences: tuple[Elements, ...]


_GAP = "..."
_OPEN = "("
_ANCHORS = {"^", "$"}
_INSIDE = re.compile(r"\*[a-z]{3,}\*")
_ENDINGS = re.compile(r"(\w+)\(([\w|]*)\)(?=[\s|)]|$)")
_GLUED = re.compile(r"\w[(?]|\)\w")
"""What looks like an ending, or an optional letter, and would never be found."""
_TOKEN = re.compile(r"\[\w*\]|[()|^$]|\.\.\.|[^\s()|\[\]^$]+")


def parse(pattern: str, sets: Sets) -> list[Elements]:
    """Answer the parts of a phrase, in the order in which they must follow.

    Raises:
        PhraseError: the pattern is not well-formed or names an unknown set.
    """
    written_out = _ENDINGS.sub(_endings, pattern)
    if _GLUED.search(written_out):
        message = f"phrase {pattern!r}: endings are one word each and end the word"
        raise PhraseError(message)
    tokens = _TOKEN.findall(written_out)
    if "".join(tokens) != "".join(written_out.split()):
        message = f"phrase {pattern!r}: brackets do not match"
        raise PhraseError(message)
    parts = []
    for gap, group in groupby(tokens, _GAP.__eq__):
        if not gap:
            part = _Parser(list(group), sets, pattern).sequence()
            parts.append(part)
    if not parts or _GAP in {tokens[0], tokens[-1]}:
        message = f"phrase {pattern!r}: a part has no words"
        raise PhraseError(message)
    for part in parts:
        shortest, longest = length(part)
        if not shortest or longest > MAX_LENGTH:
            message = f"phrase {pattern!r}: a part must have 1 to {MAX_LENGTH} words"
            raise PhraseError(message)
    return parts


@cache
def _plain(token: str) -> tuple[frozenset[str], ...]:
    """Answer the elements of a token without brackets; most are met many times."""
    return tuple(frozenset({word}) for word in words(token))


def _endings(match: re.Match[str]) -> str:
    return f"({'|'.join(match[1] + ending for ending in match[2].split('|'))})"


class _Parser:
    """Reads the tokens of one part."""

    def __init__(self, tokens: list[str], sets: Sets, pattern: str) -> None:
        self.tokens = tokens
        self.sets = sets
        self.pattern = pattern

    def sequence(self) -> Elements:
        result = self._until_bar_or_bracket()
        if self.tokens:
            self._fail("brackets do not match")
        return result

    def _until_bar_or_bracket(self) -> Elements:
        elements: list[frozenset[str] | Choice] = []
        while self.tokens and self.tokens[0] not in {"|", ")"}:
            token = self.tokens.pop(0)
            if token == _OPEN:
                elements.append(self._choice())
            elif token.startswith("["):
                elements.append(self._set(token[1:-1]))
            elif token in _ANCHORS or _INSIDE.fullmatch(token):
                elements.append(frozenset({token}))
            else:
                elements += _plain(token)
        return tuple(elements)

    def _choice(self) -> Choice:
        sequences = [self._until_bar_or_bracket()]
        while self.tokens and self.tokens[0] == "|":
            self.tokens.pop(0)
            sequences.append(self._until_bar_or_bracket())
        if not self.tokens:
            self._fail("brackets do not match")
        self.tokens.pop(0)
        return Choice(tuple(sequences))

    def _set(self, name: str) -> frozenset[str]:
        if name not in self.sets:
            self._fail(f"no set of words [{name}]")
        return self.sets[name]

    def _fail(self, what: str) -> None:
        message = f"phrase {self.pattern!r}: {what}"
        raise PhraseError(message)


def length(sequence: Elements) -> tuple[int, int]:
    """Answer the fewest and the most words that a sequence stands for."""
    fewest = most = 0
    for element in sequence:
        if isinstance(element, Choice):
            lengths = [length(choice) for choice in element.sequences]
            fewest += min(low for low, _ in lengths)
            most += max(high for _, high in lengths)
        else:
            fewest += 1
            most += 1
    return fewest, most
