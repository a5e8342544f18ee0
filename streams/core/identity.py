"""Who we are when we send: how a refusal of ourselves is told from one of others.

A reply that quotes our sending address, our HELO name or our envelope domain speaks
of us, whatever its code says; Gmail, Microsoft and GoDaddy do so with codes of the
recipient.
"""

from dataclasses import dataclass, field

from streams.core.failure import PeerRole


@dataclass(frozen=True, slots=True)
class OwnIdentity:
    """Who we are when we send: what a refusal of ourselves would quote."""

    ips: frozenset[str] = frozenset()
    """Addresses that we send from: a refusal that quotes one is about us."""
    helo_names: frozenset[str] = frozenset()
    """Names by which our hosts greet."""
    envelope_domains: frozenset[str] = frozenset()
    """Domains of our envelope senders."""
    relays: frozenset[str] = frozenset()
    """Hosts that are our own relay, or whose subdomains are."""
    _quoted: tuple[str, ...] = field(init=False, repr=False, compare=False)
    _relays: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Bring everything that is looked for into one spelling."""
        names = self.ips | self.helo_names | self.envelope_domains
        quoted = tuple(sorted(name.lower() for name in names if name))
        object.__setattr__(self, "_quoted", quoted)
        relays = tuple(sorted({_bare(name) for name in self.relays} - {""}))
        object.__setattr__(self, "_relays", relays)

    def role_of(self, peer: str | None) -> PeerRole | None:
        """Say whether a host is our relay; None when that cannot be known."""
        if peer is None or not self._relays:
            return None
        name = _bare(peer)
        if any(name == own or name.endswith(f".{own}") for own in self._relays):
            return PeerRole.RELAY
        return PeerRole.MX

    def names_relay(self, text: str) -> bool:
        """Say whether a text names our relay, as of a host that nobody answered for."""
        lower = text.lower()
        return any(
            name in lower and _stands_alone(name, lower) for name in self._relays
        )

    def is_in(self, text: str) -> bool:
        """Say whether a text names one of our hosts, addresses or domains."""
        if not self._quoted:
            return False
        lower = text.lower()
        return any(
            name in lower and _stands_alone(name, lower) for name in self._quoted
        )


def _bare(host: str) -> str:
    """Answer a host's name or address as it compares; a literal has brackets."""
    name = host.strip().lower()
    if name.startswith("["):
        name = name[1:].partition("]")[0].removeprefix("ipv6:")
    return name.rstrip(".")


def _stands_alone(name: str, text: str) -> bool:
    """Say whether a name occurs whole: `192.0.2.2` is not in `192.0.2.25`."""
    start = text.find(name)
    while start >= 0:
        before, after = text[start - 1 : start], text[start + len(name) :][:2]
        whole = not (before.isalnum() or before in {"-", "_"})
        if whole and not (
            after[:1].isalnum() or (after[:1] in {".", "-"} and after[1:].isalnum())
        ):
            return True
        start = text.find(name, start + 1)
    return False
