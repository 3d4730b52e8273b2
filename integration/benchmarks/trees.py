"""What is built: generated projects of many sizes, a C extension, and a real project."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..corpus.errors import CorpusError
from ..corpus.project import Project
from ..corpus.sdist import fetch
from ..projects import NAME, pyproject, src_layout
from .contestants import PLAIN, Backend
from .errors import UnavailableError

_REAL = Project("babel", "2.18.0")

#: How many functions a module has, for it to be of about 8 KB.
_FUNCTIONS = range(28, 40)

#: What a file of a generated project takes, for estimates.
_SECONDS = 0.0008

_SETUP = """\
from setuptools import Extension, setup

setup(ext_modules=[Extension("{name}.fast", sources={sources})])
"""

_SOURCES = 4


@dataclass(frozen=True)
class Tree:
    """A project to build.

    Attributes:
        name: what it is called on the command line and in the results.
        title: what it is called in a table.
        files: how many files it has, roughly.
        seconds: what an artifact of it takes, roughly, beyond starting processes.
        pairs: how often it is worth measuring.
        write: writes it to a directory, which is created; a cache directory is at hand.
        legacy: whether it names no backend, so that frontends take setuptools' legacy one.
        setuptools_only: whether it is written for setuptools.
    """

    name: str
    title: str
    files: int
    seconds: float
    pairs: int
    write: Callable[[Path, Path], None]
    legacy: bool = False
    setuptools_only: bool = False

    def build_backend(self, backend: Backend) -> str:
        """Return the value of ``build-backend`` when it is built with *backend*."""
        return f"{backend.module}:__legacy__" if self.legacy else backend.module

    def checkout(self, place: Path, cache: Path, backend: Backend) -> Checkout:
        """Return it at ``place/NAME/BACKEND``, to be built with *backend*.

        Args:
            place: the directory for the trees of this run.
            cache: the directory for what outlives it.
            backend: what it is to be built with.

        Raises:
            UnavailableError: the project cannot be had.
        """
        root = place / self.name / backend.name
        if not root.exists():
            pristine = place / self.name / "pristine"
            if not pristine.exists():
                passing = pristine.with_name("passing")
                shutil.rmtree(passing, ignore_errors=True)
                self.write(passing, cache)
                passing.rename(pristine)
            passing = root.with_name("passing")
            shutil.copytree(pristine, passing, symlinks=True)
            self._configure(passing / "pyproject.toml", backend)
            passing.rename(root)
        return Checkout(root)

    def _configure(self, path: Path, backend: Backend) -> None:
        if not self.legacy:
            text = pyproject(self.build_backend(backend), backend.requires) + backend.more
            path.write_text(text, encoding="utf-8")
            return
        requires = ", ".join(f'"{requirement}"' for requirement in backend.requires)
        with path.open("a", encoding="utf-8") as file:
            file.write(
                f"\n[build-system]\nrequires = [{requires}]\n"
                f'build-backend = "{self.build_backend(backend)}"\n'
            )


class Checkout:
    """A tree that can be made again what it was.

    Attributes:
        root: where it is.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._known = frozenset(path for path, _ in self._walk())

    def restore(self) -> None:
        """Remove what builds have left, so that each finds what the first one found."""
        for path, is_directory in self._walk(only_known=True):
            if path not in self._known:
                if is_directory:
                    shutil.rmtree(path)
                else:
                    os.unlink(path)

    def _walk(self, *, only_known: bool = False) -> list[tuple[str, bool]]:
        """Return the paths below the root, and whether they are directories.

        With *only_known*, what is in a directory that is not known is left out.
        """
        found, waiting = [], [os.fspath(self.root)]
        while waiting:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    is_directory = entry.is_dir(follow_symlinks=False)
                    found.append((entry.path, is_directory))
                    if is_directory and not (only_known and entry.path not in self._known):
                        waiting.append(entry.path)
        return found


def _generated(files: int, pairs: int) -> Tree:
    def write(root: Path, _: Path) -> None:
        src_layout(root, PLAIN.backend.module, files, _FUNCTIONS)

    return Tree(str(files), f"{files:,} files", files, files * _SECONDS, pairs, write)


def _write_extension(root: Path, _: Path) -> None:
    """Write a project with a few modules and an extension of :data:`_SOURCES` C files."""
    src_layout(root, PLAIN.backend.module, 30, _FUNCTIONS)
    names = [f"src/{NAME}/fast{number}.c" for number in range(_SOURCES)]
    (root / "setup.py").write_text(_SETUP.format(name=NAME, sources=names), encoding="utf-8")
    for number, name in enumerate(names):
        (root / name).write_text(_c_source(number), encoding="utf-8")


def _c_source(number: int, functions: int = 30) -> str:
    """Return a C file; the first one has the module in it."""
    text = "#include <Python.h>\n"
    for index in range(functions):
        text += (
            f"\nlong fast_{number}_{index}(long value)\n{{\n"
            f"    for (long step = 0; step < {index + 2}; step++)\n"
            f"        value = (value * {number + 3} + step) % 1000003;\n"
            f"    return value;\n}}\n"
        )
    if number == 0:
        text += (
            "\nstatic struct PyModuleDef fast = {PyModuleDef_HEAD_INIT, "
            '.m_name = "fast", .m_size = -1};\n'
            "\nPyMODINIT_FUNC PyInit_fast(void)\n{\n    return PyModule_Create(&fast);\n}\n"
        )
    return text


def _write_real(root: Path, cache: Path) -> None:
    try:
        fetch(_REAL, cache).unpack(root.with_name("unpacked")).rename(root)
    except CorpusError as error:
        raise UnavailableError(f"{_REAL.name} cannot be fetched: {error}") from None


TREES = {
    tree.name: tree
    for tree in (
        _generated(30, pairs=20),
        _generated(300, pairs=20),
        _generated(3000, pairs=10),
        _generated(10000, pairs=8),
        Tree(
            "extension",
            "C extension",
            files=35,
            seconds=1.2,
            pairs=12,
            write=_write_extension,
            setuptools_only=True,
        ),
        Tree(
            _REAL.name,
            _REAL.requirement.replace("==", " "),
            files=1300,
            seconds=2.5,
            pairs=12,
            write=_write_real,
            legacy=True,
            setuptools_only=True,
        ),
    )
}
"""All of them, in the order of the tables' rows."""
