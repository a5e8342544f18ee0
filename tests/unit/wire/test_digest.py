"""What one partition's tenants tell is read as it was written."""

from streams.core.activity import Failed, Hop, Weighed
from streams.core.failure import FailureClass
from streams.core.instant import Instant
from streams.core.sample import Sample
from streams.core.spike.word import Digest, Origin, Word
from streams.wire import digest

NOON = Instant(1_790_000_040_000)
SAID = Sample(
    NOON, 550, "5.7.1", "Blocked", "mx.example.com", "app1.example.net", "invoice"
)


def word(**more):
    failed = Failed(NOON, Hop.MX, "example.com", FailureClass.SENDER_BLOCKED, 7)
    return Word("t-1", failed={failed: Weighed(1.0, 2, 30, "other.test")}, **more)


def test_a_word_with_a_servers_answer_comes_back_whole():
    told = Digest([word(samples={"example.com": SAID})], origin=Origin(3, 14))
    read = digest.decode(digest.encode(told))
    (heard,), (said,) = read.words, told.words
    assert (heard.failed, heard.samples) == (said.failed, said.samples)
    assert read.origin == told.origin


def test_a_word_of_a_worker_that_tells_no_answers_has_none():
    value = digest.encode(Digest([word()]))
    assert b"samples" not in value
    assert digest.decode(value).words[0].samples == {}
