"""What private trees gain, and cost: ``in-tree-writes = "private"`` beside ``"lock"``.

Run as ``python -m integration.benchmarks.writers`` in an environment with isolated-backend, build,
Cython and setuptools-scm.

- ``at once``: the wall time of simultaneous wheels of a fresh checkout that writes into itself,
  private beside lock: the median of the paired ratios.
- ``again``: the wall time of one more wheel of a checkout that was built before, private beside
  auto: what it costs that generated files do not stay.
- ``set-up``: the milliseconds of a call in a private tree, from before the fork until the answer is
  there, that does nothing but write a file.
- ``idle``: the wall time of a hook of a project that writes nothing, auto beside allow.

The two of a pair take turns, and which one is the first takes turns as well.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from integration.frontends import environment, failures, run_at_once
from integration.test_in_tree_writers import project
from isolated_backend import privatetree


def main() -> None:
    """Measure and print."""
    options = _options()
    with tempfile.TemporaryDirectory() as directory:
        scratch = Path(os.path.realpath(directory))
        for kind in options.kinds:
            if "at-once" in options.what:
                measure = _at_once(scratch, kind, options.at_once)
                _report(f"{options.at_once} {kind} wheels at once", measure, "lock", options.pairs)
            if "again" in options.what:
                measure = _again(scratch, kind)
                _report(f"a {kind} wheel of a built checkout", measure, "auto", options.pairs)
        if "set-up" in options.what:
            _report_set_up(scratch, options.calls)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m integration.benchmarks.writers",
        description=(__doc__ or "").splitlines()[0],
    )
    parser.add_argument("--pairs", type=int, default=5, help="how often each is measured")
    parser.add_argument("--at-once", type=int, default=8, help="simultaneous builds")
    parser.add_argument("--calls", type=int, default=100, help="for the set-up")
    parser.add_argument("--kinds", nargs="*", default=["cython", "scm"], choices=["cython", "scm"])
    every = ["at-once", "again", "set-up"]
    parser.add_argument("--what", nargs="*", default=every, choices=every)
    return parser.parse_args()


Measure = Callable[[str], float]


def _at_once(scratch: Path, kind: str, count: int) -> Measure:
    def measure(writes: str) -> float:
        with tempfile.TemporaryDirectory(dir=scratch) as place:
            root = _fresh(Path(place, "root"), kind, writes)
            commands = [_command(root, Path(place, "out", str(n))) for n in range(count)]
            began = time.perf_counter()
            _run(commands, Path(place))
            return time.perf_counter() - began

    return measure


def _again(scratch: Path, kind: str) -> Measure:
    def measure(writes: str) -> float:
        with tempfile.TemporaryDirectory(dir=scratch) as place:
            root = _fresh(Path(place, "root"), kind, writes)
            _run([_command(root, Path(place, "first"))], Path(place))
            began = time.perf_counter()
            _run([_command(root, Path(place, "second"))], Path(place))
            return time.perf_counter() - began

    return measure


def _fresh(root: Path, kind: str, writes: str) -> Path:
    return project(root, scm=kind == "scm", cython=kind == "cython", writes=writes)


def _command(root: Path, out: Path) -> list[str]:
    return [sys.executable, "-m", "build", "-n", "--wheel", "-o", str(out), str(root)]


def _run(commands: list[list[str]], place: Path) -> None:
    results = run_at_once(commands, environment(place / "tmp"), place / "logs")
    if failures(results):
        raise SystemExit(f"builds failed: {failures(results)}")


def _report(title: str, measure: Measure, other: str, pairs: int) -> None:
    """Print the paired ratios of private to *other*."""
    ratios = []
    for number in range(pairs):
        order = [other, "private"] if number % 2 else ["private", other]
        seconds = {writes: measure(writes) for writes in order}
        ratios.append(seconds["private"] / seconds[other])
        print(f"  private {seconds['private']:.2f} s, {other} {seconds[other]:.2f} s", flush=True)
    print(
        f"{title}: private/{other} {statistics.median(ratios):.2f}, "
        f"from {min(ratios):.2f} to {max(ratios):.2f}, {pairs} pairs",
        flush=True,
    )


def _report_set_up(scratch: Path, calls: int) -> None:
    root, place = scratch / "root", scratch / "place"
    root.mkdir()
    costs = []
    for _ in range(calls):
        place.mkdir(mode=0o700)
        began = time.perf_counter()
        privatetree.run(lambda: os.mkdir(root / "new"), str(root), str(place))
        costs.append((time.perf_counter() - began) * 1000)
        shutil.rmtree(place, ignore_errors=True)
        subprocess.run(["rm", "-rf", str(place)], check=True)
    low, median, high = statistics.quantiles(costs, n=4)
    print(f"set-up: median {median:.1f} ms, quartiles {low:.1f} and {high:.1f}, {calls} calls")


if __name__ == "__main__":
    main()
