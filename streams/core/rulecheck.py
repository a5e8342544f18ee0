"""Checks a rule book: every rule and phrase can win, every example is its rule's.

A phrase that an earlier rule or an exception always beats is dead weight and hides
what a reader believes to be covered, so it is a fault like any other.
"""

from collections.abc import Iterator

from streams.core.classify import Classifier
from streams.core.failure import Phase
from streams.core.phrase import Choice, Elements, parse
from streams.core.phrasebook import MAX_GAP
from streams.core.reply import Reply
from streams.core.reply import parse as parse_reply
from streams.core.rule import Fault, Rule, RuleBook

MAX_SPELLINGS = 400
"""Spellings of a phrase that are tried before it is called dead."""

MAX_PLACES = 4000
"""Places in phrases that may be open at once, in the worst text there is."""

_FILLER = "somewhat"


def check(book: RuleBook, ids: frozenset[str] | None = None) -> list[Fault]:
    """Answer what is wrong with some rules, or with all."""
    classifier = Classifier(book)
    faults: list[Fault] = []
    for rule in book.rules:
        if ids is None or rule.id in ids:
            faults += _examples(classifier, rule)
            faults += _phrases(classifier, rule)
    return faults


def _examples(classifier: Classifier, rule: Rule) -> Iterator[Fault]:
    for example in rule.examples:
        reply = parse_reply(example, phase=_phase(rule))
        if reply.phase is None and rule.phases:
            reply = reply._replace(phase=_phase(rule))
        won = classifier.classify(reply, rule.role).rule
        if won != rule.id:
            yield Fault(rule.id, f"example {example!r} is classified by {won}")


def _phrases(classifier: Classifier, rule: Rule) -> Iterator[Fault]:
    for pattern in rule.say:
        winners: set[str] = set()
        for text in _spellings(pattern, classifier.rules):
            winners.add(_winner(classifier, rule, text))
            if rule.id in winners:
                break
        else:
            named = ", ".join(sorted(winners))
            yield Fault(rule.id, f"phrase {pattern!r} never wins: {named} does")
        if (places := _places(classifier.rules, pattern)) > MAX_PLACES:
            yield Fault(rule.id, f"phrase {pattern!r} is slow: {places} places open")


def _winner(classifier: Classifier, rule: Rule, text: str) -> str:
    also = next(
        (next(iter(_spellings(pattern, classifier.rules))) for pattern in rule.also),
        "",
    )
    code = next((c for c in rule.codes if "." not in c), "")
    enhanced = next((c for c in rule.codes if "." in c), "")
    reply = Reply(
        int(code.ljust(3, "0")) if code else None,
        enhanced + "5.0.0"[len(enhanced) :] if enhanced else None,
        f"{text} {also}" if also else text,
        _phase(rule),
        None,
    )
    return classifier.classify(reply, rule.role).rule


def _phase(rule: Rule) -> Phase | None:
    return min(rule.phases, default=None)


def _spellings(pattern: str, book: RuleBook) -> Iterator[str]:
    """Write out a phrase in many ways, the first alternatives first."""
    parts = parse(pattern, {n: frozenset(m) for n, m in book.sets.items()})
    gaps = (f" {_FILLER} ", f" {' '.join([_FILLER] * (MAX_GAP - 1))} ", " ")
    for number in range(MAX_SPELLINGS):
        texts = [_written(part, number) for part in parts]
        yield _between(gaps[number % len(gaps)].join(texts))


def _written(sequence: Elements, number: int) -> str:
    """Write out a part: each number picks other alternatives.

    The n-th element changes n times as fast as the first, so that alternatives meet
    in many combinations and not only in the last element.
    """
    words = []
    for place, element in enumerate(sequence):
        pick = number * (place + 1) + number // 7
        if isinstance(element, Choice):
            chosen = element.sequences[pick % len(element.sequences)]
            words.append(_written(chosen, pick // len(element.sequences)))
        else:
            members = sorted(element)
            words.append(members[pick % len(members)])
    return " ".join(word for word in words if word)


def _between(text: str) -> str:
    """Put the text between other words, unless it is the whole text."""
    if "^" in text or "$" in text:
        return text.replace("^", "").replace("$", "").strip()
    return f"{_FILLER} {text} {_FILLER}"


def _places(book: RuleBook, pattern: str) -> int:
    """Answer how many places in phrases are open in the worst text of its words."""
    words = next(iter(_spellings(pattern, book))).split()
    return book.phrases.most_places(words * 3)
