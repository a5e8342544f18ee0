"""What to tell people: what happened, where to check, what to do.

Words that a support agent can send on as they are. They follow from the class
alone, so they never contain an address, a host or a server's own words.
"""

from typing import NamedTuple

from streams.core.evidence import Failure
from streams.core.failure import FailureClass


class Advice(NamedTuple):
    """One sentence each."""

    summary: str
    """What happened."""
    where_to_check: str
    what_to_do: str


_C = FailureClass
ADVICE: dict[FailureClass, Advice] = {
    _C.BAD_MAILBOX: Advice(
        "The recipient's mail server says that there is no such mailbox.",
        "The address in the customer's record.",
        "Ask the customer for the right address, by another channel.",
    ),
    _C.BAD_DOMAIN: Advice(
        "The part of the address after the @ does not exist or takes no mail.",
        "The address in the customer's record: often a typing mistake after the @.",
        "Correct the domain, or ask the customer for another address.",
    ),
    _C.MAILBOX_MOVED: Advice(
        "The recipient has left this mailbox.",
        "The server's words: they may name a new address.",
        "Ask the customer for the new address; do not take it from the server's reply"
        " alone.",
    ),
    _C.MAILBOX_DISABLED: Advice(
        "The mailbox exists but is closed, suspended or no longer used.",
        "The customer's record, and whether they write from another address now.",
        "Reach the customer by another channel and ask for a current address.",
    ),
    _C.MAILBOX_FULL: Advice(
        "The recipient's mailbox is full.",
        "How long this has been so: a mailbox that stays full is often abandoned.",
        "Wait for the next mail; if it stays full, ask the customer to make room or for"
        " another address.",
    ),
    _C.RECIPIENT_REFUSED: Advice(
        "The recipient, or their mailing list, does not take mail from this sender.",
        "The recipient's filters and permissions, at their own mail administrator.",
        "Ask the customer to allow your sender address.",
    ),
    _C.RECIPIENT_SYSTEM_ERROR: Advice(
        "The recipient's mail system had an error of its own.",
        "Nothing on your side; other mail to the same domain shows whether it lasts.",
        "Wait for the next mail; it usually heals by itself.",
    ),
    _C.PROVIDER_SUPPRESSED: Advice(
        "Your own mail provider refuses to send to this address, because of an earlier"
        " bounce or complaint.",
        "The suppression list in your mail provider's console.",
        "Remove the address there once it is known to be right, then send again.",
    ),
    _C.SUBMISSION_CONNECT_FAILED: Advice(
        "Your mail system cannot reach its own outgoing mail server.",
        "The SMTP settings: host name, port and firewall; Activity > Email.",
        "Test ports 587 and 465 from the sending host, and correct host or port.",
    ),
    _C.TLS_FAILED: Advice(
        "No encrypted connection could be agreed on.",
        "The certificate, its expiry and host name, and the TLS settings of the"
        " outgoing mail server.",
        "Renew or correct the certificate, or allow the TLS version that is asked for.",
    ),
    _C.SUBMISSION_AUTH_FAILED: Advice(
        "Your outgoing mail server does not accept your user name and password.",
        "The SMTP credentials in the settings; Activity > Email shows the error.",
        "Enter the current password or a new app password, or switch to OAuth, and"
        " send a test mail.",
    ),
    _C.RELAY_DENIED: Advice(
        "The mail server refuses to pass on mail for this sender.",
        "The outgoing server's list of allowed senders, and whether the right server"
        " is configured.",
        "Allow this host or login on the relay, or correct the configured server.",
    ),
    _C.SENDER_REJECTED: Advice(
        "The sender address is not allowed or cannot be verified.",
        "The From address, the DNS of its domain, and verified senders at your mail"
        " provider.",
        "Verify the sender address or use one that is allowed.",
    ),
    _C.SENDER_DOMAIN_AUTH_FAILED: Advice(
        "Your mail does not pass the checks of your domain: SPF, DKIM or DMARC.",
        "The SPF, DKIM and DMARC records in the DNS of the From domain.",
        "Publish the missing record, or let the sending server sign for the domain.",
    ),
    _C.SENDER_HOST_DNS: Advice(
        "The name of the sending server does not fit its IP address.",
        "The reverse DNS (PTR) entry at the hosting provider, and the HELO name.",
        "Let PTR, HELO name and A record name the same host.",
    ),
    _C.SENDING_QUOTA_EXCEEDED: Advice(
        "Your mail provider takes no more from your account: its sending limit or plan"
        " is used up, or the account is suspended.",
        "The account at your mail provider: its state, plan, limits and bills.",
        "Settle what the provider names, or wait until the limit renews, or have it"
        " raised.",
    ),
    _C.PROTOCOL_ERROR: Advice(
        "The two mail servers did not understand each other.",
        "The transcript of the SMTP session, and any firewall that inspects mail.",
        "Send the transcript to whoever runs the sending software.",
    ),
    _C.LOCAL_CONFIG_ERROR: Advice(
        "Your own mail server is set up wrongly.",
        "The log and routing settings of the sending mail server.",
        "Correct its configuration and send a test mail.",
    ),
    _C.SENDER_BLOCKED: Advice(
        "The sending server or domain is on a blocklist or has a poor reputation.",
        "The blocklist that the reply names, and recent mail of the sending host.",
        "Find what caused it, stop it, then ask the list to remove the entry.",
    ),
    _C.POLICY_REJECTED: Advice(
        "The recipient's server refuses the mail by a rule that it does not explain.",
        "The postmaster page of the recipient's provider.",
        "Ask their postmaster which rule it was, with the full reply.",
    ),
    _C.RATE_LIMITED: Advice(
        "Too much mail was sent in too short a time.",
        "The queue, and how many mails went to this provider at once.",
        "Let the queue send more slowly; the mail is tried again by itself.",
    ),
    _C.GREYLISTED: Advice(
        "The recipient's server asks unknown senders to come again later.",
        "Nothing; it is normal at first contact.",
        "Wait: the next attempt usually gets through.",
    ),
    _C.MESSAGE_TOO_LARGE: Advice(
        "The message is larger than the recipient's server takes.",
        "The size of attachments in the message or its template.",
        "Send a link or a smaller attachment.",
    ),
    _C.CONTENT_REJECTED: Advice(
        "The recipient's server refuses something in the message.",
        "Attachments and links of the message or its template.",
        "Remove or replace what is refused, and send again.",
    ),
    _C.SPAM_CONTENT: Advice(
        "The recipient's server takes the message for spam.",
        "Text, links and sender of the template; other mail from the same template.",
        "Change the template, and check SPF, DKIM and DMARC of the sender.",
    ),
    _C.VIRUS_DETECTED: Advice(
        "The recipient's server found malware in the message.",
        "The attachments, and the system that made them.",
        "Scan the sending system before anything is sent again.",
    ),
    _C.MESSAGE_NOT_COMPLIANT: Advice(
        "The message breaks the rules for mail messages.",
        "Headers and line lengths that the sending software writes.",
        "Correct the template or the sending software.",
    ),
    _C.SMTPUTF8_UNSUPPORTED: Advice(
        "A server on the way cannot carry an address with letters beyond ASCII.",
        "Whether the outgoing mail server supports SMTPUTF8.",
        "Use a server that supports it, or ask the customer for an ASCII address.",
    ),
    _C.NETWORK_ERROR: Advice(
        "The recipient's mail server could not be reached.",
        "Whether other domains can be reached: then it is theirs.",
        "Wait: the mail is tried again by itself.",
    ),
    _C.DNS_FAILURE: Advice(
        "The recipient's domain could not be looked up for the moment.",
        "The name server of the sending host, and the domain's own DNS.",
        "Wait for the next mail; if it lasts, check the domain for a typing mistake.",
    ),
    _C.ROUTING_LOOP: Advice(
        "The message went round in circles between mail servers.",
        "The mail routing of the recipient's domain; many domains at once means yours.",
        "Tell the recipient's mail administrator, with the full reply.",
    ),
    _C.DELIVERY_EXPIRED: Advice(
        "The message could not be delivered before its time in the queue was over.",
        "The last reason that the report gives.",
        "Wait for the next mail; if it fails again, follow that reason.",
    ),
    _C.REPLY_LOST_AFTER_DATA: Advice(
        "The connection broke after the message was sent: it may have arrived.",
        "The log of the receiving server, if you can; ask the customer.",
        "Do not send again blindly: the customer may already have it.",
    ),
    _C.UNKNOWN: Advice(
        "The mail was refused, and the reply does not say why.",
        "The server's words, and whether other customers are affected.",
        "Wait for the next mail; if it fails again, ask the recipient's postmaster.",
    ),
}
"""Every class's advice, each class exactly once."""


def advise(failure: Failure) -> Advice:
    """Answer what to tell people about a failure."""
    return ADVICE[failure.failure_class]
