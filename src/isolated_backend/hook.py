"""One hook call, from the frontend's call to the published artifact."""

from __future__ import annotations

import os
from contextlib import contextmanager, nullcontext, suppress
from functools import partial

from . import bytecode, messages, process
from .errors import (
    BackendError,
    BuildAgainError,
    LostFileError,
    ShadowError,
    ShortcutError,
    causes,
    is_full_disk,
)
from .settings import Settings

TYPE_CHECKING = False  # `typing` takes longer to import than all that build requirements need
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from .call import Call

#: The hooks that make an artifact, and the argument that names the output directory.
_OUTPUT = {
    "build_sdist": "sdist_directory",
    "build_wheel": "wheel_directory",
    "build_editable": "wheel_directory",
}

#: Set to ``0``, it switches all shortcuts off.
_SHORTCUTS = "ISOLATED_BACKEND_SHORTCUTS"


def run(
    delegate: str, hook: str, root: str, arguments: Mapping[str, Any], *, is_last_try: bool = False
) -> Any:
    """Run *hook* for a frontend: in this process if it is the first, else in one of its own.

    Args:
        delegate: setuptools' backend, as ``build-backend`` would name it.
        hook: the name of the hook.
        root: the project root, which is the current directory.
        arguments: those of the hook, by name.
        is_last_try: whether to do without shortcuts.

    Returns:
        What the hook returns.

    Raises:
        SystemExit: with a message for the user.
        BaseException: whatever setuptools, or the project, raises.
    """
    with _errors_for_the_user():
        with bytecode.kept_out_of_the_project(root):
            shortcuts = None if is_last_try else _shortcuts()
            if shortcuts and process.is_as_the_frontend_left_it():
                Settings.read(root)  # what is wrong there is to be told by every hook
                known = shortcuts.known_requirements(root, hook, arguments["config_settings"])
                if known is not None:
                    return known
        try:
            with process.first_hook() as is_first:
                if is_first:
                    with _imports(root, shortcuts), suppress(BuildAgainError):
                        return _build(delegate, hook, root, arguments, is_last_try)
        except ShortcutError as error:
            messages.tell(f"{error} Building again without shortcuts.")
            is_last_try = True
        again = partial(run, is_last_try=is_last_try)
        return process.call(f"{hook} of {root}", root, again, delegate, hook, root, arguments)


def _build(
    delegate: str, hook: str, root: str, arguments: Mapping[str, Any], is_last_try: bool
) -> Any:
    """Call setuptools' *hook* in a shadow of its own, and publish the artifact if it makes one."""
    # Not at the top: build requirements are mostly known without.
    from . import writers
    from .call import Call
    from .publish import publish
    from .reproducible import NormalForm
    from .shadow import slots
    from .shadow.paths import Shadow
    from .shadow.temporary import temporary_directory

    settings = Settings.read(root)
    passed = {
        name: os.path.abspath(os.path.join(root, value))
        if name.endswith("_directory") and value is not None
        else value
        for name, value in arguments.items()
    }
    output = passed.get(_OUTPUT.get(hook, ""))
    metadata = passed.get("metadata_directory") if output is None else None
    temporary = temporary_directory()
    normal_form = NormalForm.wanted() if output is not None else None
    with slots.lease(root, temporary, purpose=hook, keep=settings.keep) as slot:
        shadow = Shadow(root, slot, temporary)
        if settings.keep:
            messages.tell(f"keeping the shadow in {shadow.place}")
        if output is not None:
            passed[_OUTPUT[hook]] = shadow.dist
        options = arguments["config_settings"] or {}
        call = Call(delegate, hook, settings, shadow, normal_form, metadata, options)
        returned, says_info = writers.run(
            call,
            partial(_setuptools, call, passed, is_last_try),
            partial(_setuptools_apart, call, passed, is_last_try),
        )
        if output is not None:
            publish(os.path.join(shadow.dist, returned), output)
            if says_info:
                messages.report(f"{returned} was built in isolation and is in {output}")
        return returned


def _setuptools_apart(
    call: Call, arguments: Mapping[str, Any], is_last_try: bool
) -> tuple[Any, bool]:
    """Do what :func:`_setuptools` does in another process than the rest of the call."""
    with _imports(call.root, None if is_last_try else _shortcuts()):
        return _setuptools(call, arguments, is_last_try)


def _setuptools(call: Call, arguments: Mapping[str, Any], is_last_try: bool) -> tuple[Any, bool]:
    """Call setuptools' hook with its writes redirected, and normalize the artifact.

    Returns:
        What the hook returns, and whether setuptools was so verbose as to say what it has done.
    """
    from . import redirect
    from .redirect import log

    shortcuts = None if is_last_try else _shortcuts()
    setuptools = redirect.load(call.delegate)
    with (
        redirect.redirected(call, shortcuts.replacements(call) if shortcuts else ()),
        _disk_named(call),
        _redirection_logged(call),
    ):
        returned = getattr(setuptools, call.hook)(**arguments)
    if shortcuts:
        shortcuts.check(call)
    if call.hook in ("build_sdist", "build_wheel") and (lost := call.lost()):
        raise LostFileError(
            f"The project's own code writes {lost} in {call.root}, but this build works "
            "elsewhere, and would leave that file out. Take the directory from the command "
            "(`self.build_lib`, `self.egg_info`, `base_dir`), or write it into the package."
        )
    if call.normal_form is not None:
        with _disk_named(call):
            call.normal_form.give(os.path.join(call.shadow.dist, returned))
    return returned, log.says_info()


def _shortcuts() -> Any:
    """Return the package of shortcuts, unless it is switched off, or missing."""
    if os.environ.get(_SHORTCUTS) == "0":
        return None
    try:
        from . import shortcuts
    except ImportError:
        return None
    return shortcuts


@contextmanager
def _imports(root: str, shortcuts: Any) -> Iterator[None]:
    """Import setuptools as quickly as may be, and no ``.pyc`` into *root*, while this is open."""
    with (
        bytecode.kept_out_of(root),
        shortcuts.imports(root) if shortcuts else nullcontext(),
    ):
        yield


@contextmanager
def _errors_for_the_user() -> Iterator[None]:
    """Turn our errors into :class:`SystemExit`: the frontend shows the text, no traceback."""
    try:
        yield
    except BackendError as error:
        raise SystemExit(f"isolated-backend: {error}") from error


@contextmanager
def _disk_named(call: Call) -> Iterator[None]:
    """Say which disk is full, or executes no programs: an error names at most the file."""
    try:
        yield
    except (Exception, SystemExit) as error:
        if _is_noexec(error, call.shadow.slot):
            raise ShadowError(
                f"A program in {call.shadow.slot} was to be run, but that file system is mounted "
                "with `noexec`; point TMPDIR to one that is not."
            ) from error
        if not any(map(is_full_disk, causes(error))):
            raise
        places = filter(None, [call.shadow.slot, call.metadata_directory])
        raise ShadowError(
            f"No space left on the device while building in {' and '.join(places)}; "
            "free some, or point TMPDIR to a larger disk."
        ) from error


def _is_noexec(error: BaseException, slot: str) -> bool:
    """Tell whether a program in *slot* could not be run because of how it is mounted."""
    found = list(causes(error))
    return (
        any(slot in str(each) for each in found)
        and any(isinstance(each, PermissionError) for each in found)
        and hasattr(os, "ST_NOEXEC")
        and bool(os.statvfs(slot).f_flag & os.ST_NOEXEC)
    )


@contextmanager
def _redirection_logged(call: Call) -> Iterator[None]:
    """Log where files went, if setuptools is to be verbose, also when the hook fails."""
    from .redirect import log

    try:
        yield
    finally:
        log.debug(f"what setuptools would write in {call.root} went to {call.shadow.place}")
        for name, place in call.shadow.relocated.items():
            log.debug(f"{name} -> {place}")
