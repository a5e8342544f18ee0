"""The classes of failures and their rules, as a page for people.

Made from the vocabulary, the advice and the rules, so that it cannot say anything
else than they do.
"""

from collections.abc import Iterator

from streams.core.advice import ADVICE
from streams.core.failure import TRAITS, AddressPolicy, FailureClass, Side
from streams.core.rule import RuleBook

_HEAD = """\
<!-- Made by `mailflag rules classes > docs/classes.md`; do not edit. -->
# What each class means

A reply or a report is given one class. The class says whose fault the failure is (its
side) and what follows for the address. A 4.x.x answer never speaks against an address
at once.
"""
_SIDES = {
    Side.RECIPIENT: "The recipient's side: the address, the mailbox or its owner.",
    Side.SENDER_CONFIG: "The sender's own set-up.",
    Side.REPUTATION_POLICY: "Reputation and policy: who sends is not trusted.",
    Side.CONTENT: "This message.",
    Side.TRANSIENT: "The way there, and broken servers: nobody's fault for long.",
    Side.UNKNOWN: "Not known.",
}


def page(book: RuleBook) -> str:
    """Answer the page, in Markdown."""
    return "\n".join(_lines(book)) + "\n"


def _lines(book: RuleBook) -> Iterator[str]:
    yield _HEAD
    for side, about in _SIDES.items():
        yield f"## {side.value}\n\n{about}\n"
        for failure_class, traits in TRAITS.items():
            if traits.side is side:
                yield from _class(book, failure_class)


def _class(book: RuleBook, failure_class: FailureClass) -> Iterator[str]:
    advice = ADVICE[failure_class]
    yield f"### {failure_class.value}\n"
    yield f"{advice.summary}\n"
    yield f"- **Where to check:** {advice.where_to_check}"
    yield f"- **What to do:** {advice.what_to_do}"
    yield f"- **For the address:** {_policy(failure_class)}"
    codes = [code for code, rules in book.codes.items() if _makes(rules, failure_class)]
    if codes:
        yield f"- **Codes, when the words say nothing:** {', '.join(sorted(codes))}"
    rules = [rule for rule in book.rules if rule.failure_class is failure_class]
    if rules:
        yield f"- **Rules:** {', '.join(f'`{rule.id}`' for rule in rules)}"
        yield "\nFor example:\n\n```text"
        for rule in rules:
            yield from rule.examples[:2]
        yield "```"
    yield ""


def _makes(rules: object, failure_class: FailureClass) -> bool:
    return isinstance(rules, tuple) and any(
        rule.failure_class is failure_class for rule in rules
    )


def _policy(failure_class: FailureClass) -> str:
    traits = TRAITS[failure_class]
    match traits.address_policy:
        case AddressPolicy.IMMEDIATE:
            return (
                "bad at the first permanent failure; after"
                f" {traits.after_transient} temporary ones in a row."
            )
        case AddressPolicy.AFTER_N:
            return (
                f"bad after {traits.after_permanent} permanent or"
                f" {traits.after_transient} temporary failures in a row."
            )
        case AddressPolicy.NEVER:
            return "nothing, however often it happens."
