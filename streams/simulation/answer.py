"""What servers say, by trouble: real wordings, with places for names.

Braces are filled in: `{address}`, `{user}`, `{domain}`, `{ip}`, `{host}` (ours),
`{peer}` (theirs), `{sender}`, `{id}`.
"""

from typing import NamedTuple


class Answer(NamedTuple):
    """One answer, or the lack of one."""

    phase: str
    code: int | None
    """SMTP reply code; None when there was no reply."""
    enhanced: str | None
    text: str

    @property
    def soft(self) -> bool:
        """Whether a mailer tries again."""
        return self.code is None or self.code < _PERMANENT


_PERMANENT = 500


def _no_reply(phase: str, text: str) -> Answer:
    return Answer(phase, None, None, text)


_A = Answer

RELAY: dict[str, tuple[Answer, ...]] = {
    "submission_auth_failed": (
        _A("auth", 535, "5.7.8", "Error: authentication failed: bad password"),
        _A("auth", 535, "5.7.8", "Username and Password not accepted."),
        _A("auth", 535, "5.7.3", "Authentication unsuccessful [{host}]"),
        _A("auth", 535, None, "Incorrect authentication data"),
    ),
    "submission_connect_failed": (
        _no_reply("connect", "connect to {peer}[{ip}]:587: Connection refused"),
        _no_reply("connect", "connect to {peer}[{ip}]:587: Connection timed out"),
        _no_reply("connect", "connect to {peer}[{ip}]:587: No route to host"),
    ),
    "tls_failed": (
        _no_reply("tls", "TLS handshake failed: certificate has expired"),
        _no_reply(
            "tls",
            "SSL_connect error to {peer}[{ip}]:587: certificate verify failed",
        ),
    ),
    "relay_denied": (
        _A("rcpt", 554, "5.7.1", "<{address}>: Relay access denied"),
        _A("rcpt", 550, "5.7.1", "Unable to relay for {address}"),
        _A(
            "rcpt",
            550,
            "5.7.54",
            "SMTP; Unable to relay recipient in non-accepted domain",
        ),
    ),
    "sender_rejected": (
        _A(
            "mail",
            553,
            "5.7.1",
            "<{sender}>: Sender address rejected: not owned by user",
        ),
        _A(
            "mail",
            550,
            "5.1.8",
            "<{sender}>: Sender address rejected: Domain not found",
        ),
        _A(
            "mail",
            550,
            "5.7.60",
            "SMTP; Client does not have permissions to send as this sender",
        ),
    ),
    "sending_quota_exceeded": (
        _A("mail", 550, "5.4.5", "Daily user sending limit exceeded."),
        _A("rcpt", 454, "4.7.1", "Throttling failure: Daily message quota exceeded."),
        _A(
            "rcpt",
            450,
            "4.7.1",
            "Sending quota exceeded for this account, try again later",
        ),
    ),
    "unknown": (
        _A("data_end", 554, None, "Transaction failed, ref {id}"),
        _A("data_end", 550, None, "Error 0x7f{id}"),
        _A("data_end", 554, None, "processing of message {id} ended"),
    ),
    "content_rejected": (
        _A(
            "data_end",
            552,
            "5.7.0",
            "This message was blocked because its content"
            " presents a potential security issue.",
        ),
    ),
    "bad_mailbox": (
        _A(
            "rcpt",
            550,
            "5.1.1",
            "<{address}>: Recipient address rejected: User unknown"
            " in virtual mailbox table",
        ),
    ),
}
"""What a tenant's own relay says."""

MX: dict[str, tuple[Answer, ...]] = {
    "bad_mailbox": (
        _A(
            "rcpt",
            550,
            "5.1.1",
            "<{address}>: Recipient address rejected: User unknown"
            " in relay recipient table",
        ),
        _A(
            "rcpt",
            550,
            "5.1.1",
            "The email account that you tried to reach does not"
            " exist. Please try double-checking the recipient's email address for typos"
            " or unnecessary spaces.",
        ),
        _A(
            "rcpt",
            550,
            "5.1.10",
            "RESOLVER.ADR.RecipientNotFound; Recipient not found"
            " by SMTP address lookup",
        ),
        _A(
            "rcpt",
            554,
            None,
            "delivery error: dd This user doesn't have a {domain} account ({address})",
        ),
        _A("rcpt", 550, None, "Requested action not taken: mailbox unavailable"),
        _A("rcpt", 550, "5.1.1", "<{address}> user unknown"),
    ),
    "mailbox_disabled": (
        _A(
            "rcpt",
            550,
            "5.2.1",
            "The email account that you tried to reach is disabled.",
        ),
    ),
    "mailbox_full": (
        _A(
            "rcpt",
            552,
            "5.2.2",
            "<{address}>: The email account that you tried to reach is over quota.",
        ),
        _A("rcpt", 452, "4.2.2", "<{address}> Mailbox full"),
        _A("data_end", 552, "5.2.2", "Mailbox size limit exceeded"),
    ),
    "bad_domain": (
        _A(
            "rcpt",
            550,
            "5.1.2",
            "<{address}>: Recipient address rejected: Domain not found",
        ),
        _A("rcpt", 556, "5.1.10", "Recipient address has null MX"),
    ),
    "greylisted": (
        _A(
            "rcpt",
            450,
            "4.2.0",
            "<{address}>: Recipient address rejected: Greylisted,"
            " see http://postgrey.example.org/help/{domain}",
        ),
        _A("rcpt", 451, "4.7.1", "Greylisting in action, please come back later"),
        _A(
            "rcpt",
            450,
            "4.7.1",
            "Client host rejected: greylisted, try again in 300 seconds",
        ),
    ),
    "sender_blocked": (
        _A(
            "rcpt",
            554,
            "5.7.1",
            "Service unavailable; Client host [{ip}] blocked using"
            " zen.dnsbl.example.org",
        ),
        _A(
            "mail",
            550,
            "5.7.1",
            "Unfortunately, messages from [{ip}] weren't sent."
            " Please contact your Internet service provider since part of their network"
            " is on our block list (S3140).",
        ),
        _A(
            "data_end",
            550,
            "5.7.1",
            "[{ip}] Our system has detected that this message"
            " is likely suspicious due to the very low reputation of the sending IP"
            " address.",
        ),
        _A("connect", 554, "5.7.1", "Bad reputation: {ip} is blocked"),
    ),
    "sender_domain_auth_failed": (
        _A(
            "data_end",
            550,
            "5.7.26",
            "This mail has been blocked because the sender is"
            " unauthenticated. DKIM = did not pass, SPF [{domain}] did not pass",
        ),
        _A(
            "data_end",
            550,
            "5.7.509",
            "Access denied, sending domain does not pass"
            " DMARC verification and has a DMARC policy of reject.",
        ),
        _A(
            "data_end",
            554,
            "5.7.9",
            "Message not accepted for policy reasons: DMARC verification failed",
        ),
    ),
    "sender_host_dns": (
        _A(
            "rcpt",
            550,
            "5.7.25",
            "The IP address sending this message [{ip}] does not"
            " have a PTR record setup",
        ),
        _A(
            "rcpt",
            450,
            "4.7.25",
            "Client host rejected: cannot find your reverse hostname, [{ip}]",
        ),
        _A(
            "mail",
            554,
            "5.7.1",
            "Client host rejected: cannot find your reverse hostname, [{ip}]",
        ),
    ),
    "spam_content": (
        _A("data_end", 554, "5.7.1", "Message rejected as spam by content filter"),
        _A(
            "data_end",
            550,
            "5.7.1",
            "Our system has detected that this message is likely unsolicited mail.",
        ),
        _A("data_end", 554, None, "This message looks like SPAM, rejected"),
    ),
    "content_rejected": (
        _A(
            "data_end",
            552,
            "5.7.0",
            "This message was blocked because its content"
            " presents a potential security issue.",
        ),
        _A("data_end", 554, "5.6.1", "Body type of attachment not allowed here"),
    ),
    "virus_detected": (
        _A("data_end", 554, "5.7.1", "Virus found in message, rejected"),
    ),
    "policy_rejected": (
        _A("data_end", 554, "5.7.1", "Message not accepted for policy reasons"),
        _A("rcpt", 550, "5.7.0", "Administrative prohibition"),
    ),
    "rate_limited": (
        _A(
            "rcpt",
            421,
            "4.7.0",
            "Try again later, closing connection: too many messages from [{ip}]",
        ),
        _A(
            "mail",
            421,
            "4.7.28",
            "Our system has detected an unusual rate of"
            " unsolicited mail originating from your IP address. To protect our users,"
            " mail sent from your IP address has been temporarily rate limited.",
        ),
        _A("rcpt", 452, "4.5.3", "Too many recipients received this hour"),
    ),
    "recipient_system_error": (
        _A("data_end", 451, "4.3.0", "Temporary system problem. Try again later"),
        _A("rcpt", 451, "4.3.0", "<{address}>: Temporary lookup failure"),
        _A("data_end", 452, "4.3.1", "Insufficient system storage"),
    ),
    "network_error": (
        _no_reply("connect", "connect to {peer}[{ip}]:25: Connection timed out"),
        _no_reply("connect", "connect to {peer}[{ip}]:25: Connection refused"),
        _no_reply("data", "lost connection with {peer}[{ip}] while sending DATA"),
    ),
    "dns_failure": (
        _no_reply(
            "dns",
            "Host or domain name not found. Name service error for"
            " name={domain} type=MX: Host not found, try again",
        ),
        _no_reply("dns", "DNS server failure (SERVFAIL) for {domain}"),
    ),
    "tls_failed": (
        _no_reply("tls", "TLS is required, but was not offered by host {peer}"),
    ),
    "recipient_refused": (
        _A(
            "rcpt",
            550,
            "5.2.0",
            "The recipient does not take mail from this sender: rejected by recipient",
        ),
    ),
    "unknown": (
        _A("data_end", 554, "5.0.0", "Transaction failed {id}"),
        _A("data_end", 550, None, "rejected ({id})"),
    ),
}
"""What a recipient's mail server says."""
