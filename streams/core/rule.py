"""Rules as data: what a reply must say, and which class it then has.

A rule is a set of phrases with the circumstances in which they count; a code rule
is an enhanced or reply code. Rules are tried in their order and the first that
applies wins. A rule book is built once from parsed documents and never changes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from streams.core.failure import FailureClass, PeerRole, Phase
from streams.core.phrase import PhraseError
from streams.core.phrasebook import Phrasebook
from streams.core.reply import VAGUE


class Rule(NamedTuple):
    """Phrases that make a class."""

    id: str
    failure_class: FailureClass
    say: tuple[str, ...]
    """Any of these phrases."""
    also: tuple[str, ...]
    """When there are any: one of these phrases as well, or in the peer's name."""
    unless: tuple[str, ...]
    """None of these phrases."""
    weak: bool
    """The words have several readings: a telling enhanced code beats them."""
    explicit: bool
    """The words are about the address itself, whoever else is named."""
    phases: frozenset[Phase]
    """When there are any: only in these phases."""
    role: PeerRole | None
    """Only in an answer of this peer."""
    codes: tuple[str, ...]
    """When there are any: only with a reply or enhanced code that starts so."""
    source: str
    examples: tuple[str, ...]


class CodeRule(NamedTuple):
    """A code that makes a class when no words do."""

    id: str
    failure_class: FailureClass
    code: str
    """`550`, `5.1.1`, or `x.1.1` for both class digits."""
    telling: bool
    """The code names one thing; a reply code alone and a vague one do not."""
    phases: frozenset[Phase]
    role: PeerRole | None
    source: str


class Fault(NamedTuple):
    """What is wrong with a rule document."""

    where: str
    what: str


@dataclass(frozen=True, slots=True)
class RuleBook:
    """All rules in order, and their phrases in one tree."""

    rules: tuple[Rule, ...]
    codes: Mapping[str, tuple[CodeRule, ...]]
    phrases: Phrasebook
    """A phrase's owner is its rule's number, or one below 0 that stands for it."""
    sets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def also_owner(number: int) -> int:
    """Answer the owner of the phrases that a rule needs as well."""
    return -2 * number - 1


def unless_owner(number: int) -> int:
    """Answer the owner of the phrases that keep a rule from winning."""
    return -2 * number - 2


_RULE_KEYS = {
    *("id", "class", "say", "also", "unless", "weak", "explicit", "phases", "role"),
    *("codes", "source", "examples"),
}
_CODE_KEYS = {"class", "codes", "phases", "role", "source"}


def build(
    documents: Sequence[tuple[str, Mapping[str, object]]],
) -> RuleBook | list[Fault]:
    """Answer the rule book of parsed documents, earlier ones first, or the faults.

    A document has `[words]` (named sets), `[[rule]]` and `[[code]]`. A rule of an
    earlier document replaces one of a later document with the same id.
    """
    faults: list[Fault] = []
    sets: dict[str, tuple[str, ...]] = {}
    rules: dict[str, Rule] = {}
    codes: dict[str, list[CodeRule]] = {}
    for name, document in documents:
        reader = _Reader(name, faults)
        reader.known(document, {"words", "rule", "code"}, name)
        for set_name, members in reader.table(document, "words").items():
            sets.setdefault(set_name, reader.texts({"words": members}, "words"))
        for entry in reader.tables(document, "rule"):
            if rule := reader.rule(entry):
                if rule.id in rules and rules[rule.id] in reader.own:
                    faults.append(Fault(f"{name}: {rule.id}", "the id is used twice"))
                rules.setdefault(rule.id, rule)
                reader.own.append(rule)
        for entry in reader.tables(document, "code"):
            for code_rule in reader.code(entry):
                codes.setdefault(code_rule.code, []).append(code_rule)
    book = _phrases(list(rules.values()), sets, faults)
    if faults:
        return faults
    return RuleBook(
        tuple(rules.values()),
        {code: tuple(entries) for code, entries in codes.items()},
        book,
        sets,
    )


def tables(document: Mapping[str, object]) -> list[Mapping[str, object]]:
    """Answer the rules of a document as they were written, well-formed or not."""
    entries = document.get("rule", [])
    listed = entries if isinstance(entries, list) else []
    return [entry for entry in listed if isinstance(entry, Mapping)]


def _phrases(
    rules: Sequence[Rule], sets: Mapping[str, tuple[str, ...]], faults: list[Fault]
) -> Phrasebook:
    book = Phrasebook(sets)
    for number, rule in enumerate(rules):
        for owner, patterns in (
            (number, rule.say),
            (also_owner(number), rule.also),
            (unless_owner(number), rule.unless),
        ):
            for pattern in patterns:
                try:
                    book.add(pattern, owner)
                except PhraseError as error:
                    faults.append(Fault(rule.id, str(error)))
    return book


class _Reader:
    """Reads one document, noting what is wrong instead of raising."""

    def __init__(self, name: str, faults: list[Fault]) -> None:
        self.name = name
        self.faults = faults
        self.own: list[Rule] = []

    def fault(self, where: str, what: str) -> None:
        self.faults.append(Fault(f"{self.name}: {where}", what))

    def known(self, entry: Mapping[str, object], keys: set[str], where: str) -> None:
        for key in entry.keys() - keys:
            self.fault(where, f"unknown key {key!r}")

    def table(self, entry: Mapping[str, object], key: str) -> Mapping[str, object]:
        value = entry.get(key, {})
        if isinstance(value, Mapping):
            return value
        self.fault(key, "must be a table")
        return {}

    def tables(
        self, entry: Mapping[str, object], key: str
    ) -> Iterable[Mapping[str, object]]:
        value = entry.get(key, [])
        if isinstance(value, list) and all(isinstance(v, Mapping) for v in value):
            return value
        self.fault(key, f"must be an array of tables, written [[{key}]]")
        return []

    def texts(self, entry: Mapping[str, object], key: str) -> tuple[str, ...]:
        value = entry.get(key, [])
        if isinstance(value, list) and all(isinstance(v, str) for v in value):
            return tuple(" ".join(text.split()) for text in value)
        self.fault(str(entry.get("id", key)), f"{key} must be a list of texts")
        return ()

    def flag(self, entry: Mapping[str, object], key: str) -> bool:
        value = entry.get(key, False)
        if isinstance(value, bool):
            return value
        self.fault(str(entry.get("id", key)), f"{key} must be true or false")
        return False

    def failure_class(self, entry: Mapping[str, object], where: str) -> FailureClass:
        try:
            return FailureClass(str(entry.get("class")))
        except ValueError:
            self.fault(where, f"no such class {entry.get('class')!r}")
            return FailureClass.UNKNOWN

    def phases(self, entry: Mapping[str, object], where: str) -> frozenset[Phase]:
        texts = self.texts(entry, "phases")
        for text in set(texts) - set(Phase):
            self.fault(where, f"no such phase {text!r}")
        return frozenset(Phase(text) for text in texts if text in set(Phase))

    def role(self, entry: Mapping[str, object], where: str) -> PeerRole | None:
        text = entry.get("role")
        if text is None or text in set(PeerRole):
            return PeerRole(str(text)) if text else None
        self.fault(where, f"no such role {text!r}")
        return None

    def rule(self, entry: Mapping[str, object]) -> Rule | None:
        identity = entry.get("id")
        if not isinstance(identity, str) or not identity:
            self.fault("rule", "has no id")
            return None
        self.known(entry, _RULE_KEYS, identity)
        rule = Rule(
            id=identity,
            failure_class=self.failure_class(entry, identity),
            say=self.texts(entry, "say"),
            also=self.texts(entry, "also"),
            unless=self.texts(entry, "unless"),
            weak=self.flag(entry, "weak"),
            explicit=self.flag(entry, "explicit"),
            phases=self.phases(entry, identity),
            role=self.role(entry, identity),
            codes=self.texts(entry, "codes"),
            source=" ".join(str(entry.get("source", "")).split()),
            examples=self.texts(entry, "examples"),
        )
        for key in ("say", "source", "examples"):
            if not entry.get(key):
                self.fault(identity, f"has no {key}")
        return rule

    def code(self, entry: Mapping[str, object]) -> Iterable[CodeRule]:
        texts = self.texts(entry, "codes")
        where = f"code {' '.join(texts)}"
        self.known(entry, _CODE_KEYS, where)
        if not texts or not entry.get("source"):
            self.fault(where, "needs codes and a source")
        failure_class = self.failure_class(entry, where)
        phases, role = self.phases(entry, where), self.role(entry, where)
        for text in texts:
            yield CodeRule(
                id=f"code.{text}",
                failure_class=failure_class,
                code=text,
                telling="." in text and text.replace("x", "5") not in VAGUE,
                phases=phases,
                role=role,
                source=str(entry.get("source", "")),
            )
