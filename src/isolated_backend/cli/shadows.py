"""The shadows in one directory for temporary files: who has them, and emptying those of nobody."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from ..errors import ShadowError
from ..shadow import slots
from ..shadow.removal import remove
from ..shadow.slots import Tenant
from ..shadow.temporary import PREFIX, is_ours_alone, temporary_directory
from ..shadow.temporary import home as home_of
from .errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator

#: ``idle``: a build may take it, and wipes what a killed one has left. ``kept``: no build takes
#: it. ``unknown``: it cannot be told if somebody is using it.
State: TypeAlias = Literal["in use", "idle", "kept", "unknown"]

# `N`, or of one that is idle and empty only what belongs to it.
_SLOT = re.compile(rf"(\d+)(?:{re.escape(slots.LOCK)}|{re.escape(slots.KEPT)})?")


@dataclass(frozen=True)
class Shadow:
    """A directory that builds work in.

    Attributes:
        path: where it is, or will be when it is used again.
        user: whose it is.
        state: whether it is in use.
        tenant: who has it, if it is in use, or who had it last; ``None`` if that is not known.
        size: the bytes in its files.
    """

    path: Path
    user: str
    state: State
    tenant: Tenant | None
    size: int


@dataclass(frozen=True)
class Cleaning:
    """What emptying shadows came to.

    Attributes:
        emptied: the paths of those that held something.
        compiled: the path of the compiled files that builds share, if there were any.
        size: the bytes that were in all these files.
        in_use: how many were passed over because a build is using them.
        kept: how many were passed over because they were to be kept.
    """

    emptied: tuple[Path, ...]
    compiled: Path | None
    size: int
    in_use: int
    kept: int


def temporary() -> str:
    """Return the directory for temporary files in which shadows are.

    Raises:
        CommandError: there is none.
    """
    try:
        return temporary_directory()
    except ShadowError as error:
        raise CommandError(str(error)) from error


def visible(directory: str) -> list[Shadow]:
    """Return the shadows in *directory*, of every user whose can be seen."""
    found = []
    for home in sorted(Path(directory).glob(PREFIX + "*")):
        with suppress(OSError):
            if _is_home(home):
                found += [_seen(path) for path in _slots(home)]
            elif home.is_dir():
                found.append(Shadow(home, owner(home), "unknown", None, _size(home)))
    return found


def emptied(directory: str, *, kept: bool) -> Cleaning:
    """Empty this user's shadows in *directory* that no build is using.

    Their locks stay: another build may have one open already. Compiled files in the user's cache
    go, too: a build that does not find one compiles.

    Args:
        directory: one for temporary files.
        kept: those that were to be kept, too; builds take them again.
    """
    home = home_of(directory)
    done: list[Path] = []
    freed = in_use = passed = 0
    for path in _slots(Path(home)) if _is_own(home) else ():
        mark = _kept(path)
        if mark.exists() and not kept:
            passed += 1
            continue
        with suppress(FileNotFoundError), slots.taken(str(path)) as is_taken:
            if not is_taken:
                in_use += 1
                continue
            size = _size(path)
            if path.is_dir():
                remove(str(path))
                freed += size - _size(path)
                done.append(path)
            mark.unlink(missing_ok=True)
    compiled = _compiled()
    if compiled:
        freed += _size(compiled)
        remove(str(compiled))
    return Cleaning(tuple(done), compiled, freed, in_use, passed)


def _is_own(path: str) -> bool:
    return os.path.lexists(path) and is_ours_alone(path)


def _compiled() -> Path | None:
    """Return the directory of the compiled files that this user's builds share, if there is one."""
    try:
        from ..shortcuts.compiled import directory
    except ImportError:  # shortcuts can be left out
        return None
    path = Path(directory())
    return path if path.is_dir() and _is_own(str(path.parent)) else None


def counted(number: int, noun: str) -> str:
    """Return the words for *number* of what *noun* says."""
    return f"{number} {noun}{'s' * (number != 1)}"


def owner(path: Path) -> str:
    """Return whose *path* is: the name, or else the number, as far as it can be told."""
    try:
        return path.owner()
    except KeyError:  # there is no such user here, as in a container
        return str(path.stat().st_uid)
    except (NotImplementedError, OSError):
        return "unknown"


def _slots(home: Path) -> Iterator[Path]:
    """Yield the paths of all slots in *home*, project by project."""
    for project in sorted(home.iterdir()):
        with suppress(NotADirectoryError, FileNotFoundError):
            matches = map(_SLOT.fullmatch, os.listdir(project))
            for number in sorted({int(match[1]) for match in matches if match}):
                yield project / str(number)


def _seen(path: Path) -> Shadow:
    tenant = Tenant.of(str(path))
    return Shadow(path, owner(path.parent), _state(path), tenant, _size(path))


def _state(path: Path) -> State:
    if _kept(path).exists():
        return "kept"
    # A build that begins in just this instant takes the next slot: no harm is done.
    try:
        with slots.taken(str(path)) as is_taken:
            return "idle" if is_taken else "in use"
    except OSError:
        return "unknown"


def _kept(path: Path) -> Path:
    return path.with_name(path.name + slots.KEPT)


def _is_home(path: Path) -> bool:
    """Tell whether *path* holds slots: others of the like names are one build's alone."""
    if sys.platform == "win32":
        return str(path) == home_of(str(path.parent))
    return path.name == f"{PREFIX}{path.lstat().st_uid}"


def _size(path: Path) -> int:
    """Return the bytes in the files below *path*, which may come and go."""
    total = 0
    for directory, _, files in os.walk(path):
        for name in files:
            with suppress(OSError):
                total += os.lstat(os.path.join(directory, name)).st_size
    return total
