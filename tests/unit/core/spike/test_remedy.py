"""Words for many customers at once are not those for one address."""

import pytest

from streams.core.activity import Hop
from streams.core.advice import ADVICE
from streams.core.failure import FailureClass
from streams.core.spike.blame import NEVER, PAST_US
from streams.core.spike.incident import Scope
from streams.core.spike.remedy import remedy

COUNTED = sorted(set(FailureClass) - NEVER)
OF_US = sorted(set(COUNTED) - PAST_US)


@pytest.mark.parametrize("cause", OF_US)
def test_what_our_own_server_says_is_not_said_to_be_the_recipients(cause):
    told = remedy(cause, Scope.TENANT, Hop.SUBMISSION)
    assert "recipient" not in (told.summary + told.what_to_do).lower()


@pytest.mark.parametrize(
    "cause", [FailureClass.NETWORK_ERROR, FailureClass.DNS_FAILURE]
)
def test_what_breaks_wherever_mail_goes_is_looked_for_at_home(cause):
    for scope in (Scope.TENANT, Scope.PLATFORM):
        told = remedy(cause, scope, Hop.MX)
        assert " our " in told.summary
        assert "Wait" not in told.what_to_do
    assert " our " not in remedy(cause, Scope.PROVIDER, Hop.MX).summary


@pytest.mark.parametrize("cause", COUNTED)
@pytest.mark.parametrize("scope", Scope)
@pytest.mark.parametrize("hop", [*Hop, None])
def test_all_words_are_sentences(cause, scope, hop):
    told = remedy(cause, scope, hop)
    for words in told:
        assert words[:1].isupper()
        assert words.endswith(".")


def test_a_class_without_words_of_its_own_has_those_for_one_address():
    own = FailureClass.SUBMISSION_AUTH_FAILED
    assert remedy(own, Scope.TENANT, Hop.SUBMISSION) == ADVICE[own]
