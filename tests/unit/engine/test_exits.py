"""The closed table of exit codes, from which the operator's page is made."""

import ast
import inspect
import signal
from itertools import pairwise

import pytest

from streams.engine import event, exits, observer
from streams.engine.exits import ExitCode


def documented(module, name):
    """Answer the members of an enum that have a docstring."""
    tree = ast.parse(inspect.getsource(module))
    (body,) = (
        n.body for n in tree.body if isinstance(n, ast.ClassDef) and n.name == name
    )
    found = set()
    for this, following in pairwise(body):
        if isinstance(this, ast.Assign) and isinstance(following, ast.Expr):
            found.add(this.targets[0].id)
    return found


@pytest.mark.parametrize(
    ("module", "enum"),
    [
        (exits, ExitCode),
        (event, event.Event),
        (observer, observer.AbortReason),
    ],
)
def test_every_member_is_explained(module, enum):
    assert documented(module, enum.__name__) == set(enum.__members__)


def test_no_code_looks_like_a_signal_or_a_crash_of_python():
    taken = {1, *(128 + number for number in signal.valid_signals())}
    assert not taken & {int(code) for code in ExitCode}
    assert len(set(ExitCode)) == len(ExitCode.__members__)
