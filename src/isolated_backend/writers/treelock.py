"""Readers and the writer of one source tree.

About one setuptools project in eight writes into its own tree while it is built: Cython puts
``.c`` files beside the ``.pyx``, setuptools-scm writes ``_version.py``. Two such hooks at once can
package a half-written file, silently. So every hook reads the tree under a shared lock, and the
first write that it is about to do makes it the one writer until it ends.

A lock among the writers alone would not do. A writes ``x.c`` and ends; B, which decided to
generate it before A was done, writes it once more; C found A's complete and, since it never
writes, compiles it at that moment. So the writer waits for the readers, too, and a new hook waits
for a writer at work. A project that writes nothing never waits.

The lock is the kernel's own ``flock`` on the project's pyproject.toml, opened for reading: there
is no lock file, it works on a read-only mount, and it is the same for every TMPDIR, user and
container that sees the file. (Not on the root directory: people wrap builds in ``flock .``, and a
hook would wait for its own parent.) Where that is not to be had, filelock's lock between readers
and writers stands in, in this user's directory.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ..bytecode import is_the_projects
from ..errors import SettingsError, TreeLockError
from ..messages import tell
from ..shadow.lock import announce, is_announced, retract, try_lock, unlock
from ..shadow.temporary import directory_of, temporary_directory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import TypeAlias

    from ..settings import Settings

    PathAndDirectory: TypeAlias = tuple[Any, Any]

#: Names the tree that a hook holds, for the builds that its own child processes start.
MARKER = "ISOLATED_BACKEND_TREE"

#: Names a file to which each hook adds, a line each, what it sees being written into the tree.
LOG_VARIABLE = "ISOLATED_BACKEND_LOG_WRITES"

_POLL = 0.05


@contextmanager
def held(
    root: str,
    settings: Settings,
    *,
    own: Sequence[str],
    writer: str | None = None,
    told: Sequence[Callable[[str], object]] = (),
) -> Iterator[None]:
    """Hold the tree in *root* for one hook: for reading, and from its first write for writing.

    Args:
        root: the project root.
        settings: ``in_tree_writes`` and ``lock_timeout`` of the project.
        own: directories that are this call's alone wherever they lie: its shadow, and what the
            frontend passed. Writing there is not writing into the tree.
        writer: why this hook writes from the start, if it does.
        told: each is called with every path that is about to be written, relative to *root*.

    Raises:
        TreeLockError: someone else held the tree for longer than ``lock_timeout``.
        SettingsError: what the environment names as a log cannot be written to.
    """
    if is_held_by_a_parent(root):
        yield
        return
    if settings.in_tree_writes == "lock":
        writer = writer or 'in-tree-writes = "lock"'
    with ExitStack() as taken:
        told = list(told)
        if path := os.environ.get(LOG_VARIABLE):
            told.append(taken.enter_context(_log(path)))
        if settings.in_tree_writes != "allow":
            lock = _open(root)
            taken.callback(lock.close)
            hold = _Hold(root, lock, settings.lock_timeout)
            if writer:
                hold.write(writer)
            else:
                hold.read()
                if settings.in_tree_writes != "private":  # there, nothing comes to the tree
                    told.append(hold.write)
            taken.enter_context(_marked(root))
        if told:
            taken.enter_context(_watched(_Watch(root, own, told)))
        yield


class Holder(NamedTuple):
    """A process that holds a tree."""

    pid: int
    writing: bool


class Hold(NamedTuple):
    """Who holds a tree, and whether someone waits to write into it, as far as that can be known."""

    holders: tuple[Holder, ...]
    is_awaited: bool

    @classmethod
    def on(cls, root: str) -> Hold:
        """Look at the tree in *root*, without holding it.

        Raises:
            OSError: there is no such tree.
        """
        descriptor = _opened_tree(root)
        try:
            return cls(_holders(descriptor), is_announced(descriptor))
        finally:
            os.close(descriptor)


@contextmanager
def _log(path: str) -> Iterator[Callable[[str], object]]:
    """Yield what adds a line to the file at *path*.

    Raises:
        SettingsError: the file cannot be opened.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    except OSError as error:
        raise SettingsError(f"{LOG_VARIABLE}: cannot open {path}: {error.strerror}.") from error

    def add(name: str) -> None:
        with suppress(OSError):  # a full disk must not stop the project
            os.write(descriptor, os.fsencode(name) + b"\n")

    try:
        yield add
    finally:
        os.close(descriptor)


# --- the hold of one hook -----------------------------------------------------------------------


class _Hold:
    """What one hook has of its tree: first reading, then perhaps writing."""

    def __init__(self, root: str, lock: _Lock, timeout: float) -> None:
        self._root = root
        self._lock = lock
        self._timeout = timeout
        self._writing = False
        self._threads = threading.Lock()  # build_ext may compile, and write, in several

    def read(self) -> None:
        """Wait until nobody writes."""
        self._wait(self._lock.try_read, "to begin")

    def write(self, what: str) -> None:
        """Wait until nobody else reads or writes; from then on, nobody does.

        Args:
            what: what is to be written, for whoever waits.
        """
        with self._threads:
            if not self._writing:
                self._wait(self._lock.try_write, f"to write ({what})")
                self._writing = True

    def _wait(self, attempt: Callable[[], bool], purpose: str) -> None:
        deadline = time.monotonic() + self._timeout
        pause, told = 0.001, False
        while not attempt():
            if not told and pause >= _POLL:
                tell(f"waiting for {self._others()} {purpose} in {self._root}.")
                told = True
            if time.monotonic() > deadline:
                raise TreeLockError(
                    f"Waited {self._timeout:g} s for {self._others()} {purpose} in {self._root}. "
                    "End it, or raise `lock-timeout` in [tool.isolated-backend]."
                )
            time.sleep(pause)
            pause = min(pause * 2, _POLL)

    def _others(self) -> str:
        found = [describe(pid) for pid in self._lock.holders()]
        return " and ".join(found) or "another build"


def describe(pid: int) -> str:
    """Return words for the process *pid*."""
    with suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
        words = file.read().replace(b"\0", b" ").decode(errors="replace").split()
        return f"process {pid} ({' '.join(words)[:120]})"
    return f"process {pid}"


# --- the lock -----------------------------------------------------------------------------------


class _Lock(Protocol):
    """A lock between readers and writers that a killed process lets go."""

    def try_read(self) -> bool:
        """Hold it for reading, if nobody writes."""
        ...

    def try_write(self) -> bool:
        """Hold it for writing, if nobody else holds it. Failing may give up the reading."""
        ...

    def holders(self) -> list[int]:
        """Return the processes that hold it, as far as that can be known."""
        ...

    def close(self) -> None:
        """Let go."""
        ...


def _open(root: str) -> _Lock:
    """Return the lock of the tree in *root*."""
    try:
        return _KernelLock(root)
    except OSError:
        return _FileLock(root)


class _KernelLock:
    """``flock`` on the project's pyproject.toml, or on the root where there is none.

    Going from reading to writing lets go first, so two that do it at the same time cannot wait
    for each other.

    Raises:
        OSError: this system, or this file system, has no shared lock on a descriptor for reading.
    """

    def __init__(self, root: str) -> None:
        self._owner = os.getpid()
        self._descriptor = _opened_tree(root)
        try:
            try_lock(self._descriptor, shared=True)
        except OSError:
            self.close()
            raise

    def try_read(self) -> bool:
        # Whoever begins leaves the turn to a writer that waits already: builds that follow each
        # other without a gap would keep it waiting for ever.
        if is_announced(self._descriptor):
            unlock(self._descriptor)
            return False
        return try_lock(self._descriptor, shared=True)

    def try_write(self) -> bool:
        if try_lock(self._descriptor):
            return True
        announce(self._descriptor)
        return False

    def holders(self) -> list[int]:
        found = {holder.pid for holder in _holders(self._descriptor)}
        return sorted(found - {os.getpid(), 0, -1})

    def close(self) -> None:
        # A daemon that setup.py has forked has the descriptor, too, and would hold the tree for
        # as long as it lives; a forked child that comes by here must not free its parent's hold.
        if os.getpid() == self._owner:
            with suppress(OSError):
                retract(self._descriptor)
                unlock(self._descriptor)
        os.close(self._descriptor)


def _opened_tree(root: str) -> int:
    """Open what the lock of the tree in *root* is on, for reading."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)  # never wait for whatever else it is
    try:
        return os.open(os.path.join(root, "pyproject.toml"), flags)
    except FileNotFoundError:
        return os.open(root, os.O_RDONLY)


def _holders(descriptor: int) -> tuple[Holder, ...]:
    """Return the processes that have locked the file *descriptor*, where the kernel tells."""
    inode = str(os.fstat(descriptor).st_ino)
    found = set()
    with suppress(OSError), open("/proc/locks", encoding="ascii") as locks:
        for line in locks:
            # "1: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF"; "->" begins a waiter
            words = line.split()
            if words[1] == "FLOCK" and words[5].rpartition(":")[2] == inode:
                found.add(Holder(int(words[4]), words[3] == "WRITE"))
    return tuple(sorted(found))


class _FileLock:
    """filelock's lock between readers and writers, in the directory of this user's slots.

    A hold of it belongs to one thread of one process, while a hook may begin to write in any: so
    one thread of its own holds it. A forked child has not got that thread; it goes on in what its
    parent holds.
    """

    def __init__(self, root: str) -> None:
        from concurrent.futures import ThreadPoolExecutor

        import filelock

        directory = directory_of(root, temporary_directory())
        os.makedirs(directory, mode=0o700, exist_ok=True)
        path = os.path.join(directory, "tree.lock")
        self._timed_out = filelock.Timeout
        self._owner = os.getpid()
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._lock = self._thread.submit(filelock.ReadWriteLock, path, is_singleton=False).result()
        self._held = False

    def try_read(self) -> bool:
        return self._try(self._lock.acquire_read)

    def try_write(self) -> bool:
        self._let_go()
        return self._try(self._lock.acquire_write)

    def _try(self, acquire: Callable[..., object]) -> bool:
        if os.getpid() != self._owner:
            return True
        try:
            self._thread.submit(acquire, blocking=False).result()
        except self._timed_out:
            return False
        self._held = True
        return True

    def _let_go(self) -> None:
        if self._held and os.getpid() == self._owner:
            self._held = False
            self._thread.submit(self._lock.release).result()

    def holders(self) -> list[int]:
        return []

    def close(self) -> None:
        self._let_go()
        self._thread.shutdown(wait=os.getpid() == self._owner)


# --- builds inside of builds --------------------------------------------------------------------


@contextmanager
def _marked(root: str) -> Iterator[None]:
    """Tell the builds that this hook's children start that the tree is theirs already."""
    before = os.environ.get(MARKER)
    os.environ[MARKER] = f"{os.getpid()}:{os.path.realpath(root)}"
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(MARKER, None)
        else:
            os.environ[MARKER] = before


def is_held_by_a_parent(root: str) -> bool:
    """Tell whether this build was started by a hook that holds the same tree and still runs."""
    holder, _, path = os.environ.get(MARKER, "").partition(":")
    if path != os.path.realpath(root) or not holder.isdigit():
        return False
    try:
        os.kill(int(holder), 0)
    except ProcessLookupError:
        return False
    except OSError:  # it lives, and is another user's
        return True
    return True


# --- seeing the first write ---------------------------------------------------------------------

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

_watch: _Watch | None = None
_hook_is_installed = False


@contextmanager
def _watched(watch: _Watch) -> Iterator[None]:
    """Let *watch* see what this process does while this is open.

    An audit hook cannot be taken out again, so there is one for the life of the process; it does
    nothing while no hook call is under way.
    """
    global _watch, _hook_is_installed
    if not _hook_is_installed:
        sys.addaudithook(_audit)
        _hook_is_installed = True
    before, _watch = _watch, watch  # setup.py may build another project in this process
    try:
        yield
    finally:
        _watch = before


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if _watch is not None and event in _TOUCHED:
        for path, directory in _TOUCHED[event](arguments):
            _watch.about_to_touch(event, path, directory)


def _opened(arguments: tuple[Any, ...]) -> Iterable[PathAndDirectory]:
    path, _, flags = arguments
    return [(path, None)] if isinstance(flags, int) and flags & _WRITING else ()


def _one(position: int) -> Callable[[tuple[Any, ...]], Iterable[PathAndDirectory]]:
    """Return what finds one path in an event, and its ``dir_fd`` in *position* (0: it has none)."""
    return lambda arguments: [(arguments[0], arguments[position] if position else None)]


def _two(arguments: tuple[Any, ...]) -> Iterable[PathAndDirectory]:
    source, target, source_directory, target_directory = arguments
    return [(source, source_directory), (target, target_directory)]


#: The audit events of the standard library that change what a tree holds, and the paths they name.
#: Permissions and times are not among them: who copies a file sets them for each, later.
_TOUCHED: dict[str, Callable[[tuple[Any, ...]], Iterable[PathAndDirectory]]] = {
    "open": _opened,
    "os.link": lambda arguments: list(_two(arguments))[1:],
    "os.mkdir": _one(2),
    "os.remove": _one(1),
    "os.rename": _two,
    "os.rmdir": _one(1),
    "os.symlink": lambda arguments: [(arguments[1], arguments[2])],
    "os.truncate": _one(0),
}


class _Watch:
    """Tells of each write into the tree in *root* before it happens.

    Args:
        root: the project root.
        own: directories that do not count, wherever they lie.
        told: each is called with the path that is about to be written, relative to *root*.
    """

    def __init__(
        self, root: str, own: Sequence[str], told: Sequence[Callable[[str], object]]
    ) -> None:
        self._root = root
        self._own = tuple(os.path.join(path, "") for path in own)
        self._told = told
        self._real: dict[str, str] = {}

    def about_to_touch(self, event: str, path: Any, directory: Any) -> None:
        """Take note that *event* is about to happen to *path*, relative to *directory*."""
        if type(path) is str and path.startswith(self._own):
            return  # what a build writes is nearly always in its shadow, so let this be quick
        absolute = _absolute(path, directory)
        if absolute is None or absolute.startswith(self._own):
            return
        if not is_the_projects(absolute, self._root):
            absolute = self._through_links(absolute)
            if absolute.startswith(self._own) or not is_the_projects(absolute, self._root):
                return
        if event == "os.mkdir" and os.path.isdir(absolute):
            return  # makedirs(exist_ok=True)
        if event in ("os.remove", "os.rmdir") and not os.path.lexists(absolute):
            return
        name = os.path.relpath(absolute, self._root)
        for on_write in self._told:
            on_write(name)

    def _through_links(self, path: str) -> str:
        parent, name = os.path.split(path)
        if parent not in self._real:
            self._real[parent] = os.path.realpath(parent)
        return os.path.join(self._real[parent], name)


def _absolute(path: Any, directory: Any) -> str | None:
    """Return *path* of an audit event as an absolute one; ``None`` if that cannot be known."""
    if isinstance(path, int):
        return None
    try:
        name = os.fsdecode(path)
        if isinstance(directory, int) and directory >= 0 and not os.path.isabs(name):
            name = os.path.join(os.readlink(f"/proc/self/fd/{directory}"), name)
        return os.path.abspath(name)
    except (OSError, TypeError, ValueError):
        return None
