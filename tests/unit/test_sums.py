"""The sums for operators: from what was measured to what a deployment needs."""

import pytest

from tools.sums import Expected, figures, measured, sums

MIB = 1 << 20


def row(**facts):
    return {
        "addresses": 100_000,
        "tenants": 100,
        "cpu_us": 40.0,
        "broker_us": 10.0,
        "rss_mib": [200],
        "rss_mib_recovered": [150],
        "recovered": {"records": 100_000, "seconds": 0.2},
        "changelog_bytes_per_address": 300,
        "bytes_per_event": {
            "input": 400.0,
            "mailflag.evidence.v1": 300.0,
            "flags-changelog": 200.0,
        },
    } | facts


TOLD = {
    "sweeps": {
        "addresses": {
            "rows": [
                row(addresses=0, rss_mib_recovered=[100]),
                row(addresses=MIB, rss_mib_recovered=[500]),
            ]
        },
        "tenants": {
            "rows": [
                row(),
                row(tenants=10_000, cpu_us=50.0),
                row(tenants=10_000, cpu_us=60.0),
                row(tenants=10_000, cpu_us=100.0),
            ]
        },
    }
}


def needs(**expected):
    told = Expected(**expected)
    return {what: value for what, _, value in sums(told, figures(TOLD, told.tenants))}


@pytest.mark.parametrize(
    ("tenants", "micros"), [(1, 40), (100, 40), (101, 60), (10_000, 60), (99_999, 60)]
)
def test_the_figures_are_those_of_as_many_tenants_or_more(tenants, micros):
    assert figures(TOLD, tenants).cpu == pytest.approx(micros / 1e6)


def test_an_address_takes_what_the_many_take_beyond_the_few():
    assert figures(TOLD, 1).address == pytest.approx(400)


def test_workers_follow_from_the_cpu_and_how_much_of_it_may_be_used():
    assert needs(events=1_000_000, tenants=100)["workers, a core each"] == "80"
    assert needs(events=1_000_000, tenants=100, use=0.8)["workers, a core each"] == "50"
    assert needs(events=500, tenants=100)["workers, a core each"] == "1"


def test_bytes_in_and_out_follow_from_the_topics():
    found = needs(events=1_000, tenants=100, replicas=2)
    assert found["into the brokers"] == "900 kB/s"
    assert found["to their disks"] == "1.8 MB/s"
    assert found["out to workers"] == "700 kB/s"


def test_every_letter_of_a_formula_is_measured_or_expected():
    found = figures(TOLD, 1)
    letters = {letter.strip("`") for letter, _, _ in measured(found)} | set("EAuRW3")
    formulas = [formula for _, formula, _ in sums(Expected(), found)]
    used = {letter for text in formulas for letter in text if letter.isalnum()}
    assert used - letters == set()
    assert letters - used == set()
