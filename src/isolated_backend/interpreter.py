"""Call a function in a fresh interpreter that is like this one; :mod:`.callee` is the other side.

The request goes through standard input, which a hook has no use for, and the answer through a file
without a name: unlike at the end of a pipe, nobody waits for a daemon that setup.py leaves behind.
"""

from __future__ import annotations

import io
import marshal
import os
import pickle
import subprocess
import sys
from contextlib import suppress
from itertools import chain
from signal import SIGINT, SIGTERM
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

from .errors import BackendError, HookError

if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds in which a hook may clean up after an interruption.
_GRACE = 10.0

#: It looks for no module before ``sys.path`` is the one of this process. There is no request if
#: this process was interrupted before it could wait for that one. It does not wait for the end of
#: the pipe, of which a process that another thread forks meanwhile has a copy.
_BEGIN = f"""\
import marshal, sys
try:
    sys.path[:], *rest = marshal.load(sys.stdin.buffer)
except EOFError:
    sys.exit(1)
sys.dont_write_bytecode = True
from {__package__} import callee
callee.answer(*rest)
"""


def call(what: str, root: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """Call *function*, one of a module, with *root* as its current directory.

    What it raises is raised here, with the traceback as its cause; an exception of another class
    than Python's and ours as a :class:`~.errors.HookError`, for its module may be the project's.
    *what* names the call in messages.
    """
    # Where the finder of pyproject_hooks looks for modules, before all other places.
    finders = (getattr(finder, "backend_path", ()) for finder in sys.meta_path)
    path = [str(entry) for entry in (*chain.from_iterable(finders), *sys.path)]
    not_inherited = ("argv", "dont_write_bytecode", "pycache_prefix")
    of_sys = {name: getattr(sys, name) for name in not_inherited}
    called = pickle.dumps((function, arguments))
    # Of this interpreter (-I, -X dev), as multiprocessing passes them on.
    flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    command = [sys.executable, *flags, "-c", _BEGIN]
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # closed, or none at all
            stream.flush()
    with _nameless_file() as file:
        handle, options = _inherited(file.fileno())
        try:
            child = subprocess.Popen(command, stdin=subprocess.PIPE, cwd=root, **options)
        except OSError as error:
            raise BackendError(f"Cannot start a process for {what}: {error}.") from error
        try:
            child.communicate(marshal.dumps((path, handle, os.getpid(), of_sys, called)))
        except BaseException:
            _end(child)
            raise
        file.seek(0)
        answer = file.read()
    status = child.returncode
    if answer:
        value, raised, traceback = pickle.loads(answer)
        if raised is not None:
            raise raised from HookError(f'in another process\n"""\n{traceback}"""')
        if status == 0:
            return value
    end = f"ended with exit status {status}" if status >= 0 else f"was killed by signal {-status}"
    raise BackendError(f"The process for {what} {end}, without a result.")


def _nameless_file() -> io.FileIO:
    if sys.platform == "win32":
        return TemporaryFile(buffering=0)
    import fcntl

    in_memory = getattr(os, "memfd_create", None)
    with (
        io.FileIO(in_memory("isolated-backend"), "r+") if in_memory else TemporaryFile(buffering=0)
    ) as made:  # perhaps in the place of a standard stream that is closed
        return io.FileIO(fcntl.fcntl(made.fileno(), fcntl.F_DUPFD_CLOEXEC, 3), "r+")


def _inherited(descriptor: int) -> tuple[int, dict[str, Any]]:
    """Return the number of *descriptor* in a child process, and the options to give it to one."""
    if sys.platform == "win32":
        import msvcrt

        handle = msvcrt.get_osfhandle(descriptor)
        os.set_handle_inheritable(handle, True)
        return handle, {"close_fds": False}
    return descriptor, {"pass_fds": [descriptor]}


def _end(child: subprocess.Popen[bytes]) -> None:
    """Interrupt *child*, because this process is, and wait until it has ended."""
    try:
        child.send_signal(SIGTERM if sys.platform == "win32" else SIGINT)
        with suppress(subprocess.TimeoutExpired):
            child.wait(_GRACE)
    finally:  # also if this process is interrupted once more
        child.kill()
        child.wait()
