"""Packaging with tox, by a configuration of ours instead of the project's.

tox makes an environment of its own to package in. Here it finds in it what the environment of the
other frontends has, and so has nothing to install.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .load import Build

if TYPE_CHECKING:
    from pathlib import Path

    from .environment import Environment
    from .frontend import Kind

# Paths come in by variables, for in a configuration some of their characters would mean something.
_CONFIGURATION = """\
[testenv:check]
package = {kind}
base_python = {{env:ISOLATED_BACKEND_CHECK_PYTHON}}
wheel_build_env = .pkg

[testenv:.pkg]
base_python = {{env:ISOLATED_BACKEND_CHECK_PYTHON}}
pass_env = *
set_env =
    PYTHONPATH = {{env:ISOLATED_BACKEND_CHECK_PACKAGES}}
install_command = python -c "" {{opts}} {{packages}}
"""


def order(program: str, kind: Kind, environment: Environment, root: Path, place: Path) -> Build:
    """Return the build of an artifact by the packaging environment of a tox.

    Args:
        program: tox.
        kind: ``sdist`` or ``wheel``.
        environment: has what the build requires.
        root: the project root; its own configuration of tox does not matter.
        place: a directory for the build alone, which does not exist yet.
    """
    configuration, work = place / "tox.ini", place / "work"
    words = [program, "run", "--root", str(root), "--workdir", str(work), "-e", "check"]
    # Where ``CI`` is set, tox would list what is installed, with a pip that is not there.
    words += ["--conf", str(configuration), "--pkg-only", "--no-list-dependencies"]
    return Build(
        words,
        place,
        work / ".pkg" / "dist",
        variables={
            "ISOLATED_BACKEND_CHECK_PYTHON": environment.python,
            "ISOLATED_BACKEND_CHECK_PACKAGES": environment.packages,
            # An environment without pip is made in no time, and nothing is kept for the next one.
            "VIRTUALENV_NO_SEED": "1",
            "VIRTUALENV_OVERRIDE_APP_DATA": str(place / "virtualenv"),
        },
        files={configuration: _CONFIGURATION.format(kind=kind)},
    )
