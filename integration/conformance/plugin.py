"""A plugin for pytest in the environment of setuptools' tests: redirects, and records outcomes.

``--redirection MODE`` puts the redirection around each test:

- around the commands that it runs in its own process,
- around each ``setup.py`` that it starts as a process of its own,
- and where it lets pip install a project into a virtual environment, the project's
  ``build-backend`` becomes ours.

``--outcomes FILE`` writes a JSON object there: for each test its outcome and, if it failed, why.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redirection import PLAIN, Redirection

CHILD = Path(__file__).with_name("child.py")

#: The scripts of setuptools' tests that are run as ``python -c``.
SCRIPT = "__import__('setuptools').setup()"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--redirection", default=PLAIN, help="redirected, laid over or plain")
    parser.addoption("--outcomes", type=Path, help="where to write what becomes of each test")
    parser.addoption("--backend", type=Path, help="a wheel of isolated-backend for environments")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("outcomes") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder(config.getoption("outcomes")))
    if config.getoption("redirection") != PLAIN:
        config.pluginmanager.register(Redirecting(config.getoption("redirection")))


class Recorder:
    """Writes down what becomes of each test."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._outcomes: dict[str, dict[str, str]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the outcome; a failure before or after the test itself is an error."""
        outcome: str = report.outcome
        if hasattr(report, "wasxfail"):
            outcome = {"skipped": "xfailed", "passed": "xpassed"}[report.outcome]
        elif outcome == "failed" and report.when != "call":
            outcome = "error"
        if report.when == "call" or outcome != "passed":
            crash = getattr(report.longrepr, "reprcrash", None)
            why = crash.message if crash else str(report.longrepr or "")
            self._outcomes[report.nodeid] = {
                "outcome": outcome,
                "why": why if report.failed else "",
            }

    def pytest_sessionfinish(self) -> None:
        """Write what has been noted."""
        self._path.write_text(json.dumps(self._outcomes), encoding="utf-8")


class Redirecting:
    """Redirects what tests and the processes that they start write."""

    def __init__(self, mode: str) -> None:
        self._mode = mode

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Put the redirection around a test and its fixtures."""
        from setuptools.tests.environment import VirtualEnv

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(subprocess.Popen, "__init__", self._started(subprocess.Popen.__init__))
            patch.setattr(VirtualEnv, "run", _with_our_backend(VirtualEnv.run, item.config))
            hook = "build_editable" if "editable" in item.nodeid else "build_wheel"
            with Redirection(self._mode, hook):
                return (yield)

    def _started(self, original: Any) -> Any:
        """Start a ``setup.py`` with the redirection around it."""

        def start(process: Any, args: Any, *more: Any, **kwargs: Any) -> None:
            python = isinstance(args, list) and args[0] == sys.executable
            if python and (args[1] == "setup.py" or args[1:3] == ["-c", SCRIPT]):
                args = [args[0], str(CHILD), self._mode, *args[1:]]
            original(process, args, *more, **kwargs)

        return start


def _with_our_backend(original: Any, config: pytest.Config) -> Any:
    """Let pip, in a virtual environment of a test, build projects with our backend."""
    wheel = config.getoption("backend")

    def run(environment: Any, command: list[Any], *args: Any, **kwargs: Any) -> Any:
        words = [os.fspath(word) for word in command]
        if words[1:3] == ["-m", "pip"] and "install" in words:
            projects = [Path(word) for word in words if Path(word, "pyproject.toml").is_file()]
            for project in projects:
                _adopt(project / "pyproject.toml", wheel)
            if projects and not hasattr(environment, "has_ours"):
                pip = ["python", "-m", "pip", "install", "--quiet", str(wheel)]
                original(environment, pip)
                environment.has_ours = True
        return original(environment, command, *args, **kwargs)

    return run


def _adopt(path: Path, wheel: Path) -> None:
    """Change the project with the pyproject.toml at *path* to our backend."""
    text = path.read_text(encoding="utf-8")
    adopted = text.replace('"setuptools.build_meta"', '"isolated_backend"')
    requirement = f'"isolated-backend @ {wheel.as_uri()}"'
    path.write_text(
        adopted.replace('requires = ["setuptools"', f'requires = [{requirement}, "setuptools"'),
        encoding="utf-8",
    )
    assert "isolated_backend" in adopted, text
