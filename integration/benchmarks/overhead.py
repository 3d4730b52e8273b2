"""What a hook of ours costs beyond setuptools' own time: at most 15 ms, median of 20.

Run as ``python -m integration.benchmarks.overhead`` in an environment with isolated-backend.

Each measurement is one hook call in a fresh process on a fresh copy of the project, as a frontend
makes it. The clock runs inside the process: from before the backend is imported until the hook
has returned, so that the imports count, but not the start of the interpreter. The two backends
take turns, and the first of the two takes turns as well, so that whatever else the machine does
meets both alike. A first pair, which is not counted, warms the disk cache and compiles what is
not compiled yet. A row shows the medians of both; of the pairs, the median of the differences,
its quartiles, and the median of the ratios. The last two columns are disturbed less by a busy
machine: how much the fastest call of ours is slower than the fastest one of plain setuptools,
and the median of the differences in processor time.

The exit status is 1 if the median difference of a hook is greater than the limit.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from integration.projects import src_layout

OURS = "isolated_backend"
PLAIN = "setuptools.build_meta"

HOOKS = {
    "get_requires_for_build_sdist": "",
    "get_requires_for_build_wheel": "",
    "get_requires_for_build_editable": "",
    "prepare_metadata_for_build_wheel": "metadata_directory",
    "prepare_metadata_for_build_editable": "metadata_directory",
    "build_sdist": "sdist_directory",
    "build_wheel": "wheel_directory",
    "build_editable": "wheel_directory",
}

#: Runs in the measured process: BACKEND HOOK ARGUMENTS.
CALLER = """
import json, sys, time
backend, hook, arguments = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
sys.path.remove("")
wall, processor = time.perf_counter(), time.process_time()
__import__(backend)
getattr(sys.modules[backend], hook)(**arguments)
print()
print(time.perf_counter() - wall, time.process_time() - processor)
"""


@dataclass(frozen=True)
class Cost:
    """Milliseconds of one hook call."""

    wall: float
    processor: float


def main() -> int:
    """Measure, print, and return the exit status."""
    options = _options()
    over = []
    with tempfile.TemporaryDirectory() as scratch:
        project = src_layout(Path(scratch, "project"), OURS, options.files)
        print(f"{options.pairs} pairs per hook, {options.files} files; milliseconds")
        print(
            f"{'hook':36}{'plain':>8}{'ours':>8}{'more':>8}  quartiles"
            f"{'ratio':>11}{'best':>8}{'cpu':>8}"
        )
        for hook in options.hooks or HOOKS:
            pairs = _pairs(project, hook, options.pairs)
            if _report(hook, pairs) > options.limit:
                over.append(hook)
    print(f"over {options.limit:g} ms: {', '.join(over) or 'none'}")
    return 1 if over else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m integration.benchmarks.overhead",
        description=(__doc__ or "").splitlines()[0],
    )
    parser.add_argument("hooks", nargs="*", choices=[[], *HOOKS], help="default: all of them")
    parser.add_argument("--pairs", type=int, default=20, help="how often each is measured")
    parser.add_argument("--files", type=int, default=300, help="the size of the project")
    parser.add_argument("--limit", type=float, default=15.0, help="milliseconds")
    return parser.parse_args()


def _pairs(project: Path, hook: str, count: int) -> list[tuple[Cost, Cost]]:
    """Return so many pairs of costs, plain's and ours, after one for warming up."""
    pairs = []
    for number in range(count + 1):
        order = [PLAIN, OURS] if number % 2 else [OURS, PLAIN]
        costs = {backend: _measure(project, backend, hook) for backend in order}
        pairs.append((costs[PLAIN], costs[OURS]))
    return pairs[1:]


def _measure(project: Path, backend: str, hook: str) -> Cost:
    """Return what one call costs in a fresh process on a fresh copy of *project*."""
    with tempfile.TemporaryDirectory(dir=project.parent) as place:
        root = shutil.copytree(project, Path(place, "root"))
        out = Path(place, "out")
        out.mkdir()
        arguments = {HOOKS[hook]: str(out)} if HOOKS[hook] else {}
        # One TMPDIR for all: a slot that is there already is what a user's next build finds.
        variables = os.environ | {"TMPDIR": str(project.parent)}
        variables.pop("PYTHONDONTWRITEBYTECODE", None)
        done = subprocess.run(
            [sys.executable, "-c", CALLER, backend, hook, json.dumps(arguments)],
            cwd=root,
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise SystemExit(done.stderr)
        wall, processor = done.stdout.splitlines()[-1].split()
        return Cost(float(wall) * 1000, float(processor) * 1000)


def _report(hook: str, pairs: list[tuple[Cost, Cost]]) -> float:
    """Print the row of *hook*; return its median difference."""
    differences = [ours.wall - plain.wall for plain, ours in pairs]
    median = statistics.median(differences)
    low, _, high = statistics.quantiles(differences, n=4)
    print(
        f"{hook:36}"
        f"{statistics.median(plain.wall for plain, _ in pairs):8.1f}"
        f"{statistics.median(ours.wall for _, ours in pairs):8.1f}"
        f"{median:+8.1f}  {low:+.1f} to {high:+.1f}".ljust(77)
        + f"{statistics.median(ours.wall / plain.wall for plain, ours in pairs):6.2f}"
        f"{min(ours.wall for _, ours in pairs) - min(plain.wall for plain, _ in pairs):+8.1f}"
        f"{statistics.median(ours.processor - plain.processor for plain, ours in pairs):+8.1f}",
        flush=True,
    )
    return median


if __name__ == "__main__":
    sys.exit(main())
