"""A short run of random faults; `chaos.py` does the long ones."""

import pytest
from chaos import SHORT, Chaos

pytestmark = pytest.mark.broker


@pytest.fixture
def chaos(fragile):
    made = []

    def start(seed, faults):
        inputs = {"attempts": 3, "reports": 5}
        made.append(Chaos(fragile, seed, faults, workers=2, inputs=inputs))
        return made[0]

    yield start
    made[0].clean_up()


def test_random_faults_lose_invent_and_repeat_nothing(chaos):
    one = chaos(seed=7, faults=SHORT)
    one.run(30.0, gap=4.0, least=6)
    findings = one.settle()
    told = one.struck, one.exits
    assert not one.flow.left, told
    assert not one.flow.group_left, told
    assert findings.nothing, (told, findings)
