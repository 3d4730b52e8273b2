"""Telling how two artifacts, or two trees, differ."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from artifacts import members

if TYPE_CHECKING:
    from snapshot import Snapshot

_FIELDS = {
    "tar.gz": ("type", "mode", "link", "content"),
    "whl": ("compression", "mode", "content"),
}


def between_artifacts(plain: Path, ours: Path) -> list[str]:
    """Return one line for each member of the one that the other has not got just so."""
    theirs = {str(name): rest for name, *rest in members(plain)}
    mine = {str(name): rest for name, *rest in members(ours)}
    fields = _FIELDS["whl" if plain.suffix == ".whl" else "tar.gz"]
    lines = [f"not in ours: {name}" for name in theirs if name not in mine]
    lines += [f"only in ours: {name}" for name in mine if name not in theirs]
    for name, facts in mine.items():
        unlike = [
            field
            for field, one, other in zip(fields, facts, theirs.get(name, facts), strict=True)
            if one != other
        ]
        if unlike:
            lines.append(f"another {' and '.join(unlike)}: {name}")
    if not lines and members(plain) != members(ours):
        lines.append("another order of the members")
    return lines


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
