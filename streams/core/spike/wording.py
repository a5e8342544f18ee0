"""An alert in words: the one sentence that on-call needs, where to look, what to do.

Built from classes, counts and names of tenants, providers and hosts; never from
an address or a server's own words.
"""

from streams.core import instant
from streams.core.activity import Hop
from streams.core.advice import Advice
from streams.core.spike import calibration as cal
from streams.core.spike.alert import Alert, Kind
from streams.core.spike.host_wording import hosts_in_words
from streams.core.spike.incident import Scope
from streams.core.spike.remedy import remedy


def summary(alert: Alert) -> str:
    """Answer what is broken, since when, for how many, and the likely cause."""
    if alert.kind is Kind.RESPONSE_MISMATCH:
        return (
            f"{alert.peer or alert.provider} answers with failures although the mail"
            f" arrives: {_customers(alert)} of {alert.tenant_id} since"
            f" {_time(alert)}."
        )
    return f"{_who(alert)} since {_time(alert)}: {_cause(alert)}{_share(alert)}"


def where_to_check(alert: Alert) -> str:
    """Answer where the cause is to be seen."""
    if alert.mismatch:
        host = alert.peer or alert.provider or "the server in the samples"
        return f"The log of {host}, at the times of the samples."
    places = [_remedy(alert).where_to_check]
    if hosts := hosts_in_words(alert):
        places.append(hosts)
    return " ".join(places)


def what_to_do(alert: Alert) -> str:
    """Answer what mends it."""
    if alert.mismatch:
        return (
            "Ask the server's administrator why it refuses mail that it delivers:"
            " response codes, bounce notifications, a filter that answers too early."
            " Flags set by it clear by themselves."
        )
    return _remedy(alert).what_to_do


def _who(alert: Alert) -> str:
    whose = f"{_customers(alert)} of {alert.tenant_id}"
    if alert.tenant_id is None:
        tenants = "1 tenant" if alert.tenants == 1 else f"{alert.tenants} tenants"
        whose = f"{_customers(alert)} of {tenants}"
    return f"{whose} newly fail{_place(alert)}"


def _place(alert: Alert) -> str:
    if alert.scope is Scope.PROVIDER:
        return f" at {alert.provider}"
    return " at our own mail server" if alert.hop is Hop.SUBMISSION else ""


def _customers(alert: Alert) -> str:
    if alert.customers == 1:
        return "1 customer"
    more = alert.customers >= cal.CUSTOMERS_KEPT and alert.kind is Kind.SPIKE
    return f"{alert.customers} {'or more ' if more else ''}customers"


def _time(alert: Alert) -> str:
    begun = instant.to_datetime(alert.evidence_from)
    same_day = begun.date() == instant.to_datetime(alert.at).date()
    return begun.strftime("%H:%M UTC" if same_day else "%Y-%m-%d %H:%M UTC")


def _cause(alert: Alert) -> str:
    if alert.mismatch:
        return "the server answers with failures although the mail arrives."
    said = _remedy(alert).summary
    return said[:1].lower() + said[1:]


def _remedy(alert: Alert) -> Advice:
    return remedy(alert.cause, alert.scope, alert.hop)


def _share(alert: Alert) -> str:
    if not alert.failed + alert.reached:
        return ""
    usual = f", usually {alert.base:.1%} at most" if alert.base else ""
    there = " there" if _place(alert) else ""
    return f" {alert.share:.0%} of the mail{there} fails{usual}."
