"""The small tree of exceptions: a bad state of the world, never bad input.

Bad input is a value (`streams.wire.reject.Reject`). A programming error is not
caught at all: the worker stops, the transaction aborts, nothing is lost.
"""


class MailflagError(Exception):
    """Something outside the program is not as it must be."""


class ConfigurationError(MailflagError):
    """A setting, file or topic is wrong; the message names it and the way out.

    The command exits with code 2, before it joins the consumer group.
    """


class Unavailable(MailflagError):
    """A server cannot be reached or does not answer; trying again may help."""


class StoreFailed(MailflagError):
    """A table on disk cannot be read or written; the message quotes no key."""
