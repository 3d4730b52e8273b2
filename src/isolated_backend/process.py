"""In which process a hook runs: the first one in the frontend's, every later one in its own.

pip, build and uv start a process for each hook. tox does so for setuptools alone, which it knows by
its name, and what setup.py leaves behind would reach the next hook: variables, modules, the start
method of multiprocessing. And what setuptools works through, the current directory and
``sys.argv``, belongs to the whole process, so two threads cannot be in a hook of one process. So
the first hook runs here, and what it changes is given back; every later one, and every one from
another thread than the main one, runs in a fresh interpreter (:mod:`.callee`), which gets what this
process had before the first.
"""

from __future__ import annotations

import os
import sys
import threading
from contextlib import contextmanager, suppress

from .bytecode import is_the_projects
from .errors import NoAnswerError, NoProcessError
from .state import ProcessState, given_back

TYPE_CHECKING = False  # `typing` takes longer to import than the rest
if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any, TypeVar

    T = TypeVar("T")

#: Seconds that a process has to end in after it was told to, before it is killed.
_PATIENCE = 10.0

_PACKAGE = os.path.dirname(os.path.abspath(__file__))

#: What the fresh interpreter begins with. It looks for no module before ``sys.path`` is the one of
#: this process, and does nothing before this process is ready to wait for it.
_BEGIN = f"""\
import marshal, sys
gate, file = map(int, sys.argv[1:])
if sys.platform == "win32":
    import msvcrt
    gate, file = msvcrt.open_osfhandle(gate, 0), msvcrt.open_osfhandle(file, 2)
if open(gate, "rb", 0).read(1):
    file = open(file, "r+b", 0)
    file.seek(0)
    sys.dont_write_bytecode, path, place, request = marshal.loads(file.read())
    sys.path[:] = [place, *path]
    from {__package__} import callee
    sys.path[:] = path
    callee.answer(file, request)
"""

_first_is_to_come = [True]  # taken out, which no two threads can do
_in_hook: tuple[int, ProcessState] | None = None  # the thread, and what was before


def is_as_the_frontend_left_it() -> bool:
    """Tell whether no hook is at work in this process, and may have changed the environment."""
    return _in_hook is None


@contextmanager
def first_hook() -> Iterator[bool]:
    """Let the first hook of this process run in it, and give back what it changes.

    Yields:
        Whether this is the first; otherwise :func:`call` it.
    """
    global _in_hook
    is_first = False
    if threading.current_thread() is threading.main_thread():
        with suppress(IndexError):
            is_first = _first_is_to_come.pop()
    if not is_first:
        yield False
        return
    try:
        with given_back() as before:
            _in_hook = threading.get_ident(), before
            yield True
    finally:
        _in_hook = None


def call(what: str, root: str, function: Callable[..., T], *arguments: Any) -> T:
    """Call *function* in a fresh interpreter and return what it returns.

    Args:
        what: what it is called for, to be named in messages.
        root: the project root, which is its current directory.
        function: a function of a module.
        arguments: what to pass.

    Raises:
        NoProcessError: no process can be started, and *function* has not been called.
        NoAnswerError: the process has ended before *function* returned.
        BaseException: whatever *function* raises, with the traceback as its cause. An exception of
            a class that this process has not imported comes as a :class:`HookError`.
    """
    import marshal
    import pickle

    state = _state_for_children()
    quiet = state.dont_write_bytecode or is_the_projects(_PACKAGE, root)
    rest = pickle.dumps((os.getpid(), state, pickle.dumps((function, arguments))))
    request = marshal.dumps((quiet, state.path, os.path.dirname(_PACKAGE), rest))
    with _nameless_file() as file:
        file.write(request)
        _flush()
        status = _run(what, root, state, file.fileno())
        file.seek(len(request))
        answer = file.read()
    with suppress(EOFError, pickle.UnpicklingError):  # there is none, or not all of it
        value, raised = pickle.loads(answer)
        if raised is not None:
            raise _unpacked(**raised)
        if status == 0:
            returned: T = value
            return returned
    raise NoAnswerError(f"The process for {what} {_ended(status)}, without a result.")


def _state_for_children() -> ProcessState:
    """Return what there was before the first hook, but for what that hook itself calls."""
    before = _in_hook
    state = ProcessState()
    hook = before or _in_hook  # it may have begun meanwhile
    if hook is not None and hook[0] != threading.get_ident():
        return hook[1]
    return state


def _nameless_file() -> Any:
    """Open a file without a name: unlike at a pipe, nobody waits for its end."""
    if hasattr(os, "memfd_create"):
        return open(os.memfd_create("isolated-backend"), "r+b", 0)
    import tempfile

    return tempfile.TemporaryFile(buffering=0)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # closed, or none at all
            stream.flush()


# --- the process --------------------------------------------------------------------------------


def _run(what: str, root: str, state: ProcessState, file: int) -> int:
    """Run a fresh interpreter that reads its request from *file*; return its exit status."""
    process = None
    gate, opened = os.pipe()
    try:
        try:
            process = _start([gate, file], cwd=root, env=state.environment)
        except OSError as error:
            raise NoProcessError(f"Cannot start a process for {what}: {error}.") from error
        os.write(opened, b"1")  # whatever interrupts this process before, that one does nothing
        return process.wait()
    except BaseException as error:
        if process is not None:
            _stop(process, is_interrupted=isinstance(error, KeyboardInterrupt))
        raise
    finally:
        os.close(gate)
        os.close(opened)


def _start(descriptors: Sequence[int], **options: Any) -> subprocess.Popen[bytes]:
    import subprocess

    command = [sys.executable, *_interpreter_options(), "-c", _BEGIN]
    if sys.platform == "win32":
        import msvcrt

        inherited = [msvcrt.get_osfhandle(descriptor) for descriptor in descriptors]
        for handle in inherited:
            os.set_handle_inheritable(handle, True)
        startup = subprocess.STARTUPINFO(lpAttributeList={"handle_list": inherited})
        options |= {"startupinfo": startup, "stdin": 0, "stdout": 1, "stderr": 2}
    else:
        inherited = descriptors
        options["pass_fds"] = descriptors
    return subprocess.Popen([*command, *map(str, inherited)], **options)


def _interpreter_options() -> list[str]:
    """Return the options that this interpreter was started with, less what it was to run."""
    options: list[str] = []
    words = iter(sys.orig_argv[1:])
    for word in words:
        if word == "--check-hash-based-pycs":
            options += [word, next(words)]
            continue
        if len(word) < 2 or word[0] != "-" or word[1] == "-":
            break
        for position, letter in enumerate(word[1:], 2):
            if letter in "cm":
                return options
            if letter in "WX":
                options.append(f"-{letter}{word[position:] or next(words)}")
                break
            if letter not in "ix":  # to be interactive afterwards, and to skip a line
                options.append(f"-{letter}")
    return options


def _stop(process: subprocess.Popen[bytes], *, is_interrupted: bool) -> None:
    """End *process*, because this one has been told to end; it may clean up first."""
    from signal import SIGINT
    from subprocess import TimeoutExpired

    try:
        if is_interrupted and sys.platform != "win32":
            process.send_signal(SIGINT)
        else:
            process.terminate()
        with suppress(TimeoutExpired):
            process.wait(_PATIENCE)
    finally:  # also if this process is told once more
        process.kill()
        process.wait()


def _ended(status: int) -> str:
    if status >= 0:
        return f"ended with exit status {status}"
    from signal import strsignal

    return f"was killed by signal {-status} ({strsignal(-status)})"


# --- exceptions ---------------------------------------------------------------------------------


class HookError(Exception):
    """An exception in a hook's process of a class that this process does not know."""


class _TracebackError(Exception):
    """The traceback of an exception in a hook's process, to be shown above that of this one."""

    def __str__(self) -> str:
        return f'in a process of isolated_backend\n"""\n{self.args[0]}"""'


def _unpacked(
    pickled: bytes, text: str, traceback: str, is_exit: bool, code: str | int | None
) -> BaseException:
    """Return the exception that :mod:`.callee` has packed.

    What would have to be imported for it stays away: it may be the project's.
    """
    import io
    import pickle

    class Unpickler(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            if module not in sys.modules:
                raise pickle.UnpicklingError(module)
            return super().find_class(module, name)

    error: BaseException = SystemExit(code) if is_exit else HookError(text)
    with suppress(Exception):
        error = Unpickler(io.BytesIO(pickled)).load()
    error.__cause__ = _TracebackError(traceback)
    return error
