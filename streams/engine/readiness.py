"""What a readiness probe asks of a worker."""

from typing import NamedTuple


class Readiness(NamedTuple):
    """Whether the worker can do its work; all of it must be true."""

    assigned: bool
    """The group has answered: the worker knows which partitions are its own
    (there may be none when there are more workers than partitions)."""
    recovered: bool
    """Every owned partition's table is recovered and its lane open."""
    positioned: bool
    """Reading continues from the recovered positions."""
    informed: bool
    """Every bulletin has been read to its end once."""
    connected: bool
    """A broker has answered lately."""

    @property
    def ready(self) -> bool:
        """Say whether nothing is missing."""
        return all(self)

    @property
    def missing(self) -> list[str]:
        """Name what is not there yet."""
        return [name for name, there in self._asdict().items() if not there]
