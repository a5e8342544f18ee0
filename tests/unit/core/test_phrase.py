"""The language of phrases, and the automaton that finds them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.phrase import MAX_WORDS, PhraseError, parse, words
from streams.core.phrasebook import MAX_GAP, Phrasebook


def found(pattern, text, **sets):
    book = Phrasebook(sets)
    book.add(pattern, 7)
    return book.find(words(text)).get(7)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("User UNKNOWN!", ["user", "unknown"]),
        ("doesn't exist", ["doesnt", "exist"]),
        ("doesn\u2019t", ["doesnt"]),
        ("e-mail over-quota", ["email", "over", "quota"]),
        ("OFR_417 [417]", ["ofr", "417", "417"]),
        ("<a.b@example.com>: no", ["@", "no"]),
        ("a@example.com, b@example.com: no", ["@", "no"]),
        ("Bo\u00eete rejet\u00e9e", ["boite", "rejetee"]),
        ("\u7528\u6237\u4e0d\u5b58\u5728", list("\u7528\u6237\u4e0d\u5b58\u5728")),
        ("", []),
    ],
)
def test_a_text_becomes_plain_words(text, expected):
    assert words(text) == expected


def test_no_more_words_are_looked_at_than_a_reply_can_need():
    assert len(words("word " * 10_000)) == MAX_WORDS


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("user unknown", "550 User unknown in table"),
        ("user (is|was|) unknown", "user unknown"),
        ("user (is|was|) unknown", "user was unknown"),
        ("(no such|unknown) user", "there is no such user"),
        ("exceed(s|ed) quota", "exceeded quota"),
        ("(a (b|c) d|e)", "x a c d"),
        ("domain ... expired", "domain one two three expired"),
        ("domain ... expired", "domain expired"),
        ("a ... b ... c", "a 1 b 2 c"),
        ("^rejected$", "Rejected."),
        ("*spam*", "rejected by bbSpamReject"),
        ("no *spam*", "no AntiSpam here"),
        ("user unknown", "user <a@example.com> unknown"),
        ("@ unknown", "<a@example.com> unknown"),
        ("unknown @", "unknown a@example.com"),
    ],
)
def test_a_phrase_is_found(pattern, text):
    assert found(pattern, text) is not None


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("user unknown", "unknown user"),
        ("user unknown", "user is unknown"),
        ("user unknown", "useless unknown"),
        ("user (is|was) unknown", "user unknown"),
        ("domain ... expired", "expired domain"),
        ("domain ... expired", "domain " + "x " * (MAX_GAP + 1) + "expired"),
        ("^rejected$", "rejected by policy"),
        ("*spam*", "space"),
        ("@ unknown", "user unknown"),
    ],
)
def test_a_phrase_is_not_found_in_something_else(pattern, text):
    assert found(pattern, text) is None


def test_a_set_stands_for_any_of_its_words():
    sets = {"user": ["user", "mailbox"]}
    assert found("[user] unknown", "mailbox unknown", **sets) is not None
    assert found("[user] unknown", "box unknown", **sets) is None


def test_the_place_of_the_first_find_is_told():
    assert found("user unknown", "the user unknown, user unknown") == (1, 3)


@pytest.mark.parametrize(
    "pattern",
    [
        *("", "...", "a ...", "... a", "(a", "a)", "a|b", "[nobody] x", "(|)"),
        *("un(e|)able", "unroute?able", "desconocid(o |a)"),
        " ".join("abcdefghijklmnopqrstuvw"),
    ],
)
def test_what_is_no_phrase_is_refused(pattern):
    with pytest.raises(PhraseError):
        parse(pattern, {})


def test_a_word_that_a_phrase_names_is_that_word_and_no_other():
    book = Phrasebook({})
    book.add("*spam*", 1)
    book.add("spamhaus", 2)
    assert set(book.find(["spamhaus"])) == {2}
    assert set(book.find(["spamfilter"])) == {1}


def test_words_of_one_phrase_do_not_hide_another():
    book = Phrasebook({})
    for owner, pattern in enumerate(("user unknown here", "unknown here", "here now")):
        book.add(pattern, owner)
    assert set(book.find(words("user unknown here now"))) == {0, 1, 2}
    assert set(book.find(words("user user unknown here"))) == {0, 1}


_WORD = st.sampled_from(["a", "b", "c", "d", "zz"])


@given(
    st.lists(st.lists(_WORD, min_size=1, max_size=3), min_size=1, max_size=4),
    st.lists(_WORD, max_size=12),
)
def test_phrases_are_found_exactly_where_they_stand(phrases, text):
    book = Phrasebook({})
    for owner, phrase in enumerate(phrases):
        book.add(" ".join(phrase), owner)
    expected = {
        owner
        for owner, phrase in enumerate(phrases)
        if any(text[n : n + len(phrase)] == phrase for n in range(len(text)))
    }
    assert set(book.find(text)) == expected
    assert set(book.find(text)) == expected
