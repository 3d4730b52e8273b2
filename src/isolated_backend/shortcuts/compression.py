"""A gzipped tar archive that is compressed while its next members are read.

Half the time that an sdist's archive takes is compressing, and Python can do something else
meanwhile: zlib does not hold its lock.
"""

from __future__ import annotations

import gzip
import io
import tarfile
from contextlib import contextmanager
from queue import Queue
from threading import Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_LEVEL = 9  # as tarfile's, and so setuptools'

#: Bytes that are compressed in one go, and how many such pieces may wait for that.
_PIECE, _PIECES = 1 << 16, 16


@contextmanager
def gzipped_tar(path: str, *, anonymous: bool = False) -> Iterator[tarfile.TarFile]:
    """Open the new archive *path* for members, in the format that setuptools' have.

    Args:
        path: of the archive.
        anonymous: whether the header is to have neither the name of the archive nor the time.

    Raises:
        OSError: it cannot be written; when it is closed, if not before.
    """
    name, time = ("", 0) if anonymous else (path, None)
    with (
        open(path, "wb") as file,
        gzip.GzipFile(name, "wb", _LEVEL, file, time) as compressed,
        _InBackground(compressed) as background,
        tarfile.open(
            mode="w|", fileobj=background, bufsize=_PIECE, format=tarfile.PAX_FORMAT
        ) as archive,
    ):
        yield archive


class _InBackground(io.RawIOBase):
    """A file that a thread of its own writes, in the same order, if there can be one.

    Args:
        file: where to write.
    """

    def __init__(self, file: gzip.GzipFile) -> None:
        super().__init__()
        self._file = file
        self._pieces: Queue[bytes | None] = Queue(_PIECES)
        self._error: BaseException | None = None
        self._thread: Thread | None = Thread(
            target=self._work, name="isolated-backend compression", daemon=True
        )
        try:
            self._thread.start()
        except RuntimeError:  # as many processes as this user, or this container, may have
            self._thread = None

    def write(self, piece: Any) -> int:
        """Have *piece* written; wait if too much is left to be written already.

        Raises:
            OSError: an earlier piece could not be written.
        """
        if self._thread is None:
            return self._file.write(piece)
        self._complain()
        self._pieces.put(bytes(piece))
        return len(piece)

    def close(self) -> None:
        """Wait until all is written.

        Raises:
            OSError: some of it could not be.
        """
        if not self.closed:
            if self._thread is not None:
                self._pieces.put(None)
                self._thread.join()
            super().close()
            self._complain()

    def _complain(self) -> None:
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        while (piece := self._pieces.get()) is not None:
            if self._error is None:
                try:
                    self._file.write(piece)
                except BaseException as error:
                    self._error = error
