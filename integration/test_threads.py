"""A frontend that calls hooks from threads: side by side, each in a root of its own."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from artifacts import members

from .frontends import OURS, PLAIN
from .projects import src_layout

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="threads share the directory")

THREADS, HOOKS = 8, 20

#: Calls HOOKS hooks for each root, from as many threads as the first argument says.
FRONTEND = """
import ctypes, importlib, os, sys, threading
from concurrent.futures import ThreadPoolExecutor
threads, hooks, backend, out, *roots = sys.argv[1:]
backend = importlib.import_module(backend)
sys.meet = threading.Barrier(int(threads)).wait

def unshare():
    assert ctypes.CDLL(None, use_errno=True).unshare(0x200) == 0  # CLONE_FS

def build(number):
    os.chdir(roots[number])
    for each in range(int(hooks)):
        place = os.path.join(out, str(number), str(each))
        os.makedirs(place)
        if each % 2:
            backend.build_wheel(place)
        else:
            backend.build_sdist(place)

with ThreadPoolExecutor(int(threads), initializer=unshare) as pool:
    list(pool.map(build, range(len(roots))))
"""


def run(backend: str, threads: int, hooks: int, out: Path, roots: list[Path]) -> float | None:
    """Return the seconds that it takes; nothing if it fails."""
    command = [sys.executable, "-c", FRONTEND, str(threads), str(hooks), backend, str(out)]
    began = time.perf_counter()
    done = subprocess.run([*command, *map(str, roots)], capture_output=True, text=True, check=False)
    return time.perf_counter() - began if done.returncode == 0 else None


def made(out: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return the members of each artifact, by the root's number, the hook's, and the name."""
    return {str(path.relative_to(out)): members(path) for path in sorted(out.glob("*/*/*"))}


@pytest.mark.parametrize("hooks", [2, pytest.param(HOOKS, marks=pytest.mark.long)])
@pytest.mark.usefixtures("whole_machine")
def test_threads_build_all_right_and_sooner_than_one_after_the_other(
    hooks: int, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    roots = [
        src_layout(tmp_path / f"root{number}", OURS, files=20 + number) for number in range(THREADS)
    ]
    seconds = {
        threads: run(OURS, threads, hooks, tmp_path / f"{threads}", roots)
        for threads in (1, THREADS)
    }
    alone, together = seconds[1], seconds[THREADS]
    assert alone is not None
    assert together is not None
    right = made(tmp_path / "1")
    assert len(right) == THREADS * hooks
    assert made(tmp_path / f"{THREADS}") == right
    record_property(
        "figures",
        f"{THREADS} threads x {hooks} hooks on {THREADS} roots: {together:.1f} s, "
        f"one after the other {alone:.1f} s",
    )
    if hooks == HOOKS:  # with few, another load of this machine decides
        assert together < alone


#: All that are in one process go on at the same time.
MEET = "import sys\ngetattr(sys, 'meet', int)()\nfrom setuptools import setup\nsetup()\n"


@pytest.mark.parametrize("backend", [OURS, PLAIN])
def test_threads_of_setuptools_meet(backend: str, tmp_path: Path) -> None:
    """The control: they have one ``sys.argv`` in common, and with it the output directory."""
    roots = [src_layout(tmp_path / f"root{number}", backend, files=20) for number in range(4)]
    for root in roots:
        (root / "setup.py").write_text(MEET)
    seconds = run(backend, len(roots), 1, tmp_path / "out", roots)
    assert (seconds is not None) is (backend == OURS)
