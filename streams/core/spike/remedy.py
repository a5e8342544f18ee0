"""What to tell of many customers who fail at once: other words than of one address.

What is about the recipient's server when one mail fails is about our own way out when
mail to many providers does, and about our own mail server when that says it.
"""

from streams.core.activity import Hop
from streams.core.advice import ADVICE, Advice
from streams.core.failure import FailureClass
from streams.core.spike.incident import Scope

_C = FailureClass

_NOBODY_LEFT = Advice(
    "Addresses that worked are said to take no mail any more.",
    "What changed in how addresses are made, rewritten or routed on the way out.",
    "Undo that change, and suppress none of these addresses until it is understood.",
)
_WHEREVER: dict[FailureClass, Advice] = {
    _C.NETWORK_ERROR: Advice(
        "The mail servers of many providers cannot be reached: most likely the way out"
        " of our own network.",
        "A connection to port 25 of two providers from the sending host: firewall,"
        " route, source address, a block by the hosting provider.",
        "Open the way out again; mail that still waits is then sent by itself.",
    ),
    _C.DNS_FAILURE: Advice(
        "The domains of many recipients cannot be looked up: most likely our own"
        " resolver.",
        "The resolver that the sending host uses, with a look-up of any domain there.",
        "Mend the resolver or use another; mail that still waits is then sent by"
        " itself.",
    ),
    _C.REPLY_LOST_AFTER_DATA: Advice(
        "Connections to many providers break after the message was sent: it may have"
        " arrived.",
        "Firewalls and network devices on our way out that cut or inspect sessions.",
        "Stop what cuts the sessions; do not send again blindly.",
    ),
    _C.DELIVERY_EXPIRED: Advice(
        "Mail to many providers is given up after its time in the queue.",
        "The queue of the sending server: the reasons why mail waits there, and its"
        " way out.",
        "Mend what the queue names, then send again what was given up.",
    ),
    _C.RECIPIENT_SYSTEM_ERROR: Advice(
        "The servers of many providers report errors of their own: unlikely at once,"
        " unless something of ours provokes them.",
        "What changed in our mail, and what the replies have in common.",
        "Undo the change if there was one; otherwise wait for the next replies.",
    ),
    _C.POLICY_REJECTED: Advice(
        "The servers of many providers refuse the mail by a rule that they do not"
        " explain.",
        "The reputation of the sending host and domain, SPF, DKIM and DMARC, and what"
        " changed in the mail.",
        "Mend what is found there; ask the postmaster of the biggest provider which"
        " rule it was.",
    ),
    _C.UNKNOWN: Advice(
        "The mail is refused at many providers, and the replies do not say why.",
        "The servers' words in the samples, and what changed on our side since then.",
        "Undo that change; if there was none, ask the postmaster of the biggest"
        " provider.",
    ),
    _C.PROVIDER_SUPPRESSED: Advice(
        "Our own mail provider refuses to send to addresses that worked, because of"
        " earlier bounces or complaints.",
        "The suppression list in the mail provider's console, and what bounced before.",
        "Remove the addresses from that list that bounced for a fault of ours.",
    ),
    _C.BAD_MAILBOX: _NOBODY_LEFT,
    _C.MAILBOX_DISABLED: _NOBODY_LEFT,
    _C.RECIPIENT_REFUSED: _NOBODY_LEFT,
}
"""Mail that left us fails wherever it goes."""

_LOST_DIRECTORY = Advice(
    "The provider says of addresses that worked that they take no mail any more.",
    "The provider's status page, and whether the customers say that they get mail.",
    "Suppress none of these addresses yet, and tell the provider's postmaster.",
)
_AT_A_PROVIDER: dict[FailureClass, Advice] = {
    _C.NETWORK_ERROR: Advice(
        "The provider's mail servers cannot be reached.",
        "Whether others reach it: its status page, and our way to its network.",
        "Wait, if it is down for all: the mail is tried again by itself.",
    ),
    _C.DNS_FAILURE: Advice(
        "The provider's domains cannot be looked up.",
        "The provider's name servers, asked from two networks.",
        "Wait, if they answer nobody: the mail is tried again by itself.",
    ),
    _C.RECIPIENT_SYSTEM_ERROR: Advice(
        "The provider's mail system has an error of its own.",
        "The provider's status page.",
        "Wait: it usually heals by itself, and deferred mail is tried again.",
    ),
    _C.UNKNOWN: Advice(
        "The provider refuses the mail, and its replies do not say why.",
        "The servers' words in the samples, and the provider's postmaster page.",
        "Ask the provider's postmaster, with the full reply.",
    ),
    _C.BAD_MAILBOX: _LOST_DIRECTORY,
    _C.MAILBOX_DISABLED: _LOST_DIRECTORY,
    _C.RECIPIENT_REFUSED: _LOST_DIRECTORY,
}
"""Mail to one provider fails."""

_REFUSED_HERE = Advice(
    "It refuses the mail by a rule that it does not explain.",
    "Its log or the provider's account page, and the words in the samples.",
    "Ask whoever runs it which rule it was; often the account, its plan or a filter.",
)
_CONTENT_HERE = Advice(
    "It refuses something in the messages.",
    "Its content filter, and the template, attachments and links of the samples.",
    "Correct the template, or the filter if it is wrong.",
)
_BROKEN_HERE = Advice(
    "It has an error of its own.",
    "Its log, disk space and queue.",
    "Mend it; mail that still waits is then sent by itself.",
)
_AT_OUR_SERVER: dict[FailureClass, Advice] = {
    _C.POLICY_REJECTED: _REFUSED_HERE,
    _C.RECIPIENT_REFUSED: _REFUSED_HERE,
    _C.SPAM_CONTENT: Advice(
        "It takes the messages for spam.",
        "Its spam filter, and text, links and sender of the template in the samples.",
        "Change the template, or the filter if it is wrong.",
    ),
    _C.CONTENT_REJECTED: _CONTENT_HERE,
    _C.MESSAGE_NOT_COMPLIANT: _CONTENT_HERE,
    _C.VIRUS_DETECTED: Advice(
        "It found malware in the messages.",
        "The attachments, and the system that made them.",
        "Scan the sending system before anything is sent again.",
    ),
    _C.MESSAGE_TOO_LARGE: Advice(
        "The messages are larger than it takes.",
        "Its size limit, and the attachments of the template.",
        "Send a link or a smaller attachment, or have the limit raised.",
    ),
    _C.RATE_LIMITED: Advice(
        "It takes less mail at once than is sent.",
        "Its limits for connections and messages, and how much was sent at once.",
        "Let the queue send more slowly, or have the limit raised.",
    ),
    _C.RECIPIENT_SYSTEM_ERROR: _BROKEN_HERE,
    _C.LOCAL_CONFIG_ERROR: Advice(
        "It is set up wrongly or lacks something, such as space on its disk.",
        "Its log, disk space, queue and routing settings.",
        "Mend what the log names, and send a test mail.",
    ),
    _C.ROUTING_LOOP: Advice(
        "It sees the messages go round in circles.",
        "Its routing, and that of the servers before and behind it.",
        "Correct the routing, and send a test mail.",
    ),
    _C.NETWORK_ERROR: Advice(
        "It cannot reach other servers, or is not reached itself.",
        "The network between the sending hosts, this server and the world.",
        "Mend the connection; mail that still waits is then sent by itself.",
    ),
    _C.DNS_FAILURE: Advice(
        "Names cannot be looked up there.",
        "The resolver that it and the sending hosts use.",
        "Mend the resolver or use another.",
    ),
    _C.UNKNOWN: Advice(
        "It refuses the mail, and its replies do not say why.",
        "Its log, and its words in the samples.",
        "Send a test mail from a sending host, and read what it logs.",
    ),
}
"""Our own mail server says so, whoever runs it."""


def remedy(cause: FailureClass, scope: Scope, hop: Hop | None) -> Advice:
    """Answer what to tell of a cause that many customers fail with."""
    if hop is Hop.SUBMISSION:
        words = _AT_OUR_SERVER
    else:
        words = _AT_A_PROVIDER if scope is Scope.PROVIDER else _WHEREVER
    return words.get(cause, ADVICE[cause])
