"""Compiled files that outlive the environment of the modules that they were compiled from.

uv installs without compiling, and gives each isolated build an environment of its own: each would
compile setuptools anew, which takes longer than all else that the build of a small project does.
Python finds a compiled file by the path of its source. Here it is found by the source itself, so
that the next environment finds it, too.

They lie in the directory of this user's slots, and are a cache: any of them may be missing.
"""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import contextmanager, suppress
from importlib.machinery import SourceFileLoader
from importlib.util import MAGIC_NUMBER, cache_from_source, source_hash
from typing import TYPE_CHECKING, Any
from zlib import crc32

from ..bytecode import is_the_projects
from ..shadow.removal import empty
from ..shadow.temporary import own_home, temporary_directory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType

#: The name of the directory: of no project's, for those end with a sum.
NAME = "bytecode"

#: The length of what a compiled file begins with, and in it (PEP 552) what says that the source has
#: not to be hashed again: the file was found by that. Before it is a sum of all of it.
_HEADER, _UNCHECKED, _SUM = 16, (0b01).to_bytes(4, "little"), 4

#: A module that only builds import: compiled files of others may be of a hook that is no build.
_IMPORTED_LATER = os.path.join(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "call.py"
)

#: How many files there may be before all are thrown away, and how much room builds are to have.
_MOST, _ROOM = 4096, 1 << 26


@contextmanager
def shared(root: str) -> Iterator[None]:
    """While this is open, share the compiled files of this environment with others.

    A module that is not compiled beside its source is taken from what another environment has
    compiled; and what is compiled is written there, where Python writes it anyway. The project's
    own modules take no part, nor do those that are not loaded in the ordinary way.

    Args:
        root: the project root.

    Raises:
        ShadowError: there is no directory for temporary files.
    """
    home = None
    if _is_wanted():
        temporary = temporary_directory()
        with suppress(OSError):  # whoever leases a slot will say what is wrong
            home = own_home(temporary)
    if home is None:
        yield
        return
    store = _Store(os.path.join(home, NAME))
    environment = sys.prefix + os.sep
    original = SourceFileLoader.get_code

    def get_code(self: SourceFileLoader, fullname: str) -> CodeType | None:
        """Stand in for ``get_code``, which reads a compiled file, or compiles."""
        path = self.path
        if (
            type(self) is SourceFileLoader
            and path.startswith(environment)
            and not is_the_projects(path, root)
            and not os.path.exists(cache_from_source(path))
            and _compiles_as_ever()
        ):
            return original(_Sharing(self, store), fullname)
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


def _is_wanted() -> bool:
    """Tell whether this environment comes without compiled files, and Python would make them."""
    if sys.pycache_prefix is not None or sys.implementation.cache_tag is None:
        return False
    return not os.path.exists(cache_from_source(_IMPORTED_LATER))


class _Sharing(SourceFileLoader):
    """A loader of one module that is not compiled: one that has its compiled file elsewhere.

    Args:
        loader: the one that Python has found.
        store: where it may be.
    """

    def __init__(self, loader: SourceFileLoader, store: _Store) -> None:
        super().__init__(loader.name, loader.path)
        # It is hashed and compiled as it was at one moment.
        self._source = loader.get_data(loader.path)
        self._name = _name(self.path, self._source)
        self._store = store

    def get_data(self, path: str) -> bytes:
        """Return the source, or what it was compiled to."""
        return self._source if path == self.path else self._store.read(self._name)

    def set_data(self, path: str, data: Any, **mode: Any) -> None:
        """Write what the source has been compiled to."""
        super().set_data(path, data, **mode)
        self._store.write(self._name, data[_HEADER:])


class _Store:
    """Compiled files by their names.

    Args:
        directory: where they are; it need not be there.
    """

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._is_open: bool | None = None

    def read(self, name: str) -> bytes:
        """Return the compiled file *name*.

        Raises:
            OSError: there is none, or not all of it.
        """
        with open(os.path.join(self._directory, name), "rb") as file:
            found, content = file.read(_SUM), file.read()
        if found != _sum(content):
            raise FileNotFoundError(name)
        return content

    def write(self, name: str, code: bytes) -> None:
        """Write the compiled file *name* with the marshalled *code*, if it can be written."""
        with suppress(OSError):
            if self._is_open is None:
                self._is_open = self._open()
            if self._is_open:
                digest, _, _ = name.partition(".")
                content = MAGIC_NUMBER + _UNCHECKED + bytes.fromhex(digest) + code
                _replace(os.path.join(self._directory, name), _sum(content) + content)

    def _open(self) -> bool:
        """Tell whether there is room for compiled files, with what builds need; and make some."""
        with suppress(FileExistsError):
            os.mkdir(self._directory, 0o700)
        if len(os.listdir(self._directory)) > _MOST:
            empty(self._directory)
        return shutil.disk_usage(self._directory).free > _ROOM


def _name(path: str, source: bytes) -> str:
    """Return the name of what the *source* at *path* is compiled to by this Python."""
    tag = str(sys.implementation.cache_tag)
    _, _, optimized = cache_from_source(path).rpartition(tag)
    return f"{source_hash(source).hex()}.{tag}{optimized}"


def _sum(content: bytes) -> bytes:
    return crc32(content).to_bytes(_SUM, "little")


def _replace(path: str, content: bytes) -> None:
    """Write a file, whole or not at all."""
    passing = f"{path}.{os.getpid()}"
    try:
        with open(passing, "wb") as file:
            file.write(content)
        os.replace(passing, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(passing)
        raise


def _compiles_as_ever() -> bool:
    """Tell whether nobody has changed what a source is compiled to, for all modules."""
    module = getattr(SourceFileLoader.source_to_code, "__module__", None)
    return module in ("importlib._bootstrap_external", "_frozen_importlib_external")
