"""What a user reads when something is wrong: what happened, where, and what to do."""

from __future__ import annotations

import errno

TYPE_CHECKING = False  # `typing` takes longer to import than the rest
if TYPE_CHECKING:
    from collections.abc import Iterator


class BackendError(Exception):
    """A fault that the user can mend; its text is one or two sentences for them.

    :mod:`isolated_backend.hook` turns it into :class:`SystemExit`: no frontend shows a traceback.
    """


class SettingsError(BackendError):
    """An unknown key, or a wrong value, in ``[tool.isolated-backend]`` or the environment."""


class ShadowError(BackendError):
    """There is no place for the shadow: the temporary directory is missing, read-only or full."""


class VanishedFileError(BackendError):
    """A file of the source tree has disappeared while it was being packaged."""

    @classmethod
    def of(cls, name: str) -> VanishedFileError:
        """Return the error about the file *name*."""
        return cls(
            f"{name} was there when the build began to package it, and has disappeared; "
            "build again when nothing else changes the source tree."
        )


class ShortcutError(BackendError):
    """The result of a shortcut cannot be trusted: the hook is run again without shortcuts."""


class TreeLockError(BackendError):
    """Another build holds the source tree and does not let go."""


class BuildAgainError(BackendError):
    """The hook has to be run once more; then it has the source tree to itself from the start."""


class PrivateTreeError(BackendError):
    """There is no private tree here; the text is the reason, as part of a sentence."""


class HookError(Exception):
    """An exception in another process, of a class that this one does not know."""


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield *error*, and what it was raised from or while handling, one by one."""
    cause: BaseException | None = error
    seen = set[int]()  # `raise error from error` makes a circle
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__


def is_full_disk(error: BaseException) -> bool:
    """Tell whether *error* says that there is no room, perhaps for one of several files."""
    if not isinstance(error, OSError):
        return False
    if error.errno is None:  # shutil.Error of copytree, which has the errors' texts
        return f"[Errno {errno.ENOSPC}]" in str(error)
    return error.errno in (errno.ENOSPC, errno.EDQUOT)
