"""Log lines: one stream, JSON or readable, and never an address in it.

Our own lines have a name of a closed set as `event` and facts as fields. Lines
of libraries pass the same chain under the event `library`. What could quote data
is taken out here as well, although nothing should have put it in: the message of
an exception that is not ours, and whatever looks like a mail address.
"""

import hashlib
import hmac
import logging
import logging.config
import re
import secrets
import sys
import traceback
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog
from structlog.stdlib import ExtraAdder, ProcessorFormatter
from structlog.typing import Processor

from streams.core import address as addresses
from streams.core.address import AddressFault
from streams.errors import MailflagError
from streams.settings import LogFormat, LogLevel

OURS = "streams"
LIBRARY = "library"
"""The `event` of a line that a library wrote; its text is `message`."""
QUIETEST = {
    "aiokafka": logging.WARNING,
    "aiokafka.consumer.group_coordinator": logging.INFO,
    "asyncio": logging.INFO,
    "faust": logging.WARNING,
    "kafka": logging.WARNING,
    "mode": logging.WARNING,
}
"""Below these levels libraries quote requests, and with them records."""
_WEB = "aiohttp.server"
"""Logs what goes wrong inside a page; and what goes wrong outside, see `_Inside`."""
_OUTSIDE = frozenset({"aiohttp.http_exceptions", "aiohttp.web_protocol"})
"""Where the exceptions are made that say that a request, or its body, is no HTTP."""
_HASH_DIGITS = 16
_PART = r"[^\s\"'<>(),;:\[\]=\\]+"
_ADDRESS = re.compile(f"{_PART}@{_PART}")
_SAFE_MESSAGES = (
    MailflagError,
    OSError,
    AttributeError,
    ImportError,
    NameError,
    NotImplementedError,
    RecursionError,
    TypeError,
)
"""Exceptions whose messages name things of the program or system, not data."""
_SAFE_MODULES = ("aiokafka.", "streams.")

_Fields = MutableMapping[str, Any]


def configure(
    log_format: LogFormat, level: LogLevel, hash_key: str = ""
) -> dict[str, Any]:
    """Set up logging for the process, and answer the configuration.

    `hash_key` keys the hash that stands for an address; without one it is new at
    every start, so that lines of one run can be correlated and no others.
    """
    config = configuration(log_format, level, hash_key)
    logging.config.dictConfig(config)
    return config


def configuration(
    log_format: LogFormat, level: LogLevel, hash_key: str = ""
) -> dict[str, Any]:
    """Answer the `logging.config` of the process."""
    threshold = logging.getLevelNamesMapping()[level.upper()]
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": ProcessorFormatter,
                "foreign_pre_chain": [ExtraAdder()],
                "processors": [
                    _described,
                    ProcessorFormatter.remove_processors_meta,
                    Redacted(_renderer(log_format), hash_key or secrets.token_hex()),
                ],
            }
        },
        "filters": {"inside": {"()": _Inside}},
        "handlers": {
            "stream": {
                "class": "logging.StreamHandler",
                "stream": "ext://sys.stderr",
                "formatter": "line",
            }
        },
        "root": {"level": threshold, "handlers": ["stream"]},
        "loggers": {
            name: {"level": max(threshold, quietest)}
            for name, quietest in QUIETEST.items()
        }
        | {_WEB: {"filters": ["inside"]}},
    }


class _Inside(logging.Filter):
    """Leaves out that a client of the web port has sent what is no HTTP.

    aiohttp logs each as an error with a traceback: anybody who reaches the port
    could fill a disk, with bytes in and a hundred times as many out.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether a line is about us."""
        error = record.exc_info[0] if record.exc_info else None
        return error is None or error.__module__ not in _OUTSIDE


class AddressHash:
    """What stands for an address in a log line: the same for the same address."""

    def __init__(self, key: str) -> None:
        """Take the key; who has it can find out which address was meant."""
        self._key = key.encode()

    def __call__(self, address: str) -> str:
        """Answer the hash of an address in its canonical form."""
        canonical = addresses.canonical(address)
        known = not isinstance(canonical, AddressFault)
        text = str(canonical) if known else address.lower()
        digest = hmac.new(self._key, text.encode(), hashlib.sha256)
        return f"address:{digest.hexdigest()[:_HASH_DIGITS]}"


class Redacted:
    """A renderer in whose lines everything like an address is its hash."""

    def __init__(self, render: Processor, key: str) -> None:
        """Take what makes the line, and the key of the hash."""
        self._render = render
        self._hash = AddressHash(key)

    def __call__(self, logger: Any, name: str, fields: _Fields) -> str:  # noqa: ANN401
        """Answer the line."""
        line = str(self._render(logger, name, fields))
        if "@" not in line:
            return line
        return _ADDRESS.sub(lambda found: self._hash(found[0]), line)


def _described(logger: object, name: str, fields: _Fields) -> _Fields:
    """Answer the fields in the order in which people read them."""
    del logger
    record: logging.LogRecord = fields["_record"]
    ours = record.name.partition(".")[0] == OURS
    said = str(fields.pop("event"))
    described: dict[str, Any] = {
        "time": _time(record.created),
        "level": name,
        "event": said if ours else LIBRARY,
        "logger": record.name,
    }
    if not ours:
        described["message"] = said
    exc_info = fields.pop("exc_info", None)
    described.update(fields)
    if exc_info:
        error = exc_info[1] if isinstance(exc_info, tuple) else sys.exception()
        if error is not None:
            described["exception"] = told(error)
    return described


def _time(created: float) -> str:
    moment = datetime.fromtimestamp(created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def told(error: BaseException) -> str:
    """Answer a traceback in which no exception can quote data.

    The message of an exception that is not ours is left out: that of a `KeyError`
    or of a decoder is a piece of its input.
    """
    trace = traceback.TracebackException.from_exception(error, lookup_lines=True)
    lines: list[str] = []
    for part, one in _chain(error, trace):
        lines += part.stack.format()
        module = type(one).__module__
        shown = isinstance(one, _SAFE_MESSAGES) or f"{module}.".startswith(
            _SAFE_MODULES
        )
        kind = type(one).__name__
        lines.append(f"{kind}: {one}\n" if shown else f"{kind} (message left out)\n")
    return "".join(lines).rstrip()


def _chain(
    error: BaseException, trace: traceback.TracebackException
) -> list[tuple[traceback.TracebackException, BaseException]]:
    """Answer an exception and what it came from, the first cause first."""
    chain = [(trace, error)]
    while True:
        trace, error = chain[-1]
        cause, context = error.__cause__, error.__context__
        if cause is not None and trace.__cause__ is not None:
            chain.append((trace.__cause__, cause))
        elif (
            context is not None
            and trace.__context__ is not None
            and not error.__suppress_context__
        ):
            chain.append((trace.__context__, context))
        else:
            return chain[::-1]


def _renderer(log_format: LogFormat) -> Processor:
    if log_format is LogFormat.JSON:
        return _json
    return structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(),
        timestamp_key="time",
        sort_keys=False,
        exception_formatter=structlog.dev.plain_traceback,
    )


def _json(logger: object, name: str, fields: _Fields) -> str:
    del logger, name
    return orjson.dumps(fields, default=_kind, option=orjson.OPT_NON_STR_KEYS).decode()


def _kind(value: object) -> str:
    """Name the type of a value that has no JSON form, and not its content."""
    return f"<{type(value).__name__}>"
