"""What a failure class says to the detector: whose trouble, for how long, how wide.

One line a class, each class exactly once. The classifier says what kind of
failure it is; this table says how much of it many customers at once are worth.
"""

from enum import StrEnum
from typing import NamedTuple

from streams.core.failure import FailureClass


class Group(StrEnum):
    """How a failure of a class is counted."""

    SENDER = "sender"
    """Rare without a fault on the sender's side: every failure counts."""
    MIXED = "mixed"
    """Clusters in ordinary life: counts when the address worked before."""
    RECIPIENT = "recipient"
    """About the address: counts when it worked before, and a relay that says so
    works itself."""
    NONE = "none"
    """Says nothing about the sender, however many customers it hits."""


class Blame(NamedTuple):
    """What follows from a class for the search for incidents."""

    group: Group
    passing: bool
    """Heals by itself within minutes often enough that an alert waits longer."""
    tenant_odds: float
    """Prior log-odds that the whole tenant is hit rather than one provider."""


_C = FailureClass
_S, _M, _R, _N = Group.SENDER, Group.MIXED, Group.RECIPIENT, Group.NONE

BLAME: dict[FailureClass, Blame] = {
    _C.SUBMISSION_AUTH_FAILED: Blame(_S, passing=False, tenant_odds=8.0),
    _C.RELAY_DENIED: Blame(_S, passing=False, tenant_odds=6.0),
    _C.SENDER_REJECTED: Blame(_S, passing=False, tenant_odds=6.0),
    _C.LOCAL_CONFIG_ERROR: Blame(_S, passing=False, tenant_odds=6.0),
    _C.SUBMISSION_CONNECT_FAILED: Blame(_S, passing=True, tenant_odds=5.0),
    _C.TLS_FAILED: Blame(_S, passing=True, tenant_odds=5.0),
    _C.DNS_FAILURE: Blame(_S, passing=True, tenant_odds=4.0),
    _C.SENDING_QUOTA_EXCEEDED: Blame(_S, passing=True, tenant_odds=4.0),
    _C.PROTOCOL_ERROR: Blame(_S, passing=False, tenant_odds=3.0),
    _C.NETWORK_ERROR: Blame(_S, passing=True, tenant_odds=1.0),
    _C.REPLY_LOST_AFTER_DATA: Blame(_S, passing=True, tenant_odds=1.0),
    _C.DELIVERY_EXPIRED: Blame(_S, passing=False, tenant_odds=1.0),
    _C.SENDER_DOMAIN_AUTH_FAILED: Blame(_S, passing=False, tenant_odds=0.5),
    _C.SENDER_HOST_DNS: Blame(_S, passing=False, tenant_odds=0.5),
    _C.SENDER_BLOCKED: Blame(_S, passing=False, tenant_odds=-0.5),
    _C.POLICY_REJECTED: Blame(_M, passing=False, tenant_odds=0.0),
    _C.RATE_LIMITED: Blame(_M, passing=False, tenant_odds=0.0),
    _C.RECIPIENT_SYSTEM_ERROR: Blame(_M, passing=True, tenant_odds=0.0),
    _C.ROUTING_LOOP: Blame(_M, passing=False, tenant_odds=1.0),
    _C.MESSAGE_TOO_LARGE: Blame(_M, passing=False, tenant_odds=-0.5),
    _C.CONTENT_REJECTED: Blame(_M, passing=False, tenant_odds=-0.5),
    _C.SPAM_CONTENT: Blame(_M, passing=False, tenant_odds=-0.5),
    _C.VIRUS_DETECTED: Blame(_M, passing=False, tenant_odds=-0.5),
    _C.MESSAGE_NOT_COMPLIANT: Blame(_M, passing=False, tenant_odds=-0.5),
    _C.SMTPUTF8_UNSUPPORTED: Blame(_M, passing=False, tenant_odds=-0.5),
    _C.UNKNOWN: Blame(_M, passing=True, tenant_odds=1.0),
    _C.BAD_MAILBOX: Blame(_R, passing=False, tenant_odds=1.0),
    _C.MAILBOX_DISABLED: Blame(_R, passing=False, tenant_odds=1.0),
    _C.RECIPIENT_REFUSED: Blame(_R, passing=False, tenant_odds=0.0),
    _C.PROVIDER_SUPPRESSED: Blame(_R, passing=False, tenant_odds=1.0),
    _C.MAILBOX_MOVED: Blame(_N, passing=False, tenant_odds=0.0),
    _C.BAD_DOMAIN: Blame(_N, passing=False, tenant_odds=0.0),
    _C.MAILBOX_FULL: Blame(_N, passing=False, tenant_odds=0.0),
    _C.GREYLISTED: Blame(_N, passing=False, tenant_odds=0.0),
}
"""Odds: what 120 labelled incidents of two traffic generators suggest, rounded."""

SENDER = frozenset(c for c, b in BLAME.items() if b.group is Group.SENDER)
"""Classes that are counted whether or not the address worked before."""
NEVER = frozenset(c for c, b in BLAME.items() if b.group is Group.NONE)
"""Classes that are never counted."""
PASSING = frozenset(c for c, b in BLAME.items() if b.passing)
"""Classes that often heal by themselves."""
UNREACHED = frozenset({_C.NETWORK_ERROR, _C.DNS_FAILURE, _C.DELIVERY_EXPIRED})
"""Classes of mail that comes to nobody, whether we are cut off or they are gone."""
PAST_US = frozenset(
    {
        _C.BAD_MAILBOX,
        _C.MAILBOX_DISABLED,
        _C.RECIPIENT_REFUSED,
        _C.PROVIDER_SUPPRESSED,
        _C.MAILBOX_MOVED,
        _C.BAD_DOMAIN,
        _C.MAILBOX_FULL,
    }
)
"""Classes about the recipient: a relay of ours that answers so works itself."""


def weight(failure_class: FailureClass, *, sure: bool, elsewhere: bool) -> float:
    """Say how much a failure says about the sender's side.

    A first deferral by another's server is greylisting more often than an outage,
    whatever its words, and heals by the second attempt; a connection that fails, or
    our own hop, counts at once, by half when it may be a mere slip of a server.

    Args:
        failure_class: what the answer was taken for.
        sure: it is final, or was said to a further attempt.
        elsewhere: another's server said it in a session.
    """
    if failure_class in NEVER:
        return 0.0
    if sure:
        return 1.0
    if failure_class not in SENDER:
        return 0.0
    if failure_class in PASSING:
        return 1.0
    return 0.0 if elsewhere else 0.5


_CONNECTION = frozenset(
    {
        _C.SUBMISSION_CONNECT_FAILED,
        _C.TLS_FAILED,
        _C.DNS_FAILURE,
        _C.NETWORK_ERROR,
        _C.REPLY_LOST_AFTER_DATA,
        _C.UNKNOWN,
    }
)


def family(failure_class: FailureClass) -> str:
    """Say under which name one fault shows when different tenants see it."""
    if failure_class in _CONNECTION:
        return "connection"
    return failure_class.value


_STANDING = frozenset(
    {
        _C.SENDER_BLOCKED,
        _C.RATE_LIMITED,
        _C.POLICY_REJECTED,
        _C.SPAM_CONTENT,
    }
)


def kin(failure_class: FailureClass) -> str:
    """Say under which name one fault of many tenants shows.

    A network with a bad name is slowed down by one server, refused by the next, and
    told of spam by a third; the same tenant reads one of these first, another later.
    """
    return "standing" if failure_class in _STANDING else family(failure_class)
