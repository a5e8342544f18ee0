"""An alert says what its incident knows, and keeps the published contract."""

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.activity import Hop
from streams.core.failure import TRAITS, FailureClass, Side
from streams.core.instant import Instant
from streams.core.sample import Sample
from streams.core.spike import calibration as cal
from streams.core.spike.alert import Kind, Severity
from streams.core.spike.evidence import SHOWN
from streams.core.spike.fleet import DELIVERING, KEPT, UNKNOWN, Hosts
from streams.core.spike.incident import Incident, Scope, Turn
from streams.core.spike.mismatch import Liar, Mismatch
from streams.core.spike.parent import Parent
from streams.core.spike.telling import (
    customers_by_class,
    mismatch_alert,
    parent_alert,
    tenant_alert,
)
from streams.core.spike.verdict import Figures, Verdict
from streams.wire import alert as alert_wire
from streams.wire import contract

NOON = Instant(1_767_571_200_000)
MINUTE = 60_000
AUTH, TLS = FailureClass.SUBMISSION_AUTH_FAILED, FailureClass.TLS_FAILED
FULL, BAD = FailureClass.MAILBOX_FULL, FailureClass.BAD_MAILBOX


def sample(number=0):
    at = Instant(NOON + number)
    return Sample(at, 535, "5.7.8", f"535 no {number}", "mx.example.net", "h", None)


def verdict(turn=Turn.OPENED, *, causes=((AUTH, 7), (FULL, 2)), **changes):
    given_ = {
        "tenant_id": "t-1",
        "hop": Hop.SUBMISSION,
        "since": NOON,
        "opened_at": Instant(NOON + MINUTE),
        "scope": Scope.TENANT,
        "provider": None,
        "cause": AUTH,
        "last_seen_at": Instant(NOON + 2 * MINUTE),
        "told_at": Instant(NOON + 3 * MINUTE),
    }
    figures = Figures(
        customers=9,
        causes=causes,
        failed=11,
        reached=4,
        base=0.02,
        ratio=13.5,
        threshold=9.5,
        samples=(sample(1), sample(2)),
    )
    return Verdict(turn, Incident(**given_ | changes), figures)


def parent(**changes):
    given_ = {
        "since": NOON,
        "opened_at": Instant(NOON + MINUTE),
        "cause": AUTH,
        "provider": None,
        "children": {"t-1": Hop.SUBMISSION, "t-2": Hop.MX, "t-3": Hop.MX},
        "checked_at": NOON,
    }
    return Parent(**given_ | changes)


def test_a_tenants_alert_says_what_its_incident_and_figures_say():
    told = verdict(Turn.CHANGED, mismatch=True)
    alert = tenant_alert(told, parent="p", revision=5, at=NOON)
    own = {"turn": Turn.CHANGED, "parent": "p", "revision": 5, "at": NOON}
    own |= {"evidence_from": NOON, "kind": Kind.SPIKE, "tenants": 1, "children": ()}
    said = own | told.figures._asdict()
    for name in ("key", "tenant_id", "scope", "provider", "hop", "cause", "mismatch"):
        said[name] = getattr(told.incident, name)
    for name in ("opened_at", "last_seen_at", "resolved_at"):
        said[name] = getattr(told.incident, name)
    said["side"] = Side.SENDER_CONFIG
    assert alert._asdict() == said


@pytest.mark.parametrize(
    ("mismatch", "parent", "severity"),
    [
        (False, None, Severity.CRITICAL),
        (True, None, Severity.WARNING),
        (False, "p", Severity.INFO),
        (True, "p", Severity.INFO),
    ],
)
def test_nobody_is_woken_by_failures_of_mail_that_arrives(mismatch, parent, severity):
    told = verdict(mismatch=mismatch)
    alert = tenant_alert(told, parent=parent, revision=1, at=NOON)
    assert alert.severity is severity


@pytest.mark.parametrize("scope", list(Scope))
def test_what_breaks_tls_at_one_provider_is_not_our_fault(scope):
    side = Side.TRANSIENT if scope is Scope.PROVIDER else TRAITS[TLS].side
    told = verdict(cause=TLS, scope=scope, provider="google")
    assert tenant_alert(told, parent=None, revision=1, at=NOON).side is side
    other = verdict(cause=BAD, scope=scope, provider="google")
    assert (
        tenant_alert(other, parent=None, revision=1, at=NOON).side is TRAITS[BAD].side
    )


HOSTS = ("app1", "app2", "app3", "app4", "app5")
MANY = tuple(f"h{n}" for n in range(DELIVERING))


@pytest.mark.parametrize(
    ("failing", "traced", "delivering", "words"),
    [
        ((), 0, (), "Hosts of ours that were seen: h."),
        ((1,), 1, (), "The mail that failed went through app1."),
        ((9,), 9, (), "All 9 mails that failed went through app1."),
        ((9,), 9, HOSTS[1:2], "All 9 mails that failed went through app1; 1 other"),
        (
            (390, 4),
            400,
            HOSTS[1:],
            "98% of the 400 mails that failed went through app1; 4 others deliver.",
        ),
        (
            (999,),
            1000,
            (),
            "99% of the 1000 mails that failed went through app1.",
        ),
        # Nothing says that the second works: it may only have had little mail.
        ((9, 1), 10, (), "Mail fails through 2 hosts of ours: app1 (9), app2 (1)."),
        ((2, 2), 4, (), "Mail fails through 2 hosts of ours: app1 (2), app2 (2)."),
        (
            (5, 4, 3, 2, 1),
            99,
            ("app6",),
            "Mail fails through 5 hosts of ours: app1 (5), app2 (4), app3 (3) and 2",
        ),
        (
            (90, 20, 1),
            111,
            ("app3", "app6"),
            "Mail fails through 3 hosts of ours: app1 (90), app2 (20), app3 (1); 1",
        ),
        ((4,), 9, (), "Mail fails through 1 host of ours: app1 (4)."),
        ((9,), 9, MANY, "All 9 mails that failed went through app1; 24 or more others"),
    ],
)
def test_on_call_reads_whether_one_host_of_ours_is_broken_or_many(
    failing, traced, delivering, words
):
    hosts = Hosts(tuple(zip(HOSTS, failing, strict=False)), traced, delivering)
    told = verdict()
    told = told._replace(figures=told.figures._replace(hosts=hosts))
    alert = tenant_alert(told, parent=None, revision=1, at=NOON)
    body = json.loads(alert_wire.encode(alert))
    assert f" {words}" in body["where_to_check"]
    assert contract.validator("alert.v1").is_valid(body)
    assert ("failures_by_host" in body) == bool(failing)


def test_hosts_with_very_long_names_fit_a_sentence():
    names = [f"{n}" * 255 for n in range(KEPT)]
    hosts = Hosts(tuple((name, 10**9) for name in names), 10**10)
    child = verdict()
    child = child._replace(figures=child.figures._replace(hosts=hosts))
    for alert in (
        tenant_alert(child, parent=None, revision=1, at=NOON),
        parent_alert(parent(revision=1), Turn.OPENED, [child], NOON),
    ):
        body = json.loads(alert_wire.encode(alert))
        assert contract.validator("alert.v1").is_valid(body)
        assert body["hosts"] == names


def test_a_parents_alert_counts_hosts_over_its_children():
    parts = [
        Hosts((("relay2", 7), ("relay1", 1)), 8, ("relay1",)),
        Hosts((("relay2", 5),), 5, ("relay3",)),
        UNKNOWN,
    ]
    children = [
        told._replace(figures=told.figures._replace(hosts=part))
        for part in parts
        for told in [verdict()]
    ]
    alert = parent_alert(parent(), Turn.OPENED, children, NOON)
    body = json.loads(alert_wire.encode(alert))
    assert body["hosts"] == ["relay2", "relay1"]
    assert body["mails_traced"] == 13
    assert body["hosts_delivering"] == ["relay1", "relay3"]
    said = "2% of the 13 mails that failed went through relay2; 2 others deliver."
    assert body["where_to_check"].endswith(f" Seen at 2 of 3 tenants: 9{said}")
    both = parent(children={"t-1": Hop.MX, "t-2": Hop.MX})
    all_known = parent_alert(both, Turn.OPENED, children, NOON)
    body = json.loads(alert_wire.encode(all_known))
    assert body["where_to_check"].endswith(f". 9{said}")


def test_one_tenants_host_is_not_told_as_the_host_of_many_tenants():
    hosts = Hosts((("app1", 11),), 11)
    child = verdict()
    child = child._replace(figures=child.figures._replace(hosts=hosts))
    alert = parent_alert(parent(), Turn.OPENED, [child], NOON)
    body = json.loads(alert_wire.encode(alert))
    assert body["where_to_check"].endswith(
        " Seen at 1 of 3 tenants: all 11 mails that failed went through app1."
    )


def test_only_a_tenants_spike_has_a_likelihood():
    lies = Mismatch(Turn.OPENED, "t-1", liar(), None)
    alerts = (
        tenant_alert(verdict(), parent=None, revision=1, at=NOON),
        parent_alert(parent(), Turn.OPENED, [verdict()], NOON),
        mismatch_alert(lies, parent=None, at=NOON),
    )
    bodies = [json.loads(alert_wire.encode(alert)) for alert in alerts]
    assert [body.get("likelihood_ratio") for body in bodies] == [13.5, None, None]
    assert ["likelihood_threshold" in body for body in bodies] == [True, False, False]


@given(
    st.dictionaries(
        st.tuples(st.sampled_from(["t-1", "t-2"]), st.integers(0, 20)),
        st.tuples(st.sampled_from([AUTH, FULL, BAD]), st.none()),
        max_size=15,
    ),
    st.lists(st.integers(1, 6), max_size=3),
)
def test_the_customers_of_many_are_those_of_whoever_knows_more(votes, children):
    told = [verdict(causes=((AUTH, n), (FULL, 1))).figures for n in children]
    counted = customers_by_class(parent(votes=votes), told)
    most = max(len(votes), sum(n + 1 for n in children))
    assert counted.total() == most
    if len(votes) == most:
        assert counted == Counter(kind for kind, _ in votes.values())


def test_a_parents_alert_sums_up_its_children_until_it_has_counts_of_its_own():
    children = [verdict(), verdict(tenant_id="t-2")]
    alert = parent_alert(parent(), Turn.OPENED, children, NOON)
    assert (alert.failed, alert.reached, alert.customers) == (22, 8, 18)
    assert alert.causes == ((AUTH, 14), (FULL, 4))
    own = parent(failed=50, reached=60)
    alert = parent_alert(own, Turn.OPENED, children, NOON)
    assert (alert.failed, alert.reached) == (50, 60)


def test_a_parents_alert_is_of_no_tenant_and_counts_all_of_them():
    one = parent(revision=7, last_seen_at=Instant(NOON + 5 * MINUTE))
    alert = parent_alert(one, Turn.CHANGED, [], NOON)
    assert (alert.kind, alert.tenant_id, alert.parent) == (
        Kind.PLATFORM_SPIKE,
        None,
        None,
    )
    assert (alert.key, alert.revision, alert.tenants) == (one.key, 7, 3)
    assert alert.hop is Hop.MX  # where most of them see it
    assert (alert.customers, alert.causes, alert.samples) == (0, (), ())
    assert alert.last_seen_at == NOON + 5 * MINUTE
    assert parent_alert(parent(), Turn.OPENED, [], NOON).last_seen_at == NOON


def test_a_parents_scope_is_the_provider_or_all():
    here = parent_alert(parent(provider="google"), Turn.OPENED, [], NOON)
    assert (here.scope, here.provider) == (Scope.PROVIDER, "google")
    assert parent_alert(parent(), Turn.OPENED, [], NOON).scope is Scope.PLATFORM
    tls = parent_alert(parent(provider="google", cause=TLS), Turn.OPENED, [], NOON)
    assert tls.side is Side.TRANSIENT


def test_the_newest_children_are_named_and_one_answer_of_each_shown():
    many = [
        verdict(tenant_id=f"t-{n}", opened_at=Instant(NOON + n))
        for n in range(cal.CHILDREN_TOLD + 5)
    ]
    alert = parent_alert(parent(), Turn.OPENED, many, NOON)
    newest = [one.incident.key for one in reversed(many)]
    assert list(alert.children) == newest[: cal.CHILDREN_TOLD]
    assert alert.samples == (sample(1),) * SHOWN


def liar(**changes):
    given_ = {
        "server": "mx1.mail.example.net",
        "customers": {1: NOON, 2: Instant(NOON + MINUTE)},
        "classes": {FULL: 2, BAD: 2, AUTH: 3},
        "since": NOON,
        "opened_at": Instant(NOON + MINUTE),
    }
    return Liar(**given_ | changes)


def test_a_lying_servers_alert_names_its_domain_and_what_it_said_most():
    told = Mismatch(Turn.OPENED, "t-1", liar(), None)
    alert = mismatch_alert(told, parent="p", at=NOON)
    assert alert.provider == "example.net"
    assert alert.cause is AUTH
    assert alert.causes == ((AUTH, 3), (BAD, 2), (FULL, 2))
    assert (alert.customers, alert.failed) == (2, 7)
    assert alert.last_seen_at == NOON + MINUTE
    assert (alert.mismatch, alert.side, alert.parent) == (True, Side.UNKNOWN, "p")


def test_an_alert_keeps_its_key_whatever_is_understood_later():
    first = verdict()
    later = verdict(
        Turn.RESOLVED,
        scope=Scope.PROVIDER,
        provider="google",
        cause=TLS,
        last_seen_at=Instant(NOON + 9 * MINUTE),
        resolved_at=Instant(NOON + 9 * MINUTE),
    )
    assert first.incident.key == later.incident.key
    changed = parent(provider="google", cause=TLS, children={})
    assert changed.key == parent().key
    more = liar(customers={7: NOON}, classes={BAD: 1})
    assert (
        Mismatch(Turn.RESOLVED, "t-1", more, NOON).key
        == Mismatch(Turn.OPENED, "t-1", liar(), None).key
    )


@pytest.mark.parametrize("turn", list(Turn))
@pytest.mark.parametrize("cause", list(FailureClass))
def test_every_alert_of_every_class_keeps_the_contract(turn, cause):
    over = Instant(NOON + 9 * MINUTE) if turn is Turn.RESOLVED else None
    told = verdict(turn, cause=cause, causes=((cause, 3),), resolved_at=over)
    lies = Mismatch(turn, "t-1", liar(classes={cause: 4}), over)
    for alert in (
        tenant_alert(told, parent=None, revision=1, at=NOON),
        parent_alert(
            parent(cause=cause, resolved_at=over, revision=1), turn, [told], NOON
        ),
        mismatch_alert(lies, parent=None, at=NOON),
    ):
        value = alert_wire.encode(alert)
        read = alert_wire.read(alert.key.encode(), value)
        assert contract.validator("alert.v1").is_valid(read.body)
        assert (read.key, read.type) == (alert.key, alert_wire.TYPES[turn])
        assert (read.classes, read.resolved_at) == (dict(alert.causes), over)
