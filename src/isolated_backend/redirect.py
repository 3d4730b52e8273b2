"""Make setuptools write to the shadow. The only module that knows its insides.

Each replacement is one small function with the method it replaces in its decorator and the reason
in its docstring. It is made for one shadow and one original, and is in place while
:func:`redirected` is open. All of them sit at the base of a class hierarchy, so that what a
project overrides, and calls with ``super()``, goes on working.
"""

from __future__ import annotations

import functools
import os
import shutil
import sys
import tempfile
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from .bytecode import is_the_projects
from .errors import RedirectError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import TypeAlias

    from .shadow import Shadow

    Method: TypeAlias = Callable[..., Any]
    Factory: TypeAlias = Callable[[Shadow, Method], Method]

#: The first setuptools with the hooks of PEP 660.
OLDEST = "64"

#: The commands' options that name a directory to work in. Each has a default inside the root, or
#: takes it from the one before it; a project's own ``[build] build_base`` and the like are moved
#: in the same way, because two builds would meet there just as well.
WORK_DIRECTORIES = {
    "build": (
        "build_base",
        "build_purelib",
        "build_platlib",
        "build_lib",
        "build_temp",
        "build_scripts",
    ),
    "build_py": ("build_lib",),
    "build_ext": ("build_lib", "build_temp"),
    "build_clib": ("build_clib", "build_temp"),
    "build_scripts": ("build_dir",),
    "bdist": ("bdist_base",),
    "bdist_wheel": ("bdist_dir",),
    "install": ("build_base", "build_lib"),
    "install_lib": ("build_dir",),
    "install_scripts": ("build_dir",),
}

_EDITABLE_WHEEL = "setuptools.command.editable_wheel"

_EDITABLE = ("build_editable",)
_WITHOUT_FILE_LIST = (
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "get_requires_for_build_editable",
    "prepare_metadata_for_build_wheel",
    "prepare_metadata_for_build_editable",
)

_replacements: list[tuple[str, str, str, Sequence[str], Factory]] = []


def _replaces(
    module: str, owner: str, name: str, *, hooks: Sequence[str] = ()
) -> Callable[[Factory], Factory]:
    """Register what replaces the attribute *name* of ``module.owner`` (of *module* if empty).

    Args:
        module: by the name it is imported by.
        owner: a class in it.
        name: of a method or function.
        hooks: do so in these hooks only; others need not even import *module*.
    """

    def register(factory: Factory) -> Factory:
        _replacements.append((module, owner, name, hooks, factory))
        return factory

    return register


def load(delegate: str) -> Any:
    """Import setuptools' own backend.

    Args:
        delegate: a ``build-backend`` value, ``module`` or ``module:object``.

    Raises:
        RedirectError: setuptools is missing or too old.
    """
    try:
        import setuptools
    except ImportError as error:
        raise RedirectError(
            "setuptools is not installed; add it to build-system.requires in pyproject.toml."
        ) from error
    from packaging.version import Version

    if Version(setuptools.__version__) < Version(OLDEST):
        raise RedirectError(
            f"setuptools {setuptools.__version__} is too old; "
            f'write "setuptools>={OLDEST}" in build-system.requires.'
        )
    module, _, attribute = delegate.partition(":")
    backend = import_module(module)
    return getattr(backend, attribute) if attribute else backend


@contextmanager
def redirected(shadow: Shadow, hook: str) -> Iterator[None]:
    """Redirect what setuptools writes in the root to *shadow* while this is open.

    Args:
        shadow: where to.
        hook: the hook that is to be called.

    Raises:
        RedirectError: this setuptools has not got what has to be replaced.
    """
    undo: list[Callable[[], None]] = []
    _forget_made_directories()
    try:
        for module, owner, name, hooks, factory in _replacements:
            if hooks and hook not in hooks:
                continue
            undo.append(_replace(shadow, module, owner, name, factory))
        with _temporary_files_in(shadow):
            yield
    finally:
        shadow.open = False
        for step in reversed(undo):
            step()
        _forget_made_directories()


def _replace(
    shadow: Shadow, module: str, owner: str, name: str, factory: Factory
) -> Callable[[], None]:
    """Put one replacement in place; return what takes it back."""
    holder: Any = import_module(module)
    try:
        holder = getattr(holder, owner) if owner else holder
        original = getattr(holder, name)
    except AttributeError:
        import setuptools

        where = ".".join(part for part in (module, owner, name) if part)
        raise RedirectError(
            f"setuptools {setuptools.__version__} has no {where}, which isolated-backend has to "
            "redirect; use another version of setuptools, and please report this."
        ) from None
    replacement = factory(shadow, original)

    @functools.wraps(original)
    def method(*args: Any, **kwargs: Any) -> Any:
        # A plugin may have kept this function beyond the call; then it is the original's turn.
        return (replacement if shadow.open else original)(*args, **kwargs)

    own = name in vars(holder)
    before = vars(holder).get(name)
    setattr(holder, name, method)

    def undo() -> None:
        if vars(holder).get(name) is method:
            if own:
                setattr(holder, name, before)
            else:
                delattr(holder, name)

    return undo


@contextmanager
def _temporary_files_in(shadow: Shadow) -> Iterator[None]:
    """Let ``tempfile`` work in the shadow while TMPDIR is inside the root.

    ``editable_wheel`` makes temporary directories and hands them to other commands as places to
    work in; inside the root they could not be told from a project's own settings.
    """
    if not shadow.inside_root:
        yield
        return
    before = tempfile.tempdir
    tempfile.tempdir = os.path.join(shadow.place, "tmp")
    os.mkdir(tempfile.tempdir)
    try:
        yield
    finally:
        tempfile.tempdir = before


def _forget_made_directories() -> None:
    """Clear distutils' memory of directories it has made.

    ``dir_util.mkpath`` makes no directory twice in one process. In a process with many hooks
    (tox) the same path is wiped and needed again.
    """
    dir_util = import_module("distutils.dir_util")
    if hasattr(dir_util, "SkipRepeatAbsolutePaths"):
        dir_util.SkipRepeatAbsolutePaths.clear()
    else:
        dir_util._path_created.clear()


# --- what can be told without setuptools --------------------------------------------------------


def configuration_files(root: str) -> list[str]:
    """Return the files in which ``setup_requires`` can stand (``find_config_files``)."""
    home = os.path.expanduser("~")
    user = ".pydistutils.cfg" if os.name == "posix" else "pydistutils.cfg"
    asked = os.environ.get("DIST_EXTRA_CONFIG")
    return [
        *(os.path.join(directory, "distutils.cfg") for directory in _directories_of_distutils()),
        os.path.join(home, user),
        os.path.join(root, "setup.cfg"),
        *([asked] if asked else []),
    ]


def _directories_of_distutils() -> list[str]:
    package = _directory_of_setuptools()
    standard = os.path.join(os.path.dirname(os.__file__), "distutils")
    return [standard, *([os.path.join(package, "_distutils")] if package else [])]


def _directory_of_setuptools() -> str | None:
    """Return where setuptools would be imported from, if it can be."""
    spec = find_spec("setuptools")
    return os.path.dirname(spec.origin) if spec and spec.origin else None


def static_requirements(kind: str) -> list[str] | None:
    """Return what setuptools requires for every artifact of *kind*.

    Args:
        kind: ``sdist``, ``wheel`` or ``editable``.

    Returns:
        ``wheel`` for wheels, until setuptools 70.1 got a ``bdist_wheel`` of its own; ``None`` if
        this setuptools has no hook for this, or is not there at all.
    """
    package = _directory_of_setuptools()
    if package is None:
        return None
    commands = os.path.join(package, "command")
    if not os.path.exists(os.path.join(commands, "editable_wheel.py")):
        return None
    own = kind == "sdist" or os.path.exists(os.path.join(commands, "bdist_wheel.py"))
    return [] if own else ["wheel"]


# --- where commands work ------------------------------------------------------------------------


@_replaces("distutils.cmd", "Command", "ensure_finalized")
def _work_directories(shadow: Shadow, original: Method) -> Method:
    """Relocate :data:`WORK_DIRECTORIES` before a command derives others from them, and after.

    Before: the defaults, and what setup.cfg, pyproject.toml or setup.py say. After: what an
    override of ``finalize_options`` sets on its own.
    """

    def ensure_finalized(self: Any) -> None:
        options = () if self.finalized else WORK_DIRECTORIES.get(_name(self), ())
        _move_options(shadow, self, options)
        original(self)
        _move_options(shadow, self, options)

    return ensure_finalized


def _move_options(shadow: Shadow, command: Any, options: Iterable[str]) -> None:
    """Relocate the values of *options*, except what ``config_settings`` asked for."""
    for option in options:
        value = getattr(command, option, None)
        if not value:
            continue
        if _asked_for(command, _name(command), option):
            shadow.leave(os.fspath(value))
        else:
            setattr(command, option, shadow.relocate(os.fspath(value)))


def _asked_for(command: Any, name: str, option: str) -> str:
    """Return what was given for this one call, through ``config_settings``, as an option.

    Args:
        command: any command of the distribution.
        name: that of the command which *option* is one of.
        option: its name.

    Returns:
        Its value; empty if it was not given.
    """
    options = command.distribution.get_option_dict(name)
    source, value = options.get(option, ("", None))
    return str(value) if source == "command line" else ""


def _name(command: Any) -> str:
    """Return the name that *command* was asked for by.

    ``get_command_name`` gives the name of the class, which is any for one from ``cmdclass``.
    """
    for name, known in command.distribution.command_obj.items():
        if known is command:
            return str(name)
    return str(command.get_command_name())


# --- metadata -----------------------------------------------------------------------------------


@_replaces("setuptools.command.egg_info", "egg_info", "finalize_options")
def _egg_info(shadow: Shadow, original: Method) -> Method:
    """Put ``*.egg-info`` into the shadow, beginning with what the root has of it.

    An unpacked sdist's SOURCES.txt is setuptools' file list where there is no version control.
    The directory is set here and not in ``run``, for others read ``egg_info`` in between.
    ``dist_info`` sets ``egg_base`` to the directory that the frontend, or who gave its option
    ``output_dir``, wants the metadata in: it stays.
    """

    def finalize_options(self: Any) -> None:
        original(self)
        base = os.path.abspath(os.path.join(shadow.root, self.egg_base))
        output = _asked_for(self, "dist_info", "output_dir")
        asked = {shadow.metadata_directory, os.path.abspath(output) if output else None}
        if base in asked or _asked_for(self, _name(self), "egg_base"):
            return
        egg_info = shadow.relocate(self.egg_info)
        if egg_info != self.egg_info:
            self.egg_info = shadow.seed(egg_info)
            self.egg_base = os.path.dirname(egg_info)
            os.makedirs(self.egg_base, exist_ok=True)

    return finalize_options


@_replaces("setuptools.command.egg_info", "egg_info", "find_sources", hooks=_WITHOUT_FILE_LIST)
def _find_sources(shadow: Shadow, original: Method) -> Method:
    """Make no file list for build requirements and metadata: it is not in either.

    It is the last and by far the longest step of ``egg_info``. (All that shows is that the
    ``.egg-info`` beside the ``.dist-info``, which setuptools calls transitional, has no
    SOURCES.txt.) A project's own ``egg_info`` may do something with the list, so that gets it.
    """

    def find_sources(self: Any) -> None:
        if not _is_setuptools_own(self, "run", "find_sources"):
            original(self)

    return find_sources


def _is_setuptools_own(holder: Any, *names: str) -> bool:
    """Tell whether the functions *names* of *holder*, an object or a module, are setuptools' own.

    Those are not that a project or a plugin has overridden or replaced.
    """
    for name in names:
        function = getattr(holder, name)
        function = getattr(function, "__func__", function)
        while getattr(function, "__globals__", None) is globals():
            function = function.__wrapped__
        module = getattr(function, "__globals__", {}).get("__name__", "")
        if module.partition(".")[0] not in ("setuptools", "distutils"):
            return False
    return True


# --- the file list ------------------------------------------------------------------------------
# It knows in-tree names only. A project's override of `egg_info` or `sdist` reads it and writes
# SOURCES.txt from it (versioneer does), so paths are mapped here and not when they are written.

_FILE_LIST = ("setuptools.command.egg_info", "FileList")


@_replaces(*_FILE_LIST, "append")
def _append(shadow: Shadow, original: Method) -> Method:
    """Take ``SOURCES.txt`` in the shadow for the in-tree one."""

    def append(self: Any, item: str) -> None:
        original(self, shadow.in_tree(item))

    return append


@_replaces(*_FILE_LIST, "extend")
def _extend(shadow: Shadow, original: Method) -> Method:
    """Do the same for many: the grafted egg-info, sources generated in ``build_temp``."""

    def extend(self: Any, paths: Iterable[str]) -> None:
        original(self, [shadow.in_tree(path) for path in paths])

    return extend


@_replaces(*_FILE_LIST, "_repair")
def _repair(shadow: Shadow, original: Method) -> Method:
    """Map what was put into ``files`` directly, before the manifest is written."""

    def repair(self: Any) -> None:
        self.files = [shadow.in_tree(path) for path in self.files]
        original(self)

    return repair


@_replaces(*_FILE_LIST, "_safe_path")
def _safe_path(shadow: Shadow, original: Method) -> Method:
    """Look for an in-tree name where its bytes are, and let no shadow into the list.

    Nor the bytecode of a backend that is used in-tree: that of the modules which are imported
    before we can prevent it is there for a moment in every hook of every frontend.
    """
    package = os.path.dirname(os.path.abspath(__file__))
    in_tree = is_the_projects(package, shadow.root)
    bytecode = os.path.join(package, "__pycache__", "") if in_tree else None

    def safe_path(self: Any, path: str) -> Any:
        if bytecode and os.path.abspath(path).startswith(bytecode):
            return False
        return not shadow.hides(path) and original(self, shadow.actual(path))

    return safe_path


def _seeded_matches(shadow: Shadow, pattern: str) -> list[str]:
    """Return the files of the relocated egg-info that *pattern* would find in the root."""
    translate = import_module("setuptools.command.egg_info").translate_pattern
    here = os.curdir + os.sep
    match = translate(pattern.removeprefix(here)).match
    lead = here if pattern.startswith(here) else ""
    return [lead + name for name in shadow.seeded_names() if match(name)]


def _also_in_shadow(name: str, full_pattern: Callable[..., str]) -> None:
    """Register a search of the template language that looks into the shadow, too.

    ``recursive-include src *`` after ``global-exclude *.txt`` finds the egg-info again.
    """

    @_replaces(*_FILE_LIST, name)
    def factory(shadow: Shadow, original: Method) -> Method:
        def search(self: Any, *args: str) -> bool:
            found = original(self, *args)
            made = _seeded_matches(shadow, full_pattern(*args))
            self.extend(made)
            return bool(found or made)

        return search


_also_in_shadow("include", lambda pattern: pattern)
_also_in_shadow("recursive_include", lambda base, pattern: os.path.join(base, "**", pattern))
_also_in_shadow("graft", lambda base: "**" if base == os.curdir else os.path.join(base, "**"))


@_replaces(*_FILE_LIST, "prune")
def _prune(shadow: Shadow, original: Method) -> Method:
    """Prune the in-tree ``build/``, too, where an older setuptools asks for it so."""

    def prune(self: Any, dir: str) -> Any:  # noqa: A002 - setuptools' name
        return original(self, shadow.in_tree(dir))

    return prune


@_replaces("distutils.filelist", "FileList", "findall")
def _findall(shadow: Shadow, original: Method) -> Method:
    """List the relocated egg-info among all the files of the root.

    ``global-include`` searches this list, and so does pbr for the files of its egg-info.
    """

    def findall(self: Any, dir: Any = os.curdir) -> None:  # noqa: A002 - distutils' name
        original(self, dir)
        if dir == os.curdir:
            listed = set(self.allfiles)
            self.allfiles += [name for name in shadow.seeded_names() if name not in listed]

    return findall


def _by_in_tree_prefix(shadow: Shadow, original: Method) -> Method:
    """Return the search *original* with a relocated directory's in-tree name for its prefix."""

    def search(
        self: Any,
        pattern: Any,
        anchor: bool = True,
        prefix: str | None = None,
        is_regex: bool = False,
    ) -> Any:
        if prefix is not None:
            prefix = shadow.in_tree(prefix)
        return original(self, pattern, anchor, prefix, is_regex)

    return search


@_replaces("distutils.filelist", "FileList", "include_pattern")
def _include_pattern(shadow: Shadow, original: Method) -> Method:
    """Include what lies under the in-tree name of the egg-info, as pbr does."""
    return _by_in_tree_prefix(shadow, original)


@_replaces("distutils.filelist", "FileList", "exclude_pattern")
def _exclude_pattern(shadow: Shadow, original: Method) -> Method:
    """Prune what lies under the in-tree name of a relocated directory.

    ``sdist.prune_file_list`` drops ``build/`` by the value of ``build_base``. With that moved, a
    stale ``build/`` in the tree still has to go.
    """
    return _by_in_tree_prefix(shadow, original)


@_replaces("distutils.filelist", "_UniqueDirs", "__call__")
def _walk(shadow: Shadow, original: Method) -> Method:
    """Walk into no shadow that lies in the root: others come and go there at any moment."""

    def unique(self: Any, walk_item: tuple[str, list[str], list[str]]) -> Any:
        base, directories, _ = walk_item
        if shadow.hides(base):
            del directories[:]
            return False
        return original(self, walk_item)

    return unique


@_replaces("setuptools.command.egg_info", "manifest_maker", "add_license_files")
def _backend_in_the_tree(shadow: Shadow, original: Method) -> Method:
    """Put a backend that is used in-tree (``backend-path``) into the sdist, as it needs itself.

    This comes after MANIFEST.in has been read, which may well prune the directory of tools that
    the backend is in.
    """

    def add_license_files(self: Any) -> None:
        original(self)
        package = os.path.dirname(os.path.abspath(__file__))
        if is_the_projects(package, shadow.root):
            self.filelist.extend(
                os.path.relpath(os.path.join(directory, file), shadow.root)
                for directory, _, files in os.walk(package)
                for file in files
                if file.endswith((".py", "py.typed"))
            )

    return add_license_files


@_replaces("distutils.command.sdist", "sdist", "write_manifest")
def _manifest(shadow: Shadow, original: Method) -> Method:
    """Write distutils' own ``MANIFEST`` to the shadow (a ``cmdclass`` without setuptools)."""

    def write_manifest(self: Any) -> None:
        before = self.manifest
        self.manifest = shadow.relocate(before)
        try:
            original(self)
        finally:
            self.manifest = before

    return write_manifest


# --- the sdist ----------------------------------------------------------------------------------


@_replaces("distutils.command.sdist", "sdist", "make_distribution")
def _make_distribution(shadow: Shadow, original: Method) -> Method:
    """Stage and archive ``name-version/`` in the shadow.

    The original keeps the staging directory and the prefix of the members in one relative path,
    so it cannot be asked to stage elsewhere. An override of ``make_release_tree`` gets the
    directory that it can write to, with all files in it; where nobody looks into it, only those
    are staged that setuptools makes or edits.
    """

    def make_distribution(self: Any) -> None:
        from . import archive  # here, for it imports tarfile, and other hooks need neither

        name = self.distribution.get_fullname()
        base_dir = shadow.relocate(name)
        streamed = archive.without_staging(_unseen(shadow, self)) - {"setup.cfg"}  # that is edited
        example = archive.example_of(streamed) if streamed else ""
        streamed.discard(example)
        files = [file for file in self.filelist.files if file not in streamed]
        self.make_release_tree(base_dir, files)
        # A tar archive comes last: the compressed ones are made through a file of its name.
        formats = sorted(self.formats, key="tar".__eq__)
        self.archive_files = []
        for archive_format in formats:
            base_name = os.path.join(self.dist_dir, name)
            if streamed:
                made = base_name + ".tar.gz"
                self.mkpath(self.dist_dir)
                import_module("distutils.log").info("Creating tar archive")
                archive.write(made, base_dir, streamed, example)
            else:
                made = self.make_archive(
                    base_name,
                    archive_format,
                    base_dir=base_dir,
                    owner=self.owner,
                    group=self.group,
                )
            self.archive_files.append(made)
            self.distribution.dist_files.append(("sdist", "", made))
        if not self.keep_temp:
            import_module("distutils.dir_util").remove_tree(base_dir)

    return make_distribution


def _unseen(shadow: Shadow, sdist: Any) -> list[str]:
    """Return the files of the tree that nobody would miss in the staging directory.

    None where there is someone: an override, a plugin, or the user who asked to keep it.
    """
    archive_util = import_module("distutils.archive_util")
    own = (
        _is_setuptools_own(sdist, "make_distribution", "make_release_tree", "make_archive")
        and _is_setuptools_own(sdist, "copy_file", "copy_tree", "mkpath", "execute")
        and _is_setuptools_own(archive_util, "make_archive", "make_tarball")
        and _is_setuptools_own(import_module("distutils.file_util"), "copy_file")
        and _is_setuptools_own(sdist.distribution.metadata, "write_pkg_info")
    )
    if not own or list(sdist.formats) != ["gztar"] or sdist.keep_temp or sdist.owner or sdist.group:
        return []
    return [name for name in sdist.filelist.files if shadow.actual(name) == name]


@_replaces("distutils.command.sdist", "sdist", "make_release_tree")
def _make_release_tree(shadow: Shadow, original: Method) -> Method:
    """Stage the files of the root as ever, and beside them those that are in the shadow.

    When an override's ``super().make_release_tree()`` returns, the tree is complete.
    """

    def make_release_tree(self: Any, base_dir: str, files: list[str]) -> None:
        base_dir = shadow.relocate(base_dir)  # an override of make_distribution knows no better
        in_shadow = [name for name in files if shadow.actual(name) != name]
        shadowed = set(in_shadow)
        original(self, base_dir, [name for name in files if name not in shadowed])
        for name in in_shadow:
            target = os.path.join(base_dir, name)
            self.mkpath(os.path.dirname(target))
            self.copy_file(name, target)

    return make_release_tree


@_replaces("distutils.cmd", "Command", "copy_file")
def _copy_file(shadow: Shadow, original: Method) -> Method:
    """Read an in-tree name where its bytes are, and let a copy into the root appear whole.

    With ``package_dir={"pkg": ""}`` even a wheel takes files from the egg-info. And what an
    editable install puts into the root may be in use by an interpreter at this moment.
    """

    def copy_file(self: Any, infile: Any, outfile: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(infile, str):
            infile = shadow.actual(infile)
        target = os.fspath(outfile)
        if target.startswith(shadow.place):
            return original(self, infile, outfile, *args, **kwargs)
        if os.path.isdir(target):
            target = os.path.join(target, os.path.basename(infile))
        if not shadow.is_in_root(target) or (not self.force and not _is_newer(infile, target)):
            return original(self, infile, outfile, *args, **kwargs)
        passing = f"{target}.{os.getpid()}.isolated-backend-new"
        try:
            _, copied = original(self, infile, passing, *args, **kwargs)
            os.replace(passing, target)
        finally:
            with suppress(FileNotFoundError):  # renaming one hard link to another does nothing
                os.unlink(passing)
        return target, copied

    return copy_file


@_replaces("distutils.file_util", "", "copy_file")
def _link_file(shadow: Shadow, original: Method) -> Method:
    """Link instead of copying from ``build_lib`` to ``bdist_dir``: both are ours, and pass.

    It pays for emptying the shadow at the end, which setuptools leaves to ``setup.py clean``. Not
    the egg-info: a project may edit what is staged of it.
    """

    def copy_file(
        src: Any,
        dst: Any,
        preserve_mode: Any = True,
        preserve_times: Any = True,
        update: Any = False,
        link: str | None = None,
        **kwargs: Any,
    ) -> Any:
        if link is None and preserve_mode and preserve_times and shadow.passes(src, dst):
            link = "hard"
        return original(src, dst, preserve_mode, preserve_times, update, link, **kwargs)

    return copy_file


def _is_newer(source: str, target: str) -> bool:
    """Tell whether distutils would copy *source* to *target* (it skips what is up to date)."""
    try:
        return os.stat(source).st_mtime > os.stat(target).st_mtime
    except FileNotFoundError:
        return True


@_replaces("distutils.cmd", "Command", "make_archive")
def _make_archive(shadow: Shadow, original: Method) -> Method:
    """Archive a directory of the shadow under its in-tree name."""

    def make_archive(
        self: Any,
        base_name: str,
        format: str,  # noqa: A002 - the name that distutils' callers use
        root_dir: str | None = None,
        base_dir: str | None = None,
        owner: str | None = None,
        group: str | None = None,
    ) -> Any:
        if root_dir is None and base_dir is not None:
            name = shadow.in_tree(base_dir)
            if shadow.actual(name) != name:
                root_dir, base_dir = shadow.place, name
        return original(self, base_name, format, root_dir, base_dir, owner=owner, group=group)

    return make_archive


@_replaces("distutils.dir_util", "", "remove_tree")
def _remove_tree(shadow: Shadow, original: Method) -> Method:
    """Remove the staging directory where it is, for an override of ``make_distribution``."""

    def remove_tree(directory: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(directory, str):
            directory = shadow.actual(directory)
        return original(directory, *args, **kwargs)

    return remove_tree


# --- editable installs --------------------------------------------------------------------------


@_replaces(_EDITABLE_WHEEL, "", "_empty_dir", hooks=_EDITABLE)
def _empty_dir(shadow: Shadow, original: Method) -> Method:
    """Do not empty the link tree of the strict mode: it stays in use until the new one is there."""

    def keep(directory: Any) -> Any:
        os.makedirs(directory, exist_ok=True)
        return directory

    return keep


@_replaces(_EDITABLE_WHEEL, "_LinkTree", "_create_links", hooks=_EDITABLE)
def _create_links(shadow: Shadow, original: Method) -> Method:
    """Put the new links over those of the installation before, then remove what is left of it."""

    def create_links(self: Any, *args: Any) -> None:
        tree, made = os.fspath(self.auxiliary_dir), set()
        create_file = self._create_file

        def create_and_record(relative_output: str, *args: Any, **kwargs: Any) -> None:
            target = os.path.normpath(os.path.join(tree, relative_output))
            made.add(target)
            _make_way(tree, target)
            create_file(relative_output, *args, **kwargs)

        self._create_file = create_and_record
        original(self, *args)
        for directory, _, files in os.walk(tree, topdown=False):
            for path in [os.path.join(directory, file) for file in files]:
                if os.path.normpath(path) not in made:
                    os.unlink(path)
            with suppress(OSError):
                os.rmdir(directory)  # only if nothing is left in it

    return create_links


def _make_way(tree: str, target: str) -> None:
    """Remove what the installation before has in the place of *target* or of a directory to it."""
    if os.path.isdir(target) and not os.path.islink(target):
        shutil.rmtree(target)
    parent = os.path.dirname(target)
    while parent.startswith(os.path.join(tree, "")):
        if os.path.lexists(parent) and not os.path.isdir(parent):
            os.unlink(parent)
        parent = os.path.dirname(parent)


# --- what setuptools brings along ---------------------------------------------------------------


def vendored_tomli() -> Any:
    """Return the TOML parser that comes with setuptools (Python 3.10 has none of its own).

    Raises:
        RedirectError: this setuptools carries none.
    """
    import setuptools  # noqa: F401 - newer versions put their vendored packages on sys.path

    for name in ("tomli", "setuptools._vendor.tomli", "setuptools.extern.tomli"):
        with suppress(ImportError):
            return import_module(name)
    raise RedirectError(
        f"No TOML parser found for Python {sys.version_info.major}.{sys.version_info.minor}; "
        'add "tomli" to build-system.requires in pyproject.toml.'
    )
