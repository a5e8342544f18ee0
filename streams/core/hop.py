"""What a failure can mean at this hop: how far the session came, and with whom.

Before RCPT TO nothing is about the recipient, except what the DNS says of the
domain; and a hop that is our own relay's is ours, whatever went wrong on the way.
"""

from streams.core.failure import TRAITS, FailureClass, PeerRole, Phase, Side
from streams.core.identity import OwnIdentity
from streams.core.reply import Reply

ABOUT_RECIPIENT = frozenset(c for c, t in TRAITS.items() if t.side is Side.RECIPIENT)

OWN_RELAY_RULE = "own-relay"
"""The `rule` of a failure that only the phase of a session with our relay tells."""

_BEFORE_RCPT = frozenset(
    {
        *(Phase.DNS, Phase.CONNECT, Phase.BANNER, Phase.EHLO, Phase.TLS),
        *(Phase.AUTH, Phase.MAIL),
    }
)
_RELAY_ON_RECIPIENT = frozenset({Phase.RCPT, Phase.DATA, Phase.DATA_END, None})
_OF_RELAY = {
    FailureClass.NETWORK_ERROR: FailureClass.SUBMISSION_CONNECT_FAILED,
    FailureClass.DNS_FAILURE: FailureClass.SUBMISSION_CONNECT_FAILED,
    FailureClass.RECIPIENT_SYSTEM_ERROR: FailureClass.LOCAL_CONFIG_ERROR,
}
"""What a fault of the way, or of the server, is when the server is our own relay."""
_BY_PHASE = {
    Phase.DNS: FailureClass.SUBMISSION_CONNECT_FAILED,
    Phase.CONNECT: FailureClass.SUBMISSION_CONNECT_FAILED,
    Phase.BANNER: FailureClass.SUBMISSION_CONNECT_FAILED,
    Phase.EHLO: FailureClass.SUBMISSION_CONNECT_FAILED,
    Phase.TLS: FailureClass.TLS_FAILED,
    Phase.AUTH: FailureClass.SUBMISSION_AUTH_FAILED,
}
"""What it is when our relay said nothing and the mailer's words are not known."""

_UNANSWERED = frozenset({Phase.DNS, Phase.CONNECT})
"""Phases in which the mailer itself speaks, and names the host it looked for."""
_UNOPENED = frozenset({Phase.CONNECT, Phase.BANNER})
_UNTOLD_AT_AUTH = frozenset({FailureClass.UNKNOWN, FailureClass.POLICY_REJECTED})
"""What a login that is refused is taken for when nothing says why."""
_REFUSALS = 400
"""Codes from here on are refusals; a mailer also names the code it waited for."""


def role_of(reply: Reply, own: OwnIdentity) -> PeerRole | None:
    """Answer whose server it was, when the event does not say; None: nobody knows."""
    role = own.role_of(reply.peer)
    if role is None and reply.phase is Phase.AUTH:
        # Nobody logs in to a server of the recipient's.
        return PeerRole.RELAY
    unanswered = reply.code is None and reply.phase in _UNANSWERED
    if role is None and unanswered and own.names_relay(reply.text):
        return PeerRole.RELAY
    return role


def may_concern_recipient(
    failure_class: FailureClass, phase: Phase | None, role: PeerRole | None
) -> bool:
    """Say whether this phase and peer can tell anything about the recipient.

    Of 16 refusals at connect or EHLO and 39 at MAIL FROM none was about the
    recipient; only the DNS can, about the domain.
    """
    if phase is Phase.DNS:
        return failure_class is FailureClass.BAD_DOMAIN
    if phase in _BEFORE_RCPT:
        return False
    return role is not PeerRole.RELAY or phase in _RELAY_ON_RECIPIENT


def at_relay(failure_class: FailureClass, reply: Reply) -> FailureClass:
    """Answer what a failure is when the hop is the way to our own relay.

    A domain that our mailer itself cannot find there is the relay's: what the relay
    finds out about the recipient's domain comes with a code.
    """
    refused = reply.enhanced is not None or (reply.code or 0) >= _REFUSALS
    phase = reply.phase
    if phase is Phase.AUTH and failure_class in _UNTOLD_AT_AUTH:
        return FailureClass.SUBMISSION_AUTH_FAILED
    if failure_class is FailureClass.UNKNOWN and phase and not refused:
        return _BY_PHASE.get(phase, failure_class)
    if failure_class is FailureClass.BAD_DOMAIN and not (
        refused and phase is not Phase.DNS
    ):
        return FailureClass.SUBMISSION_CONNECT_FAILED
    if failure_class is FailureClass.RECIPIENT_SYSTEM_ERROR and phase in _UNOPENED:
        return FailureClass.SUBMISSION_CONNECT_FAILED
    return _OF_RELAY.get(failure_class, failure_class)
