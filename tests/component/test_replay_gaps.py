"""Silence costs a replay nothing, and leaves nothing out."""

import json
import random
from collections import Counter

import pytest

from streams.adapters.offline import Offline
from streams.app import build_stages
from streams.core.instant import parse, render
from streams.core.spike import calibration as cal
from streams.core.spike import rest
from streams.settings import Settings

POLICY = "[default]\nclear_on_incident_resolve = true\n"
START = parse("2024-01-01T00:00:00Z")
AUTH = {"phase": "auth", "code": 535, "text": "535 5.7.8 authentication failed"}
GONE = {"phase": "rcpt", "code": 550, "text": "550 5.1.1 User unknown"}
BLOCKED = {"phase": "rcpt", "code": 550, "text": "550 5.7.1 blocked by spamhaus.org"}
PEERS = {"relay": "smtp.example.net", "mx": "mx.example.com"}


class Diary:
    """Writes a file: busy hours, faults that end or do not, and weeks of nothing."""

    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.now = START
        self.lines = []

    def wait(self, least, most):
        self.now += self.chance.randrange(least, most)

    def mail(self, tenant, *, fault=None, role="mx", late=None):
        number = len(self.lines)
        customer = self.chance.randrange(200)
        about = {
            "tenant_id": tenant,
            "address": f"c{customer}@{self.chance.choice('abc')}.example.com",
            "message_id": f"m-{number}",
        }
        smtp = {"peer": PEERS[role], "peer_role": role}
        outcome = "accepted"
        if fault is not None:
            smtp, outcome = fault | smtp, "failed"
        self._write("send-attempt", about, smtp=smtp, outcome=outcome)
        if late is not None:
            self.now += late
            self._write(
                "dsn", about, action="failed", status="5.1.1", diagnostic=GONE["text"]
            )

    def _write(self, kind, about, **more):
        event = {"type": kind, "id": f"e-{len(self.lines)}", "time": render(self.now)}
        self.lines.append(json.dumps(event | about | more).encode())

    def chapter(self):
        chance = self.chance
        tenant, role = chance.choice(["t-1", "t-2"]), chance.choice(["relay", "mx"])
        fault = AUTH if role == "relay" else chance.choice([GONE, BLOCKED])
        for _ in range(80):
            self.mail(tenant, role=role)
            self.wait(1_000, 15 * cal.MINUTE)
        for _ in range(chance.randrange(10, 60)):
            self.mail(tenant, fault=fault, role=role)
            self.wait(1_000, cal.MINUTE)
        if chance.random() < 0.5:
            self.mail(tenant, role="relay", late=chance.randrange(cal.HOUR, cal.DAY))
            self.mail(tenant, role="relay")
        for _ in range(chance.randrange(30)):
            self.wait(cal.MINUTE, chance.choice([cal.HOUR, 3 * cal.DAY]))
            good = chance.random() < 0.7
            self.mail(tenant, role=role, fault=None if good else fault)
        self.wait(cal.DAY, 80 * cal.DAY)


def told(lines, policy_file):
    """Answer all that is published, and how often stages were woken."""
    built = build_stages(Settings(policy_file=policy_file))
    stages = built.by_topic()
    woken = Counter()
    emitted = []

    class Watched:
        def __init__(self, stage):
            self._stage = stage

        def __getattr__(self, name):
            return getattr(self._stage, name)

        def due(self, table, now):
            woken[type(self._stage).__name__] += 1
            return self._stage.due(table, now)

    watched = {id(stage): Watched(stage) for stage in stages.values()}
    by_topic = {topic: watched[id(stage)] for topic, stage in stages.items()}
    offline = Offline(by_topic, emitted.append, pytest.fail, built.bulletins())
    for _ in offline.run(lines):
        pass
    return emitted, woken["SpikesStage"]


def test_what_is_left_out_in_silence_would_have_changed_nothing(tmp_path, monkeypatch):
    policy = tmp_path / "policy.toml"
    policy.write_text(POLICY)
    diary = Diary(3)
    for _ in range(4):
        diary.chapter()
    emitted, woken = told(diary.lines, policy)
    events = [json.loads(m.value) for m in emitted if m.value]
    assert {"accepted", "incident_resolved"} <= {e.get("cleared_by") for e in events}
    kinds = {dict(m.headers)["ce_type"] for m in emitted}
    assert {b"mailflag.alert-updated.v1", b"mailflag.alert-resolved.v1"} <= kinds
    monkeypatch.setattr(rest, "next_look", lambda tenant: tenant.now + cal.RIPEN)
    monkeypatch.setattr(rest, "passed_look", lambda tenant, until: None)
    every, often = told(diary.lines, policy)
    assert emitted == every
    assert woken < often / 10
