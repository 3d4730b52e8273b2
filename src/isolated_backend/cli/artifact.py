"""What is in an sdist or a wheel."""

from __future__ import annotations

import hashlib
import tarfile
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class Member:
    """A member of an archive: its name, its type and mode, and its content or where it links."""

    name: str
    attributes: str
    content: str

    @property
    def is_pyproject(self) -> bool:
        """Whether it is an sdist's pyproject.toml, which names the backend."""
        return self.name.partition("/")[2] == "pyproject.toml"


@dataclass(frozen=True)
class Contents:
    """The members of an archive, in its order; times do not count."""

    members: tuple[Member, ...]

    @property
    def directory(self) -> str:
        """The directory that an sdist unpacks to."""
        return self.members[0].name.partition("/")[0] if self.members else ""

    def same_as(self, other: Contents) -> bool:
        """Tell whether *other* holds the same, whatever backend its pyproject.toml names."""
        return self._comparable() == other._comparable()

    def differing(self, other: Contents) -> list[str]:
        """Return the names of the members that make the difference to *other*.

        Returns:
            The names, in order; if there are only the same members in another order, the first
            that is out of place.
        """
        ours, theirs = self._comparable(), other._comparable()
        names = sorted({member.name for member in set(ours) ^ set(theirs)})
        if not names:
            names = [ours[i].name for i in range(len(ours)) if ours[i : i + 1] != theirs[i : i + 1]]
            return names[:1]
        return names

    def _comparable(self) -> tuple[Member, ...]:
        return tuple(
            Member(member.name, member.attributes, "") if member.is_pyproject else member
            for member in self.members
        )


def read(path: Path) -> Contents:
    """Return what is in the artifact at *path*.

    A damaged one has the damage as its only member, and so is different from every sound one.
    """
    members = _wheel(path) if path.suffix == ".whl" else _sdist(path)
    try:
        return Contents(tuple(members))
    except (OSError, EOFError, zlib.error, tarfile.TarError, zipfile.BadZipFile) as error:
        return Contents((Member("(the archive is damaged)", "", f"{error}"),))


def _sdist(path: Path) -> Iterator[Member]:
    with tarfile.open(path) as archive:
        for entry in archive:
            file = archive.extractfile(entry) if entry.isfile() else None
            content = _digest(file.read()) if file else entry.linkname
            yield Member(entry.name, f"{entry.type!r} {entry.mode:o}", content)


def _wheel(path: Path) -> Iterator[Member]:
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            attributes = f"{entry.external_attr:o}"
            yield Member(entry.filename, attributes, _digest(archive.read(entry)))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
