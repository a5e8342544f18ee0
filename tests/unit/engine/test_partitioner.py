"""Keys go where Java's default partitioner sends them."""

import pytest
from aiokafka import partitioner as oracle
from hypothesis import given
from hypothesis import strategies as st

from streams.engine.partitioner import murmur2, partition_of

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


@given(st.binary(max_size=60), st.integers(1, 300))
def test_the_partition_is_the_one_of_aiokafka(key, count):
    numbers = list(range(count))
    assert partition_of(key, count) == oracle.DefaultPartitioner()(
        key, numbers, numbers
    )
