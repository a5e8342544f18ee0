"""Labels say of each incident what a detector can know, and not more."""

import pytest

from streams.simulation import SCENARIOS, label, play
from streams.simulation.label import Expected, third_failure
from streams.simulation.play import Truth
from streams.simulation.post import Struck

TRUTH = Truth("tenant", frozenset({"tls_failed"}), 100.0, 200.0, frozenset({"t1"}))


def struck(*who):
    return [Struck(at, tenant, customer) for at, tenant, customer in who]


def test_the_third_customer_is_the_earliest_that_can_be_known():
    heard = struck((101, "t1", "a"), (102, "t1", "b"), (105, "t1", "c"))
    assert third_failure(TRUTH, heard) == 105


@pytest.mark.parametrize(
    "other",
    [(104, "t1", "a"), (104, "t2", "x"), (99, "t1", "x")],
    ids=["the same customer", "another tenant", "before it began"],
)
def test_who_does_not_count_is_not_the_third(other):
    assert (
        third_failure(TRUTH, struck((101, "t1", "a"), (102, "t1", "b"), other)) is None
    )


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_has_labels_exactly_when_it_is_an_incident(name):
    chosen = SCENARIOS[name]
    made = play(name, chosen.volumes[0], 1)
    assert bool(label(name, chosen.volumes[0], 1, made)["incidents"]) is chosen.incident


def test_an_incident_that_fewer_than_three_customers_felt_is_worth_nothing():
    made = play("password_expired", 5, 1)
    assert made.post.struck == []
    [incident] = label("password_expired", 5, 1, made)["incidents"]
    assert incident["expected"] == Expected.NOTHING
    assert incident["third_customer_at"] is None


def test_one_fault_of_many_tenants_names_them_all():
    made = play("shared_relay_down", 0, 1)
    [incident] = label("shared_relay_down", 0, 1, made)["incidents"]
    assert incident["scope"] == "platform"
    assert len(incident["tenants"]) > 20
    assert incident["tenants"] == sorted(incident["tenants"])
