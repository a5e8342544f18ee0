"""Keys go where Java's default partitioner sends them."""

import pytest
from aiokafka import partitioner as oracle
from hypothesis import given
from hypothesis import strategies as st

from streams.engine.partitioner import murmur2, murmur2_of, partition_of

# Kafka's own test vectors: clients/src/test/java/org/apache/kafka/common/utils/
# UtilsTest.java, testMurmur2.
VECTORS = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@pytest.mark.parametrize(("key", "wanted"), VECTORS.items())
def test_the_hash_is_the_one_of_kafkas_own_tests(key, wanted):
    assert murmur2(key) == wanted & 0xFFFFFFFF


@given(st.binary(max_size=400))
def test_the_hash_is_the_one_of_aiokafka(key):
    assert murmur2(key) == oracle.murmur2(key) & 0xFFFFFFFF


@given(st.lists(st.binary(max_size=70), max_size=80))
def test_many_keys_have_the_hashes_of_each(keys):
    keys += [bytes(reversed(key)) for key in keys]  # several of each length
    assert murmur2_of(keys) == [murmur2(key) for key in keys]


@pytest.mark.parametrize("length", range(40))
def test_keys_side_by_side_do_not_touch_each_other(length):
    keys = [bytes([fill]) * length for fill in range(256)]
    assert murmur2_of(keys) == [murmur2(key) for key in keys]


@given(st.binary(max_size=60), st.integers(1, 300))
def test_the_partition_is_the_one_of_aiokafka(key, count):
    numbers = list(range(count))
    assert partition_of(key, count) == oracle.DefaultPartitioner()(
        key, numbers, numbers
    )
