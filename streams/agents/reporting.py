"""Reports (DSNs), to evidence about the addresses that we sent to.

One piece of evidence for each reported recipient. What we set ourselves, address
and envelope id, goes before what servers wrote; a report that names nobody flags
nobody.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from streams.agents.classifying import Classifiers
from streams.core import address as addresses
from streams.core import dsn
from streams.core import reply as replies
from streams.core.address import Address
from streams.core.attribution import (
    LONGEST_ID,
    LONGEST_MESSAGE_ID,
    Envelope,
    bare_message_id,
    derived_message_id,
    envelope,
    fitting,
)
from streams.core.dsn import RecipientReport, ReportKind, status
from streams.core.evidence import Action, Failure, Report
from streams.core.failure import PeerRole
from streams.core.instant import Instant
from streams.core.provider import provider
from streams.wire.dsn_event import ParsedDsn, RawDsn
from streams.wire.reject import Reject, RejectReason

NO_REPORT = Reject(RejectReason.DSN_UNPARSEABLE, "/raw: not a report")
ABOUT_NOBODY = Reject(RejectReason.UNATTRIBUTABLE, "/raw: no tenant or no recipient")
_INCOMPLETE = Reject(RejectReason.UNATTRIBUTABLE, "no tenant or no recipient")


class Told(NamedTuple):
    """What a report event comes to."""

    reports: Sequence[Report]
    ignored: str | None = None
    """What kind of mail it was when it was no report at all."""
    left_out: int = 0
    """How many of its recipients no evidence could be made of: no dead letter, since
    the others are used and a second reading would find no more."""


@dataclass(frozen=True, slots=True)
class Reporter:
    """Reads reports."""

    classifiers: Classifiers
    fold_local_part: bool

    def evidence(self, event: ParsedDsn | RawDsn, arrived: Instant) -> Told | Reject:
        """Answer the evidence of a report, or why it can be about nobody."""
        if isinstance(event, RawDsn):
            mail = dsn.parse(event.raw)
            if mail.kind is ReportKind.NOT_A_BOUNCE:
                return NO_REPORT
            if mail.kind in _NO_REPORTS:
                return Told((), ignored=mail.kind)
            blocks: Sequence[RecipientReport] = mail.reports
        else:
            blocks = (_published(event),)
        stated = self._canonical(event.address)
        if stated is not None:
            blocks = self._about(stated, blocks)
        alone = len(blocks) == 1 or stated is not None
        reports = []
        for block in blocks:
            report = self._report(event, block, arrived, alone=alone)
            if report is not None:
                reports.append(report)
        if not reports:
            return ABOUT_NOBODY if isinstance(event, RawDsn) else _INCOMPLETE
        return Told(reports, left_out=len(blocks) - len(reports))

    def _about(
        self, stated: Address, blocks: Sequence[RecipientReport]
    ) -> Sequence[RecipientReport]:
        """Answer the blocks about the address that the producer states.

        Whoever gets a mail can write a report and name others in it, so a stated
        address is believed before any. Blocks that all name somebody else are about
        the members of an alias: together they speak for it only when they agree.
        """
        naming = [
            block
            for block in blocks
            if stated
            in map(self._canonical, (block.original_recipient, block.final_recipient))
        ]
        if naming or len(blocks) == 1:
            return naming or blocks
        agreed = len({block.action for block in blocks}) == 1
        return blocks[:1] if agreed else ()

    def _report(
        self,
        event: ParsedDsn | RawDsn,
        block: RecipientReport,
        arrived: Instant,
        *,
        alone: bool,
    ) -> Report | None:
        """Answer one block's evidence; None when it is about nobody of ours."""
        ours = envelope(event.envelope_id) or envelope(block.envelope_id)
        if ours and event.tenant_id and ours.tenant_id != event.tenant_id:
            ours = None  # a mail may say anything; about others it says nothing
        tenant_id = event.tenant_id or (ours.tenant_id if ours else None)
        address = self._recipient(event, block, ours, alone=alone)
        if tenant_id is None or "/" in tenant_id or address is None:
            return None
        at = min(event.at, arrived)
        message_id = (
            bare_message_id(event.message_id)
            or (ours.message_id if ours else None)
            or bare_message_id(block.message_id)
            or event.envelope_id
            or block.envelope_id
            or _derived(address, block)
        )
        failure = None
        if block.action in _TROUBLED:
            failure = self._failure(tenant_id, block)
        return Report(
            id=fitting(f"{event.id}/{address}", LONGEST_ID),
            tenant_id=tenant_id,
            address=str(address),
            customer_id=event.customer_id,
            message_id=fitting(message_id, LONGEST_MESSAGE_ID),
            at=at,
            arrived_at=arrived,
            message_at=block.arrival_date,
            action=block.action,
            failure=failure,
            reporting_mta=block.reporting_mta,
            provider=provider(block.remote_mta, address.domain),
        )

    def _recipient(
        self,
        event: ParsedDsn | RawDsn,
        block: RecipientReport,
        ours: Envelope | None,
        *,
        alone: bool,
    ) -> Address | None:
        """Answer whom we sent to.

        The event's own address; else ORCPT (RFC 3461 section 4.2); else what our
        envelope id says; else Final-Recipient. An envelope id can be that of one
        of several recipients only.
        """
        spelled = [block.original_recipient, block.final_recipient]
        if alone:
            spelled.insert(0, event.address)
            spelled.insert(2, ours.address if ours else None)
        found = map(self._canonical, spelled)
        return next((address for address in found if address is not None), None)

    def _canonical(self, text: str | None) -> Address | None:
        if not text:
            return None
        found = addresses.canonical(text, fold_local=self.fold_local_part)
        return found if isinstance(found, Address) else None

    def _failure(self, tenant_id: str, block: RecipientReport) -> Failure:
        role: PeerRole | None = None
        if block.remote_mta:
            role = self.classifiers.role_of(tenant_id, block.remote_mta)
        return self.classifiers.failure_of_report(tenant_id, block, role)


_NO_REPORTS = frozenset(
    {ReportKind.AUTO_REPLY, ReportKind.COMPLAINT, ReportKind.CHALLENGE}
)
"""Mails to a bounce mailbox that are in order, but no reports."""


_TROUBLED = frozenset({Action.FAILED, Action.DELAYED})
"""What has a reason. That of a delay speaks of us, never against the address."""


def _published(event: ParsedDsn) -> RecipientReport:
    """Answer the block that was published as parsed fields.

    They are read as those of a raw report are: with types, comments and dots, so
    that a host or a recipient is the same whoever parsed the report.
    """
    block = status.recipient(
        [
            ("original-recipient", event.original_recipient or ""),
            ("final-recipient", event.final_recipient or ""),
            ("status", event.status or ""),
            ("diagnostic-code", event.diagnostic or ""),
            ("remote-mta", event.remote_mta or ""),
        ]
    )
    said = replies.parse(
        block.diagnostic or "", enhanced=block.status, peer=block.remote_mta
    )
    return RecipientReport(
        action=event.action,
        original_recipient=block.original_recipient,
        final_recipient=block.final_recipient,
        status=block.status,
        diagnostic=block.diagnostic,
        replies=(said,),
        around=(),
        remote_mta=block.remote_mta,
        reporting_mta=status.host(event.reporting_mta or ""),
        arrival_date=event.arrival_date,
        last_attempt_date=event.last_attempt_date,
        message_id=None,
        envelope_id=None,
    )


def _derived(address: Address, block: RecipientReport) -> str:
    """Answer an id for the message of a report that names none."""
    return derived_message_id(
        str(address),
        block.reporting_mta,
        str(block.arrival_date or block.last_attempt_date),
        block.diagnostic,
    )
