"""Whose fault an alert says it is."""

import pytest

from streams.core.activity import Hop
from streams.core.failure import TRAITS, FailureClass, Side
from streams.core.instant import Instant
from streams.core.spike.incident import Incident, Scope, Turn
from streams.core.spike.telling import tenant_alert
from streams.core.spike.verdict import Figures, Verdict

NOON = Instant(1_790_000_000_000)


def side(cause, scope):
    incident = Incident(
        tenant_id="t-1",
        hop=Hop.MX,
        since=NOON,
        opened_at=NOON,
        scope=scope,
        provider="google" if scope is Scope.PROVIDER else None,
        cause=cause,
        last_seen_at=NOON,
        told_at=NOON,
    )
    figures = Figures(5, ((cause, 5),), 5, 0, 0.01, 12.0, 9.0, ())
    verdict = Verdict(Turn.OPENED, incident, figures)
    return tenant_alert(verdict, parent=None, revision=1, at=NOON).side


def test_a_provider_that_cannot_do_tls_is_not_our_configuration():
    assert side(FailureClass.TLS_FAILED, Scope.PROVIDER) is Side.TRANSIENT
    assert side(FailureClass.TLS_FAILED, Scope.TENANT) is Side.SENDER_CONFIG


@pytest.mark.parametrize("cause", sorted(set(FailureClass) - {FailureClass.TLS_FAILED}))
@pytest.mark.parametrize("scope", [Scope.TENANT, Scope.PROVIDER])
def test_otherwise_the_class_says_whose_fault_it_is(cause, scope):
    assert side(cause, scope) is TRAITS[cause].side
