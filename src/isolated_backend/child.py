"""A call of a function in a child process that its caller cannot tell from one of its own.

A mount namespace that an ordinary user makes is for good: a process cannot leave it again. So a
hook that needs one has a forked child, and this carries back what becomes of it: the value, the
exception, an exit in the middle, a death by a signal. What the child prints goes where the
caller's output goes. A caller that dies takes the child with it.
"""

from __future__ import annotations

import atexit
import builtins
import functools
import gc
import os
import pickle
import select
import signal
import sys
import threading
import time
import traceback
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    T = TypeVar("T")

#: Seconds that a child has to end in after an interruption, before it is told, and before it is
#: killed. A terminal interrupts both at once; then there is no need to tell.
_BY_ITSELF, _WHEN_TOLD = 1.0, 10.0

#: Seconds after which a caller that waits looks whether it was told something.
_LOOK = 1.0

_PR_SET_PDEATHSIG = 1  # prctl(2)


def call(function: Callable[[], T]) -> T:
    """Call *function* in a forked child and return what it returns.

    Changes that it makes to this process's memory, environment and current directory end with the
    child. A process that it forks in turn, and that comes to the end of *function*, goes on from
    here as it would without the child.

    Raises:
        NoChildError: there can be no child, and *function* has not been called.
        BaseException: whatever *function* raises; of a class that is not known here, one with the
            same name, text and built-in base. Its cause has the traceback.
    """
    try:
        outcome = os.memfd_create("isolated-backend")  # unlike a pipe, nobody waits at its ends
    except (AttributeError, OSError) as error:
        raise NoChildError(f"this system has no files in memory ({error})") from error
    try:
        _flush()
        caller = os.getpid()
        pid = _fork()
        if pid == 0:
            return _answer(function, caller, outcome)
        status = _wait(pid)
        answer = _read(outcome)
    finally:
        os.close(outcome)
    if answer is None:
        _end_like(status)
        raise ChildProcessError(f"a child process ended with status {status} and no answer")
    if answer.raised is not None:
        raise answer.raised.exception()
    value: T = answer.value
    return value


class NoChildError(Exception):
    """There can be no child process, for the reason that the text gives."""


def _fork() -> int:
    """Fork, without the warning that Python 3.12 has for a process with several threads.

    None of the others is in a hook, for hooks come one at a time, and Python makes its own locks
    anew in a child.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            return os.fork()
        except OSError as error:
            raise NoChildError(f"there can be no child process ({error.strerror})") from error


# --- in the child -------------------------------------------------------------------------------


def _answer(function: Callable[[], T], caller: int, outcome: int) -> T:
    """Call *function* and end this process with its outcome in the file *outcome*.

    Only a process that was forked meanwhile returns from here.
    """
    child = os.getpid()
    try:
        try:
            _begin(caller)
            value = function()
            answer = pickle.dumps(_Answer(value=value))
        except BaseException as error:
            if os.getpid() != child:
                raise
            answer = pickle.dumps(_Answer(raised=_Raised.of(error)))
        if os.getpid() != child:
            return value
        os.pwrite(outcome, answer, 0)
        _end()
        os._exit(0)
    finally:
        # Whatever happens, this process must not run on in the frames of its caller.
        if os.getpid() == child:
            os._exit(1)
    raise AssertionError("a child does not come here")  # pragma: no cover


def _begin(caller: int) -> None:
    """Let go of what only the caller may do, and end when it ends."""
    end_with(caller)
    signal.set_wakeup_fd(-1)
    atexit._clear()  # what is to be done at the end of the caller
    gc.freeze()  # and what it would do with objects that it has lost


def end_with(parent: int) -> None:
    """Have the kernel kill this process when *parent* ends; nothing would wait for it any more.

    To be called again after the credentials have changed, for the kernel forgets it then.
    """
    libc().prctl(_PR_SET_PDEATHSIG, signal.SIGKILL.value, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


@functools.cache
def libc() -> Any:
    """Return the C library, for calls of the kernel that Python has not got.

    Raises:
        ImportError: this Python has no ctypes.
    """
    import ctypes

    return ctypes.CDLL(None, use_errno=True)


def _end() -> None:
    """Do what a process does at its end: what setup.py has started and registered counts on it."""
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    atexit._run_exitfuncs()
    _flush()


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # closed, or none at all
            stream.flush()


# --- in the caller ------------------------------------------------------------------------------


def _wait(pid: int) -> int | None:
    """Wait until the child *pid* has ended; return its status, if nobody else has taken it."""
    try:
        _watch(pid)
        return _status(pid)
    except BaseException as error:
        _stop(pid, signal.SIGINT if isinstance(error, KeyboardInterrupt) else signal.SIGTERM)
        raise


def _watch(pid: int) -> None:
    """Return when the child *pid* has ended, and let Python look for signals meanwhile.

    A signal that comes when Python has just looked, and is not yet in ``waitpid``, would have its
    handler called only when the child has ended.
    """
    try:
        child = os.pidfd_open(pid)
    except (AttributeError, OSError):  # Linux before 5.3, or the child is gone already
        return
    try:
        poll = select.poll()
        poll.register(child, select.POLLIN)
        while not poll.poll(_LOOK * 1000):
            pass
    finally:
        os.close(child)


def _status(pid: int, options: int = 0) -> int | None:
    try:
        found, status = os.waitpid(pid, options)
    except ChildProcessError:  # children are ignored (SIGCHLD), or another thread waits for all
        return None
    return status if found else -1


def _stop(pid: int, number: int) -> None:
    """End the child *pid*, for the caller has been told to end; it may clean up first."""
    try:
        for signal_, seconds in ((0, _BY_ITSELF), (number, _WHEN_TOLD)):
            os.kill(pid, signal_)
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                if _status(pid, os.WNOHANG) != -1:
                    return
                time.sleep(0.01)
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    except BaseException:  # told once more
        os.kill(pid, signal.SIGKILL)
        raise
    finally:
        _status(pid)


def _read(outcome: int) -> _Answer | None:
    """Return what is in the file *outcome*: nothing, if the child has not come to its end."""
    data = os.pread(outcome, os.fstat(outcome).st_size, 0)
    return pickle.loads(data) if data else None


def _end_like(status: int | None) -> None:
    """End this process as the child has ended, in the middle of the function."""
    if status is None:
        return
    if os.WIFEXITED(status):
        _flush()
        os._exit(os.WEXITSTATUS(status))
    number = os.WTERMSIG(status)
    with suppress(ValueError, OSError):  # not the main thread, or a signal that has no handler
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


# --- what is carried ----------------------------------------------------------------------------


class _Answer(NamedTuple):
    """What has become of the call."""

    value: Any = None
    raised: _Raised | None = None


class _Raised(NamedTuple):
    """An exception on its way to another process."""

    pickled: bytes | None
    module: str
    name: str
    base: str
    text: str
    code: str | int | None
    traceback: str

    @classmethod
    def of(cls, error: BaseException) -> _Raised:
        """Pack *error*."""
        kind = type(error)
        pickled = None
        with suppress(Exception):  # of a class of setup.py's, for one, which is no module here
            pickled = pickle.dumps(error)
        base = next(each for each in kind.__mro__ if each.__module__ == "builtins")
        code = getattr(error, "code", None)
        text = _text(error)
        return cls(
            pickled=pickled,
            module=kind.__module__,
            name=kind.__qualname__,
            base=base.__name__,
            text=text,
            code=code if isinstance(code, (int, type(None))) else str(code),
            traceback="".join(traceback.format_exception(kind, error, error.__traceback__)),
        )

    def exception(self) -> BaseException:
        """Unpack the exception, with the traceback as its cause."""
        error: object = None
        if self.pickled is not None:
            # Its class may be known to the child alone, or not take what it was made of.
            with suppress(Exception):
                error = pickle.loads(self.pickled)
        if (
            not isinstance(error, BaseException)
            or type(error).__qualname__ != self.name
            or _text(error) != self.text
        ):
            error = self._stand_in()
        error.__cause__ = _TracebackError(self.traceback)
        return error

    def _stand_in(self) -> BaseException:
        text = self.text
        kind: type[BaseException] = type(
            self.name.rpartition(".")[2],
            (getattr(builtins, self.base),),
            {"__module__": self.module, "__qualname__": self.name, "__str__": lambda _: text},
        )
        # Not all of them can be made of a text alone.
        error = kind.__new__(kind, text)
        if isinstance(error, SystemExit):
            error.code = self.code
        return error


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return f"<{type(error).__qualname__}>"


class _TracebackError(Exception):
    """The traceback of an exception in the child, to be shown above that of the caller."""

    def __str__(self) -> str:
        return f'in a child process of isolated_backend\n"""\n{self.args[0]}"""'
