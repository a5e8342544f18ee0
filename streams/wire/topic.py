"""The topics by their logical names, as the manifests in `schemas/topics` have them."""

from enum import StrEnum


class Topic(StrEnum):
    """A topic's name without the deployment's prefix."""

    SEND_ATTEMPTS = "mail.send-attempts.v1"
    """Input: one SMTP attempt a record, from the mail platform."""
    DSN_EVENTS = "mail.dsn-events.v1"
    """Input: one delivery status notification a record."""
    FLAG_COMMANDS = "mail.flag-commands.v1"
    """Input: an operator's decision about one address."""
    EVIDENCE = "mailflag.evidence.v1"
    """Internal: normalised evidence, keyed by `tenant/address`."""
    TENANT_ACTIVITY = "mailflag.tenant-activity.v1"
    """Internal: one batch's activity of one tenant, keyed by tenant."""
    SPIKE_DIGESTS = "mailflag.spike-digests.v1"
    """Internal, one partition: what the tenants' detectors tell the roll-up."""
    FLAG_CHANGES = "mail.address-flags.changes.v1"
    """Output: flag-set, flag-updated, flag-cleared."""
    FLAGS = "mail.address-flags.v1"
    """Output, compacted: the flag as it is now; null is not flagged."""
    ALERTS = "mail.alerts.v1"
    """Output: alerts opened, updated and resolved."""

    @property
    def dead_letters(self) -> str:
        """Name of the dead-letter topic of this input."""
        return f"{self.value}.dlq"


INPUTS = (Topic.SEND_ATTEMPTS, Topic.DSN_EVENTS, Topic.FLAG_COMMANDS)
