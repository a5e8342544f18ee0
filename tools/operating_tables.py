"""Fills the generated tables of docs/operating.md: `python -m tools.operating_tables`.

Settings come from `streams.settings`, exit codes from `streams.engine.exits`,
policy keys from `streams.core.policy`, metrics from the catalogue, sizes from
`tools.sums`, faults from `tools.faults`. With `--check` nothing is written, and the
exit code says whether the page is up to date.
"""

import argparse
import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path

from pydantic_core import PydanticUndefined

from streams.core.identity import OwnIdentity
from streams.core.policy import ClearOn, FlagPolicy
from streams.engine import exits
from streams.engine.readiness import Readiness
from streams.obs.metrics import Metrics
from streams.settings import FILE_SUFFIX, PREFIX, SECRETS, Settings
from streams.wire import policy_file
from tools import faults, sums

_A_DURATION = '`"90s"`, `"10m"`, `"6h"`, `"5d"`'
_A_COUNT = "`N`, or `{permanent = N, transient = M}`"
PAGE = Path(__file__).parents[1] / "docs" / "operating.md"
_BLOCK = r"(<!-- generated: {name} -->\n).*?(<!-- end of generated -->)"


def settings() -> str:
    """Answer the table of all settings."""
    rows = []
    for name, field in Settings.model_fields.items():
        variable = f"`{PREFIX}{name.upper()}`"
        if name in SECRETS:
            variable += f" or `{PREFIX}{name.upper()}{FILE_SUFFIX}`"
        rows.append((variable, _default(name), field.description or ""))
    return _table(("variable", "default", "what it does"), rows)


def _default(name: str) -> str:
    if name in SECRETS:
        return ""
    value = Settings.model_fields[name].default
    if value is None or value is PydanticUndefined or str(value) == "":
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def exit_codes() -> str:
    """Answer the table of exit codes, with the docstrings of their members."""
    meanings = _docstrings(exits.ExitCode)
    rows = [
        (str(code.value), f"`{code.name}`", meanings[code.name])
        for code in exits.ExitCode
    ]
    return _table(("code", "name", "why the worker ended"), rows)


def _docstrings(owner: type) -> dict[str, str]:
    """Answer what stands under each member or field of a class, in one line."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(owner))).body
    assert isinstance(definition, ast.ClassDef)  # noqa: S101 - it is one
    return {
        re.split(r"\W", ast.unparse(member))[0]: " ".join(str(text.value.value).split())
        for member, text in pairwise(definition.body)
        if isinstance(member, ast.Assign | ast.AnnAssign)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
    }


def policy() -> str:
    """Answer the table of the keys of a policy file."""
    meanings, default = _docstrings(FlagPolicy), FlagPolicy()
    rows = []
    for key in policy_file.KEYS:
        value = getattr(default, key)
        match key:
            case "thresholds":
                rows.append((f"`{key}.CLASS`", _A_COUNT, "", meanings[key]))
            case "own":
                told = _docstrings(OwnIdentity)
                rows += [
                    (f"`{key}.{name}`", "list of names", "`[]`", told[field])
                    for name, field in policy_file.OWN.items()
                ]
            case "clear_on":
                each = _docstrings(ClearOn)
                values = " ".join(f'`"{one}"`: {each[one.name]}' for one in ClearOn)
                meaning = f"{meanings[key]} {values}"
                rows.append((f"`{key}`", "one of three", f'`"{value}"`', meaning))
            case "clear_late_bounce_after":
                rows.append((f"`{key}`", _A_DURATION, "", meanings[key]))
            case _:
                shown = f"`{str(value).lower()}`"
                rows.append((f"`{key}`", "`true`, `false`", shown, meanings[key]))
    return _table(("key", "value", "default", "what it does"), rows)


def metrics() -> str:
    """Answer the table of all metrics of our own."""
    catalogue = Metrics()
    catalogue.watch_readiness(lambda: Readiness(*[True] * 5))
    catalogue.watch_flags(dict)
    catalogue.watch_fuses(dict)
    catalogue.watch_alerts(list)
    rows = [
        (f"`{one.name}`", one.kind, ", ".join(one.labels), one.help)
        for one in sorted(catalogue.catalogue)
    ]
    return _table(("metric", "type", "labels", "what it says"), rows)


def measured() -> str:
    """Answer the table of what was measured of an event, an address and a worker."""
    found = sums.figures(sums.load(), sums.Expected().tenants)
    return _table(("", "what", "measured"), sums.measured(found))


def million() -> str:
    """Answer the table of what a million events a second need."""
    expected = sums.Expected()
    found = sums.figures(sums.load(), expected.tenants)
    return _table(("what", "formula", "result"), sums.sums(expected, found))


def runs() -> str:
    """Answer the table of the runs of faults."""
    heads = (
        *("commit", "Kafka", "seeds", "faults", "transactions given up"),
        *("answers lost", "requests cut", "without a broker", "runs with a violation"),
    )
    return _table(heads, faults.runs(faults.load()))


def struck() -> str:
    """Answer the table of how often each fault struck."""
    heads = ("fault", "what happens", "times")
    return _table(heads, faults.struck(faults.load()))


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n".replace("|  |", "| |") for line in lines)


GENERATED: dict[str, Callable[[], str]] = {
    "settings": settings,
    "policy": policy,
    "exit codes": exit_codes,
    "metrics": metrics,
    "measured": measured,
    "million": million,
    "fault runs": runs,
    "faults": struck,
}


def filled(page: str) -> str:
    """Answer the page with all tables as they must be."""
    for name, make in GENERATED.items():
        table = make()
        pattern = re.compile(_BLOCK.format(name=re.escape(name)), re.DOTALL)
        page, count = pattern.subn(lambda found: found[1] + table + found[2], page)  # noqa: B023 - used at once
        if count != 1:
            message = f"docs/operating.md has {count} places for the table of {name}"
            raise ValueError(message)
    return page


def main() -> int:
    """Write or check the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    before = PAGE.read_text(encoding="utf-8")
    after = filled(before)
    if not check:
        PAGE.write_text(after, encoding="utf-8")
        return 0
    if after != before:
        sys.stderr.write("docs/operating.md: run python -m tools.operating_tables\n")
    return int(after != before)


if __name__ == "__main__":
    sys.exit(main())
