"""What goes in comes out once, and an error stops everything before it commits."""

import socket
import time

import pytest
import stores
from confluent_kafka import KafkaException
from kafka_broker import free_port
from log_reader import committed, make_topic, read, remove_topics
from oracle import Flow
from worker_process import WorkerProcess, wait_for

from streams.engine.exits import ExitCode
from streams.engine.recovery import OFFSET_KEY

pytestmark = pytest.mark.broker


def send_some(flow, count=500, keys=60, start=0):
    for number in range(start, start + count):
        kind = b"set %d" % number if number % 3 else b"clear"
        flow.send(b"tenant/user%d@mail.example" % (number % keys), kind)
    flow.flush()


def test_every_event_is_answered_once_and_the_state_is_what_was_sent(flow, worker):
    one = worker(flow).wait_ready()
    send_some(flow)
    wait_for(lambda: not flow.left)
    assert flow.findings().nothing
    assert one.stop() == ExitCode.OK


def test_outputs_carry_headers_and_keep_the_partition_of_their_input(flow, worker):
    worker(flow).wait_ready()
    send_some(flow, 30)
    wait_for(lambda: not flow.left)
    evidence = {row.key: row.partition for row in read(flow.kafka, flow.evidence)}
    rows = read(flow.kafka, flow.out)
    assert all(row.headers == [("kind", b"t")] for row in rows)
    assert all(row.partition == evidence[row.key] for row in rows)


@pytest.mark.stores
def test_a_restarted_worker_goes_on_where_the_last_one_stopped(flow, worker, store):
    first = worker(flow).wait_ready()
    send_some(flow)
    wait_for(lambda: not flow.left)
    assert first.stop() == ExitCode.OK
    send_some(flow, start=500)
    second = worker(flow).wait_ready()
    wait_for(lambda: not flow.left)
    assert flow.findings().nothing
    if store == stores.ROCKSDB:  # nothing but the record that proves the log
        assert {one["applied"] for one in second.said("recovered")} == {1}


def test_group_offsets_follow_so_that_lag_monitors_see_progress(flow, worker):
    one = worker(flow).wait_ready()
    send_some(flow)
    wait_for(lambda: not flow.left)
    one.stop()
    offsets = committed(flow.kafka, flow.app, flow.evidence)
    assert sum(offsets.values()) == 500


def test_inputs_of_different_partition_counts_are_forwarded_by_key(broker, worker):
    flow = Flow(broker.address, inputs={"attempts": 3, "reports": 2, "commands": 1})
    one = worker(flow).wait_ready()
    sent = set()
    for number in range(600):
        topic, count = list(flow.inputs.items())[number % 3]
        key = b"tenant/user%d@mail.example" % (number % 50)
        flow.forward(topic, key, b"note %d" % number, number // 3 % count)
        sent.add((key, b"note %d" % number))
    flow.flush()
    wait_for(lambda: one.state["tallies"].get("forwarded") == 600)
    one.stop()
    rows = read(flow.kafka, flow.evidence)
    assert {(row.key, row.value) for row in rows} == sent
    assert len(rows) == 600
    homes = {(row.key, row.partition) for row in rows}
    assert len(homes) == 50, "each key has one partition"
    done = [committed(flow.kafka, flow.app, topic) for topic in flow.inputs]
    assert sum(offset for one in done for offset in one.values()) == 600


def test_what_becomes_due_is_announced_without_an_event(flow, worker):
    worker(flow).wait_ready()
    until = int(time.time() * 1000) + 1500
    flow.send(b"tenant/a@mail.example", b"set until=%d x" % until)
    flow.flush()
    rows = wait_for(
        lambda: [r for r in read(flow.kafka, flow.out) if r.value == b"expired"]
    )
    assert [row.key for row in rows] == [b"tenant/a@mail.example"]


@pytest.mark.stores
def test_what_became_due_while_no_worker_ran_is_announced_after_recovery(flow, worker):
    first = worker(flow).wait_ready()
    until = int(time.time() * 1000) + 2000
    flow.send(b"tenant/a@mail.example", b"set until=%d x" % until)
    flow.flush()
    wait_for(lambda: not flow.left)
    first.kill()
    worker(flow).wait_ready()
    found = wait_for(
        lambda: [r for r in read(flow.kafka, flow.out) if r.value == b"expired"]
    )
    assert len(found) == 1


def test_a_stage_that_raises_ends_the_process_and_commits_nothing(flow, worker):
    one = worker(flow).wait_ready()
    flow.send(b"tenant/a@mail.example", b"set 1")
    flow.flush()
    wait_for(lambda: not flow.left)
    flow.send(b"tenant/a@mail.example", b"die here")
    flow.flush()
    assert one.wait() == ExitCode.STAGE_FAILED
    told = one.said("worker_failed")[-1]
    assert told["error"] == "RuntimeError"
    assert any("worker_program" in frame for frame in told["where"])
    assert "tenant/a@" not in one.text
    assert flow.left == 1
    assert flow.findings().nothing


@pytest.mark.stores
def test_no_half_batch_is_committed_when_a_stage_raises_in_its_middle(flow, worker):
    one = worker(flow, config={"batch_max_records": 1000}).wait_ready()
    for number in range(3000):
        flow.send(b"tenant/user%d@mail.example" % number, b"set 1")
        if not number % 300:
            flow.send(b"tenant/poison@mail.example", b"die" if number > 2000 else b"")
    flow.flush()
    assert one.wait() == ExitCode.STAGE_FAILED
    kept = read(flow.kafka, flow.changelog)
    positions = {r.partition: int(r.value) for r in kept if r.key == OFFSET_KEY}
    for partition, position in positions.items():
        before = [
            row.key
            for row in read(flow.kafka, flow.evidence)
            if row.partition == partition
            and row.offset < position
            and row.value.startswith(b"set")
        ]
        states = [
            row.key
            for row in kept
            if row.partition == partition and row.key != OFFSET_KEY
        ]
        assert states == before


def test_an_output_too_large_for_its_topic_ends_the_process(flow, worker):
    one = worker(flow).wait_ready()
    flow.send(b"tenant/a@mail.example", b"huge")
    flow.flush()
    assert one.wait() == ExitCode.OUTPUT_REFUSED
    assert flow.left == 1
    assert not read(flow.kafka, flow.out)


def test_a_missing_input_topic_is_a_configuration_error(flow, worker):
    remove_topics(flow.kafka, [flow.evidence])
    one = worker(flow)
    assert one.wait() == ExitCode.CONFIGURATION
    assert flow.evidence in one.said("worker_failed")[-1]["reason"]


def test_a_changelog_of_another_partition_count_is_a_configuration_error(flow, worker):
    remove_topics(flow.kafka, [flow.changelog])
    wait_for(lambda: _made(flow.kafka, flow.changelog, flow.partitions + 1))
    one = worker(flow)
    assert one.wait() == ExitCode.CONFIGURATION
    assert flow.changelog in one.said("worker_failed")[-1]["reason"]


def _made(kafka, name, partitions):
    """Make a topic as soon as its predecessor is really gone."""
    try:
        make_topic(kafka, name, partitions)
    except KafkaException:
        return False
    return True


def test_an_input_that_was_made_anew_is_not_read_as_if_it_were_the_old_one(
    flow, worker
):
    first = worker(flow).wait_ready()
    send_some(flow, 100)
    wait_for(lambda: not flow.left)
    first.stop()
    remove_topics(flow.kafka, [flow.evidence])
    wait_for(lambda: _made(flow.kafka, flow.evidence, flow.partitions))
    assert worker(flow).wait() == ExitCode.INPUT_TRUNCATED


def test_a_web_port_that_is_taken_is_a_configuration_error(flow, worker):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        one = worker(flow, config={"web_port": other.getsockname()[1]})
        assert one.wait() == ExitCode.CONFIGURATION
    assert "web server" in one.said("worker_failed")[-1]["reason"]


def test_without_a_broker_the_worker_ends_and_says_so(flow):
    nowhere = WorkerProcess(f"127.0.0.1:{free_port()}", flow.app, **flow.told)
    try:
        assert nowhere.wait() == ExitCode.UNAVAILABLE
    finally:
        nowhere.clean_up()


def test_the_position_of_a_lane_is_a_record_of_its_changelog(flow, worker):
    one = worker(flow).wait_ready()
    send_some(flow, 40, keys=1)
    wait_for(lambda: not flow.left)
    one.stop()
    kept = [row for row in read(flow.kafka, flow.changelog) if row.key == OFFSET_KEY]
    assert int(kept[-1].value) == 40
