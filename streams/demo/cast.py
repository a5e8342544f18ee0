"""Who plays: a dozen tenants, their customers, and who runs the customers' mail.

All names are made up; the domains are those that RFC 2606 and RFC 6761 set aside.
"""

from enum import StrEnum
from random import Random
from typing import NamedTuple


class Fate(StrEnum):
    """How it stands with a customer's address."""

    WELL = "well"
    """Mail arrives, sometimes after a second try."""
    GONE = "gone"
    """The mailbox does not exist any more."""
    DISABLED = "disabled"
    """The account is closed."""
    FULL = "full"
    """The mailbox is full."""


class Tenant(NamedTuple):
    """A company that sends mail through the platform."""

    id: str
    name: str
    per_mille: int
    """Its share of all customers."""
    relay: str | None
    """Host that takes all its mail; without one it goes to the MX directly."""
    sending_ip: str
    run_at: float
    """Hour of the day at which its big run begins."""

    @property
    def domain(self) -> str:
        """Domain that it sends from."""
        return f"{self.id}.example"


def _tenant(id_: str, per_mille: int, number: int, run_at: float) -> Tenant:
    name = id_.replace("-", " ").title()
    return Tenant(id_, name, per_mille, None, f"192.0.2.{number}", run_at)


ALDER = _tenant("alder-power", 170, 21, 9.5)._replace(
    relay="submission.alder-power.example"
)
BIRCH = _tenant("birch-insurance", 90, 22, 7.0)
CEDAR = _tenant("cedar-dental", 20, 23, 8.0)
DUNE = _tenant("dune-fitness", 50, 24, 7.5)
EMBER = _tenant("ember-shop", 150, 25, 12.5)
FJORD = _tenant("fjord-travel", 80, 26, 11.0)
GROVE = _tenant("grove-telecom", 160, 27, 6.0)
HERON = _tenant("heron-housing", 40, 28, 6.5)._replace(relay="relay1.hoster.example")
IRIS = _tenant("iris-clinic", 30, 29, 15.0)
JUNIPER = _tenant("juniper-tax", 20, 30, 10.0)._replace(relay="relay1.hoster.example")
KESTREL = _tenant("kestrel-parcel", 120, 31, 14.0)
LUMEN = _tenant("lumen-media", 70, 32, 17.0)

TENANTS = (
    *(ALDER, BIRCH, CEDAR, DUNE, EMBER, FJORD),
    *(GROVE, HERON, IRIS, JUNIPER, KESTREL, LUMEN),
)

BLOCKING_PROVIDER = "bigmail.test"
PROVIDERS = {
    BLOCKING_PROVIDER: 34,
    "postbox.test": 24,
    "mailwave.test": 14,
    "freemail.test": 8,
}
"""Providers of mailboxes with their share in a hundred; the rest is companies."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_COMPANIES = _words(
    "acorn anvil basin bell bridge brook canal castle chapel cliff clover coast creek"
    " dairy delta ferry field forge garnet glade gorge gravel grove harbor heath hill"
    " inlet island ivory jetty kiln lagoon lantern ledge linen lodge loom maple marble"
    " meadow mill moor oak orchard paper pier pond quarry rail reed ridge river saddle"
    " sail sand slate spring stable stone summit thistle timber tower vale valley vine"
    " walnut weir willow wool yard"
)
_ZONES = ("example.com", "example.net", "example.org")

_FIRST = _words(
    "ada alba amir anna aron bela bo carla cleo dana dario edda emil enzo eva fay"
    " felix fenna gina gus hana hugo ida ilan ines iris jan jona juno kai karl kira lea"
    " leo lina luca maja marc mila nele nico nora olaf olga otto paul pia quinn remy"
    " rosa ruth sami silas sofia tara theo tilda uma vera vito wanda wim yara yuri zoe"
)
_LAST = _words(
    "adler albrecht ash becker bell berg blum brandt calder cole conti dahl dean dorn"
    " engel faber fink ford frost gale gray haas hale hart holm horn hunt jansen keller"
    " kern klein kohl lang lind lowe marsh moor moss nagel nash novak otte pike price"
    " rau reed rossi roth sand shaw silva snow stein stone thorn vogt voss wade weber"
    " west wolf wren"
)


class Customer(NamedTuple):
    """A person or firm that a tenant writes to."""

    id: str
    address: str
    domain: str
    fate: Fate

    @property
    def mx(self) -> str:
        """Host that takes mail for the domain."""
        return f"mx1.{self.domain}"


def domain_of(random: Random) -> str:
    """Pick where a customer has the mailbox."""
    dice = random.randrange(100)
    for provider, share in PROVIDERS.items():
        dice -= share
        if dice < 0:
            return provider
    return f"{random.choice(_COMPANIES)}.{random.choice(_ZONES)}"


def customers(random: Random, tenant: Tenant, count: int) -> list[Customer]:
    """Make the customers of a tenant; one in a hundred cannot be reached."""
    return [
        customer(random, f"{tenant.id[0].upper()}-{number:06}", _fate(random))
        for number in range(1, count + 1)
    ]


def customer(random: Random, id_: str, fate: Fate) -> Customer:
    """Make a customer; the number in the address makes it the only one."""
    domain = domain_of(random)
    name = f"{random.choice(_FIRST)}.{random.choice(_LAST)}"
    return Customer(id_, f"{name}.{id_[0].lower()}{id_[2:]}@{domain}", domain, fate)


def _fate(random: Random) -> Fate:
    dice = random.randrange(1000)
    if dice < 6:  # noqa: PLR2004  # in a thousand
        return Fate.GONE
    if dice < 8:  # noqa: PLR2004  # the same
        return Fate.DISABLED
    return Fate.FULL if dice < 10 else Fate.WELL  # noqa: PLR2004  # the same
