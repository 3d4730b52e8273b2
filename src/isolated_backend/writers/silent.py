"""What this Python does without an audit event: while a hook is watched, this module tells of it.

On CPython, that is a program which multiprocessing starts. PyPy has hardly any event of ``os``, and
none for a module or a library that is loaded. Functions of ``os`` can be replaced; because of the
rest, a hook looks at its tree there (:func:`.watch.blind_spot`).
"""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack, contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

IS_PYPY = sys.implementation.name == "pypy"

#: The functions of ``os`` that have no event on PyPy, and which it is on CPython.
_NAMES = ("link", "listdir", "mkdir", "remove", "rename", "rmdir", "scandir", "symlink", "system")
_EVENTS = {"execv": "exec", "execve": "exec", "replace": "rename", "unlink": "remove"}
_EVENTS.update(zip(_NAMES, _NAMES, strict=True))


@contextmanager
def told(tell: Callable[..., None]) -> Iterator[None]:
    """While this is open, call *tell* with the event and the function's arguments, before each."""
    silent = {f"os.{name}": f"os.{event}" for name, event in _EVENTS.items() if IS_PYPY}
    if os.name == "posix":  # on Windows, the start of a worker raises an event
        silent["_posixsubprocess.fork_exec"] = "fork_exec"
    with ExitStack() as opened:
        for path, event in silent.items():
            module, _, name = path.rpartition(".")
            original = getattr(import_module(module), name)
            opened.callback(setattr, import_module(module), name, original)
            setattr(import_module(module), name, _telling(original, event, tell))
        yield


def _telling(original: Any, event: str, tell: Callable[..., None]) -> Any:
    def telling(*arguments: Any, **named: Any) -> Any:
        tell(event, arguments, **named)
        return original(*arguments, **named)

    return telling
