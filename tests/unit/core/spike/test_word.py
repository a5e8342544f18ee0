"""What a batch tells the roll-up: sums where they will do, tenants in trouble."""

from streams.core.activity import MINUTE, Activity, Hop
from streams.core.instant import Instant
from streams.core.spike.word import Digest, Word

NOW = Instant(1_790_000_040_000)


def mail(count, provider="google"):
    activity = Activity()
    for _ in range(count):
        activity.accept(NOW, NOW, provider, Hop.MX)
    return activity


def test_good_mail_of_all_tenants_is_one_sum():
    digest = Digest()
    for n in range(100):
        digest.add(Word(f"t-{n}"), mail(2))
    minute = NOW // MINUTE * MINUTE
    assert digest.pooled == {(minute, "google"): [200, 0]}
    assert digest.words == []


def test_a_tenant_that_says_nothing_is_only_counted():
    digest = Digest()
    digest.add(Word("t-1", greets=True), None)
    digest.add(Word("t-2", greets=False), None)
    assert digest.greetings == 1
    assert digest.words == []
    assert not digest.empty


def test_a_tenant_whose_incident_goes_on_is_named():
    word = Word("t-1", heard=["k-1"])
    digest = Digest()
    digest.add(word, None)
    assert digest.words == [word]


def test_nothing_is_empty():
    digest = Digest()
    digest.add(Word("t-1"), Activity())
    assert digest.empty
