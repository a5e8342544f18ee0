"""The page about a replay: complete in itself, and no stranger's text is markup."""

import re
from html.parser import HTMLParser

import orjson
import pytest

from streams.cli.replay_report import Report
from streams.core.instant import parse

END = parse("2026-11-20T18:00:00Z")
EVIL = "<script>alert(1)</script>\"'&"


def change(kind, at, address="ada@example.com", side="recipient"):
    flag = {"tenant_id": "t-1", "address": address, "side": side, "updated_at": at}
    body = {"type": kind, "flag": flag}
    if kind == "flag-cleared":
        body["cleared_at"] = at
    return orjson.dumps(body)


def alert(key="k-1", **changes):
    body = {
        "type": "alert-opened",
        "key": key,
        "kind": "spike",
        "severity": "critical",
        "opened_at": "2026-11-20T11:00:00Z",
        "resolved_at": None,
        "parent": None,
        "tenant_id": "t-1",
        "tenants": 1,
        "provider": None,
        "cause": "submission_auth_failed",
        "customers_failing": 7,
        "summary": "7 customers of t-1 newly fail.",
        "where_to_check": "The credentials.",
        "what_to_do": "Enter the password.",
        "samples": [{"text": "authentication failed"}],
    }
    return orjson.dumps(body | changes)


class Page(HTMLParser):
    """What a browser would see: tags with attributes, and the text."""

    VOID = frozenset({"meta"})

    def __init__(self, html):
        super().__init__()
        self.tags, self.open, self.text = [], [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


def page(*, changes=(), alerts=(), name="march.jsonl"):
    report = Report()
    for value in changes:
        report.take_change(value)
    for value in alerts:
        report.take_alert(value)
    seen = Page(report.html(name, 1234, END))
    assert seen.open == []
    return seen


def test_a_replay_in_which_nothing_happened_has_a_page():
    seen = page()
    assert "1,234 events" in seen.text
    assert "None." in seen.text


def test_the_counts_are_those_of_the_changes():
    seen = page(
        changes=[
            change("flag-set", "2026-11-20T10:00:00Z"),
            change("flag-updated", "2026-11-20T10:05:00Z", side="content"),
            change("flag-set", "2026-11-20T10:10:00Z", "bob@example.com"),
            change("flag-cleared", "2026-11-20T11:00:00Z", side="content"),
        ]
    )
    assert "2 flags set" in seen.text
    assert "1 flags cleared" in seen.text
    assert "1 flags standing" in seen.text


def test_areas_are_as_high_as_flags_stand_and_change_sides_with_them():
    html = Report()
    html.take_change(change("flag-set", "2026-11-20T10:00:00Z"))
    html.take_change(change("flag-updated", "2026-11-20T14:00:00Z", side="content"))
    drawn = re.findall(r'points="([^"]*)"><title>(\w+)<', html.html("x", 1, END))
    standing = {side: _heights(points) for points, side in drawn}
    assert set(standing) == {"recipient", "content"}
    half = len(standing["recipient"]) // 2
    assert all(standing["recipient"][:half])
    assert not any(standing["recipient"][half:])
    assert not any(standing["content"][:half])
    assert all(standing["content"][half:])


def test_an_incident_is_told_in_its_own_words():
    seen = page(alerts=[alert()])
    for words in ("7 customers of t-1 newly fail.", "The credentials.", "still open"):
        assert words in seen.text
    assert "authentication failed" in seen.text


def test_the_newest_word_about_an_incident_counts():
    seen = page(alerts=[alert(), alert(resolved_at="2026-11-20T12:30:00Z")])
    assert "until 2026-11-20 12:30 UTC" in seen.text
    assert len(seen.all("article")) == 1


def test_a_bar_is_as_long_as_its_incident():
    seen = page(
        alerts=[alert(resolved_at="2026-11-20T12:00:00Z"), alert("k-2")],
    )
    short, long = (float(bar["width"]) for bar in seen.all("rect"))
    assert long == pytest.approx(7 * short, abs=1)


def test_a_child_leads_to_its_parent():
    seen = page(alerts=[alert("parent"), alert("child", parent="parent")])
    assert {"href": "#parent"} in seen.all("a")
    assert {a["id"] for a in seen.all("article")} == {"parent", "child"}


@pytest.mark.parametrize(
    "where",
    [
        "key", "kind", "severity", "tenant_id", "provider", "cause", "summary",
        "where_to_check", "what_to_do", "parent",
    ],
)  # fmt: skip
def test_text_of_others_is_never_markup(where):
    report = Report()
    report.take_alert(alert(**{where: EVIL}))
    html = report.html("x", 1, END)
    seen = Page(html)
    assert seen.all("script") == []
    assert "<script" not in html
    assert {
        name for _, attrs in seen.tags for name in attrs if name[:2] == "on"
    } == set()


def test_neither_are_a_servers_words_nor_the_files_name():
    seen = page(alerts=[alert(samples=[{"text": EVIL}])], name=EVIL)
    assert seen.all("script") == []
    assert seen.text.count(EVIL) == 3


def test_the_page_fetches_nothing():
    report = Report()
    report.take_alert(alert())
    html = report.html("x", 1, END)
    (policy,) = [m for m in Page(html).all("meta") if "http-equiv" in m]
    assert policy["content"].startswith("default-src 'none'")
    assert not re.search(r"(src|xlink:href)=|url\(|@import|https?://", html)


def test_no_address_is_on_the_page():
    report = Report()
    report.take_change(change("flag-set", "2026-11-20T10:00:00Z"))
    assert "ada@" not in report.html("x", 1, END)


def test_of_very_many_incidents_the_rest_is_counted():
    seen = page(alerts=[alert(f"k-{n}") for n in range(230)])
    assert len(seen.all("article")) == 200
    assert "30 more are not shown" in seen.text
    assert "230 incidents" in seen.text


def _heights(points):
    """Answer for each column whether the area is there."""
    ys = [float(pair.split(",")[1]) for pair in points.split()]
    half = len(ys) // 2
    ceiling, floor = ys[:half:2], ys[half:][::-1][::2]
    return [low - high > 1 for high, low in zip(ceiling, floor, strict=True)]
