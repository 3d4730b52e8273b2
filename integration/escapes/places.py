"""Where the processes of a hook may write."""

from __future__ import annotations

import fnmatch
import functools
import os
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .trace import Trace, Write, is_lock

#: No files: what is written there is gone, or of no file system.
_DEVICES = ("/dev", "/proc", "/sys")

#: Where programs that do not know TMPDIR put what they need for a while.
_TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm")

#: The directory of this user's slots. (A build without one works in a passing directory.)
_HOME = f"isolated-backend.{os.getuid()}"

#: The name of a project's directory in there, and what it holds beside slots.
_PROJECT = re.compile(r".+-[0-9a-f]{8}")
_BESIDE_SLOTS = ("[0-9]*.lock", "[0-9]*.kept", "*.writes")

#: Parts of names that are others in the next run, and what to show for them.
_PASSING = (
    (re.compile(r"(__pycache__)/.*"), r"\1"),
    (re.compile(r"\btmp[a-z0-9_]{8}"), "tmp*"),
    (re.compile(r"\.[0-9a-f]+\.isolated-backend-new$"), ".*.isolated-backend-new"),
)

#: A compiled file of a module, and the name that it has until it is complete.
_COMPILED = re.compile(r"/__pycache__(/[^/]+\.pyc(\.\d+)?)?$")


@dataclass(frozen=True)
class Places:
    """The directories of one hook call.

    Attributes:
        whole: all of the following is in there, and nothing else may be made.
        tree: what the project is made of; its root is in there.
        root: the project root.
        temporary: the TMPDIR.
        output: directories that the frontend has given.
        caches: those of the user.
        modules: where modules may be compiled: environments, the backend.
        trace: what the hook did.
    """

    whole: Path
    tree: Path
    root: Path
    temporary: Path
    output: tuple[Path, ...]
    caches: tuple[Path, ...]
    modules: tuple[Path, ...]
    trace: Trace

    def label(self, path: str) -> str:
        """Return a name for *path* that is the same for every run."""
        for passing, shown in _PASSING:
            path = passing.sub(shown, path)
        for name, directory in (
            ("", self.root),
            ("TREE", self.tree),
            ("TMPDIR", self.temporary),
            *(("OUTPUT", output) for output in self.output),
            ("..", self.whole),
        ):
            if path == str(directory):
                return name or "the root"
            if is_in(path, [directory]):
                return os.path.join(name, os.path.relpath(path, directory))
        return path

    def is_in_tree(self, path: str) -> bool:
        """Tell whether *path* is a part of what the project is made of."""
        return is_in(path, [self.tree])

    @property
    def is_held(self) -> bool:
        """Whether the hook has held a part of the tree for writing."""
        return any(self.is_in_tree(path) and is_lock(path) for path in self.trace.locked())

    def fault(self, write: Write) -> str:
        """Return what is wrong with *write*, which is not in the tree; empty if nothing is."""
        path = write.path
        if is_in(path, self.output) or is_in(path, self.caches):
            return ""
        if is_in(path, self.modules) and _COMPILED.search(path):
            return ""
        if is_in(path, [self.temporary]):
            inside = os.path.relpath(path, self.temporary)
            home, _, rest = inside.partition("/")
            if home == _HOME:
                return self._fault_at_home(rest)
            return self._fault_of_passing(write, self.temporary)
        for directory in map(Path, _TEMPORARY):
            if is_in(path, [directory]) and not is_in(path, [self.whole]):
                return self._fault_of_passing(write, directory)
        return "" if is_in(path, map(Path, _DEVICES)) else "outside of all places"

    def _fault_at_home(self, rest: str) -> str:
        """Look at *rest*, a path in the directory of slots."""
        project, _, rest = rest.partition("/")
        slot = rest.partition("/")[0]
        if slot.isdigit():
            lock = self.temporary / _HOME / project / f"{slot}.lock"
            return "" if str(lock) in self.trace.locked() else "a slot that is not leased"
        is_right = _PROJECT.fullmatch(project) and (not rest or is_named(rest, _BESIDE_SLOTS))
        return "" if is_right or not project else "beside the slots"

    def _fault_of_passing(self, write: Write, directory: Path) -> str:
        """Look at a file that is to be there for a while only, and nobody else's meanwhile."""
        top = self.top(write.path, directory)
        if os.path.lexists(top):
            return f"left in {'TMPDIR' if directory == self.temporary else directory}"
        return "" if self._first[top].is_new else "a name in TMPDIR that others may have taken"

    @functools.cached_property
    def _first(self) -> dict[str, Write]:
        """The first write to each entry of a directory for temporary files, or below it."""
        found: dict[str, Write] = {}
        directories = [self.temporary, *map(Path, _TEMPORARY)]
        for write in self.trace.writes:
            for directory in directories:
                if is_in(write.path, [directory]):
                    found.setdefault(self.top(write.path, directory), write)
        return found

    def passing(self) -> set[str]:
        """Return the names in TMPDIR that are used for a while, without those of slots."""
        tops = {
            os.path.basename(self.top(write.path, self.temporary))
            for write in self.trace.writes
            if is_in(write.path, [self.temporary])
        }
        return tops - {_HOME}

    @staticmethod
    def top(path: str, directory: Path) -> str:
        """Return the part of *path* that is an entry of *directory*."""
        return str(directory / Path(path).relative_to(directory).parts[0])


def is_in(path: str, directories: Iterable[Path]) -> bool:
    """Tell whether *path* is in one of *directories*."""
    return any(path == str(one) or path.startswith(f"{one}{os.sep}") for one in directories)


def is_named(path: str, patterns: Iterable[str]) -> bool:
    """Tell whether one of *patterns* is for *path*."""
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)


def of_modules(environment: Path) -> tuple[Path, ...]:
    """Return where modules are that a hook in *environment* may import, and Python compile."""
    import isolated_backend

    ours = Path(isolated_backend.__file__).parent
    base = Path(os.path.realpath(environment / "bin" / "python")).parents[1]
    return environment, base, Path(sys.base_prefix), ours
