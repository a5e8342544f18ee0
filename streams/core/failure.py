"""The closed vocabulary of failures: class, side, address policy, phase, peer.

One word for one thing: each member's value is the wire value, the metric label,
the legend of a dashboard and the word of a runbook.
"""

from enum import StrEnum
from typing import NamedTuple


class Side(StrEnum):
    """Whose fault a failure is."""

    RECIPIENT = "recipient"
    """The address, its mailbox or its owner."""
    SENDER_CONFIG = "sender_config"
    """The tenant's own mail set-up."""
    REPUTATION_POLICY = "reputation_policy"
    """The sending host or domain is distrusted, limited or listed."""
    CONTENT = "content"
    """This message: its size, text, attachments or form."""
    TRANSIENT = "transient"
    """Network, DNS, routing, a broken server; nobody's fault for long."""
    UNKNOWN = "unknown"
    """The server did not say enough."""


class AddressPolicy(StrEnum):
    """When this kind of failure says that the address itself is bad."""

    IMMEDIATE = "immediate"
    """At the first permanent failure."""
    AFTER_N = "after_n"
    """After N failed messages in a row."""
    NEVER = "never"
    """Never: it says nothing about the address."""


class Confidence(StrEnum):
    """How sure a verdict is."""

    HIGH = "high"
    """A specific phrase, or a specific code in the right phase."""
    MEDIUM = "medium"
    """A specific code alone, or a phrase that has several readings."""
    LOW = "low"
    """A reply code alone, or text and code that contradict each other."""


class Phase(StrEnum):
    """Where in the SMTP session the answer came (RFC 5321 section 4)."""

    DNS = "dns"
    """Before the session: resolving the next hop."""
    CONNECT = "connect"
    """Opening the TCP connection."""
    BANNER = "banner"
    """Waiting for the 220 greeting."""
    EHLO = "ehlo"
    """EHLO or HELO."""
    TLS = "tls"
    """STARTTLS and its handshake (RFC 3207)."""
    AUTH = "auth"
    """AUTH (RFC 4954)."""
    MAIL = "mail"
    """MAIL FROM."""
    RCPT = "rcpt"
    """RCPT TO."""
    DATA = "data"
    """DATA, before the 354."""
    DATA_END = "data_end"
    """After the final dot."""
    QUIT = "quit"
    """QUIT, when everything had been said."""


class PeerRole(StrEnum):
    """Whom the mailer talked to."""

    RELAY = "relay"
    """The sender's own relay, submission server or mail provider."""
    MX = "mx"
    """The recipient's mail server."""


class FailureClass(StrEnum):
    """What kind of failure it was."""

    BAD_MAILBOX = "bad_mailbox"
    """No such mailbox at that domain."""
    BAD_DOMAIN = "bad_domain"
    """The domain does not exist or takes no mail (null MX, RFC 7505)."""
    MAILBOX_MOVED = "mailbox_moved"
    """The user has left; the text may name a new address."""
    MAILBOX_DISABLED = "mailbox_disabled"
    """The account is closed, suspended or inactive."""
    MAILBOX_FULL = "mailbox_full"
    """The mailbox is over its quota."""
    RECIPIENT_REFUSED = "recipient_refused"
    """The recipient, or the list, does not take mail from this sender."""
    RECIPIENT_SYSTEM_ERROR = "recipient_system_error"
    """The recipient's mail system is broken."""
    PROVIDER_SUPPRESSED = "provider_suppressed"
    """Our own mail provider refuses: the address is on its suppression list."""

    SUBMISSION_CONNECT_FAILED = "submission_connect_failed"
    """The tenant's own relay cannot be reached."""
    TLS_FAILED = "tls_failed"
    """TLS could not be agreed on."""
    SUBMISSION_AUTH_FAILED = "submission_auth_failed"
    """The relay does not accept the tenant's credentials."""
    RELAY_DENIED = "relay_denied"
    """The relay does not relay for this host or login."""
    SENDER_REJECTED = "sender_rejected"
    """The sender address is not allowed or cannot be resolved."""
    SENDER_DOMAIN_AUTH_FAILED = "sender_domain_auth_failed"
    """SPF, DKIM or DMARC of the sender's domain fails."""
    SENDER_HOST_DNS = "sender_host_dns"
    """Reverse DNS or HELO name of the sending host is missing or wrong."""
    SENDING_QUOTA_EXCEEDED = "sending_quota_exceeded"
    """The tenant's limit or plan is used up, or its account there may not send."""
    PROTOCOL_ERROR = "protocol_error"
    """The client spoke SMTP wrongly, or something between broke it."""
    LOCAL_CONFIG_ERROR = "local_config_error"
    """The sender's own mail server is set up wrongly."""

    SENDER_BLOCKED = "sender_blocked"
    """The sending IP or domain is on a blocklist or has a poor reputation."""
    POLICY_REJECTED = "policy_rejected"
    """Refused by a policy that the text does not explain."""
    RATE_LIMITED = "rate_limited"
    """Too much mail in too short a time."""
    GREYLISTED = "greylisted"
    """First contact; the server asks to come again (RFC 6647)."""

    MESSAGE_TOO_LARGE = "message_too_large"
    """The message is larger than the server takes (RFC 1870)."""
    CONTENT_REJECTED = "content_rejected"
    """An attachment, link or form of content is refused."""
    SPAM_CONTENT = "spam_content"
    """The message looks like spam."""
    VIRUS_DETECTED = "virus_detected"
    """The message seems to carry malware."""
    MESSAGE_NOT_COMPLIANT = "message_not_compliant"
    """The message breaks RFC 5322 or MIME."""
    SMTPUTF8_UNSUPPORTED = "smtputf8_unsupported"
    """A server on the way cannot carry a non-ASCII address (RFC 6531)."""

    NETWORK_ERROR = "network_error"
    """The recipient's server cannot be reached."""
    DNS_FAILURE = "dns_failure"
    """The recipient's domain cannot be resolved for the moment."""
    ROUTING_LOOP = "routing_loop"
    """The message went round in circles."""
    DELIVERY_EXPIRED = "delivery_expired"
    """The message stayed in a queue until its time was over."""
    REPLY_LOST_AFTER_DATA = "reply_lost_after_data"
    """No answer after the final dot: it may have been accepted (RFC 1047)."""

    UNKNOWN = "unknown"
    """The answer says too little."""


class ClassTraits(NamedTuple):
    """What follows from a class when nothing more is known.

    `after_permanent` and `after_transient` are the N of `after_n`: how many
    failed messages in a row speak against the address, for a 5.x.x and for a
    4.x.x answer. 0 means never.
    """

    side: Side
    address_policy: AddressPolicy
    after_permanent: int
    after_transient: int


def _now(after_transient: int) -> ClassTraits:
    return ClassTraits(Side.RECIPIENT, AddressPolicy.IMMEDIATE, 1, after_transient)


def _after(side: Side, permanent: int, transient: int) -> ClassTraits:
    return ClassTraits(side, AddressPolicy.AFTER_N, permanent, transient)


def _never(side: Side) -> ClassTraits:
    return ClassTraits(side, AddressPolicy.NEVER, 0, 0)


_C = FailureClass
TRAITS: dict[FailureClass, ClassTraits] = {
    _C.BAD_MAILBOX: _now(3),
    _C.BAD_DOMAIN: _now(3),
    _C.MAILBOX_MOVED: _now(3),
    _C.MAILBOX_DISABLED: _now(3),
    _C.MAILBOX_FULL: _after(Side.RECIPIENT, 3, 5),
    _C.RECIPIENT_REFUSED: _after(Side.RECIPIENT, 3, 5),
    # Nobody's fault for long: a full disk over there says nothing of the address.
    _C.RECIPIENT_SYSTEM_ERROR: _after(Side.TRANSIENT, 5, 5),
    _C.PROVIDER_SUPPRESSED: _now(3),
    _C.SUBMISSION_CONNECT_FAILED: _never(Side.SENDER_CONFIG),
    _C.TLS_FAILED: _never(Side.SENDER_CONFIG),
    _C.SUBMISSION_AUTH_FAILED: _never(Side.SENDER_CONFIG),
    _C.RELAY_DENIED: _never(Side.SENDER_CONFIG),
    _C.SENDER_REJECTED: _never(Side.SENDER_CONFIG),
    _C.SENDER_DOMAIN_AUTH_FAILED: _never(Side.SENDER_CONFIG),
    _C.SENDER_HOST_DNS: _never(Side.SENDER_CONFIG),
    _C.SENDING_QUOTA_EXCEEDED: _never(Side.SENDER_CONFIG),
    _C.PROTOCOL_ERROR: _never(Side.SENDER_CONFIG),
    _C.LOCAL_CONFIG_ERROR: _never(Side.SENDER_CONFIG),
    _C.SENDER_BLOCKED: _never(Side.REPUTATION_POLICY),
    _C.POLICY_REJECTED: _never(Side.REPUTATION_POLICY),
    _C.RATE_LIMITED: _never(Side.REPUTATION_POLICY),
    _C.GREYLISTED: _never(Side.REPUTATION_POLICY),
    _C.MESSAGE_TOO_LARGE: _never(Side.CONTENT),
    _C.CONTENT_REJECTED: _never(Side.CONTENT),
    _C.SPAM_CONTENT: _never(Side.CONTENT),
    _C.VIRUS_DETECTED: _never(Side.CONTENT),
    _C.MESSAGE_NOT_COMPLIANT: _never(Side.CONTENT),
    _C.SMTPUTF8_UNSUPPORTED: _never(Side.CONTENT),
    _C.NETWORK_ERROR: _after(Side.TRANSIENT, 5, 5),
    _C.DNS_FAILURE: _after(Side.TRANSIENT, 5, 5),
    _C.ROUTING_LOOP: _after(Side.TRANSIENT, 3, 3),
    _C.DELIVERY_EXPIRED: _after(Side.TRANSIENT, 2, 2),
    _C.REPLY_LOST_AFTER_DATA: _never(Side.TRANSIENT),
    _C.UNKNOWN: _after(Side.UNKNOWN, 3, 3),
}
"""Every class's side and address policy, each class exactly once."""


class Verdict(NamedTuple):
    """What a failure means: the answer of the classifier."""

    failure_class: FailureClass
    side: Side
    address_policy: AddressPolicy
    confidence: Confidence
    rule: str
    """Id of the rule that won."""
    conflict: bool
    """Text, enhanced code and reply code disagreed; the milder was taken."""
