"""Projects to build, generated: always the same bytes for the same arguments."""

from __future__ import annotations

import random
from pathlib import Path

NAME = "crowded"
VERSION = "1.0"
SDIST = f"{NAME}-{VERSION}.tar.gz"
WHEEL = f"{NAME}-{VERSION}-py3-none-any.whl"

_PYPROJECT = """\
[build-system]
requires = {requires}
build-backend = "{backend}"
{more}
[project]
name = "{name}"
version = "{version}"
description = "A package of many modules"
readme = "README.md"
requires-python = ">=3.10"
dependencies = ["packaging"]

[project.scripts]
crowded = "crowded:main"
"""

_MODULES_OF_A_PACKAGE = 30


def pyproject(backend: str, requires: tuple[str, ...] = ("setuptools",), more: str = "") -> str:
    """Return the text of a pyproject.toml.

    Args:
        backend: the value of ``build-backend``.
        requires: the values of ``requires``.
        more: further lines of ``[build-system]``.
    """
    return _PYPROJECT.format(
        backend=backend,
        requires="[" + ", ".join(f'"{requirement}"' for requirement in requires) + "]",
        more=f"{more}\n" if more else "",
        name=NAME,
        version=VERSION,
    )


def src_layout(root: Path, backend: str, files: int = 300, functions: range = range(4, 40)) -> Path:
    """Write a project in src layout, its modules a few kilobytes each.

    Args:
        root: where; is created.
        backend: the value of ``build-backend``.
        files: how many files there are, ``pyproject.toml`` and all.
        functions: how many functions a module may have; each is a quarter of a kilobyte.
    """
    package = root / "src" / NAME
    package.mkdir(parents=True)
    (root / "pyproject.toml").write_text(pyproject(backend))
    (root / "README.md").write_text("# crowded\n\nMany modules.\n" * 20)
    (package / "py.typed").write_text("")
    (package / "__init__.py").write_text("def main() -> None:\n    print('crowded')\n")
    written, number = 4, 0
    source = random.Random(files)
    while written < files:
        directory = package / f"part{number // _MODULES_OF_A_PACKAGE:02}"
        if not directory.exists():
            directory.mkdir()
            (directory / "__init__.py").write_text("")
            written += 1
            continue
        (directory / f"module{number:03}.py").write_text(_module(number, source, functions))
        number += 1
        written += 1
    return root


def _module(number: int, source: random.Random, functions: range) -> str:
    """Return the text of a module that compresses about as well as a real one."""
    texts = []
    for index in range(source.randrange(functions.start, functions.stop)):
        default, added, modulus = (source.randrange(1, 10**9) for _ in range(3))
        texts.append(
            f"def function_{number}_{index}(value: int, factor: int = {default}) -> int:\n"
            f'    """Return *value* changed by {source.getrandbits(96):x}."""\n'
            f"    for step in range({source.randrange(2, 90)}):\n"
            f"        value = (value * factor + step + {added}) % {modulus}\n"
            f"    return value\n"
        )
    return f'"""Module {number}."""\n\n\n' + "\n\n".join(texts)


_SETUP = """\
import os

from setuptools import setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.editable_wheel import editable_wheel
from setuptools.command.sdist import sdist


def log(event):
    if "BUILDS" in os.environ:
        with open(os.environ["BUILDS"], "a") as builds:
            builds.write(f"{os.getsid(0)} {event}\\n")


def logged(command):
    class Logged(command):
        def run(self):
            log(f"begins {command.__name__}")
            super().run()
            log(f"ends {command.__name__}")

    return Logged


setup(cmdclass={c.__name__: logged(c) for c in (sdist, bdist_wheel, editable_wheel)})
"""

_TOX = """\
[tox]
env_list = {sdist,wheel,editable}-{a,b,c}
venv_redirect = false

[testenv]
package =
    sdist: sdist
    wheel: wheel
    editable: editable
pass_env = BUILDS
set_env =
    editable: PYTHONDONTWRITEBYTECODE = 1
commands = crowded

[pkgenv]
pass_env = BUILDS
"""

_NOX = """\
import nox


@nox.session
def installed(session: nox.Session) -> None:
    session.install(".")
    session.run("crowded")
"""

_MANIFEST = """\
graft src
include noxfile.py tox.ini uv.lock
global-exclude *.py[co]
"""


def workspace(root: Path, backend: str, requires: tuple[str, ...], files: int) -> Path:
    """Write a project that has a configuration for every frontend.

    Its ``setup.py`` appends a line to the file ``$BUILDS`` when it begins and when it ends to
    make an artifact, with the session that this happens in: ``1234 ends bdist_wheel``.

    Args:
        root: where; is created.
        backend: the value of ``build-backend``.
        requires: the values of ``requires``.
        files: how many files there are in the package and beside it.
    """
    src_layout(root, backend, files)
    (root / "pyproject.toml").write_text(pyproject(backend, requires))
    (root / "setup.py").write_text(_SETUP)
    (root / "MANIFEST.in").write_text(_MANIFEST)
    (root / "tox.ini").write_text(_TOX)
    (root / "noxfile.py").write_text(_NOX)
    return root
