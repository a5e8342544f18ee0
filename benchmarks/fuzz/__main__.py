"""Hostile input, spread over all targets: `python -m benchmarks.fuzz`.

    .venv/bin/python -m benchmarks.fuzz [--inputs N] [--seed N] [--only NAME]
        [--corpus MAILS] [--again BASE64 | --number N]

Each input is made by chance from committed examples and from what no program should
write. None may raise, take long, take much memory, or be read differently from how it
is written again. Prints the seed and figures of each target; of an input that fails,
how to see it again. Exits with 1 when any did.
"""

import argparse
import base64
import sys
import time
from pathlib import Path

from benchmarks.fuzz import catalogue
from benchmarks.fuzz.examples import CHECKOUT
from benchmarks.fuzz.run import Failure, Result, made, run, wrong
from benchmarks.fuzz.target import Target
from streams.obs import logs
from streams.settings import LogFormat, LogLevel

INPUTS = 50_000
BESIDE = CHECKOUT.parent / "shared" / "corpus" / "dev" / "mails"
"""Where mails lie that are not part of the project, when they are there."""


def main() -> None:
    """Feed the targets and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--inputs", type=int, default=INPUTS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", action="append", help="a target's name")
    parser.add_argument(
        "--corpus", type=Path, default=BESIDE if BESIDE.exists() else None
    )
    single = parser.add_mutually_exclusive_group()
    single.add_argument("--again", help="one input in base64, with --only")
    single.add_argument("--number", type=int, help="one input of a seed, with --only")
    options = parser.parse_args()
    logs.configure(LogFormat.CONSOLE, LogLevel.ERROR)
    with catalogue.targets(options.corpus) as all_targets:
        wanted = options.only or [target.name for target in all_targets]
        targets = [target for target in all_targets if target.name in wanted]
        unknown = set(wanted) - {target.name for target in targets}
        if unknown:
            names = ", ".join(target.name for target in all_targets)
            parser.error(f"no target {', '.join(unknown)}; there are {names}")
        if options.again is not None or options.number is not None:
            sys.exit(_again(targets[0], options))
        print(f"seed {options.seed}, mails of {options.corpus or 'the repository'}")
        result = run(targets, options.inputs, options.seed, _tell)
    _show(result)
    inputs = sum(one.inputs for one in result.figures.values())
    seconds = sum(one.seconds for one in result.figures.values())
    print(f"{inputs:,} inputs, {seconds:.1f} s of CPU, {len(result.failures)} failures")
    sys.exit(bool(result.failures))


def _show(result: Result) -> None:
    titles = ("target", "inputs", "good", "a second", "slowest", "memory")
    print("{:24}{:>9}{:>7}{:>10}{:>11}{:>11}".format(*titles))
    for name, figures in result.figures.items():
        rate = figures.inputs / figures.seconds if figures.seconds else 0
        good, memory = figures.good / figures.inputs, figures.largest / (1 << 20)
        shown = f"{name:24}{figures.inputs:9,}{good:7.0%}{rate:10,.0f}"
        print(f"{shown}{figures.slowest * 1000:8.1f} ms{memory:8.1f} MB")


def _again(target: Target, options: argparse.Namespace) -> bool:
    """Feed a target one input; say what is wrong, and whether anything is."""
    if options.again is not None:
        raw = base64.b64decode(options.again)
    else:
        raw = made(target, options.seed, options.number)
    started = time.process_time()
    what = wrong(target, raw)
    seconds = time.process_time() - started
    print(f"{target.name}: {what or 'nothing is wrong'}, {seconds:.3f} s of CPU")
    return what is not None or seconds > target.seconds


def _tell(failure: Failure) -> None:
    print(failure, flush=True)


if __name__ == "__main__":
    main()
