"""Pictures of figures that stay true: drawn from the figures that are committed."""

import json
import re
from hashlib import sha256

import pytest

DIMENSIONS = ("addresses", "tenants", "partitions", "workers")


@pytest.fixture
def figures(root):
    return root / "benchmarks" / "results" / "growth.json"


def test_growth_was_measured_in_every_dimension(figures):
    sweeps = json.loads(figures.read_text(encoding="utf-8"))["sweeps"]
    assert set(sweeps) == set(DIMENSIONS)


@pytest.mark.parametrize("by", DIMENSIONS)
def test_a_picture_is_of_the_figures_that_are_committed(figures, root, by):
    drawn = (root / f"docs/pictures/growth-{by}.svg").read_text(encoding="utf-8")
    told = re.search("sha256:([0-9a-f]{64})", drawn)
    assert told is not None
    again = "python benchmarks/growth.py --draw"
    assert told[1] == sha256(figures.read_bytes()).hexdigest(), again


@pytest.mark.parametrize("by", DIMENSIONS)
def test_a_picture_is_readable_on_any_ground(root, by):
    drawn = (root / f"docs/pictures/growth-{by}.svg").read_text(encoding="utf-8")
    assert not re.search(r"(fill|stroke): ?(#000000|#ffffff|black|white)", drawn)
