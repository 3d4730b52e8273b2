"""In a fresh interpreter: the function that :mod:`.interpreter` calls, and what becomes of it."""

from __future__ import annotations

import os
import pickle
import sys
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from .bytecode import kept_out_of
from .errors import BackendError, HookError

if TYPE_CHECKING:
    from collections.abc import Mapping

_PLAIN = (bytes, int, str, type(None))


def answer(handle: int, caller: int, of_sys: Mapping[str, Any], called: bytes) -> None:
    """Call the function of *called*, and write what becomes of it to the file *handle*.

    Only this process answers. One that setup.py has forked, and that comes to the end of the
    function as well, ends as it would end in a frontend.
    """
    if sys.platform == "win32":
        import msvcrt

        handle = msvcrt.open_osfhandle(handle, os.O_RDWR)
    os.set_inheritable(handle, False)
    for name, value in of_sys.items():
        setattr(sys, name, value)
    own = os.getpid()
    try:
        with kept_out_of(os.getcwd()):
            if sys.platform == "linux":
                with suppress(ImportError):  # a Python without ctypes
                    from .kernel import end_with

                    end_with(caller)
            function, arguments = pickle.loads(called)
            value = function(*arguments)
        outcome = pickle.dumps((value, None, ""))
    except BaseException as error:
        if os.getpid() != own:
            raise
        outcome = pickle.dumps((None, _plain(error), "".join(traceback.format_exception(error))))
    if os.getpid() == own:
        with open(handle, "wb") as file:
            file.write(outcome)


def _plain(error: BaseException) -> BaseException:
    """Return *error*, or what says the same and needs no module that the caller has to import."""
    if type(error).__module__ in ("builtins", BackendError.__module__):
        with suppress(Exception):  # it may have an attribute that cannot be pickled
            if all(type(argument) in _PLAIN for argument in error.args):
                pickle.dumps(error)
                return error
    if isinstance(error, SystemExit):
        return SystemExit(error.code if type(error.code) in _PLAIN else str(error.code))
    return HookError("".join(traceback.format_exception_only(error)).strip())
