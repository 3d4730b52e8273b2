"""One call of a hook of setuptools: settings, shadow, redirection, setuptools, publishing."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from . import redirect, slots, treelock
from .errors import LostFileError, PrivateTreeError, ReadOnlyTreeError, ShadowError, causes
from .publish import publish
from .redirect import log
from .reproducible import NormalForm
from .settings import Settings
from .shadow import Shadow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

_NOT_WRITABLE = (errno.EROFS, errno.EACCES, errno.EPERM)

_MAKES_AN_ARTIFACT = frozenset({"build_sdist", "build_wheel", "build_editable"})


class Call(NamedTuple):
    """One call of one hook: where it works, and by which settings."""

    delegate: str
    hook: str
    root: str
    settings: Settings
    shadow: Shadow

    def setuptools(self, *arguments: Any) -> Any:
        """Call the same hook of setuptools' own backend with what it writes redirected."""
        with _restored_process_state(self.root):
            redirect.load(self.delegate)  # once, should there be a child
            settings, obstacle = self.settings, None
            is_writable = os.access(self.root, os.W_OK)
            if self._wants_private_tree(is_writable):
                try:
                    return self._in_a_private_tree(arguments)
                except PrivateTreeError as error:
                    obstacle = str(error)
                    slots.empty(self.shadow.place)
            if settings.in_tree_writes == "private":
                settings = settings.but(in_tree_writes="lock")
                if obstacle:
                    treelock.tell(
                        f"no private tree of {self.root}, for {obstacle}; "
                        "builds take turns instead."
                    )
            with ExitStack() as taken:
                told: list[Callable[[str], object]] = []
                if not is_writable:
                    told.append(taken.enter_context(_read_only_root_named(self.root, obstacle)))
                taken.enter_context(self._held(settings, *told))
                return self._redirected(arguments)

    def _held(
        self, settings: Settings, *told: Callable[[str], object]
    ) -> AbstractContextManager[None]:
        """Hold the tree by *settings*, and tell the shadow and *told* what is written there."""
        shadow, writer = self.shadow, self._writer()
        told = (shadow.note_write, *told)
        return treelock.held(self.root, settings, own=shadow.own, writer=writer, told=told)

    def _writer(self) -> str | None:
        """Return why this hook writes into the tree, whatever the project does."""
        return "an editable install" if self.hook == "build_editable" else None

    def _wants_private_tree(self, is_writable: bool) -> bool:
        """Tell whether this hook is to have a private tree, if there can be one.

        An editable install leaves files in the root; that is what it is for. A build that the
        project's own build starts is at work in the same tree as that.

        Args:
            is_writable: whether the root can be written.
        """
        if self._writer() or treelock.is_held_by_a_parent(self.root):
            return False
        if self.settings.in_tree_writes == "auto":
            return sys.platform == "linux" and not is_writable
        return self.settings.in_tree_writes == "private"

    def _in_a_private_tree(self, arguments: tuple[Any, ...]) -> Any:
        """Call the hook where no other sees what it writes: it only reads the tree."""
        from . import privatetree  # here, for few need it

        with self._held(self.settings.but(in_tree_writes="private")):
            returned, verbosity = privatetree.run(
                lambda: (self._redirected(arguments), log.verbosity()),
                self.root,
                self.shadow.place,
                # An environment in the root is not the project's, either.
                through=[*self.shadow.own, sys.prefix],
            )
        log.resume(verbosity)
        return returned

    def _redirected(self, arguments: tuple[Any, ...]) -> Any:
        """Call the hook, and give the artifact its normal form, in the process that has made it."""
        setuptools = redirect.load(self.delegate)
        with (
            redirect.redirected(self.shadow, self.hook),
            _full_disk_named(self.shadow),
            _redirection_told(self.shadow),
        ):
            returned = getattr(setuptools, self.hook)(*arguments)
        if self.hook in ("build_sdist", "build_wheel") and (lost := self.shadow.lost()):
            raise LostFileError(
                f"The project's own code writes {lost} in {self.root}, but this build works "
                "elsewhere, and would leave that file out. Take the directory from the command "
                "(`self.build_lib`, `self.egg_info`, `base_dir`), or write it into the package."
            )
        if self.shadow.normal_form is not None:
            with _full_disk_named(self.shadow):
                self.shadow.normal_form.give(os.path.join(self.shadow.dist, returned))
        return returned

    def published(self, name: str, directory: str) -> str:
        """Put the finished artifact *name* into *directory* and return its name."""
        publish(os.path.join(self.shadow.dist, name), directory)
        log.info(f"{name} was built in isolation and is in {directory}")
        return name


@contextmanager
def opened(root: str, delegate: str, hook: str, metadata_directory: str | None) -> Iterator[Call]:
    """Yield a call that has a shadow of its own, which is given back at the end.

    Args:
        root: the project root.
        delegate: the backend of setuptools to ask, as ``build-backend`` would name it.
        hook: the name of the hook.
        metadata_directory: where the frontend wants a ``.dist-info``, if it does.

    Raises:
        SettingsError: the user has set what cannot be.
        ShadowError: there is no place for the shadow.
    """
    settings = Settings.read(root)
    temporary = slots.temporary_directory()
    normal_form = NormalForm.wanted() if hook in _MAKES_AN_ARTIFACT else None
    with slots.lease(root, temporary, purpose=hook, keep=settings.keep) as place:
        if settings.keep:
            print(f"isolated-backend: keeping the shadow in {place}", file=sys.stderr, flush=True)
        shadow = Shadow(root, place, temporary, metadata_directory, hook, normal_form)
        yield Call(delegate, hook, root, settings, shadow)


@contextmanager
def _restored_process_state(root: str) -> Iterator[None]:
    """Give ``sys.argv`` and the current directory back as they were: setup.py may change both."""
    argv = sys.argv
    try:
        yield
    finally:
        sys.argv = argv
        os.chdir(root)


@contextmanager
def _full_disk_named(shadow: Shadow) -> Iterator[None]:
    """Say which disk is full: setuptools' own message names at most the file."""
    try:
        yield
    except (OSError, SystemExit) as error:
        if not any(map(_is_full_disk, causes(error))):
            raise
        places = filter(None, [shadow.place, shadow.metadata_directory])
        raise ShadowError(
            f"No space left on the device while building in {' and '.join(places)}; "
            "free some, or point TMPDIR to a larger disk."
        ) from error


@contextmanager
def _redirection_told(shadow: Shadow) -> Iterator[None]:
    """Tell a user who has asked setuptools to be verbose where things went, also if it fails."""
    try:
        yield
    finally:
        log.debug(f"what setuptools would write in {shadow.root} went to {shadow.place}")
        for name in shadow.relocated:
            log.debug(f"{name} -> {os.path.join(shadow.place, name)}")


@contextmanager
def _read_only_root_named(root: str, obstacle: str | None) -> Iterator[Callable[[str], object]]:
    """Say what was to be written into a root that cannot be: the error may not even name it.

    Args:
        root: the project root.
        obstacle: why there is no private tree, if there was to be one.

    Yields:
        What to call with each path that is about to be written.
    """
    writes: list[str] = []
    try:
        yield writes.append
    except (Exception, SystemExit) as error:
        if not writes:
            raise
        sentence = (
            f"{root} cannot be written, and the project's own code writes {writes[-1]} there "
            "while it is built"
            + (f"; nor is there a private tree of it, for {obstacle}." if obstacle else ".")
        )
        if any(getattr(cause, "errno", None) in _NOT_WRITABLE for cause in causes(error)):
            raise ReadOnlyTreeError(sentence) from error
        treelock.tell(f"warning: {sentence}")  # perhaps it is something else that has failed
        raise


def _is_full_disk(error: BaseException) -> bool:
    """Tell whether *error* says that there is no room, perhaps for one of several files."""
    if not isinstance(error, OSError):
        return False
    if error.errno is None:  # shutil.Error of copytree, which has the errors' texts
        return f"[Errno {errno.ENOSPC}]" in str(error)
    return error.errno in (errno.ENOSPC, errno.EDQUOT)
