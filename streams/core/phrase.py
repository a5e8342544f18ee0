"""Phrases over words: how rules say what a reply must contain.

A text becomes a list of plain words once, and all phrases of a rule book are
looked for in one pass over them: an automaton whose step is one word, with its
states made when they are first met. There is no backtracking: the work is one
look-up a word, whatever a server writes.

The language of phrases is smaller than regular expressions on purpose:

- `user unknown`: these words in a row. Case, accents, punctuation, apostrophes
  and hyphens do not count. An address is the word `@`, which a phrase may name
  or leave out.
- `(is|was|) full`: one of these; an empty one makes it optional.
- `exceed(s|ed)`: endings.
- `[user] unknown`: any word of the set `user`.
- `domain ... expired`: up to eight words between.
- `^rejected$`: the whole text.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple
from unicodedata import normalize

MAX_WORDS = 1500
"""Words of a text that are looked at."""

MAX_GAP = 8
"""Words that `...` may stand for."""

MAX_LENGTH = 20
"""Words a part of a phrase may have."""

_ADDRESS = re.compile(r"[^\s<>\"'(),;:\[\]=|@]{1,64}@[^\s<>\"'(),;:\[\]|@]{1,255}")
_CJK = re.compile(r"([\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7ff\uf900-\ufaff])")
_DROPPED = dict.fromkeys(map(ord, "'\u2018\u2019\u02bc`-\u2010\u2011\u00ad"))
_SPACED = {n: " " for n in range(128) if not chr(n).isalnum() and chr(n) not in "'`-@"}
_TABLE: dict[int, str | None] = {**_SPACED, **_DROPPED}
_COMBINING = re.compile(r"[\u0300-\u036f]")
_NOT_WORD = re.compile(r"[^\w@ ]+")


def words(text: str) -> list[str]:
    """Answer the words of a text, at most `MAX_WORDS`, addresses as `@`."""
    if "@" in text:
        text = _ADDRESS.sub(" @ ", text)
    lower = text.lower()
    if not lower.isascii():
        lower = _COMBINING.sub("", normalize("NFKD", lower))
        lower = _NOT_WORD.sub(" ", lower.translate(_DROPPED))
        lower = _CJK.sub(r" \1 ", lower)
    found = lower.translate(_TABLE).split()
    if "@" in lower:
        found = [word for word, _ in groupby(found) if word.strip("@") or word == "@"]
    return found if len(found) <= MAX_WORDS else found[:MAX_WORDS]


class PhraseError(ValueError):
    """A phrase that is not well-formed; the message says what is wrong."""


Sets = Mapping[str, frozenset[str]]

Elements = tuple["frozenset[str] | Choice", ...]


class Choice(NamedTuple):
    """One of several sequences; an empty one makes it optional."""

    sequences: tuple[Elements, ...]


_ENDINGS = re.compile(r"(\w+)\(([\w|]*)\)(?=[\s|)]|$)")
_TOKEN = re.compile(r"\[\w*\]|[()|^$]|\.\.\.|[^\s()|\[\]^$]+")


def parse(pattern: str, sets: Sets) -> list[Elements]:
    """Answer the parts of a phrase, in the order in which they must follow.

    Raises:
        PhraseError: the pattern is not well-formed or names an unknown set.
    """
    written_out = _ENDINGS.sub(_endings, pattern)
    tokens = _TOKEN.findall(written_out)
    if "".join(tokens) != "".join(written_out.split()):
        message = f"phrase {pattern!r}: brackets do not match"
        raise PhraseError(message)
    parts = []
    for gap, group in groupby(tokens, lambda token: token == "..."):
        if not gap:
            part = _Parser(list(group), sets, pattern).sequence()
            parts.append(part)
    if not parts or tokens[0] == "..." or tokens[-1] == "...":
        message = f"phrase {pattern!r}: a part has no words"
        raise PhraseError(message)
    for part in parts:
        shortest, longest = length(part)
        if not shortest or longest > MAX_LENGTH:
            message = f"phrase {pattern!r}: a part must have 1 to {MAX_LENGTH} words"
            raise PhraseError(message)
    return parts


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
            if token == "(":
                elements.append(self._choice())
            elif token.startswith("["):
                elements.append(self._set(token[1:-1]))
            elif token in {"^", "$"}:
                elements.append(frozenset({token}))
            else:
                elements += (frozenset({word}) for word in words(token))
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


class Span(NamedTuple):
    """Where a phrase was found: words `start` up to, not including, `end`."""

    start: int
    end: int


class _Part(NamedTuple):
    """A part of a phrase, and how many words it may be long."""

    owner: int
    before: tuple[int, ...]
    """Numbers of the parts that must stand before it."""
    last: bool
    fewest: int
    most: int


class _State:
    """A state of the automaton: the places in phrases that may go on here."""

    __slots__ = ("ends", "following", "nodes")

    def __init__(self, nodes: frozenset[int], ends: tuple[int, ...]) -> None:
        self.nodes = nodes
        self.ends = ends
        self.following: dict[str, _State] = {}


_ADDRESS_WORD = "@"
_START = 0
_MAX_ENDS = 256
"""Places at which parts of phrases are remembered; a reply is short."""
_MAX_STATES = 20_000
"""States that are kept; ordinary mail needs a few hundred."""


class Phrasebook:
    """All phrases of a rule book as one automaton over words."""

    def __init__(self, sets: Mapping[str, Iterable[str]]) -> None:
        """Start an empty book with the named sets of words."""
        self._sets: Sets = {
            name: frozenset(word for member in members for word in words(member))
            for name, members in sets.items()
        }
        self._edges: list[dict[str, tuple[int, ...]]] = [{}]
        self._ends: dict[int, tuple[int, ...]] = {}
        self._parts: list[_Part] = []
        self._vocabulary: set[str] = set()
        self._states: dict[frozenset[int], _State] = {}
        self._start = _State(frozenset({_START}), ())

    def add(self, pattern: str, owner: int) -> None:
        """Add a phrase; `find` will answer `owner` where it is found.

        Raises:
            PhraseError: the pattern is not well-formed or names an unknown set.
        """
        parts = parse(pattern, self._sets)
        numbers = range(len(self._parts), len(self._parts) + len(parts))
        for number, part in zip(numbers, parts, strict=True):
            fewest, most = length(part)
            before = tuple(range(numbers[0], number))
            self._parts.append(
                _Part(owner, before, number == numbers[-1], fewest, most)
            )
            for node in self._lead([_START], part):
                self._ends[node] = (*self._ends.get(node, ()), number)

    def _lead(self, nodes: Sequence[int], sequence: Elements) -> Sequence[int]:
        """Add a sequence after some nodes; answer the nodes where it ends."""
        for element in sequence:
            if not isinstance(element, Choice):
                nodes = [self._step_to(nodes, element)]
                continue
            singles = frozenset[str]().union(
                *(s[0] for s in element.sequences if len(s) == 1 and _is_words(s[0]))
            )
            following = [self._step_to(nodes, singles)] if singles else []
            for choice in element.sequences:
                if not choice:
                    following += nodes
                elif len(choice) > 1 or not _is_words(choice[0]):
                    following += self._lead(nodes, choice)
            nodes = list(dict.fromkeys(following))
        return nodes

    def _step_to(self, nodes: Sequence[int], choice: frozenset[str]) -> int:
        """Add one node, reached from some nodes by any of some words."""
        target = len(self._edges)
        self._edges.append({})
        self._vocabulary |= choice
        for node in nodes:
            edges = self._edges[node]
            for word in choice:
                edges[word] = (*edges.get(word, ()), target)
        return target

    def find(self, text_words: Sequence[str]) -> dict[int, Span]:
        """Answer which owners have a phrase in the text, and where first."""
        ends = self._find_ends(text_words)
        found: dict[int, Span] = {}
        places: dict[int, list[int]] = {}
        for end, numbers in ends:
            for number in numbers:
                part = self._parts[number]
                if not part.last or part.before:
                    places.setdefault(number, []).append(end)
                if part.last and part.owner not in found:
                    if part.before and not self._follows(number, end, places):
                        continue
                    found[part.owner] = Span(max(end - part.fewest, 0), end)
        return found

    def _find_ends(self, text_words: Sequence[str]) -> list[tuple[int, tuple[int, ...]]]:
        """Run the automaton; answer after how many words which parts end."""
        start, vocabulary = self._start, self._vocabulary
        state = start.following.get("^") or self._enter(start, "^")
        ends: list[tuple[int, tuple[int, ...]]] = []
        position = 0
        for word in text_words:
            position += 1
            if word in vocabulary:
                state = state.following.get(word) or self._enter(state, word)
                if state.ends:
                    ends.append((position, state.ends))
            elif word != _ADDRESS_WORD:
                state = start
        state = state.following.get("$") or self._enter(state, "$")
        if state.ends:
            ends.append((position, state.ends))
        return ends[:_MAX_ENDS]

    def _enter(self, state: _State, word: str) -> _State:
        """Answer the state after a word, made anew when it was never met."""
        if word == "$" and word not in self._vocabulary:
            return self._start
        nodes = {_START}
        for node in state.nodes:
            nodes.update(self._edges[node].get(word, ()))
        ends = tuple(sorted(e for node in nodes for e in self._ends.get(node, ())))
        if word == _ADDRESS_WORD:
            nodes |= state.nodes
        key = frozenset(nodes)
        if len(self._states) > _MAX_STATES:
            self._states.clear()
            self._start.following.clear()
        known = self._states.get(key)
        if known is None or known.ends != ends:
            known = _State(key, ends)
            self._states.setdefault(key, known)
        state.following[word] = known
        return known

    def _follows(self, number: int, end: int, places: dict[int, list[int]]) -> bool:
        """Say whether the parts before this one stand before it, near enough."""
        part = self._parts[number]
        if not part.before:
            return True
        before = part.before[-1]
        return any(
            place <= end - part.fewest
            and end - part.most <= place + MAX_GAP
            and self._follows(before, place, places)
            for place in places.get(before, ())
        )


def _is_words(element: frozenset[str] | Choice) -> bool:
    return not isinstance(element, Choice)
