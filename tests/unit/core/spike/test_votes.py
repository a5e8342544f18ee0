"""What one customer's vote weighs, and when it is taken back."""

import pytest

from streams.core.activity import (
    MINUTE,
    Activity,
    Contradiction,
    Hop,
    Trial,
    customer_hash,
)
from streams.core.failure import FailureClass
from streams.core.instant import Instant
from streams.core.spike import calibration as cal
from streams.core.spike.channel import BEYOND, SUBMISSION, Channel, Voice
from streams.core.spike.detector import step
from streams.core.spike.incident import Incident, Scope, Turn
from streams.core.spike.snapshot import dump, load
from streams.core.spike.tenant import Tenant

START = Instant(1_767_571_200_000)
AUTH = FailureClass.SUBMISSION_AUTH_FAILED
MAILBOX = FailureClass.BAD_MAILBOX


class Mail:
    """A tenant that has worked for hours."""

    def __init__(self, good=180):
        self.tenant, self.now, self.said = Tenant("t-1", START), START, []
        for _ in range(good):
            self.hear(good=4)

    def hear(self, *trials, good=0, denied=(), after=MINUTE):
        self.now = Instant(self.now + after)
        activity = Activity()
        for _ in range(good):
            activity.accept(self.now, self.now, "isp.test", Hop.SUBMISSION)
        for customer, changes in trials:
            activity.add(self.trial(customer, **changes))
        for customer in denied:
            said = self.now, self.now, customer, "mx.isp.test", MAILBOX
            activity.contradict(Contradiction(*said, 550, "5.1.1", "550 no"))
        word = step(self.tenant, activity, self.now)
        self.said += word.verdicts
        return word

    def trial(self, customer, **changes):
        said = {
            "hop": Hop.SUBMISSION,
            "reported": False,
            "attempt": 1,
            "final": True,
            "failure_class": AUTH,
            "counted": None,
        } | changes
        return Trial(
            arrived_at=self.now,
            at=self.now,
            tried_at=self.now,
            customer=customer,
            provider="isp.test",
            known=True,
            **said,
        )

    def bounced(self, *customers, **more):
        bounce = {
            "hop": Hop.MX,
            "reported": True,
            "failure_class": MAILBOX,
            "counted": Hop.SUBMISSION,
        }
        return self.hear(*((c, bounce) for c in customers), **more)

    def turns(self):
        return [v.turn for v in self.said if v.turn is not Turn.CHANGED]


def voice(weight, bucket=START):
    return Voice(bucket, AUTH, "isp.test", "isp.test", weight=weight)


def test_a_final_failure_after_a_deferral_adds_what_is_missing():
    channel = Channel(SUBMISSION)
    assert channel.vote(1, voice(0.5))
    assert not channel.vote(1, voice(1.0, START + MINUTE))
    assert not channel.vote(1, voice(1.0, START + MINUTE))
    assert not channel.vote(1, voice(0.5, START + MINUTE))
    assert channel.votes == {START: [0.5, 0.0], START + MINUTE: [0.5, 0.0]}
    assert len(channel.voices) == 1


def test_deferrals_of_few_customers_that_become_final_are_an_incident():
    deferred, retried = {"final": False}, {"attempt": 2}
    early, late = Mail(), Mail()
    for mail in (early, late):
        for n in range(3):
            mail.hear((f"c-{n}", deferred))
    for n in range(3):
        early.hear((f"c-{n}", deferred))
        late.hear((f"c-{n}", retried))
    assert (early.turns(), late.turns()) == ([], [Turn.OPENED])


def test_a_vote_keeps_its_weight_when_it_is_put_away():
    mail = Mail()
    mail.hear(("c-1", {"final": False}))
    again = load(dump(mail.tenant))
    assert [v.weight for v in again.submission.voices.values()] == [0.5]


def test_a_vote_that_a_delivery_contradicts_is_taken_back():
    channel = Channel(BEYOND)
    channel.fail(START, 1, 20, START)
    channel.vote(1, voice(1.0))
    assert channel.contradict(1) == voice(1.0)
    assert channel.contradict(1) is None
    assert channel.contradict(2) is None
    assert channel.votes == {START: [0.0, 0.0]}
    assert channel.failures == {START: 0}
    assert channel.since(START) == []


def test_a_contradicted_customer_has_no_say_any_more():
    channel = Channel(BEYOND)
    channel.vote(1, voice(0.5))
    channel.contradict(1)
    assert not channel.vote(1, voice(1.0, START + MINUTE))
    assert channel.votes == {START: [0.0, 0.0]}
    assert channel.since(START) == []


def test_one_contradiction_makes_no_incident_a_mismatch_and_two_of_thirteen_do():
    channel = Channel(BEYOND)
    for customer in range(4):
        channel.vote(customer, voice(1.0))
    channel.contradict(0)
    assert not channel.mismatch
    channel.contradict(1)
    assert channel.mismatch
    for customer in range(4, 14):
        channel.vote(customer, voice(1.0))
    assert not channel.mismatch


@pytest.mark.parametrize(("customers", "still"), [(40, True), (41, False)])
def test_a_mismatch_stays_one_while_proof_lags_behind_failures(customers, still):
    channel = Channel(BEYOND)
    channel.incident = incident(mismatch=True)
    for customer in range(customers):
        channel.vote(customer, voice(1.0))
    channel.contradict(0)
    channel.contradict(1)
    assert channel.mismatch is still


def incident(**more):
    return Incident(
        tenant_id="t-1",
        hop=Hop.MX,
        since=START,
        opened_at=START,
        scope=Scope.TENANT,
        provider=None,
        cause=FailureClass.BAD_MAILBOX,
        last_seen_at=START,
        told_at=START,
        **more,
    )


def test_a_server_that_refuses_what_it_delivers_is_no_incident():
    mail = Mail()
    for n in range(40):
        mail.bounced(f"c-{n}", good=1)
        mail.hear(good=1, denied=[f"c-{n}"])
    assert mail.turns() == []
    honest = Mail()
    for n in range(40):
        honest.bounced(f"c-{n}", good=1)
        honest.hear(good=1)
    assert honest.turns() == [Turn.OPENED]


def test_a_contradicted_failure_was_a_good_mail():
    mail = Mail(good=0)
    mail.bounced("c-1", good=1)
    before = [n for _, n in mail.tenant.goods_since(BEYOND, START)]
    mail.hear(denied=["c-1"])
    after = [n for _, n in mail.tenant.goods_since(BEYOND, START)]
    assert sum(after) >= sum(before) + 1


def test_an_incident_ends_when_its_failures_were_none():
    mail = Mail()
    customers = [f"c-{n}" for n in range(30)]
    for n in range(0, 30, 3):
        mail.bounced(*customers[n : n + 3])
    assert mail.turns() == [Turn.OPENED]
    mail.hear(denied=customers)
    (channel,) = [c for c in mail.tenant.channels() if c.incident]
    assert channel.incident.mismatch
    for _ in range(60):
        mail.hear(good=4)
    assert mail.turns() == [Turn.OPENED, Turn.RESOLVED]
    assert customer_hash("c-1") not in channel.voices


@pytest.mark.parametrize(("customers", "waits"), [(5, True), (25, False)])
def test_many_customers_at_once_do_not_wait_as_rare_mail_does(customers, waits):
    mail = Mail(good=0)
    for _ in range(60):
        mail.hear(good=1, after=cal.HOUR)
    full = {"failure_class": FailureClass.SENDING_QUOTA_EXCEEDED}
    for n in range(5):
        mail.hear(*((f"c-{n}-{k}", full) for k in range(customers // 5)))
    assert (mail.turns() == []) is waits
