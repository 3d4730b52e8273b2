"""Compiled files that outlive the environment of the modules that they were compiled from.

uv installs without compiling, and gives each isolated build an environment of its own: each would
compile setuptools anew, which takes longer than all else that the build of a small project does.
Python finds a compiled file by the path of its source. Here it is found by the source itself, so
that the next environment finds it, too.

They are hash-based ones (PEP 552), in the directory of this user's slots.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, suppress
from importlib.machinery import SourceFileLoader
from importlib.util import MAGIC_NUMBER, source_from_cache, source_hash
from typing import TYPE_CHECKING, Any

from . import slots

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The name of the directory: of no project's, for those end with a sum.
NAME = "bytecode"

#: A compiled file lies in such a directory, unless the user has one prefix for all of them.
_CACHE = f"{os.sep}__pycache__{os.sep}"

#: The length of what a compiled file begins with, and what says that its source has not to be
#: hashed again: it was found by that.
_HEADER, _UNCHECKED = 16, (0b01).to_bytes(4, "little")


@contextmanager
def shared() -> Iterator[None]:
    """While this is open, share the compiled files of this environment with others.

    A module that is not compiled beside its source is taken from what another environment has
    compiled; and what is compiled is written there, where Python writes it anyway.

    Raises:
        ShadowError: there is no directory for temporary files.
    """
    home = None
    temporary = slots.temporary_directory()
    with suppress(OSError):  # whoever leases a slot will say what is wrong
        home = slots.own_home(temporary)
    if home is None:
        yield
        return
    environment = sys.prefix + os.sep
    own = vars(SourceFileLoader).get("get_data")  # else it is inherited
    get_data, set_data = SourceFileLoader.get_data, SourceFileLoader.set_data
    sought: dict[str, str] = {}

    def get_shared(self: SourceFileLoader, path: str) -> bytes:
        """Stand in for ``get_data``, which reads a compiled file if there is one."""
        try:
            return get_data(self, path)
        except FileNotFoundError:
            if not path.startswith(environment) or _CACHE not in path:
                raise
            sought[path] = os.path.join(home, NAME, _name(path))
            with open(sought[path], "rb") as file:
                return file.read()

    def set_shared(self: SourceFileLoader, path: str, data: bytes, **mode: Any) -> None:
        """Stand in for ``set_data``, which writes what has been compiled."""
        set_data(self, path, data, **mode)
        if path in sought:
            with suppress(OSError):
                _write(sought.pop(path), data)

    SourceFileLoader.get_data = get_shared  # type: ignore[assignment, method-assign]
    SourceFileLoader.set_data = set_shared  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        if SourceFileLoader.get_data is get_shared:
            del SourceFileLoader.get_data
            if own is not None:
                SourceFileLoader.get_data = own  # type: ignore[method-assign]
        if SourceFileLoader.set_data is set_shared:
            SourceFileLoader.set_data = set_data  # type: ignore[method-assign]


def _name(path: str) -> str:
    """Return the name of what is at *path* when it lies beside its source.

    Raises:
        OSError: there is no source.
    """
    with open(source_from_cache(path), "rb") as file:
        source = source_hash(file.read())
    _, _, kind = os.path.basename(path).partition(".")  # of which Python, and how optimized
    return f"{source.hex()}.{kind}"


def _write(path: str, data: bytes) -> None:
    """Write the compiled file *path*, whole or not at all, with *data* from after its header on."""
    with suppress(FileExistsError):
        os.mkdir(os.path.dirname(path), 0o700)
    digest, _, _ = os.path.basename(path).partition(".")
    passing = f"{path}.{os.getpid()}"
    try:
        with open(passing, "xb") as file:
            file.write(MAGIC_NUMBER + _UNCHECKED + bytes.fromhex(digest) + data[_HEADER:])
        os.replace(passing, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(passing)
        raise
