"""Every published example is read by the code as its page says."""

import json

import jsonschema_rs
import orjson
import pytest

from streams.core import instant
from streams.wire import (
    activity,
    alert,
    attempt,
    command,
    contract,
    digest,
    dsn_event,
    evidence,
    flag,
)
from streams.wire.reject import Reject

DECODERS = {
    "send-attempt": attempt.decode,
    "dsn-event": dsn_event.decode,
    "flag-command": command.decode,
    "evidence": evidence.decode,
    "tenant-activity": activity.decode,
    "spike-digest": digest.decode,
    "alert": alert.decode,
    "flag": flag.decode_flag,
    "flag-change": flag.decode_change,
}
ENCODERS = {
    "evidence": evidence.encode,
    "tenant-activity": activity.encode,
    "spike-digest": digest.encode,
    "flag": flag.encode_flag,
    "flag-change": flag.encode_change,
}
WITHOUT_DECODER = {"dead-letter"}
HOME = contract.folder() / "examples"


def examples(pattern):
    paths = sorted(HOME.glob(pattern))
    return [pytest.param(p, id=str(p.relative_to(HOME))) for p in paths]


def event_of(path):
    return path.relative_to(HOME).parts[0]


def test_every_schema_has_a_decoder_or_is_known_to_have_none():
    events = {name.removesuffix(".v1") for name in contract.schema_names()}
    assert events == DECODERS.keys() | WITHOUT_DECODER


@pytest.mark.parametrize("path", examples("*/v1/*.json"))
def test_an_example_is_read(path):
    decode = DECODERS.get(event_of(path))
    if decode is not None:
        assert not isinstance(decode(path.read_bytes()), Reject)
    else:
        validate = contract.validator(f"{event_of(path)}.v1").validate
        validate(json.loads(path.read_bytes()))


@pytest.mark.parametrize("path", examples("*/v1/invalid/*.json"))
def test_an_invalid_example_is_rejected_for_the_stated_reason(path):
    page = json.loads(path.read_bytes())
    decode = DECODERS.get(event_of(path))
    if decode is not None:
        reject = decode(orjson.dumps(page["value"]))
        assert isinstance(reject, Reject)
        assert (reject.reason, reject.detail) == (page["reason"], page["detail"])
        return
    validator = contract.validator(f"{event_of(path)}.v1")
    with pytest.raises(jsonschema_rs.ValidationError) as error:
        validator.validate(page["value"])
    member, _, keyword = page["detail"].partition(": ")
    where = [str(step) for step in error.value.instance_path]
    if keyword == "required":
        where.append(error.value.kind.property)
    assert (f"/{'/'.join(where)}", error.value.kind.name) == (member, keyword)


@pytest.mark.parametrize(
    "path", [e for name in ENCODERS for e in examples(f"{name}/v1/*.json")]
)
def test_what_we_write_is_the_example_that_we_read(path):
    event = event_of(path)
    written = ENCODERS[event](DECODERS[event](path.read_bytes()))
    assert json.loads(written) == json.loads(path.read_bytes())


@pytest.mark.parametrize(
    "path", examples("flag/v1/*.json") + examples("flag-change/v1/*.json")
)
def test_times_and_revisions_of_a_flag_are_as_the_schema_says(path):
    event = orjson.loads(path.read_bytes())
    flag_, change = event.get("flag", event), event if "flag" in event else None
    decided = [(flag_["revision"], instant.parse(flag_["updated_at"]))]
    if change is not None:
        decided.append((change["revision"], instant.parse(change["at"])))
    assert all(revision == at for revision, at in decided)
    assert decided == sorted(decided)
    failed = [instant.parse(one["at"]) for one in flag_["evidence"]]
    assert failed == sorted(failed, reverse=True)
    assert failed[0] == instant.parse(flag_["last_failure_at"]) <= decided[0][1]
    since = instant.parse(flag_["since"])
    assert instant.parse(flag_["first_failure_at"]) <= since <= decided[0][1]
    if change is not None and "cleared_at" in change:
        assert change["cleared_at"] == change["at"]
        assert change["flagged_for_seconds"] * 1000 == decided[1][1] - since
