"""The workflow files: valid, safe, and each step of theirs for Linux works on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import REPOSITORY, python_of

WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))

STATIC = {
    "GitHub's schema": ["check-jsonschema", "--builtin-schema", "vendor.github-workflows"],
    "zizmor": ["zizmor", "--offline", "--quiet"],
}

#: Of the GitLab file `!reference` has to be looked through.
GITLAB = ["--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci"]

#: They do what other tests do, and take as long.
WHOLE = (".ci/run", "tox run")


def beside(program: str) -> str:
    """Return the path of a *program* that is installed with this Python."""
    return str(Path(sys.executable).parent / program)


@pytest.mark.parametrize("name", STATIC)
def test_workflows_are_sound(name: str) -> None:
    program, *options = STATIC[name]
    command = [beside(program), *options, *map(str, WORKFLOWS)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_gitlab_file_is_sound() -> None:
    command = [beside("check-jsonschema"), *GITLAB, str(REPOSITORY / ".gitlab-ci.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def steps() -> list[Any]:
    """Return the commands of each job that runs on Linux, in their order."""
    found = []
    for path in WORKFLOWS:
        for name, job in yaml.safe_load(path.read_text())["jobs"].items():
            commands = [step["run"] for step in job["steps"] if "run" in step]
            systems = job.get("strategy", {}).get("matrix", {}).get("os", [job["runs-on"]])
            if commands and "ubuntu-latest" in systems:
                whole = any(word in command for command in commands for word in WHOLE)
                marks = [pytest.mark.long] if whole else []
                found.append(pytest.param(commands, id=f"{path.stem}-{name}", marks=marks))
    return found


@pytest.mark.parametrize("commands", steps())
def test_a_job_works_here(commands: list[str], tmp_path: Path) -> None:
    """In a fresh checkout, with the Python that the job asks for taken for this one."""
    root = tmp_path / "checkout"
    subprocess.run(["git", "clone", "-q", str(REPOSITORY), str(root)], check=True)
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "python")], check=True)
    scripts = python_of(tmp_path / "python").parent
    env = os.environ | {"PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    for command in commands:
        words = command.replace("${{ matrix.python }}", version)
        done = subprocess.run(
            words, shell=True, cwd=root, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{words}\n{done.stdout}{done.stderr}"
