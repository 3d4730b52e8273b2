"""A gzipped tar archive that is compressed while its next members are read.

Half the time that an sdist's archive takes is compressing, and Python can do something else
meanwhile: zlib does not hold its lock.
"""

from __future__ import annotations

import gzip
import tarfile
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

_LEVEL = 9  # as tarfile's, and so setuptools'

#: Bytes that are compressed in one go, and how many such pieces may wait for that.
_PIECE, _PIECES = 1 << 16, 16


@contextmanager
def gzipped_tar(path: str, *, anonymous: bool = False) -> Iterator[tarfile.TarFile]:
    """Open the new archive *path* for members, in the format that setuptools' have.

    The header of an *anonymous* one has neither its name nor the time.
    """
    name, time = ("", 0) if anonymous else (path, None)
    with (
        open(path, "wb") as file,
        gzip.GzipFile(name, "wb", _LEVEL, file, time) as compressed,
        ThreadPoolExecutor(1, "isolated-backend compression") as pool,
    ):
        writer = _InBackground(compressed, pool)
        stream = cast("IO[bytes]", writer)
        with tarfile.open(mode="w|", fileobj=stream, bufsize=_PIECE) as archive:
            yield archive
        writer.finish()


class _InBackground:
    """Writes to *file* in the thread of *pool*, in the same order, if there can be a thread."""

    def __init__(self, file: gzip.GzipFile, pool: ThreadPoolExecutor) -> None:
        self._file = file
        self._pool: ThreadPoolExecutor | None = pool
        self._waiting: deque[Future[int]] = deque()

    def write(self, piece: bytes) -> int:
        """Have *piece* written; wait if too much is left to be written already."""
        if self._pool is not None:
            try:
                self._waiting.append(self._pool.submit(self._file.write, bytes(piece)))
            except RuntimeError:  # as many threads as this user, or this container, may have
                self._pool = None
        if self._pool is None:
            self._file.write(piece)
        elif len(self._waiting) > _PIECES:
            self._waiting.popleft().result()
        return len(piece)

    def finish(self) -> None:
        """Wait until all is written."""
        while self._waiting:
            self._waiting.popleft().result()
