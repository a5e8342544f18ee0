"""Snapshots that nobody can have written: none is read, and none costs much."""

import zlib

import pytest

from streams.core.instant import Instant
from streams.core.spike import rollup_snapshot, snapshot
from streams.core.spike.packing import DAMAGED, Packer, Unpacker, packed, unpacked
from streams.core.spike.rollup import Rollup
from streams.core.spike.tenant import Tenant

WHOLE = {
    snapshot.load: snapshot.dump(Tenant("t-42", Instant(1_772_439_300_000))),
    rollup_snapshot.load: rollup_snapshot.dump(Rollup()),
}
each = pytest.mark.parametrize("load", WHOLE, ids=["tenant", "roll-up"])


@each
def test_a_snapshot_is_read_and_every_part_of_it_is_none(load):
    whole = WHOLE[load]
    plain = zlib.decompress(whole)
    assert load(whole) is not None
    for end in range(len(whole)):
        assert load(whole[:end]) is None
    for end in range(len(plain)):
        assert load(zlib.compress(plain[:end])) is None


@each
def test_a_snapshot_that_unpacks_to_too_much_is_none(load):
    assert load(zlib.compress(zlib.decompress(WHOLE[load]) + bytes(40 << 20))) is None


@pytest.mark.parametrize(
    ("ask", "plain"),
    [
        (Unpacker.natural, b"\xff" * 100),
        (Unpacker.natural, b""),
        (Unpacker.text, b"\x05abc"),
        (Unpacker.text, b"\x01\xff"),
        (Unpacker.real, b"\0" * 7),
    ],
)
def test_what_is_cut_off_or_has_no_end_is_damaged(ask, plain):
    with pytest.raises(DAMAGED):
        ask(Unpacker(plain))


def test_the_greatest_number_is_read_back():
    one = Packer()
    one.natural(2**64 - 1)
    assert unpacked(packed(one)).natural() == 2**64 - 1
