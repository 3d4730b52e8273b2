"""Telling how two artifacts, or two trees, differ."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

from artifacts import members

from .binary import equal_without_debugging_symbols

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from snapshot import Snapshot

_FIELDS = {
    "tar.gz": ("type", "mode", "link", "content"),
    "whl": ("compression", "mode", "content"),
}


def between_artifacts(plain: Path, ours: Path) -> list[str]:
    """Return one line for each member of the one that the other has not got just so.

    A wheel's RECORD repeats the digests of the others; what merely follows from those has no line.
    """
    theirs = {str(name): rest for name, *rest in members(plain)}
    mine = {str(name): rest for name, *rest in members(ours)}
    fields = _FIELDS["whl" if plain.suffix == ".whl" else "tar.gz"]
    lines = [f"not in ours: {name}" for name in theirs if name not in mine]
    lines += [f"only in ours: {name}" for name in mine if name not in theirs]
    unlike = {}
    for name, facts in mine.items():
        found = [
            field
            for field, one, other in zip(fields, facts, theirs.get(name, facts), strict=True)
            if one != other
        ]
        if found:
            unlike[name] = " and ".join(found)
    if plain.suffix == ".whl":
        _look_into_contents(plain, ours, unlike)
    lines += [f"another {what}: {name}" for name, what in unlike.items()]
    if not lines and members(plain) != members(ours):
        lines.append("another order of the members")
    return lines


def _look_into_contents(plain: Path, ours: Path, unlike: dict[str, str]) -> None:
    """Say more of the members of two wheels that are *unlike* in their contents."""
    contents = [name for name, what in unlike.items() if what == "content"]
    with zipfile.ZipFile(plain) as theirs, zipfile.ZipFile(ours) as mine:
        for name in contents:
            one, other = theirs.read(name), mine.read(name)
            if name.endswith(".dist-info/RECORD"):
                if _lines_but(one, contents) == _lines_but(other, contents):
                    del unlike[name]
            elif equal_without_debugging_symbols(one, other):
                unlike[name] = "debugging symbols"


def _lines_but(record: bytes, names: Collection[str]) -> list[str]:
    """Return the lines of a RECORD but for those about *names*."""
    lines = record.decode().splitlines()
    return [line for line in lines if line.rsplit(",", 2)[0] not in names]


def changed_paths(before: Snapshot, after: Snapshot) -> dict[str, object]:
    """Return what is at each path that was created, changed or (``None``) removed."""
    return {
        path: after.get(path)
        for path in sorted(before.keys() | after.keys())
        if before.get(path) != after.get(path)
    }


def between_trees(plain: Mapping[str, object], ours: Mapping[str, object]) -> list[str]:
    """Return one line for each path that is not the same in both."""
    return [
        f"another content: {path}" if path in plain and path in ours else f"in one only: {path}"
        for path in sorted(plain.keys() | ours.keys())
        if plain.get(path) != ours.get(path)
    ]
