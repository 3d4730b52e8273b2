"""Hooks that are called from threads, and what runs beside a hook."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from artifacts import members, names
from simple import simple

linux = pytest.mark.skipif(sys.platform != "linux", reason="threads share the current directory")
posix = pytest.mark.skipif(sys.platform == "win32", reason="there are no forks and no pipes")

#: What a frontend with threads begins with. Each may have a current directory of its own.
THREADS = """
import ctypes, os, sys, threading, time
import isolated_backend
words = sys.argv[1:]  # a hook changes them

def unshare():
    assert ctypes.CDLL(None, use_errno=True).unshare(0x200) == 0  # CLONE_FS

def at_once(*functions):
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
"""


def script(text: str, root: Path, *words: str, **variables: str) -> str:
    """Run THREADS and *text* in *root*; return the standard output."""
    done = subprocess.run(
        [sys.executable, "-c", THREADS + textwrap.dedent(text), *words],
        cwd=root,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@linux
def test_hooks_in_threads_run_side_by_side_in_their_own_roots(tmp_path: Path) -> None:
    """Each waits for all the others: one after the other they would wait for ever."""
    meet = """
        with open(os.environ["READY"], "w") as file:
            file.write(os.path.basename(os.getcwd()) + "\\n")
        with open(os.environ["GO"] + os.path.basename(os.getcwd())) as file:
            file.read()
    """
    roots = [simple(tmp_path / f"p{n}", meet, f"p{n}") for n in range(4)]
    gates = tmp_path / ".gates"  # a hidden directory is no source tree: nobody waits to write there
    gates.mkdir()
    ready, go = gates / "ready", gates / "go-"
    os.mkfifo(ready)
    for each in roots:
        os.mkfifo(f"{go}{each.name}")
    text = """
        out = os.path.abspath(words[0])
        def build(root):
            unshare()
            os.chdir(root)
            isolated_backend.build_wheel(os.path.join(out, os.path.basename(root)))
        def gate():
            met = set()
            while len(met) < len(words[1:]):
                with open(os.environ["READY"]) as file:
                    met.update(file.read().split())
            for name in met:
                open(os.environ["GO"] + name, "w").close()
        at_once(gate, *(lambda root=root: build(root) for root in words[1:]))
    """
    words = [str(tmp_path / "out"), *map(str, roots)]
    script(text, tmp_path, *words, READY=str(ready), GO=str(go))
    for each in roots:
        (wheel,) = (tmp_path / "out" / each.name).iterdir()
        assert f"{each.name}.py" in names(wheel)


@linux
def test_many_hooks_from_threads_are_all_right(tmp_path: Path) -> None:
    roots = [simple(tmp_path / f"p{n}", name=f"p{n}") for n in range(8)]
    text = """
        def build(root):
            unshare()
            os.chdir(root)
            for number in range(2):
                isolated_backend.build_wheel(f"../out/{os.path.basename(root)}/{number}")
        at_once(*(lambda root=root: build(root) for root in words))
    """
    script(text, tmp_path, *map(str, roots))
    for each in roots:
        wheels = sorted((tmp_path / "out" / each.name).glob("*/*.whl"))
        assert [wheel.name for wheel in wheels] == [f"{each.name}-1-py3-none-any.whl"] * 2
        assert members(wheels[0]) == members(wheels[1])
        assert f"{each.name}.py" in names(wheels[0])


#: Tells that it is under way, and goes on when it may.
PAUSE = """
if "sdist" in sys.argv:
    os.environ["STAMP"] = "x"
    open("../begun", "w").close()
    open("../go").close()
"""


@pytest.fixture
def paused(tmp_path: Path) -> Path:
    """Return the root of a project that pauses when an sdist is made of it."""
    for name in ("begun", "go"):
        os.mkfifo(tmp_path / name)
    return simple(tmp_path / "paused", PAUSE)


@linux
def test_a_hook_beside_the_first_sees_nothing_of_it(paused: Path, tmp_path: Path) -> None:
    other = simple(tmp_path / "other", "print('STAMP' in os.environ, os.getcwd())")
    text = """
        os.chdir(words[0])
        def beside():
            unshare()
            open("../begun").close()
            os.chdir(words[1])
            isolated_backend.build_sdist("../out")
            open("../go", "w").close()
        threading.Thread(target=beside).start()
        isolated_backend.build_sdist("../out")
    """
    printed = script(text, tmp_path, str(paused), str(other))
    assert f"False {other}\n" in printed


@posix
def test_a_child_forked_while_another_thread_is_in_a_hook_does_not_hang(
    paused: Path, tmp_path: Path
) -> None:
    text = """
        os.chdir(words[0])
        def fork():
            open("../begun").close()
            pid = os.fork()
            if pid == 0:
                isolated_backend.build_wheel("../out")
                os._exit(0)
            print("status", os.waitpid(pid, 0)[1])
            open("../go", "w").close()
        threading.Thread(target=fork).start()
        isolated_backend.build_sdist("../out")
    """
    assert "status 0\n" in script(text, tmp_path, str(paused))
    assert len(list((tmp_path / "out").iterdir())) == 2
