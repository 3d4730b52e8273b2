"""Projects whose own hooks write into the tree: setuptools-scm, Cython, and both.

Two such hooks at once can package a half-written file, silently. With the tree lock, every
artifact of every round has a complete ``_version.py`` and a working extension. The control goes
without it (``in-tree-writes = "allow"``) and through a widened window.
"""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Environment
from .frontends.run import failures, run_at_once

AT_ONCE = 8

#: Optimising takes most of the time, and nothing is written into the tree meanwhile.
UNOPTIMISED = {"CFLAGS": "-O0 -g0"}

PYPROJECT = """\
[build-system]
requires = ["setuptools", "setuptools-scm", "cython"]
build-backend = "isolated_backend"

[project]
name = "writer"
{version}

[tool.setuptools]
packages = ["writer"]

[tool.isolated-backend]
in-tree-writes = "{writes}"

{scm}
"""

SCM = '[tool.setuptools_scm]\nversion_file = "writer/_version.py"\n'

#: Many branches, so that generating takes a while and there is much to be half-written.
PYX = "def answer():\n    return 42\n\n" + "\n".join(
    f"def f{number}(list x, dict y):\n    return [i + {number} for i in x if i in y]\n"
    for number in range(60)
)

CYTHON = """\
from Cython.Build import cythonize
from setuptools import setup

setup(ext_modules=cythonize(["writer/fast.pyx"], quiet=True))
"""

#: Writes a version file in two parts, with all the time there is in between: until another hook
#: has come by the same place, or none can.
WIDENED = """\
import os, time
from setuptools import setup

def write_slowly(path, meeting):
    with open(path, "w") as file:
        file.write("VERSION = (\\n")
        file.flush()
        open(os.path.join(meeting, str(os.getpid())), "w").close()
        deadline = time.monotonic() + float(os.environ["PATIENCE"])
        while len(os.listdir(meeting)) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        if os.environ.get("HALF"):  # the other one has come: let it package what is here now
            while not os.path.exists(os.environ["HALF"]) and time.monotonic() < deadline:
                time.sleep(0.01)
        file.write("    '1',\\n)\\n")

if os.environ.get("WRITER"):
    write_slowly("writer/_version.py", os.environ["MEETING"])
else:
    open(os.path.join(os.environ["MEETING"], "reader"), "w").close()
setup()
"""


def project(root: Path, *, scm: bool, cython: bool, writes: str = "auto") -> Path:
    """Write a git checkout of a project that writes into its own tree."""
    package = root / "writer"
    package.mkdir(parents=True)
    (root / "pyproject.toml").write_text(
        PYPROJECT.format(
            version='dynamic = ["version"]' if scm else 'version = "1"',
            writes=writes,
            scm=SCM if scm else "",
        )
    )
    (package / "__init__.py").touch()
    if cython:
        (root / "setup.py").write_text(CYTHON)
        (package / "fast.pyx").write_text(PYX)
    (root / ".gitignore").write_text("_version.py\n*.c\n")
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "-c", "user.name=x", "-c", "user.email=x@x", "commit", "-qm", "x")
    git(root, "tag", "v1.5")
    return root


def git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(root), *arguments], check=True)


def builds(venv: Environment, root: Path, out: Path) -> list[list[str]]:
    """Return the commands of simultaneous builds: every second one an sdist."""
    kinds = ["--wheel", "--sdist"]
    return [
        [
            str(venv.python),
            "-m",
            "build",
            "-n",
            kinds[number % 2],
            "-o",
            f"{out}/{number}",
            str(root),
        ]
        for number in range(AT_ONCE)
    ]


def assert_complete(artifact: Path, where: Path, *, scm: bool, cython: bool) -> None:
    """Assert that the artifact has a complete version file, and an extension that works.

    An sdist has what was generated to compile the extension from; that has to be complete.

    Args:
        artifact: a wheel or an sdist.
        where: a directory to unpack it to.
        scm: whether the project has a version file.
        cython: whether it has an extension.
    """
    is_wheel = artifact.suffix == ".whl"
    if is_wheel:
        with zipfile.ZipFile(artifact) as wheel:
            assert wheel.testzip() is None
            wheel.extractall(where)
        package = where / "writer"
    else:
        with tarfile.open(artifact) as sdist:
            sdist.extractall(where)
        package = where / f"writer-{'1.5' if scm else '1'}" / "writer"
    if scm:
        source = (package / "_version.py").read_text()
        assert "1.5" in source
        ast.parse(source)
        assert source.rstrip().splitlines()[-1].startswith(("__commit_id__", "version_tuple"))
    if cython and is_wheel:
        code = "import writer.fast as f; assert f.answer() == 42; assert f.f59([1], {1: 1}) == [60]"
        subprocess.run([sys.executable, "-c", code], cwd=where, check=True)
    elif cython:
        assert (package / "fast.c").read_text().endswith("#endif /* Py_PYTHON_H */\n")


@pytest.mark.parametrize(
    ("scm", "cython"), [(True, False), (False, True), (True, True)], ids=["scm", "cython", "both"]
)
@pytest.mark.parametrize("rounds", [1, pytest.param(30, marks=pytest.mark.long)])
@pytest.mark.usefixtures("whole_machine")
def test_every_artifact_of_every_round_is_complete(
    scm: bool,
    cython: bool,
    rounds: int,
    writers_venv: Environment,
    env: dict[str, str],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    """Each round begins with a fresh checkout, where nothing has been generated yet."""
    complete: Counter[str] = Counter()
    for number in range(rounds):
        here = tmp_path / f"round-{number}"
        root = project(here / "root", scm=scm, cython=cython)
        commands = builds(writers_venv, root, here / "out")
        results = run_at_once(commands, env | UNOPTIMISED, here / "logs")
        assert failures(results) == [], [result.output for result in results if result.status]
        artifacts = sorted((here / "out").glob("*/*"))
        assert len(artifacts) == AT_ONCE
        for artifact in artifacts:
            where = here / "unpacked" / artifact.parent.name
            assert_complete(artifact, where, scm=scm, cython=cython)
            complete["wheels" if artifact.suffix == ".whl" else "sdists"] += 1
        shutil.rmtree(here)
    record_property(
        "figures",
        f"{rounds} rounds of {AT_ONCE} builds at once of a fresh checkout: "
        f"{complete['wheels']} wheels and {complete['sdists']} sdists, all complete, 0 failures",
    )


@pytest.mark.parametrize(("writes", "whole"), [("auto", True), ("lock", True), ("allow", False)])
def test_the_lock_prevents_what_happens_without_it(
    writes: str, whole: bool, writers_venv: Environment, env: dict[str, str], tmp_path: Path
) -> None:
    """One writes its version file slowly, another builds at that moment."""
    root = tmp_path / "root"
    (root / "writer").mkdir(parents=True)
    (root / "writer" / "__init__.py").touch()
    (root / "writer" / "_version.py").write_text("VERSION = ('0',)\n")
    (root / "setup.py").write_text(WIDENED)
    (root / "pyproject.toml").write_text(
        PYPROJECT.format(version='version = "1"', writes=writes, scm="")
    )
    meeting, half = tmp_path / "meeting", tmp_path / "half"
    meeting.mkdir()
    # Without the lock the two meet, and nobody has to be patient for long. With it they cannot.
    variables = env | {"MEETING": str(meeting), "PATIENCE": "20" if not whole else "2"}
    command = [str(writers_venv.python), "-m", "build", "-n", "--wheel", str(root), "-o"]
    writer = subprocess.Popen(
        [*command, str(tmp_path / "writer")],
        env=variables | {"WRITER": "1", "HALF": str(half)},
        stdout=subprocess.DEVNULL,
    )
    while not list(meeting.iterdir()):  # it is in the middle of its file
        assert writer.poll() is None
    reader = subprocess.run(
        [*command, str(tmp_path / "reader")],
        env=variables,
        capture_output=True,
        text=True,
        check=True,
    )
    half.touch()
    assert writer.wait() == 0
    (artifact,) = (tmp_path / "reader").iterdir()
    with zipfile.ZipFile(artifact) as wheel:
        version = wheel.read("writer/_version.py").decode()
    assert (version == "VERSION = (\n    '1',\n)\n") is whole, version
    assert (version == "VERSION = (\n") is not whole
    assert ("waiting for process" in reader.stderr + reader.stdout) is whole
