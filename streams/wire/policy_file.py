"""The policy file: TOML to the policies of all tenants.

`[default]` holds for everybody, `[tenant."t-42"]` changes it for one. A mistake
is reported with its line and key, all mistakes at once.
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from streams.core.classify import OwnIdentity
from streams.core.failure import TRAITS, FailureClass
from streams.core.policy import ClearOn, FlagPolicy, PolicyBook, Threshold
from streams.errors import ConfigurationError

_DURATION = re.compile(r"(\d{1,6}) ?(s|m|h|d)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_MOST = 100
OWN = {
    "sending_ips": "ips",
    "helo_names": "helo_names",
    "envelope_domains": "envelope_domains",
    "relay_hosts": "relays",
}
"""Keys of the table `own`, and what they are of an `OwnIdentity`."""


def parse(text: str, origin: str) -> PolicyBook:
    """Read a policy file's text; `origin` is its name for messages.

    Raises:
        ConfigurationError: naming the line and the key of each mistake.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = f"{origin}: {error}"
        raise ConfigurationError(message) from None
    except RecursionError:
        message = f"{origin}: nested too deeply"
        raise ConfigurationError(message) from None
    mistakes = _Mistakes(text, origin)
    for name in document.keys() - {"default", "tenant"}:
        mistakes.add((), name, "is not known here; use [default] or [tenant.NAME]")
    default = _policy(document.get("default", {}), FlagPolicy(), ("default",), mistakes)
    tenants = document.get("tenant", {})
    if not isinstance(tenants, dict):
        mistakes.add((), "tenant", "must be tables: [tenant.NAME]")
        tenants = {}
    book = PolicyBook(
        default,
        {
            name: _policy(table, default, ("tenant", name), mistakes)
            for name, table in tenants.items()
        },
    )
    mistakes.raise_any()
    return book


class _Mistakes:
    """Collects what is wrong, and finds the lines."""

    def __init__(self, text: str, origin: str) -> None:
        self._lines = text.splitlines()
        self._origin = origin
        self._found: list[tuple[int, str]] = []

    def add(self, table: tuple[str, ...], key: str, problem: str) -> None:
        line = self._line(table, key)
        name = ".".join((*table, key))
        self._found.append((line, f"{self._origin}:{line}: {name} {problem}"))

    def raise_any(self) -> None:
        if self._found:
            raise ConfigurationError("; ".join(m for _, m in sorted(self._found)))

    def _line(self, table: tuple[str, ...], key: str) -> int:
        """Answer the line of a key, by the table header before it."""
        inside, last_header = not table, 1
        for number, line in enumerate(self._lines, start=1):
            bare = line.strip()
            if bare.startswith("["):
                names = re.findall(r"\"[^\"]*\"|'[^']*'|[^.\[\]\s]+", bare)
                parts = tuple(name.strip("\"'") for name in names)
                inside = parts[: len(table)] == table
                last_header = number if inside else last_header
                if inside and key in parts[len(table) :]:
                    return number
            elif inside and re.match(rf"[\"']?{re.escape(key)}[\"']?\s*[.=]", bare):
                return number
        return last_header


def _policy(
    table: object, base: FlagPolicy, path: tuple[str, ...], mistakes: _Mistakes
) -> FlagPolicy:
    """Answer the policy of one table on top of another policy."""
    if not isinstance(table, dict):
        mistakes.add(path[:-1], path[-1], "must be a table")
        return base
    changed: dict[str, Any] = {}
    for key, value in table.items():
        reader = KEYS.get(key)
        if reader is None:
            mistakes.add(path, key, f"is not known; known are {', '.join(KEYS)}")
            continue
        try:
            changed[key] = reader(value)
        except ValueError as problem:
            mistakes.add(path, key, str(problem))
    thresholds = {**base.thresholds, **changed.pop("thresholds", {})}
    return FlagPolicy(
        **{
            "clear_on": base.clear_on,
            "clear_late_bounce_after": base.clear_late_bounce_after,
            "clear_on_incident_resolve": base.clear_on_incident_resolve,
            "suppress": base.suppress,
            "own": base.own,
            **changed,
            "thresholds": thresholds,
        }
    )


def _clear_on(value: object) -> ClearOn:
    if value not in list(ClearOn):
        message = f"must be one of {', '.join(ClearOn)}"
        raise ValueError(message)
    return ClearOn(str(value))


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        message = "must be true or false"
        raise ValueError(message)  # noqa: TRY004  # one kind of mistake
    return value


def _duration(value: object) -> timedelta:
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        message = 'must be a duration such as "90s", "10m", "6h" or "5d"'
        raise ValueError(message)
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def _thresholds(value: object) -> Mapping[FailureClass, Threshold]:
    """Read `class = N`, or `class = {permanent = N, transient = M}`; 0 is never."""
    if not isinstance(value, dict):
        message = "must be a table of classes"
        raise ValueError(message)  # noqa: TRY004  # one kind of mistake
    thresholds = {}
    for name, count in value.items():
        if name not in list(FailureClass):
            message = f"{name}: is no class of failure"
            raise ValueError(message)
        kind = FailureClass(name)
        traits = TRAITS[kind]
        counts = {"permanent": count, "transient": count}
        if isinstance(count, dict):
            counts = {
                "permanent": traits.after_permanent,
                "transient": traits.after_transient,
                **count,
            }
        if counts.keys() != {"permanent", "transient"} or not all(
            type(n) is int and 0 <= n <= _MOST for n in counts.values()
        ):
            message = f"{name}: must be a number from 0 to {_MOST}, or a table of"
            message += " permanent and transient"
            raise ValueError(message)
        thresholds[kind] = Threshold(**counts)
    return thresholds


def _own(value: object) -> OwnIdentity:
    """Read who the tenant is when it sends."""
    if not isinstance(value, dict):
        message = "must be a table"
        raise ValueError(message)  # noqa: TRY004  # one kind of mistake
    named: dict[str, frozenset[str]] = {}
    for key, names in value.items():
        if key not in OWN:
            message = f"{key}: is not known; known are {', '.join(OWN)}"
            raise ValueError(message)
        if not isinstance(names, list) or not all(
            isinstance(name, str) and name for name in names
        ):
            message = f"{key}: must be a list of names"
            raise ValueError(message)
        named[OWN[key]] = frozenset(name.lower() for name in names)
    return OwnIdentity(**named)


KEYS: dict[str, Callable[[object], Any]] = {
    "clear_on": _clear_on,
    "clear_late_bounce_after": _duration,
    "clear_on_incident_resolve": _boolean,
    "suppress": _boolean,
    "thresholds": _thresholds,
    "own": _own,
}
"""Keys of a table, and how their values are read."""
