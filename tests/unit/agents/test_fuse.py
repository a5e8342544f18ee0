import pytest

from streams.agents.fuse import WINDOW, Fuse, FuseBlown


def test_a_few_bad_records_are_bad_data():
    fuse = Fuse("topic, partition 0", share=0.5, run=500)
    for _ in range(WINDOW):
        fuse.accepted(3)
        fuse.rejected("not_json")


def test_a_long_run_of_rejects_blows():
    fuse = Fuse("topic, partition 0", share=1, run=5)
    for _ in range(4):
        fuse.rejected("not_json")
    with pytest.raises(FuseBlown, match="5 records in a row"):
        fuse.rejected("not_json")


def test_one_good_record_ends_a_run():
    fuse = Fuse("topic, partition 0", share=1, run=5)
    for _ in range(100):
        for _ in range(4):
            fuse.rejected("not_json")
        fuse.accepted(1)


def test_too_large_a_share_blows_once_the_window_is_full():
    fuse = Fuse("topic, partition 0", share=0.5, run=0)
    for _ in range(WINDOW // 2):
        fuse.accepted(1)
        fuse.rejected("bad_time")
    with pytest.raises(FuseBlown, match="501 of the last 1000"):
        fuse.rejected("bad_time")


def test_what_was_long_ago_is_forgotten():
    fuse = Fuse("topic, partition 0", share=0.5, run=0)
    for _ in range(WINDOW // 2 - 1):
        fuse.rejected("bad_time")
    for _ in range(10):
        fuse.accepted(WINDOW)
    for _ in range(WINDOW // 2 - 1):
        fuse.rejected("bad_time")


def test_both_limits_can_be_switched_off():
    fuse = Fuse("topic, partition 0", share=1, run=0)
    for _ in range(3 * WINDOW):
        fuse.rejected("not_json")


def test_the_message_names_the_place_and_the_way_out_but_no_record():
    fuse = Fuse("mail.send-attempts.v1, partition 3", share=1, run=1)
    with pytest.raises(
        FuseBlown, match=r"mail\.send-attempts\.v1, partition 3"
    ) as blown:
        fuse.rejected("bad_address")
    assert "mailflag dlq show" in str(blown.value)


def test_its_charge_says_how_near_it_is_by_the_nearer_of_both_limits():
    fuse = Fuse("topic, partition 0", share=0.5, run=400)
    assert fuse.charge == 0
    for _ in range(100):
        fuse.rejected("not_json")
    assert fuse.charge == 0.25  # a run of 100, where 400 blow it
    fuse.accepted(1)
    assert fuse.charge == 0.2  # a tenth of the window, where a half blows it


def test_a_fuse_that_is_switched_off_is_never_charged():
    fuse = Fuse("topic, partition 0", share=1, run=0)
    fuse.rejected("not_json")
    assert fuse.charge == 0


def test_a_blown_fuse_is_fully_charged():
    fuse = Fuse("topic, partition 0", share=0.5, run=2)
    fuse.rejected("not_json")
    with pytest.raises(FuseBlown):
        fuse.rejected("not_json")
    assert fuse.charge == 1
