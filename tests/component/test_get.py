"""`mailflag get` on a broker: flagged or not, why, and what of a tenant stands."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from streams.cli.main import cli
from streams.core.failure import Side
from streams.core.flag import ChangeType, ClearedBy, FlagChange
from streams.errors import ConfigurationError
from streams.wire import contract
from streams.wire.flag import change_record, decode_flag, state_record, tombstone
from streams.wire.topic import Topic

EXAMPLE = contract.folder() / "examples/flag/v1/unknown-mailbox.json"


class Published:
    """What the flags stage would have published."""

    def __init__(self, kafka):
        self._kafka = kafka
        self._example = decode_flag(Path(EXAMPLE).read_bytes())
        self._revision = 100
        for topic in (Topic.FLAGS, Topic.FLAG_CHANGES):
            kafka.make(topic)

    def set(self, address, tenant="t-42", **more):
        """Set or restate a flag; answer it."""
        self._revision += 1
        flag = self._example._replace(
            tenant_id=tenant, address=address, revision=self._revision, **more
        )
        self._write(state_record(flag))
        change = self._change(ChangeType.SET, flag, flag.since)
        self._write(change_record(change))
        return flag

    def clear(self, flag):
        """Clear a flag an hour later."""
        self._revision += 1
        at = flag.since + 3_600_000
        change = self._change(ChangeType.CLEARED, flag, at)._replace(
            cleared_by=ClearedBy.ACCEPTED, flagged_for_ms=3_600_000
        )
        self._write(tombstone(change))
        self._write(change_record(change))

    def _change(self, kind, flag, at):
        nobody = (None,) * 5
        return FlagChange(kind, flag, self._revision, at, *nobody)

    def _write(self, record):
        self._kafka.write(record.topic, record.key, record.value, record.headers)


@pytest.fixture
def published(kafka):
    return Published(kafka)


@pytest.fixture
def get(kafka):
    """Run the command."""

    def run(*words, stdin=None):
        kafka.settle()
        call = ["get", *words, "--bootstrap-servers", kafka.address]
        return CliRunner().invoke(cli, call, input=stdin, prog_name="mailflag")

    return run


def lines(done):
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_flagged_address_is_told_with_the_flag_as_published(published, get):
    flag = published.set("ada@example.com")
    done = get("t-42", "ada@example.com")
    assert done.exit_code == 0
    (told,) = lines(done)
    assert (told["tenant_id"], told["address"]) == ("t-42", "ada@example.com")
    assert told["flagged"] is True
    assert decode_flag(json.dumps(told["flag"]).encode()) == flag


def test_any_spelling_of_the_address_will_do(published, get):
    published.set("ada@xn--bcher-kva.example")
    told = lines(
        get("t-42", "  Ada <ADA@Bücher.EXAMPLE.> ", "rfc822;ada@bücher.example")
    )
    assert [one["flagged"] for one in told] == [True, True]
    assert {one["address"] for one in told} == {"ada@xn--bcher-kva.example"}


def test_capitals_count_when_the_deployment_keeps_them(published, get):
    published.set("Ada@example.com")
    assert not lines(get("t-42", "Ada@example.com"))[0]["flagged"]
    assert lines(get("t-42", "Ada@example.com", "--no-fold-local-part"))[0]["flagged"]


def test_a_cleared_address_is_not_flagged_and_says_since_when(published, get):
    published.clear(published.set("ada@example.com", since=1_764_000_000_000))
    done = get("t-42", "ada@example.com")
    assert done.exit_code == 0
    assert lines(done) == [
        {
            "tenant_id": "t-42",
            "address": "ada@example.com",
            "flagged": False,
            "cleared_at": "2025-11-24T17:00:00.000Z",
        }
    ]


def test_an_address_never_heard_of_is_not_flagged(published, get):
    done = get("t-42", "nobody@example.com")
    assert done.exit_code == 0
    assert lines(done)[0]["flagged"] is False


def test_the_newest_record_of_a_key_is_the_truth(published, get):
    published.clear(published.set("ada@example.com"))
    published.set("ada@example.com", consecutive_failures=5)
    (told,) = lines(get("t-42", "ada@example.com"))
    assert told["flag"]["consecutive_failures"] == 5


def test_the_same_address_of_another_tenant_is_another_one(published, get):
    published.set("ada@example.com", tenant="t-4")
    assert not lines(get("t-42", "ada@example.com"))[0]["flagged"]


def test_many_addresses_are_answered_in_the_order_of_asking(published, get):
    for number in range(0, 40, 2):
        published.set(f"user{number}@example.com")
    asked = [f"user{number}@example.com" for number in range(40)]
    told = lines(get("t-42", "-", stdin="\n".join(asked)))
    assert [one["address"] for one in told] == asked
    assert [one["flagged"] for one in told] == [True, False] * 20


def test_an_address_asked_for_twice_is_answered_twice(published, get):
    published.set("ada@example.com")
    told = lines(get("t-42", "ada@example.com", "ADA@example.com"))
    assert [one["flagged"] for one in told] == [True, True]


def test_one_bad_address_does_not_keep_the_others_from_their_answer(published, get):
    published.set("ada@example.com")
    done = get("t-42", "nonsense", "ada@example.com")
    assert done.exit_code == 1
    assert [one.get("flagged") for one in lines(done)] == [None, True]


def test_history_is_every_change_of_that_address_oldest_first(published, get):
    flag = published.set("ada@example.com")
    published.set("bob@example.com")
    published.clear(flag)
    published.set("ada@example.com")
    (told,) = lines(get("t-42", "ada@example.com", "--history"))
    assert [change["type"] for change in told["history"]] == [
        *("flag-set", "flag-cleared", "flag-set")
    ]
    assert told["history"][1]["cleared_by"] == "accepted"


def test_without_asking_for_it_there_is_no_history(published, get):
    published.set("ada@example.com")
    assert "history" not in lines(get("t-42", "ada@example.com"))[0]


def test_a_table_says_clearly_which_is_flagged(published, get):
    published.set("ada@example.com")
    call = ("t-42", "ada@example.com", "bob@example.com", "--history", "--table")
    shown = get(*call).stdout
    assert "ada@example.com is FLAGGED" in shown
    assert "bob@example.com is not flagged" in shown
    assert "flag-set" in shown


def test_on_a_terminal_there_is_a_panel_and_in_a_pipe_there_is_json(published, kafka):
    published.set("ada@example.com")
    kafka.settle()
    words = ("get", "t-42", "ada@example.com", "--bootstrap-servers", kafka.address)
    call = [sys.executable, "-m", "streams.cli.main", *words]
    piped = subprocess.run(call, stdout=subprocess.PIPE, check=True).stdout
    assert json.loads(piped)["flagged"] is True
    ours, theirs = os.openpty()
    try:
        subprocess.run(call, stdout=theirs, stderr=subprocess.DEVNULL, check=True)
        shown = os.read(ours, 100_000).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert "is FLAGGED" in shown
    assert "{" not in shown


def test_a_tenants_list_has_its_standing_flags_and_no_others(published, get):
    published.set("ada@example.com")
    published.clear(published.set("bob@example.com"))
    published.set("eve@example.com", tenant="t-4")
    for tenant, address in (("t-42", "ada@example.com"), ("t-4", "eve@example.com")):
        done = get(tenant)
        assert [one["address"] for one in lines(done)] == [address]
        assert f"tenant {tenant}: 1 standing flag (recipient 1)" in done.stderr


def test_a_list_can_be_of_some_sides(published, get):
    for number, side in enumerate(Side):
        published.set(f"user{number}@example.com", side=side)
    done = get("t-42", "--side", "content", "--side", "transient")
    assert {one["flag"]["side"] for one in lines(done)} == {"content", "transient"}


def test_a_limited_list_has_those_that_failed_last(published, get):
    for number in range(20):
        published.set(
            f"user{number}@example.com", last_failure_at=1_764_000_000_000 + number
        )
    done = get("t-42", "--limit", "3")
    assert [one["address"].partition("@")[0] for one in lines(done)] == [
        *("user19", "user18", "user17")
    ]
    assert "20 standing flags" in done.stderr
    assert "3 shown, --limit 0 shows all" in done.stderr


def test_a_table_is_short_unless_asked_for_all(published, get):
    for number in range(60):
        published.set(f"user{number:02}@example.com")
    assert "50 shown" in get("t-42", "--table").stdout
    whole = get("t-42", "--table", "--limit", "0").stdout
    assert all(f"user{number:02}" in whole for number in range(60))
    assert "shown" not in whole


def test_a_tenant_without_flags_is_said_to_have_none(published, get):
    done = get("t-9", "--table")
    assert (done.exit_code, done.stdout) == (0, "tenant t-9: no standing flag\n")


def test_a_flag_that_this_version_cannot_read_is_still_a_flag(published, get, kafka):
    kafka.write(Topic.FLAGS, b"t-42/ada@example.com", b'{"version": 2}')
    one = get("t-42", "ada@example.com")
    assert one.exit_code == 1
    assert lines(one)[0] == {
        "tenant_id": "t-42",
        "address": "ada@example.com",
        "flagged": True,
        "error": "schema_violation",
    }
    assert "is a newer one writing?" in one.stderr
    assert "ada@example.com" not in one.stderr
    table = get("t-42", "ada@example.com", "--table")
    assert "ada@example.com is FLAGGED" in table.stdout
    whole = get("t-42")
    assert (whole.exit_code, lines(whole)) == (1, [])
    assert "1 flags of the tenant cannot be read" in whole.stderr


def test_foreign_records_on_the_topic_harm_nobody(published, get, kafka):
    published.set("ada@example.com")
    kafka.write(Topic.FLAGS, None, b"{}", partition=0)
    kafka.write(Topic.FLAGS, b"\xff\xfe", b"\x00", partition=1)
    kafka.write(Topic.FLAG_CHANGES, b"t-42/ada@example.com", b"nonsense")
    assert lines(get("t-42", "ada@example.com", "--history"))[0]["flagged"]
    assert len(lines(get("t-42"))) == 1


def test_topics_are_those_of_the_deployments_prefix(get, published):
    done = get("t-42", "ada@example.com", "--topic-prefix", "staging.")
    assert isinstance(done.exception, ConfigurationError)
    assert "no topic staging.mail.address-flags.v1" in str(done.exception)
