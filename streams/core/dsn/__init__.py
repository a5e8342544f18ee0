"""Bounce mails of every kind, to what they report about each recipient.

`parse` never raises and never takes long: what is larger or deeper than a report
has reason to be is cut before it is parsed.
"""

from streams.core.dsn.reading import parse
from streams.core.dsn.report import ParsedMail, RecipientReport, ReportKind

__all__ = ["ParsedMail", "RecipientReport", "ReportKind", "parse"]
