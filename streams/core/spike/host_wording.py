"""Hosts of ours in words: is one of a pool broken, or all of it?

Figures are of the mails whose host was looked for, and say how many those are: three
through one host of four may be chance, three hundred are not.
"""

from collections.abc import Sequence

from streams.core.spike.alert import Alert
from streams.core.spike.fleet import DELIVERING

_NAMED = 3
"""Hosts that are named in a sentence."""
_NEARLY_ALL = 0.9
"""The rest may fail by chance, as some mail always does, if its hosts deliver."""
_CERTAIN = 0.99
"""So much is said at most of what is not all."""
_NAME = 100
"""Characters of a host's name: a sentence of three stays one."""


def hosts_in_words(alert: Alert) -> str:
    """Answer through which hosts of ours it goes, as a sentence; empty when unknown."""
    named = alert.involved
    if not named:
        return ""
    if not alert.hosts.failing:
        return f"Hosts of ours that were seen: {_listed([h[:_NAME] for h in named])}."
    failing = [(host[:_NAME], mails) for host, mails in alert.hosts.failing]
    (worst, mails), traced = failing[0], alert.hosts.traced
    delivering = set(alert.hosts.delivering)
    by_chance = delivering.issuperset(named[1:])
    if mails == traced:
        all_of_it = "The mail" if traced == 1 else f"All {traced} mails"
        said = f"{all_of_it} that failed went through {worst}"
    elif by_chance and mails >= _NEARLY_ALL * traced:
        part = min(_CERTAIN, mails / traced)
        said = f"{part:.0%} of the {traced} mails that failed went through {worst}"
    else:
        count = "1 host" if len(named) == 1 else f"{len(named)} hosts"
        counted = [f"{host} ({mails})" for host, mails in failing]
        said = f"Mail fails through {count} of ours: {_listed(counted)}"
        delivering -= set(named)
    return f"{_known(alert, said)}{_delivering(len(delivering))}."


def _known(alert: Alert, said: str) -> str:
    """Answer the words for a fault of many, with how many of them are known."""
    known = alert.hosts.incidents
    if alert.tenant_id is not None or known >= alert.tenants:
        return said
    return f"Seen at {known} of {alert.tenants} tenants: {said[:1].lower()}{said[1:]}"


def _delivering(others: int) -> str:
    if not others:
        return ""
    more = " or more" if others >= DELIVERING else ""
    return "; 1 other delivers" if others == 1 else f"; {others}{more} others deliver"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    listed = ", ".join(names[:_NAMED])
    return f"{listed} and {more} more" if more > 0 else listed
