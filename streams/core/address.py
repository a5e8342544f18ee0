"""Addresses: any spelling that mail systems use, to one canonical form.

Two spellings of one mailbox must meet in one key, or a flag set under the first
is never cleared under the second. So: the domain in lower-case A-label form
(IDNA 2008), the local part folded to lower case unless a setting keeps it, and
quotes only where RFC 5321 needs them.
"""

import re
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple
from unicodedata import category, normalize

import idna

MAX_OCTETS = 320
"""RFC 3696 erratum 1690: 64 for the local part, 1 for @, 255 for the domain."""


class AddressFault(StrEnum):
    """Why a text is no address that could be written to."""

    EMPTY = "empty"
    """Nothing but white space or brackets."""
    NO_AT = "no_at"
    """No @ outside quotes."""
    EMPTY_LOCAL = "empty_local"
    """Nothing before the @."""
    EMPTY_DOMAIN = "empty_domain"
    """Nothing after the @."""
    TOO_LONG = "too_long"
    """More than 320 octets, or a domain or label too long for DNS."""
    CONTROL_CHARACTER = "control_character"
    """A control character or a line break."""
    BAD_LOCAL = "bad_local"
    """A local part that RFC 5321 does not allow even in quotes."""
    BAD_DOMAIN = "bad_domain"
    """A domain that can stand in no DNS and is no address literal."""


class Address(NamedTuple):
    """A canonical address."""

    local: str
    domain: str

    def __str__(self) -> str:
        """Answer `local@domain`."""
        return f"{self.local}@{self.domain}"


_TYPE_PREFIX = re.compile(r"(?:rfc822|utf-8|x-unknown|smtp)\s*;\s*", re.IGNORECASE)
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\U0010ffff-]+"
_ASCII_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_PLAIN = re.compile(rf"({_ASCII_ATOM}(?:\.{_ASCII_ATOM})*)@([A-Za-z0-9._-]+)")
_DOT_STRING = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LITERAL = re.compile(r"\[(?:[0-9.]{7,15}|ipv6:[0-9a-f:.]{2,45})\]")
# RFC 6533 section 3: utf-8-addr-xtext; `\x{110000}` is caught by the range check.
_EMBEDDED = re.compile(r"\\x\{([0-9A-Fa-f]{1,6})\}")
_A_LABEL = "xn--"
_JOINED_TO_SYMBOLS = "\u200d\u20e3\ufe0e\ufe0f"
"""Zero width joiner, keycap and variation selectors, of which emoji are made."""
_MAX_DOMAIN = 253
_MAX_UNICODE = 0x10FFFF
_SURROGATES = range(0xD800, 0xE000)


def canonical(text: str, *, fold_local: bool = True) -> Address | AddressFault:
    """Answer the canonical form of an address, or what is wrong with it.

    Understands white space around it, angle brackets, a source route
    (RFC 5321 appendix C), the type prefixes `rfc822;` and `utf-8;` of reports
    (RFC 3464 section 2.1.2, RFC 6533 section 3), quoted local parts, and
    domains as U-labels, A-labels, with a trailing dot or as address literals.
    """
    if plain := _PLAIN.fullmatch(text):
        local, domain = plain[1], canonical_domain(plain[2])
        if not isinstance(domain, AddressFault) and len(text) <= MAX_OCTETS:
            return Address(local.lower() if fold_local else local, domain)
    if _CONTROL.search(text.strip()):
        return AddressFault.CONTROL_CHARACTER
    bare = _unwrap(text)
    if not bare:
        return AddressFault.EMPTY
    if len(bare) > MAX_OCTETS or len(bare.encode(errors="replace")) > MAX_OCTETS:
        return AddressFault.TOO_LONG
    if not bare.isprintable():  # after \x{...} was read, too
        return AddressFault.CONTROL_CHARACTER
    raw_local, at, raw_domain = _split(bare)
    if not at:
        return AddressFault.NO_AT
    return _joined(raw_local, raw_domain, fold_local=fold_local)


def _joined(
    raw_local: str, raw_domain: str, *, fold_local: bool
) -> Address | AddressFault:
    """Answer the address of two parts as written.

    Lower case, NFC and A-labels can be longer than what was written.
    """
    domain = canonical_domain(raw_domain)
    if isinstance(domain, AddressFault):
        return domain
    local = _canonical_local(raw_local)
    if isinstance(local, AddressFault):
        return local
    address = Address(_folded(local) if fold_local else local, domain)
    if len(str(address).encode()) > MAX_OCTETS:
        return AddressFault.TOO_LONG
    return address


def _folded(local: str) -> str:
    """Answer the local part in lower case; RFC 6532 section 3.1 asks for NFC."""
    return normalize("NFC", normalize("NFC", local).lower())


def key(tenant_id: str, address: Address | str) -> bytes:
    """Answer the record key of an address: `tenant/address` in UTF-8."""
    return f"{tenant_id}/{address}".encode()


def _unwrap(text: str) -> str:
    """Take off white space, type prefix, angle brackets and source route."""
    bare = text.strip()
    if match := _TYPE_PREFIX.match(bare):
        bare = bare[match.end() :]
        bare = _EMBEDDED.sub(_embedded_character, bare)
    if bare.endswith(">") and "<" in bare:
        bare = bare[bare.rindex("<") + 1 : -1].strip()
    if bare.startswith("@") and ":" in bare:
        bare = bare[bare.index(":") + 1 :]
    return bare.strip()


def _embedded_character(match: re.Match[str]) -> str:
    point = int(match[1], 16)
    if point > _MAX_UNICODE or point in _SURROGATES:
        return match[0]
    return chr(point)


def _split(bare: str) -> tuple[str, str, str]:
    """Split at the @ that follows the local part."""
    if bare.startswith('"'):
        end = _closing_quote(bare)
        if end and bare[end : end + 1] == "@":
            return bare[:end], "@", bare[end + 1 :]
    return bare.rpartition("@")


def _closing_quote(bare: str) -> int:
    """Answer the position after the quote that ends a quoted string, 0 for none."""
    escaped = False
    for position, character in enumerate(bare[1:], start=1):
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == '"':
            return position + 1
    return 0


def _canonical_local(local: str) -> str | AddressFault:
    """Answer the local part with the fewest quotes that mean the same."""
    if not local:
        return AddressFault.EMPTY_LOCAL
    if not local.startswith('"'):
        if _DOT_STRING.fullmatch(local):
            return local
        # Not RFC 5321, but in use: dots in a row or at the end (docomo, KDDI).
        if _DOT_STRING.fullmatch(local.replace(".", "")):
            return local
        return AddressFault.BAD_LOCAL
    if _closing_quote(local) != len(local):
        return AddressFault.BAD_LOCAL
    content = re.sub(r"\\(.)", r"\1", local[1:-1])
    if _DOT_STRING.fullmatch(content):
        return content
    if not content:
        return AddressFault.EMPTY_LOCAL
    escaped = content.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@lru_cache(maxsize=8192)
def canonical_domain(domain: str) -> str | AddressFault:
    """Answer a domain in lower-case A-label form (RFC 5890, RFC 5891)."""
    bare = domain.strip().rstrip(".").lower()
    if not bare:
        return AddressFault.EMPTY_DOMAIN
    if bare.startswith("["):
        return bare if _LITERAL.fullmatch(bare) else AddressFault.BAD_DOMAIN
    if not bare.isascii():
        try:
            bare = idna.encode(bare, uts46=True, std3_rules=False).decode("ascii")
        except idna.IDNAError:
            return AddressFault.BAD_DOMAIN
    elif _A_LABEL in bare and not all(map(_is_resolvable, bare.split("."))):
        return AddressFault.BAD_DOMAIN
    if len(bare) > _MAX_DOMAIN:
        return AddressFault.TOO_LONG
    if all(_LABEL.fullmatch(label) for label in bare.split(".")):
        return bare
    return AddressFault.BAD_DOMAIN


def _is_resolvable(label: str) -> bool:
    """Say whether a label, if it is an A-label, can stand in the DNS.

    Strict IDNA 2008 has no place for symbols, but registries sold emoji domains and
    mail reaches them, so in an A-label symbols pass. In a U-label they do not:
    several sequences look like one emoji, and none is known to be the one meant.
    """
    if not label.startswith(_A_LABEL):
        return True
    try:
        idna.ulabel(label)
    except idna.IDNAError:
        return _is_emoji_label(label)
    return True


def _is_emoji_label(label: str) -> bool:
    """Say whether nothing but symbols is wrong with an A-label."""
    punycode = label.removeprefix(_A_LABEL).encode("ascii")
    try:
        text = punycode.decode("punycode")
        if text.isascii() or text.encode("punycode") != punycode:
            return False
        letters = "".join(c for c in text if not _is_symbol(c)).strip("-")
        if letters:
            idna.check_label(letters)
    except (UnicodeError, ValueError, OverflowError):  # the codec's and IDNAError
        return False
    return True


def _is_symbol(character: str) -> bool:
    return category(character).startswith("S") or character in _JOINED_TO_SYMBOLS
