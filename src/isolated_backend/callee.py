"""In a fresh interpreter: the function that :mod:`.process` calls there, and what becomes of it."""

from __future__ import annotations

import os
import pickle
import sys
import traceback
from contextlib import suppress
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING, Any

from .bytecode import kept_out_of_the_project

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from importlib.machinery import ModuleSpec
    from io import FileIO


def answer(file: FileIO, request: bytes) -> None:
    """Call the function of *request*, and append what becomes of it to *file*.

    Only this process answers. One that setup.py has forked, and that comes to the end of the
    function as well, ends as it would end in a frontend.
    """
    os.set_inheritable(file.fileno(), False)
    caller, state, pickled = pickle.loads(request)
    if state.backend_path:
        sys.meta_path.insert(0, _BackendPath(state.backend_path))
    function, arguments = pickle.loads(pickled)
    if sys.platform == "linux":
        with suppress(ImportError):  # a Python without ctypes
            from .kernel import end_with

            end_with(caller)
    state.take_on()  # also what is written of compiled files: after all imports
    own = os.getpid()
    try:
        with kept_out_of_the_project(os.getcwd()):
            value = function(*arguments)
        outcome = pickle.dumps((value, None))
    except BaseException as error:
        if os.getpid() != own:
            raise
        outcome = pickle.dumps((None, _packed(error)))
    if os.getpid() == own:
        file.write(outcome)


def _packed(error: BaseException) -> dict[str, Any]:
    """Return *error* as another process can read it: pickled, if it can be, and in words."""
    try:
        text = str(error)
    except Exception:
        text = ""
    pickled = b""
    with suppress(
        Exception
    ):  # of a class of setup.py's, for one, or one that takes other arguments
        attempt = pickle.dumps(error)
        copy = pickle.loads(attempt)
        if (type(copy), str(copy)) == (type(error), text):
            pickled = attempt
    code = getattr(error, "code", None)
    return {
        "pickled": pickled,
        "text": f"{type(error).__qualname__}: {text}",
        "traceback": "".join(traceback.format_exception(error)),
        "is_exit": isinstance(error, SystemExit),
        "code": code if isinstance(code, (int, str)) else None if code is None else str(code),
    }


class _BackendPath:
    """Finds modules in ``backend-path`` first, as the finder of pyproject_hooks does.

    Args:
        path: the directories.
    """

    def __init__(self, path: Sequence[str]) -> None:
        self.backend_path = path

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Return the spec of the module *name* that is in no package, if it is there."""
        return None if "." in name else PathFinder.find_spec(name, self.backend_path)

    def find_distributions(self, context: Any = None) -> Iterable[Any]:
        """Return the metadata of the distributions that are there."""
        from importlib.metadata import DistributionFinder, MetadataPathFinder

        name = context.name if context else None
        return MetadataPathFinder.find_distributions(
            DistributionFinder.Context(name=name, path=list(self.backend_path))
        )
