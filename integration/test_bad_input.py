"""Broken projects: the user sees setuptools' own message or ours, and nothing is left behind.

Each is built with plain setuptools and with ours. Where the mistake is in what setuptools reads,
both have to end with the same error; where it is in what we read, with one sentence of ours.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from backends import OURS, PLAIN, HookProcess
from snapshot import snapshot

SYSTEM = '[build-system]\nrequires = ["setuptools"]\n'
PROJECT = SYSTEM + '[project]\nname = "broken"\nversion = "1"\n'

Files = dict[str, str]

#: What setuptools complains about. The hook is the one that a frontend would call.
SETUPTOOLS_COMPLAINS: dict[str, tuple[str, Files]] = {
    "no name": ("sdist", {"pyproject.toml": SYSTEM + '[project]\nversion = "1"\n'}),
    "no version": ("sdist", {"pyproject.toml": SYSTEM + '[project]\nname = "broken"\n'}),
    "bad version": ("sdist", {"pyproject.toml": PROJECT.replace('"1"', '"one two"')}),
    "bad name": ("sdist", {"pyproject.toml": PROJECT.replace('"broken"', '"?"')}),
    "name of the wrong type": ("sdist", {"pyproject.toml": PROJECT.replace('"broken"', "3")}),
    "bad dependency": ("wheel", {"pyproject.toml": PROJECT + 'dependencies = ["a b c"]\n'}),
    "dependencies no list": ("wheel", {"pyproject.toml": PROJECT + 'dependencies = "a"\n'}),
    "bad requires-python": ("wheel", {"pyproject.toml": PROJECT + 'requires-python = "x"\n'}),
    "missing readme": ("sdist", {"pyproject.toml": PROJECT + 'readme = "README.md"\n'}),
    "missing license": ("sdist", {"pyproject.toml": PROJECT + 'license = {file = "L"}\n'}),
    "bad license expression": ("sdist", {"pyproject.toml": PROJECT + 'license = "no such"\n'}),
    "bad email": ("sdist", {"pyproject.toml": PROJECT + 'authors = [{email = "x"}]\n'}),
    "bad entry point": ("wheel", {"pyproject.toml": PROJECT + '[project.scripts]\na = "b c"\n'}),
    "bad dynamic": ("sdist", {"pyproject.toml": PROJECT + 'dynamic = ["name"]\n'}),
    "unresolved dynamic": (
        "sdist",
        {
            "pyproject.toml": SYSTEM
            + '[project]\nname = "b"\ndynamic = ["version"]\n'
            + '[tool.setuptools.dynamic]\nversion = {attr = "nowhere.VERSION"}\n'
        },
    ),
    "missing dynamic file": (
        "sdist",
        {
            "pyproject.toml": SYSTEM
            + '[project]\nname = "b"\ndynamic = ["version"]\n'
            + '[tool.setuptools.dynamic]\nversion = {file = "VERSION"}\n'
        },
    ),
    "unknown setuptools key": ("sdist", {"pyproject.toml": PROJECT + "[tool.setuptools]\nx = 1\n"}),
    "missing package directory": (
        "wheel",
        {"pyproject.toml": PROJECT + '[tool.setuptools]\npackages = ["nowhere"]\n'},
    ),
    "missing module": (
        "wheel",
        {"pyproject.toml": PROJECT + '[tool.setuptools]\npy-modules = ["nowhere"]\n'},
    ),
    "two top-level packages": (
        "wheel",
        {"pyproject.toml": PROJECT, "one/__init__.py": "", "two/__init__.py": ""},
    ),
    "setup.py with a syntax error": ("sdist", {"setup.py": "setup(\n"}),
    "setup.py that raises": ("sdist", {"setup.py": "raise RuntimeError('the project')\n"}),
    "setup.py that exits": ("sdist", {"setup.py": "raise SystemExit('not today')\n"}),
    "setup.py that exits with a number": ("wheel", {"setup.py": "import sys; sys.exit(3)\n"}),
    "setup.py that calls nothing": ("sdist", {"setup.py": "x = 1\n"}),
    "setup.py that is empty": ("wheel", {"setup.py": ""}),
    "setup.py that is no text": ("sdist", {"setup.py": "\udcff\udcfe"}),
    "setup.py that imports what is not there": ("sdist", {"setup.py": "import not_there_at_all\n"}),
    "setup.py with a bad package list": (
        "wheel",
        {"setup.py": "from setuptools import setup\nsetup(name='b', packages='no list here')\n"},
    ),
    "setup.py with an absolute path": (
        "wheel",
        {
            "setup.py": "from setuptools import setup\n"
            "setup(name='b', packages=['p'], package_dir={'p': '/p'}, "
            "include_package_data=True)\n"
        },
    ),
    "broken setup.cfg": ("sdist", {"setup.cfg": "[metadata\nname = x\n"}),
    "setup.cfg that is no text": ("sdist", {"setup.cfg": "[metadata]\nname = \udcff\n"}),
    "bad egg_base": (
        "sdist",
        {"pyproject.toml": PROJECT, "setup.cfg": "[egg_info]\negg_base = nowhere\n"},
    ),
    "unknown option of a command": (
        "wheel",
        {"pyproject.toml": PROJECT, "setup.cfg": "[bdist_wheel]\nno_such_option = 1\n"},
    ),
    "bad MANIFEST.in": ("sdist", {"pyproject.toml": PROJECT, "MANIFEST.in": "inclood x\n"}),
    "missing C source": (
        "wheel",
        {
            "setup.py": "from setuptools import Extension, setup\n"
            "setup(name='b', ext_modules=[Extension('b', ['nowhere.c'])])\n"
        },
    ),
    "C source that does not compile": (
        "wheel",
        {
            "setup.py": "from setuptools import Extension, setup\n"
            "setup(name='b', ext_modules=[Extension('b', ['b.c'])])\n",
            "b.c": "this is not C\n",
        },
    ),
    "command that fails": (
        "wheel",
        {
            "setup.py": "from setuptools import setup\n"
            "from setuptools.command.build_py import build_py\n"
            "class B(build_py):\n    def run(self): open('/not/there')\n"
            "setup(name='b', py_modules=['setup'], cmdclass={'build_py': B})\n"
        },
    ),
    "command that is interrupted": (
        "sdist",
        {
            "setup.py": "from setuptools import setup\n"
            "from setuptools.command.egg_info import egg_info\n"
            "class E(egg_info):\n    def run(self): raise KeyboardInterrupt\n"
            "setup(name='b', cmdclass={'egg_info': E})\n"
        },
    ),
}

#: What we complain about.
WE_COMPLAIN: dict[str, tuple[str, str]] = {
    "unknown key": ("[tool.isolated-backend]\nin-tree-write = 'auto'\n", "no key `in-tree-write`"),
    "unknown value": ("[tool.isolated-backend]\nin-tree-writes = 'maybe'\n", "must be one of"),
    "wrong type": ("[tool.isolated-backend]\nkeep = 'yes'\n", "must be true or false"),
    "negative time": ("[tool.isolated-backend]\nlock-timeout = -3\n", "that is not negative"),
    "not a table": ("[tool]\nisolated-backend = true\n", "must be a table"),
    "broken TOML": ("[tool.isolated-backend]\nkeep = \n", "is not valid TOML"),
}


def write(root: Path, files: Files) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text.encode("utf-8", "surrogateescape"))


def left_in_tmpdir() -> list[str]:
    return [path.name for path in Path(os.environ["TMPDIR"]).rglob("*") if path.is_file()]


@pytest.mark.parametrize("case", SETUPTOOLS_COMPLAINS)
def test_setuptools_own_message_is_what_the_user_sees(case: str, tmp_path: Path) -> None:
    kind, files = SETUPTOOLS_COMPLAINS[case]
    root = tmp_path / "root"
    root.mkdir()
    out = tmp_path / "out"
    found = []
    for backend in (OURS, PLAIN):
        write(root, files)
        before = snapshot(root)
        process = HookProcess(backend, root)
        (outcome,) = process((f"build_{kind}", {f"{kind}_directory": str(out)}))
        found.append((outcome.error, normal(outcome.message, root)))
        if backend == OURS:
            assert snapshot(root) == before
            assert left_in_tmpdir() in ([], ["0.lock"])
            assert not out.exists() or case in BUILDS_ALL_THE_SAME
    assert found[0] == found[1]
    assert found[0][0] or case in BUILDS_ALL_THE_SAME


#: Mistakes that setuptools passes over.
BUILDS_ALL_THE_SAME = {
    "missing readme",
    "missing license",
    "missing module",
    "missing dynamic file",
    "bad MANIFEST.in",
}


def normal(message: str, root: Path) -> str:
    """Return *message* without the names of temporary directories in it."""
    slot = r"[^\s'\"]*/isolated-backend\.[^/\s]+/[^/\s]+/\d+"
    message = re.sub(f"{slot}{re.escape(str(root))}/", "", message)
    message = re.sub(r"\.tmp-\w+", "TMP", message)
    return message.replace(f"{root}/", "")


@pytest.mark.parametrize("case", WE_COMPLAIN)
def test_a_frontend_shows_one_sentence_of_ours(case: str, tmp_path: Path) -> None:
    table, message = WE_COMPLAIN[case]
    root, out = tmp_path / "root", tmp_path / "out"
    backend = 'build-backend = "isolated_backend"\n'
    write(root, {"pyproject.toml": SYSTEM + backend + PROJECT.removeprefix(SYSTEM) + table})
    before = snapshot(root)
    done = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--sdist", "--outdir", str(out), "."],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    if case == "broken TOML":  # the frontend itself reads the file, and before us
        assert "Failed to parse" in done.stdout
    else:
        assert message in done.stdout
        assert "Traceback" not in done.stdout
    assert snapshot(root) == before
    assert not out.exists()
    assert left_in_tmpdir() == []
