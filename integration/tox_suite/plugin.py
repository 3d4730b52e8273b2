"""A plugin for tox's own tests: their projects that setuptools builds are built by us.

It is told by two variables of the environment:

- ``TOX_SUITE_LIBRARY``: a directory with our backend and what it needs, unless that is in the tree.
  The environments that tox makes find it there, for the tests install no build requirements.
- ``TOX_SUITE_OUTCOMES``: a file to write a JSON object to, with what becomes of each test.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tox.tox_env.python.virtual_env.api import VirtualEnv
from tox.tox_env.python.virtual_env.package.pyproject import Pep517VirtualEnvFrontend

if TYPE_CHECKING:
    import pytest

_outcomes: dict[str, str] = {}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" or report.outcome != "passed":
        _outcomes[report.nodeid] = report.outcome


def pytest_sessionfinish() -> None:
    if "PYTEST_XDIST_WORKER" not in os.environ:
        Path(os.environ["TOX_SUITE_OUTCOMES"]).write_text(json.dumps(_outcomes))


def _let_environments_find(library: str) -> None:
    original = VirtualEnv.create_python_env

    def create(self: VirtualEnv) -> None:
        original(self)
        (self.env_site_package_dir() / "library.pth").write_text(library)

    VirtualEnv.create_python_env = create  # type: ignore[method-assign]


def _say_no_farewell() -> None:
    """Send no ``_exit`` to the process of our hooks, which two tests do not expect.

    It is no hook. tox sends it to each backend that it does not know by its name as setuptools.
    """
    original = Pep517VirtualEnvFrontend._send

    def send(self: Any, cmd: str, **arguments: Any) -> Any:
        if cmd == "_exit" and self.backend == "isolated_backend":
            return None, "", ""
        return original(self, cmd, **arguments)

    Pep517VirtualEnvFrontend._send = send  # type: ignore[method-assign]


_say_no_farewell()
if "TOX_SUITE_LIBRARY" in os.environ:
    _let_environments_find(os.environ["TOX_SUITE_LIBRARY"])
