"""Each hook finds what a process of its own would have, whatever ran before it or beside it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from artifacts import members, names
from backends import OURS, PLAIN, HookProcess, call_into

linux = pytest.mark.skipif(sys.platform != "linux", reason="threads share the current directory")
posix = pytest.mark.skipif(sys.platform == "win32", reason="there are no forks and no pipes")

#: Notes what it finds, then leaves everything otherwise, as setup.py files do.
SETUP = """\
import json, multiprocessing, os, sys
from setuptools import setup
sys.path.insert(0, os.getcwd())
import helper
helper.builds += 1
found = {
    "environment": {k: v for k, v in os.environ.items() if k not in ("ISOLATED_BACKEND_TREE",)},
    "path": sys.path,
    "argv": sys.argv[:1],
    "method": multiprocessing.get_start_method(allow_none=True),
    "modules": sorted(n for n, m in sys.modules.items()
                      if (getattr(m, "__file__", None) or "").startswith(os.getcwd() + os.sep)),
    "builds": helper.builds,
}
with open(os.environ["FOUND"], "a") as file:
    print(json.dumps(found), file=file)
os.environ["STAMP"] = os.environ.get("STAMP", "") + "x"
os.environ["CFLAGS"] = os.environ.get("CFLAGS", "") + " -DMORE"
multiprocessing.set_start_method("spawn")
sys.path.append("/odd")
sys.modules["odd"] = helper
setup(name="stateful", version="1", py_modules=["helper"])
"""

SIX = [
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_wheel",
    "build_sdist",
    "build_wheel",
    "prepare_metadata_for_build_editable",
    "build_editable",
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return the root of a project that leaves things behind in its process."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "pyproject.toml").write_text("[build-system]\nrequires = []\n")
    (root / "helper.py").write_text("builds = 0\n")
    (root / "setup.py").write_text(SETUP)
    return root


def found(root: Path, out: Path, backend: str, *hooks: str) -> list[dict[str, Any]]:
    """Return what *hooks* find, one after another in one process."""
    for hook in hooks:
        (out / hook).mkdir(parents=True)
    log = out / "log"
    process = HookProcess(backend, root, environment={"FOUND": str(log)})
    outcomes = process(*(call_into(hook, out / hook) for hook in hooks))
    if backend == OURS:
        assert [outcome.error for outcome in outcomes] == [""] * len(hooks), process.output
    return [json.loads(line.replace(str(out), "OUT")) for line in log.read_text().splitlines()]


def test_six_hooks_of_one_process_are_each_as_in_a_fresh_one(root: Path, tmp_path: Path) -> None:
    for backend in (OURS, PLAIN):
        fresh = [
            one
            for number, hook in enumerate(SIX)
            for one in found(root, tmp_path / f"{backend}-{number}", backend, hook)
        ]
        together = found(root, tmp_path / f"{backend}-together", backend, *SIX)
        if backend == OURS:
            assert together == fresh
            assert {one["builds"] for one in together} == {1}
        else:  # the control: tox gives them processes of their own
            assert together[1:] != fresh[1:]


# --- threads ------------------------------------------------------------------------------------

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


def simple(root: Path, setup: str = "", name: str = "simple") -> Path:
    """Write a project whose setup.py begins with *setup*."""
    root.mkdir()
    (root / "pyproject.toml").write_text("[build-system]\nrequires = []\n")
    (root / f"{name}.py").touch()
    (root / "setup.py").write_text(
        f"import os, sys\nfrom setuptools import setup\n{textwrap.dedent(setup)}\n"
        f"setup(name={name!r}, version='1', py_modules=[{name!r}])\n"
    )
    return root


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
    ready, go = tmp_path / "ready", tmp_path / "go-"
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
