"""A small topic that is known as a whole."""

import pytest

from streams.engine.bulletin import Bulletin


@pytest.fixture
def bulletin():
    one = Bulletin("mail.alerts.v1")
    one.apply(b"a", b"open", 10)
    one.apply(b"b", b"open", 20)
    return one


def test_the_newest_value_of_a_key_counts(bulletin):
    bulletin.apply(b"a", b"closed", 30)
    assert bulletin.get(b"a") == b"closed"
    assert sorted(bulletin.values()) == [b"closed", b"open"]
    assert dict(bulletin.items()) == {b"a": b"closed", b"b": b"open"}


def test_no_value_removes_the_key(bulletin):
    bulletin.apply(b"a", None, 30)
    assert bulletin.get(b"a") is None
    assert len(bulletin) == 1


def test_a_record_without_a_key_says_nothing_about_any(bulletin):
    bulletin.apply(None, b"x", 30)
    assert len(bulletin) == 2


def test_a_reader_sees_that_something_changed(bulletin):
    before = bulletin.revision
    bulletin.apply(b"a", b"open", 30)
    assert bulletin.revision > before
    assert bulletin.reached == 30


def test_values_that_need_not_be_kept_remove_their_key():
    bulletin = Bulletin("mail.alerts.v1", keep=lambda value: value != b"closed")
    bulletin.apply(b"a", b"open", 1)
    bulletin.apply(b"a", b"closed", 2)
    assert len(bulletin) == 0


def test_a_cleared_bulletin_is_empty_and_changed(bulletin):
    before = bulletin.revision
    bulletin.clear()
    assert len(bulletin) == 0
    assert bulletin.revision > before


def test_what_changed_is_taken_once(bulletin):
    assert list(bulletin.take_changed()) == [b"a", b"b"]
    assert list(bulletin.take_changed()) == []
    bulletin.apply(b"b", None, 30)
    assert list(bulletin.take_changed()) == [b"b"]


def test_forgetting_everything_changes_every_key(bulletin):
    bulletin.take_changed()
    bulletin.clear()
    bulletin.apply(b"b", b"open", 40)
    assert set(bulletin.take_changed()) == {b"a", b"b"}
