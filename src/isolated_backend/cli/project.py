"""The project to check: what builds it, and copies of it that another backend builds."""

from __future__ import annotations

import os
import posixpath
import re
import shutil
import stat
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import tomlkit
from packaging.utils import canonicalize_name

from .errors import CommandError
from .pyproject import Pyproject

if TYPE_CHECKING:
    from collections.abc import Iterator

DISTRIBUTION = "isolated-backend"

#: What isolated_backend itself needs; a test holds it to be what pyproject.toml says.
BACKEND_REQUIRES = ("setuptools>=64", "wheel", "packaging", "filelock>=3.30")

_SETUPTOOLS = "setuptools.build_meta"
_LEGACY = "setuptools.build_meta:__legacy__"
_OURS = {_SETUPTOOLS: "isolated_backend", _LEGACY: "isolated_backend:__legacy__"}
_SETUPTOOLS_OF = {ours: setuptools for setuptools, ours in _OURS.items()}

#: What PEP 518 has a frontend assume where pyproject.toml does not say it.
_DEFAULT_REQUIRES = ("setuptools >= 40.8.0",)

#: How the names of temporary directories begin. They are left out of copies of a project that
#: TMPDIR lies inside of, as those of a check that was killed.
SCRATCH_PREFIX = "isolated-backend-check-"

# Directories that no build reads, and that can be as large as all the rest.
_HEAVY = frozenset(
    {"__pycache__", ".tox", ".nox", ".venv", ".mypy_cache", ".pytest_cache", ".ruff_cache"}
)

# A copy that differs from the commit makes setuptools-scm and its like add to the version. That
# has to happen with either backend, or their artifacts could not be compared.
_MARK = "# This is a copy, made by isolated-backend check.\n"


@dataclass(frozen=True)
class Project:
    """A project that setuptools builds.

    Attributes:
        root: its directory.
        named_backend: what its pyproject.toml names as ``build-backend``, or implies.
        requires: its static build requirements, without isolated-backend.
        in_tree: the directories, relative to the root, in which it has isolated_backend itself.
    """

    root: Path
    named_backend: str
    requires: tuple[str, ...]
    in_tree: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of the directory."""
        return self.root.name

    @property
    def own_backend(self) -> str:
        """The backend of setuptools that builds the project, or did before isolated_backend."""
        return _SETUPTOOLS_OF.get(self.named_backend, self.named_backend)

    @property
    def our_backend(self) -> str:
        """The backend of isolated_backend that takes its place."""
        return _OURS[self.own_backend]


def find(path: str) -> Project:
    """Return the project in the directory *path*.

    Args:
        path: a directory.

    Raises:
        CommandError: there is no project, it is not a valid one, or setuptools does not build it.
    """
    root = Path(os.path.realpath(path))
    if not root.is_dir():
        raise CommandError(f"{path} is not a directory.")
    pyproject = Pyproject.read(root)
    scripts = any((root / name).is_file() for name in ("setup.py", "setup.cfg"))
    if pyproject.content is None and not scripts:
        raise CommandError(
            f"{root} is no project: it has no pyproject.toml, no setup.py and no setup.cfg."
        )
    table = pyproject.build_system
    backend = table.get("build-backend", _LEGACY)
    if backend not in _OURS and backend not in _SETUPTOOLS_OF:
        raise CommandError(
            f"{root.name} builds with {backend}, not setuptools; "
            "isolated_backend isolates setuptools only."
        )
    if "build-backend" not in table and not scripts and "project" not in pyproject.table:
        raise CommandError(
            f"{pyproject.path} has nothing to build: it names no build-backend and has no "
            "[project], and there is no setup.py and no setup.cfg."
        )
    requires = table.get("requires", _DEFAULT_REQUIRES)
    in_tree = table.get("backend-path", ()) if backend in _SETUPTOOLS_OF else ()
    return Project(
        root, backend, tuple(r for r in requires if not _is_ours(r, pyproject)), tuple(in_tree)
    )


@contextmanager
def copied(project: Project, to: Path, backend: str) -> Iterator[None]:
    """While this is open, keep a copy of *project* at *to* that *backend* builds.

    Args:
        project: what to copy.
        to: where to copy it; it must not exist yet.
        backend: what the copy's pyproject.toml is to name.

    Raises:
        CommandError: it cannot be copied.
    """
    try:
        shutil.copytree(project.root, to, symlinks=True, ignore=_not_needed)
        _name_backend(project, to / "pyproject.toml", backend)
        if project.in_tree:
            _list_backend(project, to / "MANIFEST.in")
    except shutil.Error as error:
        source, _, reason = error.args[0][0]
        raise CommandError(f"{source} cannot be copied: {reason}.") from error
    except OSError as error:
        raise CommandError(f"{project.root} cannot be copied: {error}.") from error
    try:
        yield
    finally:
        _discard(to)


def _is_ours(requirement: str, pyproject: Pyproject) -> bool:
    """Tell whether *requirement* is for isolated-backend, which is not installed but laid out."""
    return canonicalize_name(pyproject.requirement(requirement).name) == DISTRIBUTION


def _not_needed(directory: str, names: list[str]) -> list[str]:
    """Return those of *names* in *directory* that no build needs or that cannot be copied."""

    def skipped(name: str) -> bool:
        path = os.path.join(directory, name)
        if os.path.islink(path):
            return False
        if os.path.isdir(path):
            return (
                name in _HEAVY
                or name.startswith(SCRATCH_PREFIX)
                or os.path.exists(os.path.join(path, "pyvenv.cfg"))
                # Below the root it may be a package's data.
                or (name == "node_modules" and _is_root(directory))
            )
        return not os.path.isfile(path)  # a socket, a pipe

    return [name for name in names if skipped(name)]


def _is_root(directory: str) -> bool:
    return any(os.path.exists(os.path.join(directory, n)) for n in ("pyproject.toml", "setup.py"))


def _name_backend(project: Project, pyproject: Path, backend: str) -> None:
    """Have *pyproject*, of a copy of *project*, name *backend*.

    The table is written out even where it is implied, with the same requirements for every
    backend: so the copies differ by no more than the backend's name.
    """
    document = Pyproject.read(pyproject.parent).document()
    table = document.setdefault("build-system", tomlkit.table())
    table["requires"] = [*project.requires, DISTRIBUTION]
    table["build-backend"] = backend
    if backend != project.named_backend:
        table.pop("backend-path", None)  # the other backend is not in the tree
    text = tomlkit.dumps(document)
    content = (text if text.endswith("\n") else text + "\n") + _MARK
    _replace(pyproject, content.encode())


def _list_backend(project: Project, manifest: Path) -> None:
    """Have *manifest*, of a copy of *project*, name the backend that is in the tree.

    The sdist of isolated_backend holds it in any case; that of setuptools only if it is told to.
    """
    content = manifest.read_bytes() if manifest.exists() else b""
    for path in project.in_tree:
        # A blank ends a word there, and nothing escapes it; but a question mark matches it.
        directory = re.sub(r"\s", "?", posixpath.join(path, "isolated_backend"))
        content += f"\nrecursive-include {directory} *.py py.typed\n".encode()
    _replace(manifest, content)


def _replace(file: Path, content: bytes) -> None:
    """Give *file*, of a copy, this *content*, and leave its mode."""
    mode = stat.S_IMODE(file.stat().st_mode) if file.exists() else 0o644
    # Never write through a link: it may lead out of the copy. Nor can a read-only file be.
    file.unlink(missing_ok=True)
    file.write_bytes(content)
    file.chmod(mode)


def _discard(tree: Path) -> None:
    """Remove *tree*, read-only directories and all, which TemporaryDirectory knows how to do."""
    tree.chmod(0o700)
    with tempfile.TemporaryDirectory(dir=tree.parent, ignore_cleanup_errors=True) as bin_:
        tree.rename(Path(bin_) / tree.name)
