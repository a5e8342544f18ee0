"""Settings as options: every command takes them by the same names.

`@with_settings("bootstrap_servers", "topic_prefix")` adds `--bootstrap-servers`
and `--topic-prefix`; the command is called with the `Settings` as its first
argument.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import click
from pydantic_core import PydanticUndefined

from streams.settings import PREFIX, SECRETS, Settings, load

KAFKA = (
    "bootstrap_servers",
    "topic_prefix",
    "security_protocol",
    "sasl_mechanism",
    "sasl_username",
    "ssl_ca_location",
    "ssl_certificate_location",
    "ssl_key_location",
    "ssl_endpoint_identification_algorithm",
)
"""What every command needs that talks to Kafka."""

_Command = TypeVar("_Command", bound=Callable[..., Any])


def with_settings(*names: str) -> Callable[[_Command], _Command]:
    """Give a command the options of some settings, and the settings themselves.

    Secrets are no options, since a command line can be read by others: they come
    from the environment or from a file.
    """
    shown = [name for name in names or Settings.model_fields if name not in SECRETS]

    def decorate(command: _Command) -> _Command:
        @wraps(command)
        def with_loaded(*args: Any, **given: Any) -> Any:  # noqa: ANN401  # click's
            options = {name: given.pop(name) for name in shown}
            return command(load(options), *args, **given)

        decorated: Any = with_loaded
        for name in reversed(shown):
            decorated = _option(name)(decorated)
        return decorated  # type: ignore[no-any-return]  # the same, decorated

    return decorate


def _option(name: str) -> Callable[[Any], Any]:
    field = Settings.model_fields[name]
    default = field.default
    known = default is not PydanticUndefined and default not in {None, ""}
    shown = str(default) if known else "not set"
    described = f"{field.description}  [{PREFIX}{name.upper()}; default: {shown}]"
    option = "--" + name.replace("_", "-")
    if field.annotation is bool:
        return click.option(f"{option}/--no-{option[2:]}", default=None, help=described)
    return click.option(option, name, default=None, help=described, metavar="VALUE")
