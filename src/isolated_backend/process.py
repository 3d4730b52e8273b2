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

from .bytecode import is_the_projects, kept_out_of_the_project
from .errors import NoAnswerError
from .state import ProcessState, given_back

TYPE_CHECKING = False  # `typing` takes longer to import than the rest
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, TypeVar

    T = TypeVar("T")

_PACKAGE = os.path.dirname(os.path.abspath(__file__))

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

    with kept_out_of_the_project(root):
        from . import interpreter

    state = _state_for_children()
    quiet = state.dont_write_bytecode or is_the_projects(_PACKAGE, root)
    path = [str(entry) for entry in state.path]
    rest = pickle.dumps((os.getpid(), state, pickle.dumps((function, arguments))))
    request = marshal.dumps((quiet, path, os.path.dirname(_PACKAGE), rest))
    with interpreter.refused(what):
        file = open(interpreter.apart_from_streams(_nameless_file()), "r+b", 0)  # noqa: SIM115
        file.write(request)
    with file:
        _flush()
        status = interpreter.run(what, file.fileno(), root, state.environment)
        file.seek(len(request))
        answer = file.read()
    if (outcome := _outcome(answer)) is not None:
        value, raised = outcome
        if raised is not None:
            raise _unpacked(**raised)
        if status == 0:
            returned: T = value
            return returned
    raise NoAnswerError(f"The process for {what} {interpreter.ended(status)}, without a result.")


def _state_for_children() -> ProcessState:
    """Return what there was before the first hook, but for what that hook itself calls."""
    before = _in_hook
    state = ProcessState()
    hook = before or _in_hook  # it may have begun meanwhile
    if hook is not None and hook[0] != threading.get_ident():
        return hook[1]
    return state


def _nameless_file() -> int:
    """Open a file without a name: unlike at a pipe, nobody waits for its end."""
    with suppress(AttributeError, OSError):  # another system, or one that is restricted
        return os.memfd_create("isolated-backend")
    import tempfile

    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # closed, or none at all
            stream.flush()


def _outcome(answer: bytes) -> tuple[Any, dict[str, Any] | None] | None:
    """Return what the function has returned and what it has raised, if all of that is there."""
    import pickle

    with suppress(EOFError, pickle.UnpicklingError):
        value, raised = pickle.loads(answer)
        return value, raised
    return None


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
