"""Writes the dashboards: `python -m grafana.src.render [--check]`.

With `--check` nothing is written, and the exit code says whether the files are
what the programs make.
"""

import argparse
import json
import sys
from pathlib import Path

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana.src import flags, incidents, pipeline

FOLDER = Path(__file__).parents[1] / "dashboards"
BOARDS = {
    "flags": flags.build,
    "incidents": incidents.build,
    "pipeline": pipeline.build,
}


def rendered(board: Dashboard) -> str:
    """Answer the JSON of a dashboard, the same at every run."""
    model = json.loads(JSONEncoder(sort_keys=True).encode(board.build()))
    for number, panel in enumerate(model["panels"], start=1):
        panel["id"] = number
    return json.dumps(model, indent=2, sort_keys=True) + "\n"


def main() -> int:
    """Write or check every dashboard."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    differing = []
    for name, build in BOARDS.items():
        path = FOLDER / f"{name}.json"
        text = rendered(build())
        if check and (not path.exists() or path.read_text(encoding="utf-8") != text):
            differing.append(str(path))
        elif not check:
            path.write_text(text, encoding="utf-8")
    for path_ in differing:
        sys.stderr.write(f"{path_} is not what grafana/src makes: make dashboards\n")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
