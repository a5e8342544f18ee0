"""Rules are data, and data can be wrong."""

import pytest

from streams.core import rule, rulecheck
from streams.core.advice import ADVICE
from streams.core.classify import Classifier
from streams.core.failure import TRAITS, FailureClass
from streams.core.reply import parse
from streams.errors import ConfigurationError
from streams.wire import rulebook

OURS = """
[[rule]]
id = "ours.crocodile"
class = "policy_rejected"
say = ["user unknown to the crocodile"]
source = "our own gateway"
examples = ["550 5.1.1 user unknown to the crocodile"]
"""


@pytest.fixture
def write(tmp_path):
    def write(text, name="ours.toml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def faults(text, write):
    with pytest.raises(ConfigurationError) as caught:
        rulebook.load([write(text)])
    return str(caught.value)


def test_the_built_in_rules_are_in_order():
    assert rulecheck.check(rulebook.load()) == []


def test_every_class_but_unknown_can_be_reached():
    book = rulebook.load()
    reached = {r.failure_class for r in book.rules}
    reached |= {r.failure_class for rules in book.codes.values() for r in rules}
    made_of_others = {FailureClass.SUBMISSION_CONNECT_FAILED, FailureClass.UNKNOWN}
    assert set(FailureClass) - reached == made_of_others


def test_every_class_has_advice_without_an_address():
    assert set(ADVICE) == set(TRAITS) == set(FailureClass)
    for advice in ADVICE.values():
        assert all(sentence.endswith(".") for sentence in advice)
        assert not any("@" in s.replace("after the @", "") for s in advice)


def test_rules_of_ones_own_go_before_the_built_in_ones(write):
    classifier = Classifier(rulebook.load([write(OURS)]))
    verdict = classifier.classify(parse("550 user unknown to the crocodile"))
    assert verdict.rule == "ours.crocodile"
    assert classifier.classify(parse("550 user unknown")).rule == "recipient.unknown"


def test_a_rule_of_ones_own_replaces_the_built_in_one_of_that_id(write):
    text = OURS.replace("ours.crocodile", "recipient.unknown")
    classifier = Classifier(rulebook.load([write(text)]))
    assert classifier.classify(parse("550 no such user")).rule != "recipient.unknown"


def test_two_rules_of_one_file_may_not_share_an_id(write):
    assert "used twice" in faults(OURS + OURS, write)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (('class = "policy_rejected"', 'class = "sad"'), "no such class"),
        (("say = [", "says = ["), "unknown key 'says'"),
        (("say = [", 'phases = ["lunch"]\nsay = ['), "no such phase"),
        (("say = [", 'role = "boss"\nsay = ['), "no such role"),
        (("say = [", "weak = 1\nsay = ["), "must be true or false"),
        (('source = "our own gateway"', ""), "has no source"),
        (('crocodile"]\nsource', '(crocodile"]\nsource'), "brackets do not match"),
        (('the crocodile"]\nsource', '[zoo]"]\nsource'), "no set of words [zoo]"),
        (("[[rule]]", "[rule]"), "[[rule]]"),
        (("[[rule]]", "[[rule"), "is not TOML"),
        (("[[rule]]", "[[rule]]\nx = " + "[" * 2000), "nested too deeply"),
        (("id = ", "# id = "), "has no id"),
    ],
)
def test_a_mistake_in_a_rule_file_is_told_with_its_place(write, change, told):
    message = faults(OURS.replace(*change), write)
    assert told in message
    assert "ours.toml" in message or "ours.crocodile" in message


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ConfigurationError, match=r"gone\.toml"):
        rulebook.load([tmp_path / "gone.toml"])


def checked(text):
    documents = [("ours.toml", __import__("tomllib").loads(text))]
    book = rule.build([*documents, *rulebook.built_in()])
    assert isinstance(book, rule.RuleBook)
    return [f.what for f in rulecheck.check(book, frozenset({"ours.crocodile"}))]


def test_the_check_finds_an_example_that_another_rule_takes():
    text = OURS.replace('examples = ["550 5.1.1', 'examples = ["550 nothing", "550')
    assert any("is classified by none" in what for what in checked(text))


def test_the_check_finds_a_phrase_that_can_never_win():
    text = OURS.replace(
        "say = [", 'unless = ["gone fishing"]\nsay = ["is gone fishing",'
    )
    assert any("never wins" in what for what in checked(text))


def test_the_check_is_content_with_a_good_rule():
    assert checked(OURS) == []
