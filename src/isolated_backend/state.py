"""What belongs to a process as a whole: setup.py may change it, and child processes inherit it."""

from __future__ import annotations

import os
import sys
import warnings
from contextlib import contextmanager, suppress

from .bytecode import environment_of_the_user

TYPE_CHECKING = False  # `typing` takes longer to import than the rest
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


class ProcessState:
    """The state of this process, as far as its children get it.

    Attributes:
        environment: the environment variables.
        argv: ``sys.argv``.
        path: ``sys.path``.
        backend_path: where a finder of the frontend's looks for modules first (pyproject_hooks has
            one for ``backend-path``).
        dont_write_bytecode: ``sys.dont_write_bytecode``.
        pycache_prefix: ``sys.pycache_prefix``.
        umask: the file mode creation mask.
        ignored: the numbers of the signals that are ignored.
        limits: the soft and hard resource limits, by number.
    """

    def __init__(self) -> None:
        import signal

        finders = (getattr(finder, "backend_path", ()) for finder in sys.meta_path)
        self.environment = environment_of_the_user()
        self.argv = list(sys.argv)
        self.path = list(sys.path)
        self.backend_path = [str(path) for paths in finders for path in paths]
        self.dont_write_bytecode = sys.dont_write_bytecode
        self.pycache_prefix = sys.pycache_prefix
        self.umask = _umask()
        handlers = _handlers().items()
        self.ignored = [number for number, handler in handlers if handler == signal.SIG_IGN]
        self.limits = _limits()

    def take_on(self) -> None:
        """Make this the state of the process again, or of another one, as far as it may."""
        import signal

        for name in os.environ.keys() - self.environment.keys():
            del os.environ[name]
        for name, value in self.environment.items():
            if os.environ.get(name) != value:
                os.environ[name] = value
        sys.argv[:] = self.argv
        sys.path[:] = self.path
        sys.dont_write_bytecode = self.dont_write_bytecode
        sys.pycache_prefix = self.pycache_prefix
        os.umask(self.umask)
        for number, handler in _handlers().items():
            is_ignored = handler == signal.SIG_IGN
            if is_ignored != (number in self.ignored):
                _handle(number, _default(number) if is_ignored else signal.SIG_IGN)
        for number, limits in self.limits.items():
            _limit(number, limits)


@contextmanager
def given_back() -> Iterator[ProcessState]:
    """Give back at the end what is changed in this process while this is open.

    Everything of :class:`ProcessState`, and what no child inherits but the frontend relies on. To
    be opened in the main thread, which alone may set signal handlers.

    Yields:
        The state at the beginning.
    """
    import signal

    before = ProcessState()
    objects = os.environ, sys.argv, sys.path, sys.stdin, sys.stdout, sys.stderr
    handlers, blocked, method = _handlers(), _blocked(), _start_method()
    directory, identity = os.getcwd(), os.stat(os.curdir)
    with warnings.catch_warnings():
        try:
            yield before
        finally:
            os.environ, sys.argv, sys.path, sys.stdin, sys.stdout, sys.stderr = objects
            before.take_on()
            for number, handler in handlers.items():
                if handler != signal.getsignal(number):
                    _handle(number, handler)
            _block(blocked)
            _set_start_method(method)
            _go_back(directory, identity)


def _go_back(directory: str, identity: os.stat_result) -> None:
    """Make *directory* the current one again, unless it has been moved or removed meanwhile."""
    with suppress(OSError):
        if not os.path.samestat(identity, os.stat(os.curdir)):
            os.chdir(directory)


def _umask() -> int:
    # Setting it, to see what it was, would show in the files that another thread creates.
    with suppress(OSError), open("/proc/thread-self/status", "rb") as status:
        for line in status:
            if line.startswith(b"Umask:"):
                return int(line[6:], 8)
    umask = os.umask(0o077)
    os.umask(umask)
    return umask


# --- signals ------------------------------------------------------------------------------------


def _handlers() -> dict[int, Any]:
    import signal

    return {int(number): signal.getsignal(number) for number in signal.valid_signals()}


def _default(number: int) -> Any:
    import signal

    return signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL


def _handle(number: int, handler: Any) -> None:
    import signal

    if handler is not None:  # else it was not set by Python, and cannot be
        with suppress(OSError, ValueError):
            signal.signal(number, handler)


def _blocked() -> set[Any]:
    if sys.platform == "win32":
        return set()
    import signal

    return signal.pthread_sigmask(signal.SIG_BLOCK, ())


def _block(numbers: set[Any]) -> None:
    if sys.platform != "win32":
        import signal

        signal.pthread_sigmask(signal.SIG_SETMASK, numbers)


# --- resource limits ----------------------------------------------------------------------------


def _limits() -> dict[int, tuple[int, int]]:
    try:
        import resource
    except ImportError:  # Windows
        return {}
    numbers = {value for name, value in vars(resource).items() if name.startswith("RLIMIT_")}
    return {number: resource.getrlimit(number) for number in numbers}


def _limit(number: int, limits: tuple[int, int]) -> None:
    import resource

    with suppress(OSError, ValueError):  # a hard limit can only be lowered
        if resource.getrlimit(number) != limits:
            resource.setrlimit(number, limits)


# --- multiprocessing ----------------------------------------------------------------------------


def _start_method() -> str | None:
    module = sys.modules.get("multiprocessing")
    return module.get_start_method(allow_none=True) if module else None


def _set_start_method(method: str | None) -> None:
    module = sys.modules.get("multiprocessing")
    if module and module.get_start_method(allow_none=True) != method:
        module.set_start_method(method, force=True)
