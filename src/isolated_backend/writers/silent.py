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

#: The functions of ``os`` that have no event on PyPy, and the event on CPython if it is another's.
_NAMES = "execv execve link listdir mkdir remove rename replace rmdir scandir symlink system unlink"
_EVENTS = {"execv": "exec", "execve": "exec", "replace": "rename", "unlink": "remove"}


@contextmanager
def told(tell: Callable[..., None]) -> Iterator[None]:
    """While this is open, call *tell* with the event and the function's arguments, before each."""
    silent = [(os, name, f"os.{_EVENTS.get(name, name)}") for name in _NAMES.split() if IS_PYPY]
    if os.name == "posix":  # on Windows, the start of a worker raises an event
        silent.append((import_module("_posixsubprocess"), "fork_exec", "fork_exec"))
    with ExitStack() as opened:
        for module, name, event in silent:
            original = getattr(module, name)
            opened.callback(setattr, module, name, original)
            setattr(module, name, _telling(original, event, tell))
        yield


def _telling(original: Any, event: str, tell: Callable[..., None]) -> Any:
    def telling(*arguments: Any, **named: Any) -> Any:
        if sys._getframe(1).f_globals.get("__name__") != "subprocess":  # which has an event
            tell(event, arguments, **named)
        return original(*arguments, **named)

    return telling
