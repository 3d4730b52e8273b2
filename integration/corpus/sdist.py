"""Published sdists: fetched once, unpacked as often as needed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from .errors import CorpusError, first_error_line

if TYPE_CHECKING:
    from .project import Project


@dataclass(frozen=True)
class Sdist:
    """The source distribution of one version of a project."""

    path: Path
    form: ClassVar[str] = "sdist"

    @property
    def version(self) -> str:
        """The version in the file's name."""
        return self._stem.rpartition("-")[2]

    @property
    def _stem(self) -> str:
        return self.path.name.removesuffix(".tar.gz").removesuffix(".zip")

    def unpack(self, parent: Path) -> Path:
        """Unpack below *parent*, which is emptied before, and return the project root."""
        shutil.rmtree(parent, ignore_errors=True)
        parent.mkdir(parents=True)
        if self.path.suffix == ".zip":
            with zipfile.ZipFile(self.path) as archive:
                archive.extractall(parent)
        else:
            with tarfile.open(self.path) as archive:
                archive.extractall(parent, filter="data")
        roots = list(parent.iterdir())
        if len(roots) != 1:
            raise CorpusError(f"{self.path.name} holds {len(roots)} directories instead of one.")
        return roots[0]


def fetch(project: Project, cache: Path) -> Sdist:
    """Return the sdist of *project*, from *cache* if it is there, else with pip.

    pip builds the metadata of what it downloads. That takes seconds, needs a working backend and
    is of no use here, but there is no way around it; so a project whose sdist is in the cache
    stays at that version until the cache is deleted.

    Raises:
        CorpusError: pip does not get it.
    """
    directory = cache / "sdists" / project.requirement
    found = _in(directory)
    if found is None:
        passing = directory.with_name(f".{project.requirement}.{os.getpid()}")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--no-binary", project.name, "--dest", str(passing), project.requirement]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            shutil.rmtree(passing, ignore_errors=True)
            raise CorpusError(f"pip cannot fetch it: {first_error_line(done.stderr)}")
        passing.rename(directory)
        found = _in(directory)
    if found is None:
        raise CorpusError("pip fetched something that is not an sdist.")
    return found


def _in(directory: Path) -> Sdist | None:
    for pattern in ("*.tar.gz", "*.zip"):
        for path in sorted(directory.glob(pattern)):
            return Sdist(path)
    return None
