"""In which process a hook runs: the first one in the frontend's, every later one in its own.

pip, build and uv start a process for each hook. tox does so for setuptools alone, which it knows by
its name, and what setup.py leaves behind (variables, modules) would reach the next hook. And what
setuptools works through, the current directory and ``sys.argv``, belongs to the whole process, so
a hook has no place beside other threads.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import contextmanager, suppress

TYPE_CHECKING = False  # `typing` takes longer to import than the rest
if TYPE_CHECKING:
    from collections.abc import Iterator

_is_first_to_come = True


@contextmanager
def first_hook() -> Iterator[bool]:
    """Let the first hook run in this process, if it has no other thread.

    Yields:
        Whether this is that one; otherwise it has to run in another process.
    """
    global _is_first_to_come
    is_alone = threading.enumerate() == [threading.current_thread()]
    if not (_is_first_to_come and is_alone):
        yield False
        return
    _is_first_to_come = False
    with _given_back():
        yield True


@contextmanager
def _given_back() -> Iterator[None]:
    """Give back what a hook changes in this process and the frontend, or the next hook, may see."""
    environment, directory = dict(os.environ), os.getcwd()
    argv, path = list(sys.argv), list(sys.path)
    streams = sys.stdin, sys.stdout, sys.stderr
    bytecode = sys.dont_write_bytecode, sys.pycache_prefix
    handlers = {number: signal.getsignal(number) for number in signal.valid_signals()}
    multiprocessing = sys.modules.get("multiprocessing")
    method = multiprocessing.get_start_method(allow_none=True) if multiprocessing else None
    umask = os.umask(0o077)
    os.umask(umask)
    try:
        yield
    finally:
        for name in os.environ.keys() - environment.keys():
            del os.environ[name]
        os.environ.update(environment)
        with suppress(OSError):  # it may have been moved or removed
            os.chdir(directory)
        sys.argv[:], sys.path[:] = argv, path
        sys.stdin, sys.stdout, sys.stderr = streams
        sys.dont_write_bytecode, sys.pycache_prefix = bytecode
        for number, handler in handlers.items():
            if handler is not None and handler != signal.getsignal(number):
                signal.signal(number, handler)
        if multiprocessing := sys.modules.get("multiprocessing"):
            multiprocessing.set_start_method(method, force=True)
        os.umask(umask)
