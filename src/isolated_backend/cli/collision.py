"""What builds fought over: derived from what they say, what they made, and what they left."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import places

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from .finding import Half
    from .frontend import Kind
    from .places import Place

# In quotes, or a word with a slash in it.
_PATH = re.compile(r"'([^']+)'|\"([^\"]+)\"|([^\s'\"]*[/\\][^\s'\"]*)")

# The members of a wheel, and of an sdist, that are made of the metadata in the root.
_METADATA = re.compile(r"^[^/]+\.dist-info/|^[^/]+/PKG-INFO$|\.egg-info/")


@dataclass(frozen=True)
class Collision:
    """A place that builds fought over.

    Attributes:
        place: the place.
        failed: for each build that failed there, the path that its error names.
        spoiled: for each artifact that came out wrong there, its kind.
    """

    place: Place
    failed: tuple[str, ...]
    spoiled: tuple[Kind, ...]


@dataclass(frozen=True)
class Collisions:
    """All that builds of one half fought over.

    Attributes:
        found: the places, that of the most builds first.
        nowhere: how many builds failed without naming a place.
        common: the places that builds have changed in the root: one of them it must be.
    """

    found: tuple[Collision, ...]
    nowhere: int
    common: tuple[str, ...]


def of(half: Half, incomparable: Collection[Kind] = ()) -> Collisions:
    """Return what the builds of *half* fought over.

    Args:
        half: what came out of them.
        incomparable: the kinds of which nothing can be said about the contents.
    """
    staging = {half.alone["sdist"].directory} if "sdist" in half.alone else set()
    known: dict[str, Place] = {}
    failed: dict[str, list[str]] = {}
    spoiled: dict[str, list[Kind]] = {}
    nowhere = 0
    for _, error in half.failures:
        named = next(_named(error, staging), None)
        if named is None:
            nowhere += 1
            continue
        path, place = named
        known[place.path] = place
        failed.setdefault(place.path, []).append(path)
    left = dict.fromkeys(filter(None, (places.of(path, staging) for path in half.foreign)))
    for kind, alone in half.alone.items():
        if kind in incomparable:
            continue
        for made in half.made(kind):
            if not made.same_as(alone):
                place = _made_in(kind, made.differing(alone), alone.directory, left)
                known[place.path] = place
                spoiled.setdefault(place.path, []).append(kind)
    found = [
        Collision(place, tuple(failed.get(path, ())), tuple(spoiled.get(path, ())))
        for path, place in known.items()
    ]
    found.sort(key=lambda each: (-len(each.failed), -len(each.spoiled), each.place.path))
    return Collisions(tuple(found), nowhere, tuple(place.path for place in left))


def _named(error: str, staging: Collection[str]) -> Iterator[tuple[str, Place]]:
    """Yield the paths that the line *error* names and that are of setuptools, and their places."""
    for match in _PATH.finditer(error):
        text = next(filter(None, match.groups())).rstrip(":,;)]")
        path = posixpath.normpath(re.sub(r"\\+", "/", text))
        # What the project root is left out of is relative; an absolute one is elsewhere.
        place = None if path.startswith(("/", "..")) else places.of(path, staging)
        if place:
            yield path, place


def _made_in(
    kind: Kind, differing: Collection[str], directory: str, left: Collection[Place]
) -> Place:
    """Return where an artifact of *kind* got its wrong members from.

    Args:
        kind: its kind.
        differing: the members that are wrong.
        directory: what an sdist of this project unpacks to.
        left: what the builds have left in the root.
    """
    metadata = [place for place in left if place.path.endswith(".egg-info/")]
    if metadata and all(_METADATA.search(name) for name in differing):
        return metadata[0]
    found = places.of("build/") if kind == "wheel" else places.of(directory + "/", {directory})
    assert found is not None
    return found
