"""Whether many tenants got into the same trouble at about the same time.

A calm tenant becomes suspect now and then; so many at once, with the same
family of causes, that coincidence cannot explain it, are one fault.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from streams.core.activity import Hop
from streams.core.failure import FailureClass
from streams.core.spike import calibration as cal
from streams.core.spike.blame import kin
from streams.core.spike.incident import Incident
from streams.core.spike.word import Suspicion


class Suspect(NamedTuple):
    """A tenant in trouble, since when."""

    since: int
    trouble: Suspicion


class Crowd:
    """Suspects, and how many tenants are active."""

    __slots__ = ("greeted", "suspects")

    def __init__(
        self,
        suspects: Mapping[str, Suspect] | None = None,
        greeted: Mapping[int, int] | None = None,
    ) -> None:
        """Start empty, or from a snapshot."""
        self.suspects: dict[str, Suspect] = dict(suspects or {})
        self.greeted: dict[int, int] = dict(greeted or {})
        """Quarter of an hour -> tenants that had mail in it."""

    def greet(self, tenants: int, now: int) -> None:
        """Count tenants with their first mail of the quarter of an hour."""
        quarter = now // cal.ACTIVE
        if tenants:
            self.greeted[quarter] = self.greeted.get(quarter, 0) + tenants
        for old in [q for q in self.greeted if q < quarter - 1]:
            del self.greeted[old]

    @property
    def active(self) -> int:
        """Tenants that lately had mail."""
        return max(self.greeted.values(), default=0)

    def note(self, tenant_id: str, trouble: Suspicion | None, now: int) -> None:
        """Note what a tenant that failed is suspected of, if anything."""
        if trouble is None:
            self.suspects.pop(tenant_id, None)
            return
        old = self.suspects.get(tenant_id)
        fresh = old is not None and now - old.since < cal.SUSPECT_FOR
        since = old.since if old is not None and fresh else now
        self.suspects[tenant_id] = Suspect(since, trouble)

    def fell(self, incident: Incident, now: int) -> None:
        """Note a tenant whose trouble became an incident before it was suspected."""
        trouble = Suspicion(incident.cause, incident.hop, incident.provider)
        self.suspects.setdefault(incident.tenant_id, Suspect(now, trouble))

    def forget(self, now: int) -> None:
        """Drop suspicions that are too old to count."""
        old = [
            t for t, s in self.suspects.items() if now - s.since >= 2 * cal.SUSPECT_FOR
        ]
        for tenant_id in old:
            del self.suspects[tenant_id]

    def peers(self, kind: str, now: int, window: int) -> list[str]:
        """Answer the tenants that became suspect of a family within a window."""
        return [
            tenant_id
            for tenant_id, suspect in self.suspects.items()
            if now - suspect.since < window and kin(suspect.trouble.cause) == kind
        ]

    def gather(self, kind: str, paged: AbstractSet[str], now: int) -> list[str]:
        """Answer the tenants of one fault; nobody when it may be coincidence.

        Those that a page tells of already are evidence of that one only.
        """
        for window, least in cal.CROWD_WINDOWS:
            mean = cal.SUSPECT_RATE * self.active * window / cal.CROWD_WINDOW
            chance = mean + cal.CROWD_SIGMA * math.sqrt(mean + 0.25)
            new = [t for t in self.peers(kind, now, window) if t not in paged]
            if len(new) >= max(least, chance):
                peers = self.peers(kind, now, cal.SUSPECT_FOR)
                return [tenant_id for tenant_id in peers if tenant_id not in paged]
        return []

    def trouble(self, tenants: Sequence[str]) -> tuple[FailureClass, str | None]:
        """Answer what ails suspects, and the provider that refuses most of them."""
        suspects = [self.suspects[name] for name in tenants if name in self.suspects]
        troubles = [suspect.trouble for suspect in suspects]
        cause, _ = Counter(t.cause for t in troubles).most_common(1)[0]
        at_mx = Counter(t.provider for t in troubles if t.hop is Hop.MX)
        provider, votes = at_mx.most_common(1)[0] if at_mx else (None, 0)
        return cause, provider if votes > len(tenants) / 2 else None
