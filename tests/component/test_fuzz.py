"""Hostile input: a little of it here, and that the harness finds what it looks for."""

import base64
import re
import socket
from contextlib import ExitStack
from dataclasses import replace
from math import inf
from random import Random

import pytest

from benchmarks.fuzz import catalogue, mutation, port
from benchmarks.fuzz.run import made, run
from benchmarks.fuzz.target import Broken, Target, fair, hold
from streams.wire.reject import Reject, RejectReason

INPUTS = 1_000


@pytest.fixture(scope="module")
def targets():
    with catalogue.targets() as found:
        # How long an input takes is asked by `make fuzz`, not on a busy machine here.
        yield [replace(target, seconds=inf) for target in found]


def test_no_input_does_what_none_may_do(targets):
    result = run(targets, INPUTS, seed=20_261_125)
    assert [str(failure) for failure in result.failures] == []
    assert set(result.figures) == {target.name for target in targets}


def test_every_reader_gets_inputs_that_it_can_use_and_others(targets):
    by_name = {target.name: target for target in targets}
    for name in ("send-attempt", "dsn-event", "evidence record", "alert record"):
        figures = run([by_name[name]], 200, seed=1).figures[name]
        assert 20 < figures.good < 180, name


def test_the_web_port_gets_its_part_and_many_requests_that_are_right(targets):
    (target,) = [target for target in targets if target.name == "web port"]
    assert target.share >= 0.05 * sum(target.share for target in targets)
    chance = Random(1)
    asked = [port.asked(chance) for _ in range(400)]
    assert 250 < sum(map(is_right, asked)) < 350
    with port.serving() as number:
        for raw in {
            raw.split(b"\r\n")[0]: raw for raw in asked if is_right(raw)
        }.values():
            answer = port.exchanged(number, raw, port.PATIENCE)
            assert answer[:7] == b"HTTP/1."
            assert answer[9:12] in {b"200", b"503"}, raw


def is_right(raw):
    """Say whether a request is as it was before a bit was turned."""
    start, *headers, last, end = raw.split(b"\r\n")
    page = rb"GET /(healthz|readyz|metrics)(\?[\w%=&\[\]]*)? HTTP/1\.[01]"
    known = {one.strip().lower() for one in (*port.SAFE, port.NAMED)}
    known.add(b"connection: close")
    right = re.fullmatch(page, start) and not last + end
    return bool(right) and {h.lower() for h in headers} <= known


def test_slow_clients_of_the_web_port_keep_nobody_waiting():
    with port.serving() as number, ExitStack() as stack:
        for _ in range(200):
            client = stack.enter_context(socket.create_connection((port.HOST, number)))
            client.sendall(port.ASKED[:-3])
        answer = port.exchanged(number, port.ASKED, port.PATIENCE)
    assert answer.startswith(b"HTTP/1.1 200 ")


def planted(feed, **told):
    examples = [b'{"tenant_id": "t-42", "note": "a text of some length"}']
    return Target("planted", mutation.documents(examples), feed, **told)


def found(target, inputs=2_000):
    failures = run([target], inputs, seed=7).failures
    assert failures
    return failures[0]


def crash(raw):
    if b"\0" in raw or b"\\u0000" in raw:
        raise KeyError(raw)
    return True


def test_an_input_that_raises_is_found_and_made_small():
    failure = found(planted(crash))
    assert failure.what.startswith("KeyError at tests/component/test_fuzz.py:")
    assert failure.raw in {b"\0", b"\\u0000"}
    assert f"--again {base64.b64encode(failure.raw).decode()}" in str(failure)


def test_the_same_seed_makes_the_same_inputs():
    target = planted(crash)
    failure = found(target)
    assert found(target) == failure
    with pytest.raises(KeyError):
        crash(made(target, 7, failure.number))
    assert made(target, 8, failure.number) != made(target, 7, failure.number)


def test_what_does_not_hold_is_found_and_told_apart():
    def feed(raw):
        hold(b"t-42" in raw, "no tenant")
        hold(len(raw) < 300, "too long")
        return True

    kinds = {f.what.partition(": ")[2] for f in run([planted(feed)], 3_000, 7).failures}
    assert kinds <= {"no tenant", "too long"}
    assert kinds


def test_what_takes_long_is_found():
    failure = found(planted(lambda raw: True, seconds=-1.0))
    assert failure.what == "took more than -1.0 s"


def test_what_takes_much_memory_is_found():
    failure = found(planted(lambda raw: bool(bytearray(3 << 20)), megabytes=2))
    assert failure.what == "took more than 2 MB"


@pytest.mark.parametrize(
    "reject",
    [
        Reject(RejectReason.BAD_ADDRESS, "/karl@example.org: type"),
        Reject(RejectReason.BAD_TIME, "/time\n"),
        Reject(RejectReason.BAD_TIME, "x" * 501),
        Reject("tired", "/time"),
    ],
)
def test_a_reject_that_quotes_its_record_is_unfair(reject):
    with pytest.raises(Broken):
        fair(reject)
