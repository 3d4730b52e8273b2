"""What setuptools makes in the project root when nobody stops it, where all builds meet."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection


class Place(NamedTuple):
    """A directory or file that every build by setuptools uses.

    Attributes:
        path: relative to the project root; a directory ends with a slash.
        use: what the builds do there to each other, as the end of a sentence.
    """

    path: str
    use: str


_STAGING = (
    "every build stages its sdist in this one directory and removes it at the end, with the files "
    "that another is about to pack"
)
_BUILD = (
    "every build puts its wheel together here; one finds the files of another half-written, or "
    "its own already removed"
)
_METADATA = "every build writes the metadata here, over what another is just reading"
_RESULT = "every build has its unfinished artifact here, under a name that others use or remove"
_BYTECODE = "Python caches here what it compiles of the modules that a build imports"
_EGGS = "every build installs here what `setup_requires` names"

# By the first part of a path, by the whole name of some part, by its end, by its beginning.
_TOPMOST = {"build": _BUILD, "dist": _RESULT}
_NAMES = {"__pycache__": _BYTECODE, ".eggs": _EGGS}
_ENDS = {".egg-info": _METADATA, ".dist-info": _METADATA, ".pyc": _BYTECODE}
_BEGINNINGS = {".tmp-": _RESULT}


def of(path: str, staging: Collection[str] = ()) -> Place | None:
    """Return what of setuptools' the path belongs to; ``None`` if it is the project's own.

    Args:
        path: relative to the project root; a directory may end with a slash.
        staging: the directories in which setuptools stages an sdist.
    """
    parts = path.rstrip("/").split("/")
    for index, part in enumerate(parts):
        use = _use(part, staging, topmost=index == 0)
        if use is not None:
            name = "/".join(parts[: index + 1])
            is_file = index == len(parts) - 1 and not path.endswith("/") and use in _FILES
            return Place(name if is_file else name + "/", use)
    return None


_FILES = (_BYTECODE, _RESULT)


def _use(part: str, staging: Collection[str], *, topmost: bool) -> str | None:
    if topmost and part in staging:
        return _STAGING
    if topmost and part in _TOPMOST:
        return _TOPMOST[part]
    if part in _NAMES:
        return _NAMES[part]
    ends = (use for end, use in _ENDS.items() if part.endswith(end))
    begins = (use for start, use in _BEGINNINGS.items() if part.startswith(start))
    return next(ends, next(begins, None))
