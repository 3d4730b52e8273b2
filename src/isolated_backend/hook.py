"""One hook call, from the frontend's call to the published artifact."""

from __future__ import annotations

import os
from contextlib import contextmanager, nullcontext, suppress
from functools import partial

from . import bytecode, messages, process
from .errors import BackendError, BuildAgainError, ShortcutError, causes, is_full_disk
from .settings import Settings

TYPE_CHECKING = False  # `typing` takes longer to import than all that build requirements need
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
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


def run(delegate: str, hook: str, root: str, arguments: Mapping[str, Any]) -> Any:
    """Run *hook* of *delegate*, setuptools' backend, for a frontend; return what it returns.

    Raises:
        SystemExit: with a message for the user, for whom no frontend has to show a traceback.
        BaseException: whatever setuptools, or the project, raises.
    """
    try:
        return _run(delegate, hook, root, arguments)
    except BackendError as error:
        raise SystemExit(f"isolated-backend: {messages.visible(str(error))}") from error


def _run(delegate: str, hook: str, root: str, arguments: Mapping[str, Any]) -> Any:
    """Run *hook*: in this process if it is the first, else in one of its own."""
    settings = Settings.read(root)  # every hook reports a mistake there
    if shortcuts := _shortcuts():
        known = shortcuts.known_requirements(root, hook, arguments["config_settings"])
        if known is not None:
            return known
    apart: Callable[..., Any] = _run
    try:
        with process.first_hook() as is_first:
            if is_first:
                with (
                    bytecode.kept_out_of(root),
                    shortcuts.imports(root) if shortcuts else nullcontext(),
                    suppress(BuildAgainError),
                ):
                    return _build(delegate, hook, root, arguments, settings)
    except ShortcutError as error:
        messages.tell(f"{error} Building again without shortcuts.")
        apart = _run_without_shortcuts
    from . import interpreter

    return interpreter.call(f"{hook} of {root}", root, apart, delegate, hook, root, arguments)


def _run_without_shortcuts(*arguments: Any) -> Any:
    os.environ[_SHORTCUTS] = "0"
    return _run(*arguments)


def _build(
    delegate: str, hook: str, root: str, arguments: Mapping[str, Any], settings: Settings
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
        returned, says_info = writers.run(call, partial(_setuptools, call, passed))
        if output is not None:
            publish(os.path.join(shadow.dist, returned), output)
            if says_info:
                messages.report(f"{returned} was built in isolation and is in {output}")
        return returned


def _setuptools(call: Call, arguments: Mapping[str, Any]) -> tuple[Any, bool]:
    """Call setuptools' hook with its writes redirected, and normalize the artifact.

    Returns:
        What the hook returns, and whether setuptools was so verbose as to say what it has done.
    """
    shortcuts = _shortcuts()
    # Again, for this may be another process.
    imports = shortcuts.imports(call.root) if shortcuts else nullcontext()
    with imports, _disk_named(call):
        from . import redirect
        from .redirect import log

        setuptools = redirect.load(call.delegate)
        with redirect.redirected(call, shortcuts.replacements(call) if shortcuts else ()):
            try:
                returned = getattr(setuptools, call.hook)(**arguments)
            finally:
                log.debug(f"what setuptools would write in {call.root} went to {call.shadow.place}")
                for name, place in call.shadow.relocated.items():
                    log.debug(f"{name} -> {place}")
        if shortcuts:
            shortcuts.check(call)
        if call.hook in ("build_sdist", "build_wheel") and (lost := call.lost()):
            raise BackendError(
                f"The project's own code writes {lost} in {call.root}, but this build works "
                "elsewhere, and would leave that file out. Take the directory from the command "
                "(`self.build_lib`, `self.egg_info`, `base_dir`), or write it into the package."
            )
        if call.normal_form is not None:
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
def _disk_named(call: Call) -> Iterator[None]:
    """Say which disk is full, or executes no programs: an error names at most the file."""
    slot = call.shadow.slot
    try:
        yield
    except (Exception, SystemExit) as error:
        found = list(causes(error))
        if any(map(is_full_disk, found)):
            places = filter(None, [slot, call.metadata_directory])
            raise BackendError(
                f"No space left on the device while building in {' and '.join(places)}; "
                "free some, or point TMPDIR to a larger disk."
            ) from error
        is_refused = any(isinstance(each, PermissionError) for each in found)
        if is_refused and any(slot in str(each) for each in found) and _is_noexec(slot):
            raise BackendError(
                f"A program in {slot} was to be run, but that file system is mounted "
                "with `noexec`; point TMPDIR to one that is not."
            ) from error
        raise


def _is_noexec(path: str) -> bool:
    return hasattr(os, "ST_NOEXEC") and bool(os.statvfs(path).f_flag & os.ST_NOEXEC)
