"""Whose message a report is about: tenant, address and message id.

We flag the address that we sent to, not the one where it ended: a forward may
have gone elsewhere. So what we set ourselves goes before what servers wrote.
"""

import re
from hashlib import blake2b
from typing import NamedTuple

_XTEXT = re.compile(r"\+([0-9A-F]{2})")
_TENANT = re.compile(r"[^/\x00-\x1f\x7f]{1,128}")
"""What the contracts allow as a tenant id; an ENVID may come from anybody."""
LONGEST_ID = 512
LONGEST_MESSAGE_ID = 998
"""RFC 5322 section 2.1.1: no line is longer."""


class Envelope(NamedTuple):
    """What an envelope id of ours says.

    Convention: the platform may give `tenant/address/message-id` as ENVID
    (RFC 3461 section 4.4); every report carries it back, so the report says by
    itself whose message it is about.
    """

    tenant_id: str
    address: str
    message_id: str | None


def envelope(envelope_id: str | None) -> Envelope | None:
    """Read an envelope id that follows the convention; None for any other."""
    if not envelope_id:
        return None
    plain = _XTEXT.sub(lambda m: chr(int(m[1], 16)), envelope_id.strip())
    tenant_id, slash, rest = plain.partition("/")
    address, _, message_id = rest.partition("/")
    if not (slash and _TENANT.fullmatch(tenant_id) and "@" in address):
        return None
    return Envelope(tenant_id, address, bare_message_id(message_id) or None)


def bare_message_id(message_id: str | None) -> str:
    """Answer a message id without angle brackets and white space around it.

    Platforms write `<id@host>` or `id@host` (RFC 5322 section 3.6.4); reports
    give it back with brackets, and the two must meet.
    """
    if not message_id:
        return ""
    bare = message_id.strip()
    if bare.startswith("<") and bare.endswith(">"):
        return bare[1:-1].strip()
    return bare


def fitting(identifier: str, limit: int) -> str:
    """Answer an id that is no longer than `limit`, and still another for another.

    What is written into a bounce has any length, and evidence has a contract.
    """
    if len(identifier) <= limit:
        return identifier
    digest = blake2b(identifier.encode(errors="surrogatepass"), digest_size=12)
    mark = f"~{digest.hexdigest()}"
    return identifier[: limit - len(mark)] + mark


DERIVED = "report-"
"""What the id of a message begins with that its report does not name."""


def derived_message_id(*content: str | None) -> str:
    """Answer an id for a report that names no message, from what it says.

    Copies of the report get the same one, so that they count once.
    """
    digest = blake2b(digest_size=12)
    for part in content:
        digest.update((part or "").encode(errors="surrogatepass"))
        digest.update(b"\0")
    return f"{DERIVED}{digest.hexdigest()}"
