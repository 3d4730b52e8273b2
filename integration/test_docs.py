"""Whoever does what a page of the documentation says sees what it shows.

How a block is tried out is said in ``tests/pages.py``. A page is one visit: what its blocks do to
the project stays for those that follow. Everything is installed from a wheelhouse, offline.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

import pages
from pages import REPOSITORY, Block

from .conftest import Environment, call, once, python_of
from .frontends import Command, environment, run_at_once
from .namespaces import mounted

#: What a reader has installed, unless a page begins with nothing installed.
INSTALLED = ["isolated-backend[cli]", "pip", "build", "tox", "nox", "uv"]

#: What pages install or require besides.
MORE = ["cython", "setuptools-scm"]

HERE = Path(__file__).parent

_PAGES = [page for page in pages.pages() if any("begin" in b.marks for b in pages.blocks(page))]
_LONG = [block for page in pages.pages() for block in pages.blocks(page) if "long" in block.marks]

_IDENTITY = ["-c", "user.name=a", "-c", "user.email=a@example.org"]

_SETTINGS_OF_TOOLS = ("PIP_", "UV_", "TOX_", "NOX", "VIRTUAL", "XDG_", "GIT_", "ISOLATED_", "CI")


@pytest.fixture(scope="session")
def shelf(common: Path, wheelhouse: Path) -> Path:
    """A wheelhouse with all that the pages install."""

    def make(directory: Path) -> None:
        for wheel in wheelhouse.iterdir():
            shutil.copy(wheel, directory)
        pip = [sys.executable, "-m", "pip", "download", "-q"]
        call(*pip, "-d", directory, "--find-links", directory, *INSTALLED, *MORE)

    return once(common / "shelf", make)


@pytest.fixture
def reader(tmp_path: Path, shelf: Path) -> Reader:
    return Reader(tmp_path, shelf)


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.relative_to(REPOSITORY).as_posix())
def test_page(page: Path, reader: Reader) -> None:
    if "docker run" in page.read_text(encoding="utf-8"):
        mounted("")  # skips where there are no private mounts
    for block in pages.blocks(page):
        reader.read(block)


@pytest.mark.parametrize("block", _LONG, ids=str)
def test_a_program_that_runs_for_long_knows_its_options(block: Block) -> None:
    for command in block.commands:
        words = shlex.split(command.replace("\\\n", " "), comments=True)
        words = [sys.executable if word == "python" else word for word in words]
        done = subprocess.run(
            [*words, "--help"],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        for option in [word for word in words[3:] if word.startswith("-")]:
            assert re.search(rf"(?<![\w-]){option}(?![\w-])", done.stdout), f"{block}: {option}"


def test_what_is_not_printed_is_found(reader: Reader) -> None:
    """The control."""
    text = "<!-- begin: empty -->\n```console\n$ echo one two; echo three\none …\n{}\n```\n"
    page = reader.place / "page.md"
    page.write_text(text.format("three"))
    for block in pages.blocks(page):
        reader.read(block)
    page.write_text(text.format("four"))
    (block,) = pages.blocks(page)
    with pytest.raises(pytest.fail.Exception, match="four"):
        reader.read(block)


@dataclass
class Reader:
    """Someone who does what a page says.

    Attributes:
        place: a directory for everything.
        shelf: the wheelhouse.
    """

    place: Path
    shelf: Path
    _visits: int = 0
    _root: Path | None = None
    _env: Mapping[str, str] | None = None

    def read(self, block: Block) -> None:
        """Do what *block* says, and see that it is as shown."""
        marks = block.marks
        if "begin" in marks:
            self._begin(*marks["begin"].split(", "))
        path = marks.get("file") or marks.get("jobs")
        if path:
            assert self._root
            (self._root / path).parent.mkdir(parents=True, exist_ok=True)
            (self._root / path).write_text(block.text)
        if "jobs" in marks:
            for at_once in _jobs(block):
                self._run_at_once(block, at_once)
        elif block.language in pages.COMMANDS and not {"long", "suite"} & set(marks):
            self._converse(block, int(marks.get("exit", 0)))

    def _begin(self, project: str, installed: str = "") -> None:
        self._visits += 1
        directory = self.place / str(self._visits)
        directory.mkdir()
        self._root = PROJECTS[project](directory)
        self._env = self._environment(directory, bare=installed == "nothing installed")

    def _environment(self, directory: Path, *, bare: bool) -> dict[str, str]:
        """Return the variables of a reader who has an environment of their own activated."""
        offline = Environment(Path(sys.executable), self.shelf).offline
        venv = directory / "venv"
        uv = [sys.executable, "-m", "uv"]
        call(*uv, "venv", "-q", "-p", sys.executable, venv, **offline)
        packages = ["pip"] if bare else INSTALLED
        call(*uv, "pip", "install", "-qp", python_of(venv), *packages, **offline)
        home = directory / "home"
        home.mkdir()
        _stand_in_for_docker(venv / "bin" / "docker")
        variables = environment(directory / "temporary")
        kept = {k: v for k, v in variables.items() if not k.startswith(_SETTINGS_OF_TOOLS)}
        return {
            **kept,
            **offline,
            "HOME": str(home),
            "PATH": os.pathsep.join([str(venv / "bin"), kept["PATH"]]),
            "VIRTUAL_ENV": str(venv),
            "UV_CACHE_DIR": str(home / "uv"),
            "UV_PYTHON_DOWNLOADS": "never",
            "GIT_AUTHOR_NAME": "a",
            "GIT_AUTHOR_EMAIL": "a@example.org",
            "GIT_COMMITTER_NAME": "a",
            "GIT_COMMITTER_EMAIL": "a@example.org",
            "COLUMNS": "80",
        }

    def _converse(self, block: Block, status: int) -> None:
        dialogue = block.dialogue
        # One shell for the whole block, which says where the output of the next command begins.
        script = "".join(f"echo {_NEXT}\n{command}\n" for command, _ in dialogue)
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", script],
            cwd=self._root,
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        assert done.returncode == status, f"{block}: status {done.returncode}\n{done.stdout}"
        outputs = done.stdout.split(f"{_NEXT}\n")[1:]
        for (command, shown), output in zip(dialogue, outputs, strict=True):
            _compare(f"{block}, {command!r}", shown, output)

    def _run_at_once(self, block: Block, scripts: list[str]) -> None:
        assert self._env
        bash = shutil.which("bash") or "bash"
        commands = [Command([bash, "-e", "-c", script], cwd=self._root) for script in scripts]
        for script, result in zip(
            scripts, run_at_once(commands, self._env, self.place / "logs"), strict=True
        ):
            assert result.status == 0, f"{block}: {script}\n{result.output}"


_NEXT = "=== the next command ==="


def _compare(where: str, shown: list[str], output: str) -> None:
    """Fail unless the lines *shown* are in *output*, in this order."""
    printed = iter(output.splitlines())
    for line in shown:
        if line.strip() in ("", "…"):
            continue
        pattern = ".*".join(map(re.escape, re.split(r"\s*…\s*", line.strip())))
        if not any(re.fullmatch(pattern, each.strip()) for each in printed):
            pytest.fail(f"{where} does not print {line!r} there:\n{output}")


# --- what servers read --------------------------------------------------------------------------


def _jobs(block: Block) -> Iterator[list[str]]:
    """Yield the scripts that run at once, one stage after the other."""
    path = block.marks["jobs"]
    if path == "Jenkinsfile":
        yield from _of_jenkins(block.text)
    elif path == ".gitlab-ci.yml":
        yield from _of_gitlab(yaml.safe_load(block.text))
    else:
        yield from _of_github(yaml.safe_load(block.text))


def _of_github(workflow: dict[Any, Any]) -> Iterator[list[str]]:
    """The steps of a job run one after the other, each job on a machine of its own."""
    (job,) = workflow["jobs"].values()
    for step in job["steps"]:
        assert ("run" in step) != ("uses" in step)
        if "run" in step:
            yield [step["run"]]


def _of_gitlab(pipeline: dict[str, Any]) -> Iterator[list[str]]:
    """The jobs of a stage run at once."""
    jobs = [job for job in pipeline.values() if isinstance(job, dict) and "script" in job]
    for stage in pipeline["stages"]:
        scripts = [job["script"] for job in jobs if job["stage"] == stage]
        assert scripts
        yield ["\n".join(script) for script in scripts]


def _of_jenkins(text: str) -> Iterator[list[str]]:
    """Parallel stages run at once, the steps of each, and all others, one after the other."""
    assert text.count("{") == text.count("}")
    before, _, parallel = text.partition("parallel {")
    for script in _SH.findall(before):
        yield [script]
    stages = parallel.split("stage(")[1:]
    assert stages
    yield ["\n".join(_SH.findall(stage)) for stage in stages]


_SH = re.compile(r"\bsh '([^']+)'")


def _stand_in_for_docker(path: Path) -> None:
    """There is no engine here: ``docker run`` gets its mounts, and the programs that are here."""
    path.write_text(f'#!/bin/sh\nexec {sys.executable} -I {HERE / "docker.py"} "$@"\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


# --- the projects that pages begin with ---------------------------------------------------------


def _empty(directory: Path) -> Path:
    root = directory / "demo"
    root.mkdir()
    return root


_PYPROJECT = """\
[build-system]
requires = {requires}
build-backend = "{backend}"

[project]
name = "demo"
version = "1.0"
"""


def _project(backend: str, *requires: str) -> Callable[[Path], Path]:
    """Return what makes a git checkout of a package with a few modules."""

    def make(directory: Path) -> Path:
        root = _empty(directory)
        package = root / "src" / "demo"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text('"""A demo."""\n')
        for number in range(20):
            (package / f"module_{number}.py").write_text(f"NUMBER = {number}\n")
        text = _PYPROJECT.format(requires=json.dumps(requires), backend=backend)
        (root / "pyproject.toml").write_text(text)
        for words in (["init", "-q"], ["add", "-A"], [*_IDENTITY, "commit", "-qm", "All"]):
            call("git", "-C", root, *words)
        return root

    return make


def _clone(directory: Path) -> Path:
    """This repository, without what is not committed."""
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    if names.returncode != 0:
        pytest.skip("not a git checkout")
    root = directory / "isolated-backend"
    for name in filter(None, names.stdout.split("\0")):
        if (REPOSITORY / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, root / name)
    return root


PROJECTS: dict[str, Callable[[Path], Path]] = {
    "empty": _empty,
    "ours": _project("isolated_backend", "setuptools", "isolated-backend"),
    "setuptools": _project("setuptools.build_meta", "setuptools"),
    "clone": _clone,
}
"""By the name that a page begins with."""
