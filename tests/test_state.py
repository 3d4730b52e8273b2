"""What setup.py changes in the frontend's process is given back: no other hook sees it."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

posix = pytest.mark.skipif(sys.platform == "win32", reason="umask and signals of POSIX")

#: What a script begins with: ``seen`` is for this process, ``inherited`` for any.
HEAD = """
import json, os, signal, sys, threading
from isolated_backend import interpreter, process

def is_ignored(number):
    if sys.platform != "linux":
        return signal.getsignal(number) == signal.SIG_IGN
    with open("/proc/self/status") as lines:  # PyPy does not know what it has inherited
        mask = next(line.split()[1] for line in lines if line.startswith("SigIgn"))
    return bool(int(mask, 16) >> (number - 1) & 1)

def inherited():
    import multiprocessing
    umask = os.umask(0)
    os.umask(umask)
    return {
        "environment": {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"},
        "argv": list(sys.argv),
        "path": list(sys.path),
        "bytecode": [sys.dont_write_bytecode, sys.pycache_prefix],
        "umask": umask,
        "ignored": [int(n) for n in signal.valid_signals() if is_ignored(n)],
        "method": multiprocessing.get_start_method(allow_none=True),
    }

def seen():
    return inherited() | {
        "streams": [id(o) for o in (sys.stdin, sys.stdout, sys.stderr)],
        "directory": os.getcwd(),
        "handlers": [repr(signal.getsignal(n)) for n in signal.valid_signals()],
    }

def change():
    import multiprocessing
    os.environ["NEW"] = "1"
    os.environ["CFLAGS"] += " -g"
    del os.environ["GONE"]
    sys.argv[1:] = ["bdist_wheel"]
    sys.path.insert(0, "/odd")
    sys.dont_write_bytecode, sys.pycache_prefix = True, "/odd"
    os.umask(0o077)
    for number in (signal.SIGUSR1, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGUSR2, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, lambda *_: None)
    multiprocessing.set_start_method("spawn")
    sys.stdout, sys.stdin = open(os.devnull, "w"), None
    sys.argv, sys.path = list(sys.argv), list(sys.path)
    os.chdir("/")

signal.signal(signal.SIGUSR2, signal.SIG_IGN)
import multiprocessing
"""


def run(text: str, root: Path, **variables: str) -> Any:
    """Run HEAD and *text* in *root* as a module that can be imported; return what it prints."""
    root.mkdir(exist_ok=True)
    script = root.with_name("script.py")
    script.write_text(HEAD + "if __name__ == '__main__':\n" + textwrap.indent(text, "    "))
    code = "import runpy, script; runpy.run_module('script', run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        env=variables
        | {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(script.parent), "GONE": "1", "CFLAGS": "-O1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


CHANGED = """
before = seen()
try:
    with process.first_hook() as is_first:
        assert is_first
        change()
        during = seen()
        {}
except KeyError:
    pass
print(json.dumps([before, during, seen()]))
"""


@posix
@pytest.mark.parametrize("end", ["", "raise KeyError"])
def test_everything_is_given_back(end: str, tmp_path: Path) -> None:
    before, during, after = run(CHANGED.format(end), tmp_path / "root")
    assert after == before
    assert [name for name in before if during[name] == before[name]] == []  # the control


@posix
@pytest.mark.parametrize("ending", ["os.rename(root, root + '2')", "os.rmdir(root)"])
@pytest.mark.parametrize("elsewhere", ["", "os.chdir('/')"])
def test_a_root_that_is_moved_or_removed_hides_no_result(
    ending: str, elsewhere: str, tmp_path: Path
) -> None:
    text = f"""
root = os.getcwd()
with process.first_hook():
    {elsewhere}
    {ending}
print(json.dumps("the result"))
"""
    assert run(text, tmp_path / "root") == "the result"


@posix
def test_other_hooks_get_what_was_there_before(tmp_path: Path) -> None:
    """What setup.py calls itself gets what it has set: that is the control."""
    text = """
import script
root = os.getcwd()
def call():
    results.append(interpreter.call("a test", root, script.inherited))

results = []
call()
with process.first_hook():
    change()
    call()
call()
print(json.dumps(results))
"""
    before, own, other = run(text, tmp_path / "root")
    assert other == before
    unchanged = [name for name in before if own[name] == before[name]]
    assert unchanged == ["method"]  # which no other interpreter inherits


@posix
@pytest.mark.parametrize("others", [0, 1])
def test_a_hook_has_no_place_beside_other_threads(others: int, tmp_path: Path) -> None:
    text = f"""
gate = threading.Event()
for _ in range({others}):
    threading.Thread(target=gate.wait).start()
found = []
for _ in range(2):
    with process.first_hook() as is_first:
        found.append(is_first)
gate.set()
print(json.dumps(found))
"""
    assert run(text, tmp_path / "root") == [not others, False]


def test_what_holds_the_pyc_files_back_is_not_handed_on(tmp_path: Path) -> None:
    """Or no hook but the first would write those of setuptools."""
    text = """
from isolated_backend import bytecode
import script
with process.first_hook(), bytecode.kept_out_of(os.getcwd()):
    found = interpreter.call("a test", os.getcwd(), script.inherited)
    print(json.dumps(["PYTHONDONTWRITEBYTECODE" in os.environ, *found["bytecode"]]))
"""
    assert run(text, tmp_path / "root") == [True, False, None]
