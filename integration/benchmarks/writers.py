"""What private trees gain, and cost: ``in-tree-writes = "private"`` beside ``"lock"``.

Run as ``python -m integration.benchmarks.writers`` in an environment with isolated-backend, build,
Cython and setuptools-scm.

- ``at once``: the wall time of simultaneous wheels of a fresh checkout that writes into itself,
  private beside lock: the median of the paired ratios.
- ``again``: the wall time of one more wheel of a checkout that was built before, private beside
  auto: what it costs that generated files do not stay.
- ``set-up``: the milliseconds of a call in a private tree that does nothing but make a directory:
  until it begins, which is what a hook waits for, and until its answer is there.
- ``idle``: the wall time of a hook of a project that writes nothing, auto beside allow.

The two of a pair take turns, and which one is the first takes turns as well.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from integration.frontends import environment, failures, run_at_once
from integration.projects import src_layout
from integration.test_in_tree_writers import project


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
        if "idle" in options.what:
            title = "a wheel of a project that writes nothing"
            _report(title, _idle(scratch), "allow", 4 * options.pairs, measured="auto")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m integration.benchmarks.writers",
        description=(__doc__ or "").splitlines()[0],
    )
    parser.add_argument("--pairs", type=int, default=5, help="how often each is measured")
    parser.add_argument("--at-once", type=int, default=8, help="simultaneous builds")
    parser.add_argument("--calls", type=int, default=100, help="for the set-up")
    parser.add_argument("--kinds", nargs="*", default=["cython", "scm"], choices=["cython", "scm"])
    every = ["at-once", "again", "set-up", "idle"]
    parser.add_argument("--what", nargs="*", default=every, choices=every)
    return parser.parse_args()


Measure = Callable[[str], float]


def _at_once(scratch: Path, kind: str, count: int) -> Measure:
    def measure(writes: str) -> float:
        with tempfile.TemporaryDirectory(dir=scratch) as place:
            root = _fresh(Path(place, "root"), kind, writes)
            commands = [_command(root, Path(place, "out", str(n))) for n in range(count)]
            return _run(commands, Path(place))

    return measure


def _again(scratch: Path, kind: str) -> Measure:
    def measure(writes: str) -> float:
        with tempfile.TemporaryDirectory(dir=scratch) as place:
            root = _fresh(Path(place, "root"), kind, writes)
            _run([_command(root, Path(place, "first"))], Path(place))
            return _run([_command(root, Path(place, "second"))], Path(place))

    return measure


def _fresh(root: Path, kind: str, writes: str) -> Path:
    return project(root, scm=kind == "scm", cython=kind == "cython", writes=writes)


def _command(root: Path, out: Path) -> list[str]:
    return [sys.executable, "-m", "build", "-n", "--wheel", "-o", str(out), str(root)]


def _run(commands: list[list[str]], place: Path) -> float:
    """Run *commands* at once and return how long they take."""
    began = time.perf_counter()
    results = run_at_once(commands, environment(place / "tmp"), place / "logs")
    seconds = time.perf_counter() - began
    if failures(results):
        raise SystemExit(f"builds failed: {failures(results)}")
    return seconds


def _report(
    title: str, measure: Measure, other: str, pairs: int, measured: str = "private"
) -> None:
    """Print the paired ratios of one setting to *other*."""
    ratios = []
    for number in range(pairs):
        order = [other, measured] if number % 2 else [measured, other]
        seconds = {writes: measure(writes) for writes in order}
        ratios.append(seconds[measured] / seconds[other])
        print(f"  {measured} {seconds[measured]:.2f} s, {other} {seconds[other]:.2f} s", flush=True)
    print(
        f"{title}: {measured}/{other} {statistics.median(ratios):.2f}, "
        f"from {min(ratios):.2f} to {max(ratios):.2f}, {pairs} pairs",
        flush=True,
    )


_SET_UP = """
import os, shutil, sys, time
from functools import partial
from isolated_backend.writers import overlay, privatetree

root, place, calls = sys.argv[1], sys.argv[2], int(sys.argv[3])
new = os.path.join(root, "new")
text = f"(__import__('time').perf_counter(), __import__('os').mkdir({new!r}))"

for _ in range(calls):
    os.mkdir(place, 0o700)
    called = time.perf_counter()
    begun, _ = privatetree.run(partial(eval, text), root, place)
    answered = time.perf_counter()
    os.chmod(os.path.join(place, overlay.LAYERS, "work", "work"), 0o700)
    shutil.rmtree(place)
    print((begun - called) * 1000, (answered - called) * 1000)
"""


def _report_set_up(scratch: Path, calls: int) -> None:
    root = scratch / "root"
    root.mkdir()
    command = [sys.executable, "-c", _SET_UP, str(root), str(scratch / "place"), str(calls)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rows = [[float(word) for word in line.split()] for line in printed.splitlines()]
    for about, costs in zip(("begins", "is answered"), zip(*rows, strict=True), strict=True):
        low, median, high = statistics.quantiles(costs, n=4)
        print(f"a call {about} after {median:.1f} ms ({low:.1f} to {high:.1f}, {calls} calls)")


def _idle(scratch: Path) -> Measure:
    """Measure a wheel by one setting, of a project that writes nothing."""
    roots = {}
    for writes in ("auto", "allow"):
        roots[writes] = src_layout(scratch / f"idle-{writes}", "isolated_backend", files=30)
        with open(roots[writes] / "pyproject.toml", "a") as file:
            file.write(f'\n[tool.isolated-backend]\nin-tree-writes = "{writes}"\n')

    def measure(writes: str) -> float:
        with tempfile.TemporaryDirectory(dir=scratch) as place:
            return _run([_command(roots[writes], Path(place, "out"))], Path(place))

    return measure


if __name__ == "__main__":
    main()
