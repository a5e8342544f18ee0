"""Content types of the parts that a report is made of, as they are spelled."""

import re

RETURNED = frozenset(
    {
        *("message/rfc822", "message/global", "text/rfc822-headers"),
        *("message/rfc822-headers", "message/global-headers", "text/rfc822"),
        "message/partial",
    }
)
FIELDS_ONLY = frozenset({"message/feedback-report", "message/disposition-notification"})
STATUS = frozenset(
    {
        *("message/delivery-status", "message/global-delivery-status"),
        *("message/xdelivery-status", "message/delivery_status"),
    }
)
LIKE_STATUS = re.compile(
    r"\s{0,99}(?:reporting-mta|(?:final|original)-recipient):", re.IGNORECASE
)
"""How a delivery status starts, whatever its part is called."""
UNDIVIDED = STATUS | RETURNED | FIELDS_ONLY
