"""The committed bounces are real, ours, labelled, and understood by our own parser."""

import re
from email import message_from_bytes
from importlib.resources import files

import pytest

from streams.agents.classifying import Classifiers
from streams.core import address as addresses
from streams.core import dsn
from streams.core.evidence import Action
from streams.core.failure import TRAITS, FailureClass
from streams.core.instant import Instant, to_datetime
from streams.core.policy import PolicyBook
from streams.demo.mailbag import Stand, bounce, bounces, redated, retold
from streams.wire import rulebook

BOUNCES = files("streams.demo") / "bounces"
ALL = [pytest.param(b, id=b.file.removesuffix(".eml")) for b in bounces()]
MOVABLE = [p for p in ALL if p.values[0].movable]

RESERVED = re.compile(r"(\.|^)(example|test|example\.(com|net|org))$")
HOST = re.compile(rb"(?<![\w.-])((?:[a-z0-9-]+\.)+[a-z]{2,})\b(?![@.])", re.IGNORECASE)
NO_HOSTS = {
    "resolver.adr.recipientnotfound",
    "resolver.rst.notauthorized",
    "html.phishing.parcel",
}
"""Exchange's names for its own errors, and a scanner's for what it found."""
DOCUMENTATION = re.compile(r"^(192\.0\.2|198\.51\.100|203\.0\.113)\.\d+$")
ADDRESS = re.compile(rb"\b\d{1,3}(?:\.\d{1,3}){3}\b")

DAY = 86_400_000


@pytest.fixture(scope="module")
def classifiers():
    return Classifiers(rulebook.load([]), PolicyBook())


def canonical(text):
    return str(addresses.canonical(text))


def test_there_are_a_hundred_and_the_index_knows_each():
    there = {p.name for p in BOUNCES.iterdir() if p.name.endswith(".eml")}
    assert {b.file for b in bounces()} == there
    assert len(there) >= 100


def test_they_show_every_class_that_a_server_can_answer_with():
    shown = {told.failure_class for b in bounces() for told in b.recipients} - {None}
    # Whose relay it is, a report alone cannot say; and Postfix gives the last reason
    # when a message expires, never the expiry.
    unsaid = {
        FailureClass.SUBMISSION_CONNECT_FAILED,
        FailureClass.DELIVERY_EXPIRED,
    }
    assert shown == set(FailureClass) - unsaid


def test_they_show_every_action():
    shown = {told.action for b in bounces() for told in b.recipients}
    assert shown == set(Action)


@pytest.mark.parametrize("told", ALL)
def test_a_bounce_names_no_host_and_no_address_of_the_real_world(told):
    hosts = {host.decode().lower() for host in HOST.findall(told.raw)}
    numbers = {a.decode() for a in ADDRESS.findall(told.raw)}
    assert {h for h in hosts if not RESERVED.search(h)} <= NO_HOSTS
    assert {n for n in numbers if not DOCUMENTATION.match(n)} == set()
    assert b"localhost" not in told.raw
    assert b"/tmp/" not in told.raw


@pytest.mark.parametrize("told", ALL)
def test_a_bounce_is_read_as_its_label_says(told):
    mail = dsn.parse(told.raw)
    assert mail.kind == told.kind
    assert [
        (r.recipient and canonical(r.recipient), r.action, r.envelope_id)
        for r in mail.reports
    ] == [
        (canonical(each.address), each.action, told.envelope_id)
        for each in told.recipients
    ]
    assert {r.message_id for r in mail.reports} == {f"<{told.message_id}>"}
    assert {r.reporting_mta for r in mail.reports} == {told.reporting_mta}
    assert {r.arrival_date for r in mail.reports} == {told.arrived_at}


@pytest.mark.parametrize("told", [p for p in ALL if p.values[0].kind == "bounce"])
def test_a_failure_gets_the_class_and_the_side_that_was_scripted(told, classifiers):
    found = [
        classifiers.failure_of_report(told.tenant_id, report, None)
        for report in dsn.parse(told.raw).reports
    ]
    assert [(f.failure_class, f.side) for f in found] == [
        (each.failure_class, each.side) for each in told.recipients
    ]


@pytest.mark.parametrize("told", ALL)
def test_a_label_names_a_side_that_its_class_has(told):
    for each in told.recipients:
        if each.failure_class is not None:
            assert each.side == TRAITS[FailureClass(each.failure_class)].side


@pytest.mark.parametrize("told", MOVABLE)
def test_a_bounce_can_be_told_again_about_another_message(told):
    sent_at = Instant(told.arrived_at + 40 * DAY)
    stand = Stand(
        tenant_id="iris-clinic",
        address="ada.lovelace@mill.example.net",
        message_id="m-123456@iris-clinic.example",
        sent_at=sent_at,
        reported_at=Instant(sent_at + 90_000),
    )
    raw = retold(told, stand)
    mail = dsn.parse(raw)
    [report] = mail.reports
    [original] = dsn.parse(told.raw).reports
    assert mail.kind == told.kind
    assert report.recipient == stand.address
    assert report.message_id == f"<{stand.message_id}>"
    assert report.envelope_id == f"iris-clinic/{stand.address}/{stand.message_id}"
    assert (report.action, report.status) == (original.action, original.status)
    assert report.arrival_date == sent_at
    date = message_from_bytes(raw)["Date"]
    assert date.startswith(f"{to_datetime(stand.reported_at):%a, %d %b %Y %H:%M:%S}")
    assert told.recipients[0].address.encode() not in raw
    assert told.message_id.encode() not in raw


def test_a_report_of_days_keeps_its_lag_when_it_is_told_of_another_day():
    told = bounce("full-for-five-days.bounce")
    lag = told.reported_at - told.arrived_at
    assert lag > 5 * DAY
    sent_at = Instant(told.arrived_at + 100 * DAY)
    raw = redated(told, sent_at, Instant(sent_at + lag))
    [report] = dsn.parse(raw).reports
    assert report.arrival_date == sent_at
    reported = to_datetime(Instant(sent_at + lag))
    assert message_from_bytes(raw)["Date"].startswith(f"{reported:%a, %d %b %Y %H:%M}")
