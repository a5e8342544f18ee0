"""The scenarios by name: how to make a play of one, for a volume and a seed."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from streams.simulation.cast import Tenant, make_tenant
from streams.simulation.fault import Fault
from streams.simulation.play import Play, Truth
from streams.simulation.traffic import DAY, HOUR

# ruff: noqa: PLR2004 - a world is made of numbers

FLEET = 0
"""Volume of scenarios with many tenants of all sizes."""
SMALL, COMMON, LARGE = (20, 200), (200, 2_000), (20_000,)
EVERY = (*SMALL, *COMMON[1:], *LARGE)


@dataclass(frozen=True)
class Scenario:
    """A named kind of play."""

    name: str
    volumes: tuple[int, ...]
    """Mails a day and tenant for which it is worth playing."""
    incident: bool
    """Whether something must be found."""
    text: str
    """What happens, in one sentence."""
    make: Callable[["Stage"], Play]


SCENARIOS: dict[str, Scenario] = {}


def scenario(
    *volumes: int, incident: bool
) -> Callable[[Callable[["Stage"], Play]], Callable[["Stage"], Play]]:
    """Register a function as the scenario of its name."""

    def register(make: Callable[["Stage"], Play]) -> Callable[["Stage"], Play]:
        name = make.__name__.strip("_")
        text = " ".join((make.__doc__ or "").split())
        SCENARIOS[name] = Scenario(name, volumes, incident, text, make)
        return make

    return register


def play(name: str, volume: int, seed: int) -> Play:
    """Make a play of a scenario.

    Raises:
        KeyError: there is no scenario of that name.
    """
    chosen = SCENARIOS[name]
    return chosen.make(Stage(f"{name}/{volume}/{seed}", volume))


@dataclass
class Stage:
    """What a scenario is built from: a volume, chance, and usual spans."""

    seed: str
    volume: int

    def __post_init__(self) -> None:
        """Draw when things happen: in working hours of a day that is not the first."""
        self.rng = Random(self.seed)  # noqa: S311 - a world with a seed
        calm = {5: 20, 20: 12, 200: 6, 2_000: 4}.get(self.volume, 2)
        if self.volume == FLEET:
            calm = 3
        weekday = calm + self.rng.randrange(3)
        while weekday % 7 > 4:
            weekday += 1
        self.onset = weekday * DAY + self.rng.uniform(8, 15) * HOUR
        self.span = {5: 168, 20: 60, 200: 14, 2_000: 5}.get(self.volume, 2.5) * HOUR
        self.tail = {5: 14 * 24, 20: 4 * 24, 200: 30, 2_000: 10}.get(
            self.volume, 5
        ) * HOUR

    def tenant(
        self,
        name: str = "t1",
        volume: float | None = None,
        *,
        relay: bool | None = None,
        firms: bool | None = None,
    ) -> Tenant:
        """Draw a tenant."""
        mails = self.volume if volume is None else volume
        return make_tenant(self.rng, name, mails, relay=relay, firms=firms)

    def fleet(self) -> list[Tenant]:
        """Draw 40 tenants of all sizes."""
        sizes = [20] * 16 + [150] * 13 + [1_000] * 8 + [5_000] * 3
        return [
            make_tenant(self.rng, f"t{number}", size * self.rng.uniform(0.6, 1.5))
            for number, size in enumerate(sizes)
        ]

    def quiet(self, *tenants: Tenant) -> Play:
        """Answer a play in which nothing breaks."""
        end = self.onset + self.span + self.tail
        return Play(self.seed, list(tenants), self.onset - 60, end)

    def broken(
        self,
        tenant: Tenant,
        *faults: Fault,
        scope: str = "tenant",
        hard: bool = False,
        provider: str | None = None,
        also: tuple[str, ...] = (),
    ) -> Play:
        """Answer a play in which the faults are one incident of one tenant."""
        made = self.quiet(tenant)
        made.faults += faults
        made.truths.append(
            Truth(
                scope,
                frozenset({*(fault.cause for fault in faults), *also}),
                min(fault.start for fault in faults),
                max(fault.end for fault in faults),
                frozenset({tenant.id}),
                provider,
                hard,
            )
        )
        return made

    def fault(self, cause: str, hop: str, **more: object) -> Fault:
        """Answer a fault of the usual span."""
        return Fault(cause, hop, self.onset, self.onset + self.span, **more)  # type: ignore[arg-type]  # as Fault has them
