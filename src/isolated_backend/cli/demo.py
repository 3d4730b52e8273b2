"""A project to show `check` with: a real one from the package index, else a generated one."""

from __future__ import annotations

import os
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

from . import environment, failure, process
from .errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable

#: More than 1,000 data files, pure Python, and no build requirement but setuptools.
NAME, VERSION = "babel", "2.18.0"

_PYPROJECT = """\
[build-system]
requires = ["setuptools>=64"]
build-backend = "setuptools.build_meta"

[project]
name = "sample"
version = "1.0"

[tool.setuptools.packages.find]
where = ["src"]
"""


def fetch_or_generate(directory: Path, say: Callable[[str], None]) -> Path:
    """Return the root of a project to show `check` with.

    Args:
        directory: where to put it; it must not exist yet.
        say: is told, in a line, what it is.
    """
    directory.mkdir()
    say(f"fetching {NAME} {VERSION}")
    try:
        return fetch(directory)
    except CommandError as error:
        say(f"{NAME} cannot be fetched ({error}); taking a generated project instead")
        return generate(directory / "sample")


def fetch(directory: Path) -> Path:
    """Fetch a real project's sdist into *directory* and return the root that it unpacks to.

    Raises:
        CommandError: it cannot be fetched.
    """
    command = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
        *("--retries", "1", "--no-input", "--no-deps", "--no-binary", ":all:"),
        # pip asks the sdist for its metadata; the setuptools that is here can tell.
        *("--no-build-isolation", "--dest", str(directory), f"{NAME}=={VERSION}"),
    ]
    # What pip leaves behind when it is killed goes away with the directory.
    status, output = process.run(command, {**os.environ, **environment.temporary(directory)})
    if status != 0:
        raise CommandError(failure.last_error(output))
    (sdist,) = directory.glob("*.tar.gz")
    unpack(sdist, directory)
    return directory / sdist.name.removesuffix(".tar.gz")


def unpack(sdist: Path, directory: Path) -> None:
    """Unpack *sdist* into *directory*, and nothing anywhere else.

    Raises:
        CommandError: the archive is damaged, or has a member that would land elsewhere.
    """
    try:
        with tarfile.open(sdist) as archive:
            if hasattr(tarfile, "data_filter"):
                archive.extractall(directory, filter="data")
                return
            # A Python without the filter: take what an sdist is made of, below one directory.
            for member in archive:
                parts = Path(member.name).parts
                if not (member.isfile() or member.isdir()) or ".." in parts or parts[0] == "/":
                    raise CommandError(f"{sdist.name} has an unsafe member, {member.name}")
                archive.extract(member, directory)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise CommandError(f"{sdist.name} cannot be unpacked: {error}") from error


def generate(root: Path, modules: int = 300) -> Path:
    """Make a project of one package with *modules* modules in the new directory *root*.

    Returns:
        *root*.
    """
    package = root / "src" / "sample"
    package.mkdir(parents=True)
    (root / "pyproject.toml").write_text(_PYPROJECT, encoding="utf-8")
    (package / "__init__.py").write_text('"""A sample."""\n', encoding="utf-8")
    for number in range(modules):
        module = package / f"module_{number:03}.py"
        module.write_text(f'"""Module {number}."""\n\nNUMBER = {number}\n', encoding="utf-8")
    return root
