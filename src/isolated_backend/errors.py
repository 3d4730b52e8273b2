"""What a user reads when something is wrong: what happened, where, and what to do."""

from __future__ import annotations


class BackendError(Exception):
    """A fault that the user can mend; its text is one or two sentences for them.

    :mod:`isolated_backend.hooks` turns it into :class:`SystemExit`, so that a frontend shows
    the text and not a traceback.
    """


class SettingsError(BackendError):
    """``[tool.isolated-backend]`` or a variable of the environment says what it cannot say."""


class ShadowError(BackendError):
    """There is no place for the shadow: the temporary directory is missing, read-only or full."""


class RedirectError(BackendError):
    """The installed setuptools lacks something that has to be redirected."""


class PublishError(BackendError):
    """The finished artifact cannot be put where the frontend wants it."""


class TreeLockError(BackendError):
    """Another build holds the source tree and does not let go."""
