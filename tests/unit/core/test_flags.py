"""The flag's rules, each told as a story about one address."""

from datetime import timedelta

import pytest

from streams.core.attribution import derived_message_id
from streams.core.failure import FailureClass, Side
from streams.core.flag import ChangeType, ClearedBy, EvidenceSource
from streams.core.policy import ClearOn, OpenIncident, Threshold

HOUR = 60
DAY = 24 * HOUR


def test_one_failure_sets_and_the_next_accepted_message_clears(story, tell):
    story.tell(tell.attempt("m1", 0, "failed"), tell.attempt("m2", 10, "accepted"))
    assert story.told == ["set", "cleared by accepted"]
    was_set, cleared = story.changes
    assert was_set.flag.failure_class is FailureClass.BAD_MAILBOX
    assert was_set.flag.evidence[0].text == "550 5.1.1 no such user"
    assert was_set.flag.evidence[0].source is EvidenceSource.SESSION
    assert cleared.flag == was_set.flag
    assert cleared.flagged_for_ms == 10 * 60_000
    assert story.flag is None


def test_a_report_older_than_the_newest_delivery_changes_nothing(story, tell):
    story.tell(
        tell.attempt("m1", 0, "accepted"),
        tell.attempt("m2", 10, "accepted"),
        tell.report("m1", 20, "failed"),
    )
    assert story.told == []


EIGHT_DAYS = 8 * 24 * 60


@pytest.mark.parametrize("about", [-25 * 365 * 24 * 60, 20 - EIGHT_DAYS - 1])
def test_a_bounce_of_mail_that_no_queue_keeps_so_long_is_as_old_as_its_report(
    story, tell, about
):
    story.tell(
        tell.attempt("m1", 10, "accepted"),
        tell.report("m2", 20, "failed", message_at=about),
    )
    assert story.told == ["set"]


def test_a_bounce_of_mail_from_the_end_of_a_long_queue_is_as_old_as_the_mail(
    story, tell
):
    story.tell(
        tell.attempt("m1", 10, "accepted"),
        tell.report("m2", 20, "failed", message_at=20 - EIGHT_DAYS),
    )
    assert story.told == []


def test_delayed_never_sets(story, tell):
    story.tell(tell.report("m1", 0, "delayed"), tell.report("m1", 60, "delayed"))
    assert story.told == []


def test_five_deferrals_of_one_message_never_set(story, tell):
    for n in range(1, 6):
        story.tell(tell.attempt("m1", n, "deferred", n, permanent=False))
    assert story.told == []
    assert len(story.state.messages) == 1


def test_the_sessions_550_and_the_report_about_it_count_once(story, tell):
    story.tell(tell.attempt("m1", 0, "failed"), tell.report("m1", 1, "failed"))
    assert story.told == ["set"]
    assert story.flag.consecutive_failures == 1


def test_the_reports_class_wins_over_the_sessions(story, tell):
    story.tell(
        tell.attempt("m1", 0, "failed", kind="policy_rejected"),
        tell.report("m1", 1, "failed", kind="mailbox_full"),
    )
    assert story.told == ["set", "updated"]
    assert story.flag.failure_class is FailureClass.MAILBOX_FULL
    assert story.flag.evidence[0].source is EvidenceSource.DSN


def test_an_unknown_report_does_not_hide_what_the_session_said(story, tell):
    story.tell(
        tell.attempt("m1", 0, "failed", kind="mailbox_full"),
        tell.report("m1", 1, "failed", kind="unknown"),
    )
    assert story.flag.failure_class is FailureClass.MAILBOX_FULL


def test_what_the_session_said_keeps_its_time_behind_an_unknown_report(story, tell):
    story.tell(
        tell.attempt("m1", 0, "failed", kind="mailbox_full"),
        tell.report("m1", 120, "failed", kind="unknown"),
    )
    assert story.flag.evidence[0].source is EvidenceSource.SESSION
    assert story.flag.evidence[0].at == tell.instant(0)
    assert story.flag.first_failure_at == tell.instant(0)
    assert story.flag.last_failure_at == tell.instant(0)


def test_a_relay_that_accepts_and_bounces_later_does_not_flap(story, tell):
    for n in range(5):
        start = n * HOUR
        story.tell(
            tell.attempt(f"m{n}", start, "accepted"),
            tell.report(f"m{n}", start + 1, "failed"),
        )
        story.wait(start + 30)
    assert story.told == ["set"]


def test_a_late_bounce_clears_when_an_accepted_message_has_settled(story, tell):
    story.tell(
        tell.attempt("m1", 0, "accepted"),
        tell.report("m1", 30, "failed"),
        tell.attempt("m2", 100, "accepted"),
    )
    assert story.told == ["set"]
    story.wait(100 + 59)
    assert story.told == ["set"]
    assert story.state.clear_at == tell.instant(160)
    story.wait(160)
    assert story.told == ["set", "cleared by accepted"]
    assert story.state.clear_at is None


def test_a_pending_clear_is_announced_when_its_message_is_forgotten(story, tell):
    story.tell(
        tell.attempt("m1", 0, "accepted"),
        tell.report("m1", 30, "failed"),
        tell.attempt("m2", 100, "accepted"),
    )
    story.tell(*(tell.attempt(f"d{n}", 101 + n, "deferred") for n in range(6)))
    story.wait(159)
    assert story.told == ["set"]
    story.wait(160)
    assert story.told == ["set", "cleared by accepted"]
    assert story.state.clear_at is None


def test_a_pending_clear_waits_for_proof_when_the_policy_asks_for_it_now(story, tell):
    story.tell(
        tell.attempt("m1", 0, "accepted"),
        tell.report("m1", 30, "failed"),
        tell.attempt("m2", 100, "accepted"),
    )
    story.under(clear_on=ClearOn.DELIVERED).wait(1_000)
    assert story.told == ["set"]
    assert story.state.clear_at is None


def _seven_accepted(tell):
    return [tell.attempt(f"m{n}", n, "accepted") for n in range(7)]


def test_a_report_about_a_forgotten_message_is_not_about_the_newest(story, tell):
    story.tell(
        *_seven_accepted(tell),
        tell.report("m0", 60, "failed"),
        tell.report("m0", 61, "failed"),
        tell.report("old", 62, "failed"),
    )
    assert story.told == []


def test_proof_of_a_forgotten_message_does_not_clear_newer_failures(new_story, tell):
    failures = [tell.attempt(f"m{n}", n, "failed") for n in range(7)]
    for proof in (
        tell.report("m0", 60, "delivered"),
        tell.command(60, "delivered", "m0"),
    ):
        story = new_story().tell(*failures, proof)
        assert story.told == ["set"]
        assert story.flag.consecutive_failures > 1


@pytest.mark.parametrize("position", range(6, 10))
def test_a_report_that_overtakes_its_attempt_counts_when_that_comes(
    new_story, tell, position
):
    pieces = [tell.attempt(f"m{n}", n, "accepted") for n in range(10)]
    pieces.insert(position, tell.report("m9", 60, "failed"))
    story = new_story().tell(*pieces)
    assert story.told == ["set"]
    assert story.flag.evidence[0].message_id == "m9"
    last = pieces.pop(position)
    in_order = new_story().tell(*pieces, last)
    assert in_order.state.messages == story.state.messages


def test_a_report_that_names_no_message_or_says_when_it_was_sent_is_news(
    new_story, tell
):
    for bounce in (
        tell.report("m7", 60, "failed", message_at=8),
        tell.report(derived_message_id("said"), 60, "failed"),
    ):
        assert new_story().tell(*_seven_accepted(tell), bounce).told == ["set"]


def test_where_there_are_reports_only_the_next_report_is_news(story, tell):
    story.tell(*(tell.report(f"m{n}", n, "delivered") for n in range(7)))
    story.tell(tell.report("m7", 60, "failed"))
    assert story.told == ["set"]


def test_a_failure_older_than_a_forgotten_success_sets_nothing(story, tell):
    story.state = story.state._replace(confirmed_at=tell.instant(10))
    story.tell(tell.attempt("m1", 5, "failed"))
    assert story.told == []
    story.tell(tell.attempt("m2", 15, "failed"))
    assert story.told == ["set"]
    assert story.flag.consecutive_failures == 1


def test_a_stream_of_accepted_messages_does_not_put_the_clear_off(story, tell):
    story.tell(tell.attempt("m0", 0, "accepted"), tell.report("m0", 30, "failed"))
    for n in range(1, 70):
        story.tell(tell.attempt(f"m{n}", 100 + n, "accepted"))
    assert story.told == ["set", "cleared by accepted"]
    assert story.changes[-1].at == tell.instant(161)


def test_a_late_bounce_waits_ten_minutes_at_least_and_five_days_at_most(
    new_story, tell
):
    quick = new_story().tell(
        tell.attempt("m1", 0, "accepted"),
        tell.report("m1", 1, "failed"),
        tell.attempt("m2", 5, "accepted"),
    )
    assert quick.state.clear_at == tell.instant(15)
    slow = new_story().tell(
        tell.attempt("m1", 0, "accepted"),
        tell.report("m1", 4 * DAY, "failed"),
        tell.attempt("m2", 4 * DAY + 5, "accepted"),
    )
    assert slow.state.clear_at == tell.instant(9 * DAY + 5)


def test_proof_of_delivery_clears_after_a_late_bounce_at_once(story, tell):
    story.tell(
        tell.attempt("m1", 0, "accepted"),
        tell.report("m1", 30, "failed"),
        tell.attempt("m2", 100, "accepted"),
        tell.report("m2", 101, "delivered"),
    )
    assert story.told == ["set", "cleared by delivered"]


@pytest.mark.parametrize("clear_on", [ClearOn.SETTLED, ClearOn.DELIVERED])
def test_proof_of_the_bounced_message_clears_while_a_newer_one_settles(
    story, tell, clear_on
):
    story.under(clear_on=clear_on).tell(
        tell.attempt("m1", 0, "accepted"),
        tell.report("m1", 240, "failed"),
        tell.attempt("m2", 300, "accepted"),
        tell.report("m1", 360, "delivered"),
    )
    assert story.told == ["set", "cleared by response_mismatch"]
    assert story.changes[-1].at == tell.instant(360)
    assert story.changes[-1].blamed == story.liars[-1]


def test_proof_of_the_refused_message_clears_though_a_newer_one_was_accepted(
    story, tell
):
    story.under(clear_on=ClearOn.DELIVERED).tell(
        tell.attempt("m1", 0, "failed", peer="mx1.example.net"),
        tell.attempt("m2", 100, "accepted"),
        tell.report("m1", 110, "delivered"),
    )
    assert story.told == ["set", "cleared by response_mismatch"]
    assert story.changes[-1].blamed == "mx1.example.net"


def test_proof_of_a_message_between_the_bounce_and_the_newest_clears(story, tell):
    story.tell(
        tell.attempt("m1", 0, "accepted"),
        tell.report("m1", 30, "failed"),
        tell.attempt("m2", 100, "accepted"),
        tell.attempt("m3", 101, "accepted"),
        tell.report("m2", 102, "delivered"),
    )
    assert story.told == ["set", "cleared by delivered"]


def test_proof_of_another_failure_than_the_newest_clears_nothing(story, tell):
    story.tell(
        tell.attempt("m1", 0, "accepted"),
        tell.report("m1", 30, "failed"),
        tell.attempt("m0", -10, "failed"),
        tell.attempt("m2", 100, "accepted"),
        tell.report("m0", 102, "delivered"),
    )
    assert story.told == ["set"]
    assert story.state.clear_at == tell.instant(160)


def test_proof_older_than_the_flag_is_no_proof_against_it(story, tell):
    story.under(clear_on=ClearOn.DELIVERED).tell(
        tell.attempt("m0", 0, "accepted"),
        tell.report("m0", 5, "delivered"),
        tell.attempt("m1", 10, "failed"),
        tell.attempt("m1", 20, "accepted", 2),
    )
    assert story.told == ["set"]


def test_proof_counts_though_the_flagged_message_proves_older_than_it_seemed(
    story, tell
):
    story.under(clear_on=ClearOn.DELIVERED).tell(
        tell.report("m1", 30, "failed"),
        tell.attempt("m2", 20, "accepted"),
        tell.report("m1", 40, "delivered", message_at=0),
    )
    assert story.told == ["set", "cleared by response_mismatch"]


def test_clear_on_accepted_turns_the_waiting_off(story, tell):
    story.under(clear_on=ClearOn.ACCEPTED).tell(
        tell.attempt("m1", 0, "accepted"),
        tell.report("m1", 30, "failed"),
        tell.attempt("m2", 100, "accepted"),
    )
    assert story.told == ["set", "cleared by accepted"]


def test_clear_on_delivered_demands_proof(story, tell):
    story.under(clear_on=ClearOn.DELIVERED).tell(
        tell.attempt("m1", 0, "failed"),
        tell.attempt("m2", 100, "accepted"),
    )
    assert story.told == ["set"]
    story.tell(tell.report("m2", 101, "delivered"))
    assert story.told == ["set", "cleared by delivered"]


def test_the_waiting_time_can_be_set(story, tell):
    story.under(clear_late_bounce_after=timedelta(hours=1)).tell(
        tell.attempt("m1", 0, "accepted"),
        tell.report("m1", 1, "failed"),
        tell.attempt("m2", 100, "accepted"),
    )
    assert story.state.clear_at == tell.instant(160)


@pytest.mark.parametrize("times", [1, 3, 12])
def test_a_sender_side_failure_flags_but_never_recommends_suppression(
    story, tell, times
):
    for n in range(times):
        story.tell(tell.attempt(f"m{n}", n, "failed", kind="submission_auth_failed"))
    assert story.told == ["set"]
    assert story.flag.side is Side.SENDER_CONFIG
    assert not story.flag.suppress_recommended


def test_three_full_mailboxes_in_a_row_recommend_suppression(story, tell):
    for n in range(3):
        story.tell(tell.attempt(f"m{n}", n, "failed", kind="mailbox_full"))
    assert story.told == ["set", "updated"]
    assert story.flag.suppress_recommended


def test_with_one_delivery_between_full_mailboxes_do_not(story, tell):
    story.tell(
        tell.attempt("m1", 1, "failed", kind="mailbox_full"),
        tell.attempt("m2", 2, "failed", kind="mailbox_full"),
        tell.attempt("m3", 3, "accepted"),
        tell.attempt("m4", 4, "failed", kind="mailbox_full"),
    )
    assert not story.flag.suppress_recommended


def test_failures_of_never_classes_neither_count_nor_reset(story, tell):
    story.tell(
        tell.attempt("m1", 1, "failed", kind="mailbox_full"),
        tell.attempt("m2", 2, "failed", kind="mailbox_full"),
        tell.attempt("m3", 3, "failed", kind="spam_content"),
    )
    assert not story.flag.suppress_recommended
    story.tell(tell.attempt("m4", 4, "failed", kind="mailbox_full"))
    assert story.flag.suppress_recommended


def test_a_bad_mailbox_recommends_suppression_at_once(story, tell):
    story.tell(tell.attempt("m1", 0, "failed"))
    assert story.flag.suppress_recommended


@pytest.mark.parametrize("said", [{"permanent": False}, {"confidence": "low"}])
def test_a_bad_mailbox_that_is_not_sure_needs_three(story, tell, said):
    for n in range(3):
        assert story.flag is None or not story.flag.suppress_recommended
        story.tell(tell.attempt(f"m{n}", n, "failed", **said))
    assert story.flag.suppress_recommended


def test_the_largest_threshold_of_a_mixed_run_counts(story, tell):
    kinds = ["mailbox_full", "recipient_system_error", "mailbox_full"]
    for n, kind in enumerate(kinds):
        story.tell(tell.attempt(f"m{n}", n, "failed", kind=kind))
    assert not story.flag.suppress_recommended


def test_a_tenants_policy_changes_thresholds_and_can_switch_them_off(new_story, tell):
    full = [tell.attempt(f"m{n}", n, "failed", kind="mailbox_full") for n in range(3)]
    strict = new_story().under(thresholds={FailureClass.MAILBOX_FULL: Threshold(1, 2)})
    assert strict.tell(full[0]).flag.suppress_recommended
    off = new_story().under(suppress=False)
    assert not off.tell(
        *full, tell.attempt("m9", 9, "failed")
    ).flag.suppress_recommended


def test_a_class_that_a_tenant_never_counts_does_not_speak_for_an_older_failure(
    story, tell
):
    story.under(thresholds={FailureClass.MAILBOX_FULL: Threshold(0, 0)}).tell(
        tell.attempt("m1", 0, "failed"),
        tell.attempt("m2", 10, "failed", kind="mailbox_full"),
    )
    assert not story.flag.suppress_recommended


def test_persistent_does_not_depend_on_when_a_report_overtakes_its_attempt(
    new_story, tell
):
    first = tell.attempt("m0", 1, "failed")
    refused = tell.attempt("m1", 0, "failed")
    bounced = tell.report("m1", 1440, "failed")
    last = tell.attempt("m2", 1, "failed")
    one = new_story().tell(first, refused, bounced, last)
    other = new_story().tell(first, bounced, refused, last)
    assert one.flag.persistent == other.flag.persistent


def test_failure_then_proof_of_delivery_names_the_server_that_lied(story, tell):
    story.tell(
        tell.attempt("m1", 0, "failed", peer="mx1.example.net"),
        tell.report("m1", 5, "delivered"),
    )
    assert story.told == ["set", "cleared by response_mismatch"]
    assert story.changes[-1].blamed == "mx1.example.net"
    assert story.liars == ["mx1.example.net"]


def test_a_bounce_that_a_delivery_contradicts_blames_who_refused(story, tell):
    story.tell(
        tell.attempt("m1", 0, "accepted"),
        tell.report("m1", 5, "failed"),
        tell.report("m1", 6, "delivered"),
    )
    assert story.told == ["set", "cleared by response_mismatch"]
    assert story.liars == ["mx.example.net"]


def test_a_contradiction_is_found_once(story, tell):
    story.tell(
        tell.report("m1", 6, "delivered"),
        tell.attempt("m1", 0, "failed"),
        tell.attempt("m1", 0, "failed"),
        tell.report("m1", 6, "delivered"),
    )
    assert story.liars == ["mx.example.net"]


def test_relayed_and_expanded_are_no_proof(story, tell):
    story.tell(
        tell.attempt("m1", 0, "failed"),
        tell.report("m2", 5, "relayed"),
        tell.report("m3", 6, "expanded"),
    )
    assert story.told == ["set"]


def test_an_operator_clears_and_the_next_failure_sets_again(story, tell):
    story.tell(tell.attempt("m1", 0, "failed"), tell.command(5))
    assert story.told == ["set", "cleared by operator"]
    assert story.changes[-1].actor == "support-7"
    assert story.changes[-1].reason == "customer_request"
    story.tell(tell.attempt("m2", 10, "failed"))
    assert story.told[-1] == "set"


def test_a_report_about_a_message_before_the_operators_clear_sets_nothing(story, tell):
    story.tell(
        tell.attempt("m1", 0, "accepted"),
        tell.command(5),
        tell.report("m1", 10, "failed"),
    )
    assert story.told == []


def test_clearing_what_is_not_flagged_changes_nothing(story, tell):
    assert story.tell(tell.command(5)).told == []


def test_a_persons_proof_clears(new_story, tell):
    failed = tell.attempt("m1", 0, "failed")
    unnamed = new_story().tell(failed, tell.command(5, "delivered"))
    assert unnamed.told == ["set", "cleared by delivered"]
    named = new_story().tell(failed, tell.command(5, "delivered", "m1"))
    assert named.told == ["set", "cleared by response_mismatch"]


def _of(piece, customer_id):
    return piece._replace(customer_id=customer_id)


def test_an_older_message_that_comes_late_does_not_say_whose_the_address_is(
    story, tell
):
    story.tell(
        _of(tell.attempt("m1", 10, "failed"), "c-1"),
        _of(tell.attempt("m0", 0, "accepted"), "c-0"),
        _of(tell.attempt("m0", 0, "accepted"), "c-0"),
    )
    assert story.flag.customer_id == "c-1"
    assert [d.restated for d in story.decisions] == [True, False, False]


def test_a_message_on_its_way_does_not_say_whose_the_flag_is(new_story, tell):
    failed = _of(tell.attempt("m1", 0, "failed"), "c-1")
    deferred = _of(tell.attempt("m2", 10, "deferred"), "c-2")
    for told in ((failed, deferred), (deferred, failed)):
        assert new_story().tell(*told).flag.customer_id == "c-1"


def test_a_newer_failure_says_whose_the_flag_is(story, tell):
    story.tell(
        _of(tell.attempt("m1", 0, "failed"), "c-1"),
        _of(tell.attempt("m2", 10, "failed"), "c-2"),
    )
    assert story.flag.customer_id == "c-2"
    assert story.told == ["set"]


def test_a_persons_proof_of_one_message_says_whose_it_was(new_story, tell):
    refused = tell.attempt("m1", 0, "failed")
    for story in (
        new_story().tell(refused),
        new_story().tell(
            tell.attempt("m1", 0, "accepted"), tell.report("m1", 1, "failed")
        ),
    ):
        story.tell(tell.command(2, "delivered", "m1"))
        assert story.told == ["set", "cleared by response_mismatch"]
        assert story.changes[-1].actor == "support-7"
        assert story.changes[-1].reason == "customer_request"


def test_a_clear_that_only_falls_due_names_nobody(story, tell):
    story.tell(
        tell.attempt("m1", 0, "accepted"),
        tell.report("m1", 30, "failed"),
        tell.attempt("m2", 100, "accepted"),
        tell.command(200, "delivered", "m0")._replace(at=tell.instant(-1)),
    )
    assert story.told == ["set", "cleared by accepted"]
    assert story.changes[-1].actor is None


def test_persistent_needs_three_failures_and_a_day(story, tell):
    story.tell(
        tell.attempt("m1", 0, "failed", kind="policy_rejected"),
        tell.attempt("m2", 1, "failed", kind="policy_rejected"),
        tell.attempt("m3", DAY - 1, "failed", kind="policy_rejected"),
    )
    assert not story.flag.persistent
    story.tell(tell.attempt("m4", DAY, "failed", kind="policy_rejected"))
    assert story.flag.persistent
    assert story.told == ["set", "updated"]


def test_a_run_longer_than_the_memory_is_still_persistent(story, tell):
    for n in range(40):
        story.tell(tell.attempt(f"m{n}", n * HOUR, "failed", kind="policy_rejected"))
    assert story.flag.persistent
    assert story.flag.first_failure_at == tell.instant(0)
    assert story.flag.consecutive_failures == 6
    assert len(story.flag.evidence) == 3


def test_undecided_messages_change_nothing_even_when_they_fill_the_memory(story, tell):
    story.tell(tell.attempt("m0", 0, "failed"))
    for n in range(1, 9):
        story.tell(tell.attempt(f"m{n}", n, "deferred", permanent=False))
    assert story.told == ["set"]
    assert story.flag is not None


def test_another_failure_restates_the_flag_without_an_event(story, tell):
    story.tell(tell.attempt("m1", 0, "failed"), tell.attempt("m2", 5, "failed"))
    assert story.told == ["set"]
    assert story.decisions[-1].restated
    assert story.decisions[-1].flag.consecutive_failures == 2
    assert story.decisions[-1].flag.revision > story.changes[0].revision


def test_a_duplicate_restates_nothing(story, tell):
    piece = tell.attempt("m1", 0, "failed")
    story.tell(piece, piece)
    assert not story.decisions[-1].restated


def test_revisions_grow_even_when_the_clock_stands_still(story, tell):
    for n in range(3):
        story.tell(
            tell.attempt(f"f{n}", 0 + n * 1e-5, "failed"),
            tell.attempt(f"g{n}", 0 + n * 1e-5 + 5e-6, "accepted"),
        )
    revisions = [c.revision for c in story.changes]
    assert revisions == sorted(set(revisions))


def test_an_open_incident_holds_the_recommendation_of_its_own_class(story, tell):
    incident = OpenIncident(
        "inc-1", frozenset({FailureClass.BAD_MAILBOX}), tell.instant(-10)
    )
    story.incidents = (incident,)
    story.tell(tell.attempt("m1", 0, "failed"))
    assert not story.flag.suppress_recommended
    assert story.flag.incident == "inc-1"


def test_an_open_incident_of_another_class_holds_only_what_is_not_sure(new_story, tell):
    incident = OpenIncident(
        "inc-1", frozenset({FailureClass.SUBMISSION_AUTH_FAILED}), tell.instant(-10)
    )
    sure, unsure = new_story(), new_story()
    sure.incidents = unsure.incidents = (incident,)
    sure.tell(tell.attempt("m1", 0, "failed"))
    assert sure.flag.suppress_recommended
    assert sure.flag.incident is None
    for n in range(3):
        unsure.tell(tell.attempt(f"m{n}", n, "failed", confidence="low"))
    assert not unsure.flag.suppress_recommended


def test_a_retry_that_is_accepted_makes_the_message_accepted(story, tell):
    story.tell(
        tell.attempt("m1", 0, "deferred", 1, permanent=False),
        tell.attempt("m1", 9, "accepted", 2),
        tell.attempt("m1", 0, "failed", 1),
    )
    assert story.told == []


def test_a_clear_says_type_cause_and_the_flag_as_it_was(story, tell):
    story.tell(tell.attempt("m1", 0, "failed"), tell.attempt("m2", 5, "accepted"))
    cleared = story.changes[-1]
    assert cleared.type is ChangeType.CLEARED
    assert cleared.cleared_by is ClearedBy.ACCEPTED
    assert cleared.flag.revision < cleared.revision


def test_a_failure_found_to_be_older_than_the_operators_clear_is_cleared(story, tell):
    story.tell(
        tell.command(5),
        tell.report("m1", 10, "failed"),
        tell.attempt("m1", 1, "accepted"),
    )
    assert story.told == ["set", "cleared by operator"]
