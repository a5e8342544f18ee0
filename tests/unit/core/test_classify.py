"""What a reply means: each class, and each rule that goes before the table."""

import pytest

from streams.core.classify import Classifier, OwnIdentity
from streams.core.dsn import RecipientReport
from streams.core.evidence import Action
from streams.core.failure import (
    TRAITS,
    AddressPolicy,
    Confidence,
    FailureClass,
    PeerRole,
    Phase,
    Side,
)
from streams.core.reply import parse
from streams.wire import rulebook

BOOK = rulebook.load()
OURS = OwnIdentity(
    ips=frozenset({"192.0.2.10"}),
    helo_names=frozenset({"mta1.mailer.example"}),
    envelope_domains=frozenset({"bounce.mailer.example"}),
    relays=frozenset({"relay.mailer.example", "provider.example"}),
)


@pytest.fixture(scope="module")
def classifier():
    return Classifier(BOOK, OURS)


def classify(classifier, text, *, phase=None, role=None, final=True):
    return classifier.classify(parse(text, phase=phase), role, final=final)


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ("bad_mailbox", "550 5.1.1 <a@example.com>: User unknown"),
        ("bad_mailbox", "550 5.7.1 No such user!"),
        ("bad_mailbox", "550 Benutzer unbekannt"),
        ("bad_domain", "550 5.1.2 Host unknown"),
        ("bad_domain", "556 Domain does not accept mail (nullMX)"),
        ("mailbox_moved", "551 5.1.6 recipient no longer on server"),
        (
            "mailbox_disabled",
            "550 5.2.1 The account that you tried to reach is disabled",
        ),
        ("mailbox_full", "552 5.1.1 Boite du destinataire pleine. OFR_417 [417]"),
        ("recipient_refused", "550 Mail is rejected by recipients"),
        ("recipient_system_error", "451 4.3.0 Temporary lookup failure"),
        ("provider_suppressed", "554 recipient is on the suppression list"),
        ("tls_failed", "530 5.7.0 Must issue a STARTTLS command first"),
        ("submission_auth_failed", "535 5.7.8 Error: authentication failed"),
        ("relay_denied", "554 5.7.1 <a@example.com>: Relay access denied"),
        ("sender_rejected", "553 5.1.8 Domain of sender address does not exist"),
        ("sender_domain_auth_failed", "550 5.7.1 rejected per DMARC policy"),
        ("sender_host_dns", "550 5.7.1 Reverse DNS lookup failed"),
        ("sending_quota_exceeded", "454 Throttling failure: Daily quota exceeded"),
        ("protocol_error", "503 5.5.1 Bad sequence of commands"),
        ("local_config_error", "mail for example.com loops back to myself"),
        ("sender_blocked", "554 5.7.1 Client host blocked using zen.spamhaus.org"),
        ("policy_rejected", "550 Reject due to policy restrictions"),
        (
            "rate_limited",
            "550 5.2.1 The user is receiving mail at a rate that prevents",
        ),
        ("greylisted", "450 4.2.0 Greylisted, try again in 300 seconds"),
        ("message_too_large", "552 5.3.4 Message size exceeds fixed limit"),
        ("content_rejected", "554 5.7.1 Banned attachment type"),
        ("spam_content", "550 5.7.1 Message content rejected, UBE"),
        ("virus_detected", "554 5.7.1 Virus found"),
        ("message_not_compliant", "550 5.7.1 message is not RFC 5322 compliant"),
        ("smtputf8_unsupported", "SMTPUTF8 is required, but was not offered"),
        ("network_error", "connect to mx.example.com: Connection timed out"),
        ("dns_failure", "Name service error: Host not found, try again"),
        ("routing_loop", "554 5.4.6 Too many hops"),
        ("delivery_expired", "550 4.4.7 QUEUE.Expired; message expired"),
        (
            "reply_lost_after_data",
            "lost connection -- message may be sent more than once",
        ),
        ("unknown", "550 Rejected"),
        ("unknown", ""),
    ],
)
def test_every_class_has_its_words(classifier, expected, text):
    verdict = classify(classifier, text)
    assert verdict.failure_class == expected
    assert verdict.side is TRAITS[FailureClass(expected)].side


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("550 5.1.1", "bad_mailbox"),
        ("552 5.2.2", "mailbox_full"),
        ("553 5.1.8", "sender_rejected"),
        ("550 5.7.25", "sender_host_dns"),
        ("550 5.7.26", "sender_domain_auth_failed"),
        ("550 5.1.10", "bad_domain"),
        ("525 5.7.13", "mailbox_disabled"),
        ("550 5.4.1 Recipient address rejected: Access denied. AS(1)", "bad_mailbox"),
    ],
)
def test_a_code_that_names_one_thing_needs_no_words(classifier, text, expected):
    verdict = classify(classifier, text)
    assert verdict.failure_class == expected
    assert verdict.confidence is not Confidence.LOW


def test_a_reply_code_alone_is_never_sure(classifier):
    verdict = classify(classifier, "451")
    assert verdict.failure_class is FailureClass.RECIPIENT_SYSTEM_ERROR
    assert verdict.confidence is Confidence.LOW


def test_550_alone_says_nothing_of_the_address(classifier):
    verdict = classify(classifier, "550")
    assert verdict.failure_class is FailureClass.UNKNOWN
    assert verdict.address_policy is AddressPolicy.AFTER_N


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("550 5.1.1 mailbox is full", "mailbox_full"),
        ("550 5.1.1 your IP is blacklisted", "sender_blocked"),
        ("550 5.1.1 Too many connections", "rate_limited"),
        ("550 5.7.1 user unknown", "bad_mailbox"),
        ("550 5.2.1 Relay access denied", "relay_denied"),
    ],
)
def test_words_that_name_one_thing_beat_a_code(classifier, text, expected):
    assert classify(classifier, text).failure_class == expected


def test_a_telling_code_beats_words_with_several_readings(classifier):
    assert classify(classifier, "550 5.7.25 blocked").failure_class == "sender_host_dns"
    assert classify(classifier, "550 5.7.1 blocked").failure_class == "sender_blocked"


def test_words_against_a_code_of_another_side_are_a_conflict(classifier):
    verdict = classify(classifier, "550 5.1.1 blocked using zen.spamhaus.org")
    assert verdict.conflict
    assert verdict.confidence is Confidence.MEDIUM


def test_codes_of_two_severities_are_a_conflict_and_the_milder_counts(classifier):
    verdict = classify(classifier, "550 4.1.1 user unknown")
    assert verdict.conflict
    assert verdict.address_policy is AddressPolicy.AFTER_N


@pytest.mark.parametrize("text", ["450 4.1.1 user unknown", "451 Invalid recipient"])
def test_a_4xx_never_speaks_against_the_address_at_once(classifier, text):
    verdict = classify(classifier, text)
    assert verdict.failure_class is FailureClass.BAD_MAILBOX
    assert verdict.address_policy is AddressPolicy.AFTER_N


def test_a_try_that_will_be_repeated_never_does_either(classifier):
    verdict = classify(classifier, "550 5.1.1 user unknown", final=False)
    assert verdict.address_policy is AddressPolicy.AFTER_N


@pytest.mark.parametrize(
    "phase", ["connect", "banner", "ehlo", "tls", "auth", "mail", "dns"]
)
def test_nothing_before_rcpt_is_about_the_recipient(classifier, phase):
    for text in ("550 5.1.1 user unknown", "550 5.2.1 account disabled", "552 full"):
        verdict = classify(classifier, text, phase=Phase(phase))
        assert verdict.side is not Side.RECIPIENT


def test_the_dns_can_tell_that_a_domain_is_bad(classifier):
    verdict = classify(classifier, "Host not found", phase=Phase.DNS)
    assert verdict.failure_class is FailureClass.BAD_DOMAIN


def test_a_size_that_mail_from_declares_is_about_the_message(classifier):
    text = "552 5.2.3 Message size exceeds fixed maximum message size"
    verdict = classify(classifier, text, phase=Phase.MAIL)
    assert verdict.failure_class is FailureClass.MESSAGE_TOO_LARGE


def test_an_unexplained_refusal_of_mail_from_is_the_senders(classifier):
    verdict = classify(classifier, "550 5.7.1 Access denied", phase=Phase.MAIL)
    assert verdict.failure_class is FailureClass.SENDER_REJECTED


@pytest.mark.parametrize("role", [None, PeerRole.MX, PeerRole.RELAY])
def test_plain_words_about_the_address_count_from_any_peer(classifier, role):
    text = "550 5.1.1 user unknown"
    verdict = classify(classifier, text, phase=Phase.RCPT, role=role)
    assert verdict.failure_class is FailureClass.BAD_MAILBOX


def test_our_relay_says_nothing_of_the_address_by_a_reply_code(classifier):
    for text in ("552 no", "556 no", "525 no"):
        verdict = classify(classifier, text, phase=Phase.RCPT, role=PeerRole.RELAY)
        assert verdict.side is not Side.RECIPIENT


@pytest.mark.parametrize(
    ("text", "of_the_recipient", "of_our_relay"),
    [
        ("Connection refused", "network_error", "submission_connect_failed"),
        ("Host not found, try again", "dns_failure", "submission_connect_failed"),
        ("451 4.3.0 Internal error", "recipient_system_error", "local_config_error"),
    ],
)
def test_a_broken_way_is_ours_when_it_leads_to_our_relay(
    classifier, text, of_the_recipient, of_our_relay
):
    mx = classify(classifier, text, role=PeerRole.MX)
    relay = classify(classifier, text, role=PeerRole.RELAY)
    assert mx.failure_class == of_the_recipient
    assert relay.failure_class == of_our_relay
    assert relay.address_policy is AddressPolicy.NEVER


@pytest.mark.parametrize(
    ("phase", "text", "expected"),
    [
        (
            "dns",
            (
                "Host or domain name not found. Name service error for"
                " name=relay.mailer.example type=A: Host not found"
            ),
            "submission_connect_failed",
        ),
        ("dns", "getaddrinfo ENOTFOUND smtp.example.net", "submission_connect_failed"),
        ("dns", "[Errno -2] Name or service not known", "submission_connect_failed"),
        (
            "connect",
            "lookup smtp.example.net: no such host",
            "submission_connect_failed",
        ),
        ("connect", "connect ECONNREFUSED 192.0.2.1:587", "submission_connect_failed"),
        ("banner", "Greeting never received", "submission_connect_failed"),
        ("ehlo", "something went wrong", "submission_connect_failed"),
        ("tls", "PKIX path building failed", "tls_failed"),
        ("tls", "something went wrong", "tls_failed"),
        ("auth", "something went wrong", "submission_auth_failed"),
    ],
)
def test_what_goes_wrong_before_our_relay_answers_is_ours(
    classifier, phase, text, expected
):
    verdict = classify(classifier, text, phase=Phase(phase), role=PeerRole.RELAY)
    assert verdict.failure_class == expected
    assert verdict.address_policy is AddressPolicy.NEVER


@pytest.mark.parametrize(
    ("phase", "text"),
    [
        ("dns", "Name service error for name=relay.mailer.example: Host not found"),
        ("dns", "getaddrinfo ENOTFOUND smtp.provider.example"),
        ("connect", "connect ECONNREFUSED relay.mailer.example:587"),
    ],
)
def test_a_mailer_that_names_our_relay_need_not_say_that_it_is_ours(
    classifier, phase, text
):
    verdict = classify(classifier, text, phase=Phase(phase))
    assert verdict.failure_class is FailureClass.SUBMISSION_CONNECT_FAILED


def test_a_name_that_only_ends_like_our_relays_is_the_recipients(classifier):
    text = "Name service error for name=notrelay.mailer.example: Host not found"
    verdict = classify(classifier, text, phase=Phase.DNS)
    assert verdict.failure_class is FailureClass.BAD_DOMAIN


def test_words_that_nobody_knows_are_unknown_once_our_relay_took_the_session(
    classifier,
):
    for phase in (Phase.RCPT, Phase.DATA_END, None):
        verdict = classify(
            classifier, "something went wrong", phase=phase, role=PeerRole.RELAY
        )
        assert verdict.failure_class is FailureClass.UNKNOWN


@pytest.mark.parametrize("phase", [Phase.RCPT, Phase.DATA_END, None])
def test_our_relay_may_answer_that_the_recipients_domain_is_bad(classifier, phase):
    text = "550 5.1.2 <a@example.test>: Recipient address rejected: Domain not found"
    verdict = classify(classifier, text, phase=phase, role=PeerRole.RELAY)
    assert verdict.failure_class is FailureClass.BAD_DOMAIN
    assert verdict.address_policy is AddressPolicy.IMMEDIATE


def test_a_domain_that_the_recipients_side_does_not_know_stays_bad(classifier):
    text = "Name service error for name=example.test type=MX: Host not found"
    for role in (None, PeerRole.MX):
        verdict = classify(classifier, text, phase=Phase.DNS, role=role)
        assert verdict.failure_class is FailureClass.BAD_DOMAIN


@pytest.mark.parametrize(
    "text",
    [
        "getaddrinfo ENOTFOUND mx.example.net",
        "[Errno -2] Name or service not known",
        "java.net.UnknownHostException: mx.example.net",
    ],
)
def test_a_host_that_a_mailers_library_cannot_look_up_is_no_bad_address(
    classifier, text
):
    verdict = classify(classifier, text)
    assert verdict.failure_class is FailureClass.DNS_FAILURE


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("5.7.501", "sender_blocked"),
        ("5.7.504", "bad_mailbox"),
        ("5.7.506", "sender_host_dns"),
        ("5.7.508", "rate_limited"),
        ("5.7.510", "policy_rejected"),
        ("5.7.511", "sender_blocked"),
        ("5.7.649", "sender_blocked"),
        ("5.7.703", "policy_rejected"),
        ("5.7.705", "sending_quota_exceeded"),
        ("5.7.721", "sender_blocked"),
        ("5.7.750", "sender_rejected"),
        ("4.7.577", "rate_limited"),
        ("4.7.860", "rate_limited"),
        ("5.7.12", "recipient_refused"),
        ("4.7.12", "submission_auth_failed"),
        ("5.6.11", "message_not_compliant"),
    ],
)
def test_microsofts_codes_mean_what_its_documentation_says(classifier, code, expected):
    verdict = classify(classifier, f"{code[0]}50 {code} no")
    assert verdict.failure_class == expected


@pytest.mark.parametrize(
    "text",
    [
        "550 5.1.1 192.0.2.10 is not welcome",
        "550 5.1.1 [192.0.2.10]: refused",
        "550 5.2.1 mta1.mailer.example",
        "553 5.1.1 mail from bounce.mailer.example refused",
    ],
)
def test_a_refusal_that_names_us_is_ours_whatever_the_code(classifier, text):
    verdict = classify(classifier, text)
    assert verdict.side in {Side.REPUTATION_POLICY, Side.SENDER_CONFIG}
    assert verdict.address_policy is AddressPolicy.NEVER


def test_plain_words_about_the_address_stay_true_next_to_our_name(classifier):
    text = "550 5.1.1 see http://example.org/?ip=192.0.2.10 Recipient does not exist"
    verdict = classify(classifier, text)
    assert verdict.failure_class is FailureClass.BAD_MAILBOX
    assert verdict.confidence is Confidence.MEDIUM


@pytest.mark.parametrize(
    "text",
    ["550 5.1.1 192.0.2.100", "550 5.1.1 x.mta1.mailer.example.net", "550 5.1.1 no"],
)
def test_names_that_only_look_like_ours_are_others(classifier, text):
    assert classify(classifier, text).failure_class is FailureClass.BAD_MAILBOX


def test_the_peers_role_follows_from_who_our_relays_are():
    assert OURS.role_of("smtp.provider.example") is PeerRole.RELAY
    assert OURS.role_of("relay.mailer.example.") is PeerRole.RELAY
    assert OURS.role_of("notprovider.example") is PeerRole.MX
    assert OURS.role_of(None) is None
    assert OwnIdentity().role_of("mx.example.com") is None


def test_the_inner_reason_of_an_expired_message_is_what_counts(classifier):
    text = "554 4.4.7 Message expired. <452 4.2.2 Mailbox full>"
    assert classify(classifier, text).failure_class is FailureClass.MAILBOX_FULL


def test_a_decision_tells_the_words_that_made_it(classifier):
    decision = classifier.decide(parse("550 5.1.1 Sorry, user unknown here"))
    assert decision.said == "user unknown"
    assert decision.verdict.rule == "recipient.unknown"
    assert classifier.decide(parse("550 5.1.1")).said == ""


def test_plain_words_of_a_nearer_source_make_farther_ones_needless(classifier):
    told = [parse("550 5.7.1 no"), parse("550 User unknown"), parse("552 mailbox full")]
    report = told_by(*told)
    assert classifier.classify_report(report) == classifier.decide(told[1])
    assert classifier.classify_report(told_by(told[0])).reply == told[0]


def told_by(*replies):
    nothing = dict.fromkeys(RecipientReport._fields)
    told = {"action": Action.FAILED, "replies": replies, "around": ()}
    return RecipientReport(**nothing | told)
