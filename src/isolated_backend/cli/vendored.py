"""The backend's own package as a part of a project (``backend-path``)."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from contextlib import suppress
from fnmatch import fnmatchcase
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from .errors import CommandError
from .project import DISTRIBUTION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .pyproject import Pyproject

_PACKAGE = Path(__file__).parents[1]
_LICENSE = "LICENSE"


def place(pyproject: Pyproject, directory: str) -> PurePosixPath:
    """Return where in the project a package may go that the user wants in *directory*.

    Args:
        pyproject: the project's pyproject.toml.
        directory: relative to the root, or absolute.

    Returns:
        The directory, relative to the root.

    Raises:
        CommandError: the package would be in the way there.
    """
    root = pyproject.path.parent
    # The directory itself does not exist yet; what it is in may be named through links.
    absolute = Path(os.path.realpath(root / directory))
    if root not in absolute.parents:
        raise CommandError(f"--in-tree {directory} is not a directory below {root}.")
    relative = absolute.relative_to(root)
    if _is_taken_for_a_package(pyproject, relative.parts[0]):
        raise CommandError(
            f"--in-tree {directory}: setuptools would take {relative.parts[0]} for a package of "
            "this project's; choose a name with a dot in it, such as .backend."
        )
    if os.path.lexists(root / directory):
        raise CommandError(f"--in-tree {directory}: {absolute} exists already; choose a new name.")
    for parent in absolute.parents:
        if parent == root:
            break
        if (parent / "__init__.py").exists():
            raise CommandError(f"--in-tree {directory}: {parent} is a package of the project's.")
    return PurePosixPath(relative.as_posix())


def files() -> dict[str, bytes]:
    """Return the content of the package's files, by relative path: all but the command line's."""
    found = {
        path.relative_to(_PACKAGE).as_posix(): path.read_bytes()
        for path in sorted(_PACKAGE.rglob("*"))
        if path.is_file() and not {"cli", "__pycache__"} & set(path.relative_to(_PACKAGE).parts)
    }
    text = _license()
    return {**found, _LICENSE: text} if text else found


def made(root: Path, directory: PurePosixPath) -> list[str]:
    """Return the directories that :func:`put` will make for *directory*, the outermost first."""
    chain = [directory, *directory.parents][:-1]
    return [str(each) for each in reversed(chain) if not (root / each).exists()]


def put(root: Path, directory: PurePosixPath, content: Mapping[str, bytes]) -> None:
    """Put the package into *directory*, whole or not at all.

    Args:
        root: the project root.
        directory: where it goes; it must not exist yet.
        content: the package's files.

    Raises:
        OSError: it cannot be written.
    """
    new = made(root, directory)
    top = root / new[0]
    staged = top.with_name(f".{top.name}.{secrets.token_hex(4)}.tmp")
    package = staged / directory.relative_to(new[0]) / _PACKAGE.name
    try:
        for name, data in content.items():
            path = package / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        staged.rename(top)
    except BaseException:
        shutil.rmtree(staged, ignore_errors=True)
        raise


def digests(directory: PurePosixPath, content: Mapping[str, bytes]) -> dict[str, str]:
    """Return the digests of the package's files in *directory*, by path relative to the root."""
    return {
        str(directory / _PACKAGE.name / name): hashlib.sha256(data).hexdigest()
        for name, data in content.items()
    }


def strange(root: Path, directories: list[str], known: Mapping[str, str]) -> str | None:
    """Return the path of a file in *directories* that is not as :func:`put` has written it.

    Args:
        root: the project root.
        directories: those that :func:`put` has made.
        known: the digests of what it has written.

    Returns:
        The first one, relative to the root; ``None`` if all are. A file may be missing.
    """
    for path in _files(root, directories):
        name = path.relative_to(root).as_posix()
        if path.is_symlink() or not path.is_file():
            return name
        if known.get(name) != hashlib.sha256(path.read_bytes()).hexdigest():
            return name
    return None


def remove(root: Path, directories: list[str]) -> None:
    """Remove what :func:`put` has made, all of it."""
    for name in directories[:1]:
        with suppress(FileNotFoundError):
            shutil.rmtree(root / name)


def _is_taken_for_a_package(pyproject: Pyproject, name: str) -> bool:
    """Tell whether setuptools is known to take the new directory *name* in the root for a package.

    What a setup.py or a setup.cfg has it do is not known: where they list packages, most look for
    an ``__init__.py``.
    """
    root, table = pyproject.path.parent, pyproject.table
    for key in ("tool", "setuptools"):
        table = table.get(key, {})
    packages = table.get("packages")
    if "." in name:
        return False  # that is no module's name
    if isinstance(packages, dict):
        find = packages.get("find", {})
        return (
            find.get("namespaces", True)
            and any(os.path.normpath(where) == os.curdir for where in find.get("where", ["."]))
            and any(fnmatchcase(name, pattern) for pattern in find.get("include", ["*"]))
            and not any(fnmatchcase(name, pattern) for pattern in find.get("exclude", []))
        )
    listed = packages is not None or "py-modules" in table or _lists_packages(root)
    return not listed and not name.startswith("_") and not (root / "src").exists()


def _lists_packages(root: Path) -> bool:
    """Tell whether a setup.py or a setup.cfg seems to list packages or modules."""
    for name in ("setup.py", "setup.cfg"):
        with suppress(FileNotFoundError):
            content = (root / name).read_bytes()
            if b"packages" in content or b"py_modules" in content:
                return True
    return False


def _files(root: Path, directories: list[str]) -> Iterator[Path]:
    """Yield what is in *directories*, but for Python's bytecode."""
    for name in directories[:1]:
        for directory, subdirectories, found in os.walk(root / name):
            links = [each for each in subdirectories if Path(directory, each).is_symlink()]
            subdirectories[:] = [each for each in subdirectories if each != "__pycache__"]
            yield from (Path(directory, each) for each in (*links, *found))


def _license() -> bytes | None:
    """Return the licence's text, which belongs to every copy; ``None`` if it is not installed."""
    with suppress(metadata.PackageNotFoundError):
        for path in metadata.files(DISTRIBUTION) or ():
            if path.name == _LICENSE:
                with suppress(OSError):
                    return path.read_binary()
    return None
