"""What one batch adds to a tenant's activity."""

from hypothesis import given
from hypothesis import strategies as st

from streams.core.activity import (
    MINUTE,
    Activity,
    Contradiction,
    Failed,
    Hop,
    Trial,
    Weighed,
    customer_hash,
    hop,
)
from streams.core.failure import FailureClass, PeerRole, Phase, Side
from streams.core.instant import Instant
from streams.core.sample import without_addresses

NOON = Instant(1_767_268_800_000)
DAY = 24 * 60 * MINUTE


def trial(**changes):
    given_ = Trial(
        arrived_at=NOON,
        at=NOON,
        tried_at=NOON,
        customer="c-1",
        provider="google",
        hop=Hop.MX,
        reported=False,
        attempt=1,
        final=True,
        failure_class=FailureClass.SENDER_BLOCKED,
        known=True,
        counted=None,
        code=550,
        enhanced="5.7.1",
        text="550 5.7.1 blocked",
        peer="mx.example.net",
    )
    return given_._replace(**changes)


def after(*trials):
    activity = Activity()
    for each in trials:
        activity.add(each)
    return activity


def weights(activity):
    return [w.weight for w in activity.failed.values()]


def test_an_accepted_mail_passed_our_hop_and_was_taken_where_the_250_came_from():
    activity = Activity()
    activity.accept(NOON, NOON, "google", Hop.MX)
    activity.accept(NOON, NOON, "google", Hop.SUBMISSION)
    assert activity.passed == {(NOON, "google"): [2, 1, 1]}
    assert activity.outcomes == 2


def test_a_mail_counts_in_the_minute_in_which_it_was_tried():
    tried = Instant(NOON - 3 * MINUTE + 59_999)
    activity = after(trial(tried_at=tried, reported=True))
    assert [key.minute for key in activity.failed] == [NOON - 3 * MINUTE]


def test_no_clock_is_believed_beyond_arrival():
    month = Instant(NOON + 30 * DAY)
    activity = after(trial(tried_at=month, at=month))
    activity.accept(NOON, month, "google", Hop.MX)
    assert [key.minute for key in activity.failed] == [NOON]
    assert list(activity.passed) == [(NOON, "google")]


def test_the_least_lag_of_attempts_is_known_and_reports_have_none():
    late, later = Instant(NOON - MINUTE), Instant(NOON - 30 * DAY)
    assert after(trial(reported=True, tried_at=late)).lag is None
    activity = after(trial(tried_at=later))
    assert activity.lag == 30 * DAY
    activity.accept(NOON, late, "google", Hop.MX)
    assert activity.lag == MINUTE
    activity.merge(after(trial(reported=True)))
    assert activity.lag == MINUTE
    activity.merge(after(trial(tried_at=Instant(NOON + DAY))))
    assert activity.lag == 0


def test_a_customer_counts_once_however_many_retries_fail():
    activity = after(trial(), trial(attempt=2), trial(attempt=3))
    key = Failed(
        NOON, Hop.MX, "google", FailureClass.SENDER_BLOCKED, customer_hash("c-1")
    )
    assert activity.failed == {key: Weighed(1.0, 3, 0)}


def test_a_report_takes_the_250_back_where_it_was_counted():
    activity = Activity()
    activity.accept(NOON, NOON, "google", Hop.SUBMISSION)
    activity.add(trial(reported=True, counted=Hop.SUBMISSION))
    assert activity.passed == {(NOON, "google"): [1, 0, 0]}


def test_a_failure_behind_our_hop_passed_our_hop():
    assert after(trial()).passed == {(NOON, "google"): [1, 0, 0]}


def test_a_failure_at_our_hop_is_no_trial_of_what_lies_behind():
    refused = trial(
        hop=Hop.SUBMISSION, failure_class=FailureClass.SUBMISSION_AUTH_FAILED
    )
    activity = after(refused)
    assert activity.passed == {}
    assert [key.hop for key in activity.failed] == [Hop.SUBMISSION]


def test_a_relay_that_knows_the_recipient_is_wrong_works_itself():
    unknown = trial(hop=Hop.SUBMISSION, failure_class=FailureClass.BAD_MAILBOX)
    assert after(unknown).passed == {(NOON, "google"): [1, 0, 0]}


def test_a_reports_failure_is_behind_our_hop_whoever_sent_it():
    activity = after(trial(reported=True, hop=Hop.SUBMISSION))
    assert [key.hop for key in activity.failed] == [Hop.MX]


def test_an_address_that_never_worked_says_nothing_about_us():
    bad = trial(failure_class=FailureClass.BAD_MAILBOX, known=False)
    assert after(bad).failed == {}
    assert weights(after(bad._replace(known=True))) == [1.0]


def test_a_sender_side_failure_counts_at_an_unknown_address_too():
    assert weights(after(trial(known=False))) == [1.0]


def test_full_mailboxes_and_greylisting_are_never_counted():
    never = (FailureClass.MAILBOX_FULL, FailureClass.GREYLISTED)
    assert after(*(trial(failure_class=c) for c in never)).failed == {}


def test_a_first_deferral_by_another_server_is_greylisting_whatever_it_says():
    for kind in (FailureClass.RATE_LIMITED, FailureClass.SENDER_BLOCKED):
        deferred = trial(final=False, failure_class=kind)
        assert weights(after(deferred)) == []
        assert weights(after(deferred._replace(attempt=2))) == [1.0]


def test_a_first_deferral_at_our_own_hop_counts_by_half():
    refused = FailureClass.SUBMISSION_AUTH_FAILED
    deferred = trial(final=False, failure_class=refused, hop=Hop.SUBMISSION)
    assert weights(after(deferred)) == [0.5]
    assert weights(after(deferred._replace(attempt=2))) == [1.0]
    vague = deferred._replace(failure_class=FailureClass.RATE_LIMITED)
    assert weights(after(vague)) == []


def test_a_connection_that_fails_counts_at_once():
    deferred = trial(final=False, failure_class=FailureClass.TLS_FAILED)
    assert weights(after(deferred)) == [1.0]


def test_a_report_that_mail_is_delayed_counts_for_a_reason_of_ours():
    delayed = trial(final=False, reported=True)
    assert weights(after(delayed)) == [0.5]
    vague = delayed._replace(failure_class=FailureClass.RATE_LIMITED)
    assert weights(after(vague)) == []


def test_a_report_tells_how_long_it_took():
    said = Instant(NOON + 90_500)
    late = trial(arrived_at=said, at=said, reported=True)
    assert [w.lag for w in after(late).failed.values()] == [90]


def test_a_sample_shows_no_address():
    sample = after(trial(text="550 <jo@example.com>: unknown")).samples
    assert [s.text for kept in sample.values() for s in kept] == [
        "550 <address>: unknown"
    ]
    assert without_addresses("for a.b@example.com, c@example.net") == (
        "for <address> <address>"
    )


def test_the_first_three_samples_of_a_kind_are_kept():
    activity = after(*(trial(at=Instant(NOON - n), text=f"{n}") for n in range(9)))
    assert [s.text for kept in activity.samples.values() for s in kept] == [
        "8",
        "7",
        "6",
    ]


def test_samples_are_bounded_however_many_kinds_there_are():
    activity = after(*(trial(provider=f"p{n}.test") for n in range(99)))
    assert sum(len(kept) for kept in activity.samples.values()) == 24


def test_a_contradiction_names_the_server_and_forgets_the_customer():
    activity = Activity()
    said = Contradiction(
        NOON,
        NOON,
        "c-1",
        "mx.example.net",
        FailureClass.BAD_MAILBOX,
        550,
        "5.1.1",
        "no jo@example.com here",
    )
    activity.contradict(said)
    activity.contradict(said._replace(at=Instant(NOON + 1)))
    (((server, customer), kept),) = activity.contradicted.items()
    assert (server, customer) == ("mx.example.net", customer_hash("c-1"))
    assert (kept.at, kept.customer, kept.text) == (NOON, "", "no <address> here")


def test_the_connection_says_the_hop_not_the_class():
    assert hop(PeerRole.MX, Phase.AUTH, Side.SENDER_CONFIG) is Hop.MX
    assert hop(PeerRole.RELAY, Phase.RCPT, Side.RECIPIENT) is Hop.SUBMISSION
    assert hop(None, Phase.AUTH, Side.UNKNOWN) is Hop.SUBMISSION
    assert hop(None, Phase.CONNECT, Side.SENDER_CONFIG) is Hop.SUBMISSION
    assert hop(None, Phase.CONNECT, Side.TRANSIENT) is Hop.MX
    assert hop(None, Phase.RCPT, Side.SENDER_CONFIG) is Hop.MX
    assert hop(None, None, None) is Hop.MX


instants = st.integers(NOON - 2 * MINUTE, NOON).map(Instant)
trials = st.builds(
    trial,
    tried_at=instants,
    at=instants,
    customer=st.sampled_from(["a", "b", "c"]),
    provider=st.sampled_from(["google", "p.test"]),
    hop=st.sampled_from(Hop),
    reported=st.booleans(),
    final=st.booleans(),
    attempt=st.integers(1, 3),
    failure_class=st.sampled_from(FailureClass),
    known=st.booleans(),
    counted=st.sampled_from([None, *Hop]),
    through=st.sampled_from([None, "app1.test", "app2.test"]),
    text=st.sampled_from(["x", "y", "z"]),
)
contradictions = st.builds(
    Contradiction,
    st.just(NOON),
    instants,
    st.sampled_from(["a", "b"]),
    st.sampled_from(["", "mx.example.net"]),
    st.sampled_from(FailureClass),
    st.just(550),
    st.none(),
    st.sampled_from(["x", "y"]),
)


@st.composite
def activities(draw):
    activity = after(*draw(st.lists(trials, max_size=12)))
    for each in draw(st.lists(contradictions, max_size=3)):
        activity.contradict(each)
    for at in draw(st.lists(instants, max_size=3)):
        host = draw(st.sampled_from([None, "app1.test", "app2.test"]))
        activity.accept(NOON, at, "google", draw(st.sampled_from(Hop)), host)
    return activity


def merged(*parts):
    whole = Activity()
    for part in parts:
        whole.merge(part)
    return whole


@given(activities(), activities(), activities())
def test_partitions_merge_in_any_order_and_grouping(a, b, c):
    assert merged(a, b) == merged(b, a)
    assert merged(merged(a, b), c) == merged(a, merged(b, c))


@given(st.lists(trials, max_size=12), st.integers(0, 12))
def test_a_batch_may_be_split_anywhere(whole, cut):
    split = merged(after(*whole[:cut]), after(*whole[cut:]))
    assert split == merged(after(*whole))
