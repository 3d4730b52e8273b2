"""Compiled files that outlive the environment of the modules that they were compiled from.

uv installs without compiling, and gives each isolated build an environment of its own: each would
compile setuptools anew, which takes longer than all else that the build of a small project does.
Python finds a compiled file by the path of its source. Here it is found by the source itself, so
that the next environment finds it, too: in the user's cache directory, as uv's and pip's own files.

Assumes of Python that ``SourceFileLoader.get_code`` reads and writes files in the format of PEP 552
with ``get_data`` and ``set_data``, and that the latter is atomic.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, suppress
from importlib.machinery import SourceFileLoader
from importlib.util import MAGIC_NUMBER, cache_from_source, source_hash
from typing import TYPE_CHECKING, Any
from zlib import crc32

from ..bytecode import is_the_projects
from ..shadow.removal import empty
from ..shadow.temporary import is_ours_alone

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType

#: The length of what a compiled file begins with, and in it (PEP 552) what says that the source has
#: not to be hashed again: the file was found by that. Before it is a sum of all of it.
_HEADER, _UNCHECKED, _SUM = 16, (0b01).to_bytes(4, "little"), 4

#: A module that is imported with setuptools, in the same process, and with nothing else.
_IMPORTED_LATER = os.path.join(os.path.dirname(__file__), os.pardir, "redirect", "log.py")

#: How many files there may be before all are thrown away.
_MOST = 4096

#: Who sets one of these wants to have nothing of an earlier build in this one.
_NO_CACHE = ("PIP_NO_CACHE_DIR", "UV_NO_CACHE")


@contextmanager
def shared(root: str) -> Iterator[None]:
    """While this is open, share the compiled files of this environment with others.

    A module that is not compiled beside its source is taken from what another environment has
    compiled; and what is compiled is written there, where Python writes it anyway. The project's
    own modules, in *root*, take no part, nor do those that are loaded in a way of their own.
    """
    place = _usable_directory(root)
    if place is None:
        yield
        return
    original = SourceFileLoader.get_code

    def get_code(self: SourceFileLoader, fullname: str) -> CodeType | None:
        if (
            type(self) is SourceFileLoader
            and self.path.startswith(sys.prefix + os.sep)
            and not is_the_projects(self.path, root)
            and not os.path.exists(cache_from_source(self.path))
            and "_external" in getattr(SourceFileLoader.source_to_code, "__module__", "")
        ):
            return original(_Sharing(self, place), fullname)
        return original(self, fullname)

    own = vars(SourceFileLoader).get("get_code")  # else it is inherited
    SourceFileLoader.get_code = get_code  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        if SourceFileLoader.get_code is get_code:
            del SourceFileLoader.get_code
            if own is not None:
                SourceFileLoader.get_code = own  # type: ignore[method-assign]


def directory() -> str:
    """Return where the files are: in the user's cache directory, wherever the system has that."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):
        places = {"win32": "~/AppData/Local", "darwin": "~/Library/Caches"}
        base = os.path.expanduser(places.get(sys.platform, "~/.cache"))
    return os.path.join(os.path.realpath(base), "isolated-backend", "bytecode")


def _usable_directory(root: str) -> str | None:
    """Return :func:`directory`, and make it; ``None`` if nothing is to be shared.

    So it is if this environment has compiled files, or Python would write none beside the sources;
    if the directory is in the project root, or another user's, as with ``sudo`` the home may be.
    """
    found = directory()
    home = os.path.dirname(found)
    base = os.path.dirname(home)
    if (
        sys.dont_write_bytecode
        or any(map(os.environ.get, _NO_CACHE))
        or sys.pycache_prefix is not None
        or sys.implementation.cache_tag is None
        or os.path.exists(cache_from_source(_IMPORTED_LATER))
        or os.path.join(base, "").startswith(root + os.sep)
    ):
        return None
    with suppress(OSError):
        above = base if os.path.isdir(base) else os.path.dirname(base)
        if sys.platform == "win32" or os.stat(above).st_uid == os.geteuid():
            for path in (base, home, found):
                with suppress(FileExistsError):
                    os.mkdir(path, 0o700)
            if is_ours_alone(home):
                if len(os.listdir(found)) > _MOST:
                    empty(found)
                return found
    return None


class _Sharing(SourceFileLoader):
    """A *loader* of one module that has its compiled file in the directory *place*."""

    def __init__(self, loader: SourceFileLoader, place: str) -> None:
        super().__init__(loader.name, loader.path)
        # It is hashed and compiled as it was at one moment.
        self._source = loader.get_data(loader.path)
        self._hash = source_hash(self._source)
        tag = str(sys.implementation.cache_tag)
        _, _, optimized = cache_from_source(self.path).rpartition(tag)
        self._compiled = os.path.join(place, f"{self._hash.hex()}.{tag}{optimized}")

    def get_data(self, path: str) -> bytes:
        """Return the source, or what it was compiled to, if that is all there."""
        if path == self.path:
            return self._source
        with open(self._compiled, "rb") as file:
            found, content = file.read(_SUM), file.read()
        if found != _sum(content):
            raise FileNotFoundError(self._compiled)
        return content

    def set_data(self, path: str, data: Any, **mode: Any) -> None:
        """Write what the source has been compiled to, there, too: whole or not at all."""
        super().set_data(path, data, **mode)
        content = MAGIC_NUMBER + _UNCHECKED + self._hash + data[_HEADER:]
        super().set_data(self._compiled, _sum(content) + content)


def _sum(content: bytes) -> bytes:
    return crc32(content).to_bytes(_SUM, "little")
