"""All phrases of a rule book as one automaton over words.

A text is looked at once, whatever the number of phrases: each step is one word,
and a state is made when it is first met. There is no backtracking: the work is one
look-up a word, whatever a server writes.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from streams.core.phrase import Choice, Elements, Sets, length, parse, words

MAX_GAP = 8
"""Words that `...` may stand for."""


Span = tuple[int, int]
"""Where a phrase was found: the first word, and the one after the last."""


class _Part(NamedTuple):
    """Words in a row that a phrase is made of, and how many they may be."""

    fewest: int
    most: int


class _Chain(NamedTuple):
    """A phrase of several parts, with words between them."""

    owner: int
    parts: tuple[int, ...]
    """Numbers of its parts, in their order."""


class _State:
    """A state of the automaton: the places in phrases that may go on here."""

    __slots__ = ("chains", "ends", "following", "nodes", "pieces", "whole")

    def __init__(self, nodes: frozenset[int]) -> None:
        self.nodes = nodes
        self.ends = False
        """Anything of what follows."""
        self.whole: tuple[tuple[int, int], ...] = ()
        """Owners of phrases that are complete here, and their fewest words."""
        self.pieces: tuple[int, ...] = ()
        """Parts that end here and that something may follow."""
        self.chains: tuple[_Chain, ...] = ()
        """Phrases of several parts whose last one ends here."""
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
        self._numbers: dict[Elements, int] = {}
        self._alone: dict[int, list[int]] = {}
        self._chains: dict[int, list[_Chain]] = {}
        self._followed: set[int] = set()
        self._vocabulary: set[str] = set()
        self._inside: dict[str, str] = {}
        self._states: dict[tuple[frozenset[int], frozenset[int]], _State] = {}
        self._start = _State(frozenset({_START}))

    def add(self, pattern: str, owner: int) -> None:
        """Add a phrase; `find` will answer `owner` where it is found.

        Raises:
            PhraseError: the pattern is not well-formed or names an unknown set.
        """
        numbers = [self._number(part) for part in parse(pattern, self._sets)]
        if len(numbers) == 1:
            self._alone.setdefault(numbers[0], []).append(owner)
        else:
            chain = _Chain(owner, tuple(numbers))
            self._chains.setdefault(numbers[-1], []).append(chain)
            self._followed.update(numbers[:-1])

    def _number(self, part: Elements) -> int:
        """Answer the number of a part, added when it is new."""
        known = self._numbers.get(part)
        if known is not None:
            return known
        number = self._numbers[part] = len(self._parts)
        self._parts.append(_Part(*length(part)))
        for node in self._lead([_START], part):
            self._ends[node] = (*self._ends.get(node, ()), number)
        return number

    def _lead(self, nodes: Sequence[int], sequence: Elements) -> Sequence[int]:
        """Add a sequence after some nodes; answer the nodes where it ends."""
        for element in sequence:
            if not isinstance(element, Choice):
                nodes = [self._step_to(nodes, element)]
                continue
            singles = frozenset[str]().union(
                *(_words_of(sequence) for sequence in element.sequences)
            )
            following = [self._step_to(nodes, singles)] if singles else []
            for choice in element.sequences:
                if not choice:
                    following += nodes
                elif not _words_of(choice):
                    following += self._lead(nodes, choice)
            nodes = list(dict.fromkeys(following))
        return nodes

    def _step_to(self, nodes: Sequence[int], choice: frozenset[str]) -> int:
        """Add one node, reached from some nodes by any of some words."""
        target = len(self._edges)
        self._edges.append({})
        self._vocabulary |= choice
        self._inside |= {word[1:-1]: word for word in choice if word.startswith("*")}
        for node in nodes:
            edges = self._edges[node]
            for word in choice:
                edges[word] = (*edges.get(word, ()), target)
        return target

    def find(self, text_words: Sequence[str]) -> dict[int, Span]:
        """Answer which owners have a phrase in the text, and where first.

        A span has at least the words that decided; an optional word before them
        may be left out.
        """
        found: dict[int, Span] = {}
        places: dict[int, list[int]] = {}
        for end, state in self._find_ends(text_words):
            for owner, fewest in state.whole:
                if owner not in found:
                    found[owner] = max(end - fewest, 0), end
            for number in state.pieces:
                if number in places:
                    places[number].append(end)
                else:
                    places[number] = [end]
            for owner, parts in state.chains:
                if owner not in found and parts[-2] in places:
                    start = self._start_of(parts, end, places)
                    if start is not None:
                        found[owner] = start, end
        return found

    def _find_ends(self, text_words: Sequence[str]) -> list[tuple[int, _State]]:
        """Run the automaton; answer after how many words it was in which states."""
        start, vocabulary = self._start, self._vocabulary
        state = start.following.get("^") or self._enter(start, "^")
        ends: list[tuple[int, _State]] = []
        for position, word in enumerate(text_words, start=1):
            following = state.following.get(word)
            if following is None:
                known = word if word in vocabulary else self._like(word)
                if known is None:
                    state = state if word == _ADDRESS_WORD else start
                    continue
                following = state.following.get(known) or self._enter(state, known)
            state = following
            if state.ends:
                ends.append((position, state))
        state = state.following.get("$") or self._enter(state, "$")
        if state.ends:
            ends.append((len(text_words), state))
        return ends[:_MAX_ENDS]

    def _like(self, word: str) -> str | None:
        """Answer what stands for words that have something inside, if this one has."""
        for part, known in self._inside.items():
            if part in word:
                return known
        return None

    def most_places(self, text_words: Sequence[str]) -> int:
        """Answer how many places in phrases are open at most while reading a text."""
        state, most = self._start, 1
        for word in text_words:
            state = (
                self._enter(state, word) if word in self._vocabulary else self._start
            )
            most = max(most, len(state.nodes))
        return most

    def _enter(self, state: _State, word: str) -> _State:
        """Answer the state after a word, made anew when it was never met."""
        if word == "$" and word not in self._vocabulary:
            return self._start
        nodes = {_START}
        for node in state.nodes:
            nodes.update(self._edges[node].get(word, ()))
        ends = frozenset(e for node in nodes for e in self._ends.get(node, ()))
        if word == _ADDRESS_WORD:
            nodes |= state.nodes
        key = frozenset(nodes), ends
        if len(self._states) > _MAX_STATES:
            self._states.clear()
            self._start.following.clear()
        known = self._states.get(key)
        if known is None:
            known = self._states[key] = self._state(*key)
        state.following[word] = known
        return known

    def _state(self, nodes: frozenset[int], ends: frozenset[int]) -> _State:
        """Make a state, with what ends in it."""
        state = _State(nodes)
        whole: dict[int, int] = {}
        for number in ends:
            for owner in self._alone.get(number, ()):
                whole[owner] = max(whole.get(owner, 0), self._parts[number].fewest)
        state.whole = tuple(whole.items())
        state.pieces = tuple(sorted(ends & self._followed))
        state.chains = tuple(
            chain for number in sorted(ends) for chain in self._chains.get(number, ())
        )
        state.ends = bool(ends)
        return state

    def _start_of(
        self, parts: Sequence[int], end: int, places: dict[int, list[int]]
    ) -> int | None:
        """Answer where the first of these parts starts when the last ends here.

        None when they do not follow each other near enough.
        """
        *before, last = parts
        fewest, most = self._parts[last]
        if not before:
            return max(end - fewest, 0)
        for place in places.get(before[-1], ()):
            if place <= end - fewest and end - most <= place + MAX_GAP:
                start = self._start_of(before, place, places)
                if start is not None:
                    return start
        return None


def _words_of(sequence: Elements) -> frozenset[str]:
    """Answer the words of a sequence of one word, none of any other."""
    if len(sequence) == 1 and not isinstance(sequence[0], Choice):
        return sequence[0]
    return frozenset()
