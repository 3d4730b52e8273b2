"""A private tree: what a hook writes into the root is seen by itself alone."""

from __future__ import annotations

import errno
import os
import pickle
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest

import isolated_backend
from artifacts import members, names
from backends import OURS, PLAIN, HookProcess
from isolated_backend import kernel, writers
from isolated_backend.errors import PrivateTreeError, ReadOnlyTreeError
from isolated_backend.reproducible import NormalForm
from isolated_backend.shadow.removal import empty
from isolated_backend.writers import overlay, privatetree
from snapshot import snapshot

T = TypeVar("T")

_OBSTACLE = privatetree.obstacle(tempfile.gettempdir())
needs_private_trees = pytest.mark.skipif(_OBSTACLE is not None, reason=f"no: {_OBSTACLE}")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "package" / "data").mkdir(parents=True)
    (root / "file").write_text("old")
    (root / "package" / "data" / "inner").write_text("old")
    return root


@pytest.fixture
def place(tmp_path: Path) -> Path:
    place = tmp_path / "place"
    place.mkdir(mode=0o700)
    return place


def within(root: Path, place: Path, function: Callable[[], Any], *through: Path) -> Any:
    """Return what *function* returns in a private tree; the real one has to stay as it is."""
    before, times = snapshot(root), {path: path.stat().st_mtime_ns for path in root.rglob("*")}

    def inside() -> Any:
        overlay.lay_over(str(root), str(place), [str(path) for path in through])
        return function()

    try:
        return in_a_fork(inside)
    finally:
        if not through:
            assert snapshot(root) == before
            assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == times


def in_a_fork(function: Callable[[], T]) -> T:
    """Return what *function* returns in a forked child, which also sees what a test has patched."""
    with tempfile.TemporaryFile() as file:
        pid = os.fork()
        if pid == 0:
            try:
                pickle.dump((function(), None), file)
            except Exception as error:
                pickle.dump((None, error), file)
            finally:
                file.flush()
                os._exit(0)
        os.waitpid(pid, 0)
        file.seek(0)
        value: T
        value, raised = pickle.load(file)
    if raised is not None:
        raise raised
    return value


@needs_private_trees
def test_every_kind_of_write_stays_inside(
    root: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def function() -> dict[str, Any]:
        (root / "new").write_text("new")
        (root / "file").write_text("changed")
        (root / "package" / "link").symlink_to("data")
        os.rename(root / "package" / "data" / "inner", root / "moved")
        shutil.rmtree(root / "package" / "data")
        (root / "package" / "data").mkdir()  # takes a note of overlayfs'
        subprocess.run(["touch", "by-a-program"], check=True)  # in the current directory
        os.chmod(root / "package", 0o700)
        return {str(path.relative_to(root)): path.is_dir() for path in root.rglob("*")}

    monkeypatch.chdir(root)
    assert within(root, place, function) == {
        "by-a-program": False,
        "file": False,
        "moved": False,
        "new": False,
        "package": True,
        "package/data": True,
        "package/link": True,
    }


@needs_private_trees
def test_the_root_itself_looks_the_same(root: Path, place: Path) -> None:
    root.chmod(0o2751)
    os.utime(root, ns=(10**18, 10**18 + 1))
    before = root.stat()
    inside = within(root, place, root.stat)
    for name in ("st_mode", "st_uid", "st_gid", "st_mtime_ns"):
        assert getattr(inside, name) == getattr(before, name), name


@needs_private_trees
@pytest.mark.parametrize("name", ["a b", "a:b", "a,b", "a\\b", "ünï", "\udcff", "x" * 250])
def test_any_name_of_a_root(name: str, root: Path, place: Path) -> None:
    root = root.rename(root.with_name(name))
    within(root, place, (root / "new").touch)


@needs_private_trees
def test_what_is_to_be_let_through_is_real(root: Path, place: Path, tmp_path: Path) -> None:
    for name in ("meta", "tmp", "tmp/inner", "elsewhere"):
        (root / name).mkdir()
    (root / "link").symlink_to("elsewhere")
    through = [root / "meta", root / "tmp", root / "tmp" / "inner", root / "link", tmp_path]

    def function() -> None:
        for name in ("meta/1", "tmp/2", "tmp/inner/3", "link/4", "5", "package/6"):
            (root / name).touch()

    within(root, place, function, *through, root / "absent", root / "file")
    made = sorted(str(path.relative_to(root)) for path in root.rglob("[1-9]"))
    assert made == ["elsewhere/4", "meta/1", "tmp/2", "tmp/inner/3"]


@needs_private_trees
def test_the_place_may_be_in_the_root(root: Path) -> None:
    """TMPDIR may."""
    place = root / "tmp" / "place"
    place.mkdir(parents=True)

    def function() -> None:
        (root / "new").touch()
        (place / "artifact").touch()

    within(root, place, function, root / "tmp", place)
    assert (place / "artifact").exists()
    assert not (root / "new").exists()


@needs_private_trees
def test_nothing_is_mounted_outside(root: Path, place: Path) -> None:
    def mounts() -> str:
        return Path("/proc/self/mountinfo").read_text()

    before = mounts()
    inside = within(root, place, mounts)
    assert f" {root} " in inside
    assert mounts() == before


@needs_private_trees
def test_what_it_leaves_in_its_place_can_be_removed(root: Path, place: Path) -> None:
    """The kernel makes a directory there that not even its owner may look into."""
    within(root, place, lambda: shutil.rmtree(root / "package"))
    assert (place / overlay.LAYERS / "upper").is_dir()
    empty(str(place))
    assert list(place.iterdir()) == []


@needs_private_trees
def test_a_file_that_cannot_be_read_cannot_be_read_inside(root: Path, place: Path) -> None:
    """A user namespace would allow it."""
    (root / "file").chmod(0)

    def is_readable(path: Path) -> bool:
        return os.access(path, os.R_OK)

    assert within(root, place, lambda: is_readable(root / "file")) is is_readable(root / "file")


@needs_private_trees
def test_a_read_only_root_can_be_written(root: Path, place: Path) -> None:
    for path in (root / "package", root):
        path.chmod(0o555)
    try:

        def function() -> None:
            (root / "new").touch()
            (root / "package" / "new").touch()
            subprocess.run(["touch", str(root / "package" / "by-a-program")], check=True)

        within(root, place, function)
    finally:
        for path in (root, root / "package"):
            path.chmod(0o755)


@needs_private_trees
def test_git_finds_its_repository_above_the_root(
    root: Path, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not look beyond a mount by itself."""
    git = shutil.which("git")
    if not git:
        pytest.skip("no git")
    subprocess.run([git, "init", "-q", str(tmp_path)], check=True)
    monkeypatch.chdir(root)
    found = within(
        root, place, lambda: subprocess.check_output([git, "rev-parse", "--show-prefix"], text=True)
    )
    assert found == "root/\n"


# --- where there is none ------------------------------------------------------------------------


def refused(root: Path, place: Path) -> str:
    with pytest.raises(PrivateTreeError) as error:
        in_a_fork(lambda: overlay.lay_over(str(root), str(place)))
    return str(error.value)


def refused_at_once(root: Path, place: Path) -> str:
    with pytest.raises(PrivateTreeError) as error:
        privatetree.run(os.getpid, str(root), str(place))
    return str(error.value)


@pytest.mark.parametrize(
    ("function", "fails", "says"),
    [
        ("unshare", errno.EPERM, "the kernel grants no user namespace (Operation not permitted)"),
        ("unshare", errno.ENOSPC, "the kernel grants no namespace (No space left on device)"),
        ("mount", errno.EACCES, "the kernel lets no mount be private (Permission denied)"),
    ],
)
@needs_private_trees
def test_what_the_kernel_refuses_is_the_reason(
    function: str, fails: int, says: str, root: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(fails, os.strerror(fails))

    monkeypatch.setattr(kernel, function, refuse)
    assert refused(root, place) == says


@needs_private_trees
def test_an_upper_layer_that_takes_no_notes_is_refused(
    root: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would mount, but not let a directory be removed and made again."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(os, "setxattr", refuse)
    assert "takes no extended attributes" in refused(root, place)


@needs_private_trees
def test_memory_serves_where_tmpdir_does_not(
    root: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = overlay._overlay_from
    overlays: list[tuple[str, ...]] = []

    def on_the_second_attempt(*arguments: str) -> None:
        overlays.append(arguments)
        if len(overlays) == 1:
            raise OSError(errno.EINVAL, "Invalid argument")
        original(*arguments)

    monkeypatch.setattr(overlay, "_overlay_from", on_the_second_attempt)

    def function() -> int:
        (root / "new").touch()
        return len(overlays)

    assert within(root, place, function) == 2
    assert list((place / overlay.LAYERS).iterdir()) == []


@needs_private_trees
def test_a_kernel_without_the_quick_way_out(
    root: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = kernel.mount

    def old(source: Any, target: str, kind: Any, flags: int, data: str = "") -> None:
        if "volatile" in data:
            raise OSError(errno.EINVAL, "Invalid argument")
        original(source, target, kind, flags, data)

    monkeypatch.setattr(kernel, "mount", old)
    within(root, place, (root / "new").touch)


@needs_private_trees
def test_a_mount_in_the_root_would_be_hidden(
    root: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(privatetree, "_mount_below", lambda _: f"{root}/data")
    assert refused_at_once(root, place) == f"there is another mount in it, {root}/data"


def test_a_mount_below_a_directory_is_found() -> None:
    assert privatetree._mount_below("/") is not None
    assert privatetree._mount_below("/proc/self") is None


def test_another_system_has_none(root: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert refused_at_once(root, place) == "this system is not Linux"


def test_a_python_without_ctypes_has_none(
    root: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(privatetree, "find_spec", lambda _: None)
    assert refused_at_once(root, place) == "this Python has no ctypes"


def test_no_process_is_a_reason(root: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/not/there")
    assert "No such file or directory: '/not/there'" in refused_at_once(root, place)


@needs_private_trees
def test_an_owner_whom_a_user_namespace_does_not_know(
    root: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owners = iter([(0, 0), (0, 0), (65534, 0), (0, 0)])
    monkeypatch.setattr(overlay, "_owner", lambda _: next(owners))
    assert "belongs to a user or a group" in refused(root, place)


@needs_private_trees
def test_such_an_owner_within_the_root(root: Path, place: Path) -> None:
    fail = partial(exec, f"raise OSError({errno.EOVERFLOW}, 'Value too large')")
    with pytest.raises(PrivateTreeError, match="belongs to users or groups"):
        privatetree.run(fail, str(root), str(place))


# --- hooks --------------------------------------------------------------------------------------

#: Writes from Python and from a child process, also where something was, and tells how it went.
SETUP = """\
import os, subprocess, sys
from setuptools import setup
with open("writer/_version.py", "w") as file:
    file.write("VERSION = 1\\n")
subprocess.run([sys.executable, "-c", "open('writer/by_program.py', 'w').close()"], check=True)
if os.environ.get("FAIL"):
    raise eval(os.environ["FAIL"])
setup(name="writer", version="1", packages=["writer"])
"""


@pytest.fixture
def writer(tmp_path: Path) -> Path:
    """Return the root of a project that writes into its tree."""
    root = tmp_path / "work" / "writer"
    (root / "writer").mkdir(parents=True)
    (root / "writer" / "__init__.py").touch()
    (root / "setup.py").write_text(SETUP)
    configure(root, "private")
    return root


def configure(root: Path, writes: str) -> None:
    (root / "pyproject.toml").write_text(
        "[build-system]\nrequires = []\n"
        f'[tool.isolated-backend]\nlock-timeout = 30\nin-tree-writes = "{writes}"\n'
    )


DENIED = [sys.executable, str(Path(__file__).with_name("denied.py"))]


def built(root: Path, out: Path, kind: str = "wheel", **options: Any) -> tuple[Path, str]:
    """Build *kind* of *root*; return the artifact and what the hook has printed."""
    backend = options.pop("backend", OURS)
    process = HookProcess(backend, root, **options)
    (outcome,) = process((f"build_{kind}", {f"{kind}_directory": str(out)}))
    assert outcome.error == "", process.output
    return out / outcome.result, process.output


@needs_private_trees
@pytest.mark.parametrize("kind", ["sdist", "wheel"])
def test_a_hook_leaves_nothing_in_the_root(kind: str, writer: Path, tmp_path: Path) -> None:
    before = snapshot(writer)
    ours, output = built(writer, tmp_path / "ours", kind)
    assert "no private tree" not in output
    assert snapshot(writer) == before
    plain, _ = built(writer, tmp_path / "plain", kind, backend=PLAIN)
    assert members(ours) == members(plain)
    assert any(name.endswith("by_program.py") for name in names(ours))
    assert snapshot(writer) != before  # the control


@needs_private_trees
def test_a_hook_says_as_much_as_without(writer: Path, tmp_path: Path) -> None:
    settings: list[dict[str, str]] = [{"quiet": "1"}, {}, {"verbose": "1"}, {"quiet": "1"}]
    calls = [
        (
            "build_wheel",
            {"wheel_directory": str(tmp_path / str(number)), "config_settings": each},
        )
        for number, each in enumerate(settings)
    ]
    for writes in ("private", "allow"):  # the latter is the control
        configure(writer, writes)
        process = HookProcess(OURS, writer)
        assert [outcome.error for outcome in process(*calls)] == [""] * 4
        assert [
            line.rpartition("/")[2]
            for line in process.output.splitlines()
            if " was built in isolation and is in " in line
        ] == ["1", "2"], writes


@needs_private_trees
@pytest.mark.parametrize("kind", ["sdist", "wheel"])
def test_nothing_is_compressed_twice(
    kind: str, writer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has written an artifact in its normal form knows that it is: the child."""

    def refuse(*_: object) -> None:
        raise AssertionError("it is written again")

    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    monkeypatch.setattr(NormalForm, "_rewrite_sdist", refuse)
    monkeypatch.setattr(zipfile.ZipFile, "read", refuse)
    monkeypatch.chdir(writer)
    if kind == "sdist":
        isolated_backend.build_sdist(str(tmp_path / "out"))
    else:
        isolated_backend.build_wheel(str(tmp_path / "out"))


@needs_private_trees
def test_what_is_not_in_its_normal_form_is_brought_into_it(writer: Path, tmp_path: Path) -> None:
    """The project packs its sdist in its own way, in the private tree."""
    override = """
from setuptools.command.sdist import sdist
class Own(sdist):
    def make_archive(self, base_name, format, root_dir=None, base_dir=None, **_):
        import tarfile
        with tarfile.open(base_name + ".tar.gz", "w:gz") as archive:
            archive.add(base_dir)
        return base_name + ".tar.gz"
"""
    setup = SETUP.replace("setup(name", override + "setup(cmdclass={'sdist': Own}, name")
    (writer / "setup.py").write_text(setup)
    made = []
    for name, epoch in (("a", "1700000000"), ("b", "1700000000"), ("c", None)):
        variables = {"SOURCE_DATE_EPOCH": epoch} if epoch else {}
        sdist, _ = built(writer, tmp_path / name, "sdist", environment=variables)
        with tarfile.open(sdist) as archive:
            made.append({member.mtime for member in archive})
    assert made[:2] == [{1700000000}] * 2
    assert made[2] != made[0]  # the control


@needs_private_trees
def test_metadata_that_the_frontend_wants_in_the_root_is_there(writer: Path) -> None:
    (writer / "meta").mkdir()
    before = snapshot(writer)
    process = HookProcess(OURS, writer)
    (outcome,) = process(
        (
            "prepare_metadata_for_build_wheel",
            {"metadata_directory": str(writer / "meta")},
        )
    )
    assert (writer / "meta" / outcome.result / "METADATA").is_file()
    new = snapshot(writer).keys() - before.keys()
    assert all(name.startswith("meta/") for name in new)


@needs_private_trees
def test_one_process_can_run_many_hooks(writer: Path, tmp_path: Path) -> None:
    before = snapshot(writer)
    outcomes = HookProcess(OURS, writer)(
        *[
            ("build_wheel", {"wheel_directory": str(tmp_path / "a")}),
            ("build_sdist", {"sdist_directory": str(tmp_path / "a")}),
        ]
        * 2
    )
    assert [outcome.error for outcome in outcomes] == [""] * 4
    assert snapshot(writer) == before


@needs_private_trees
def test_what_the_project_wrote_can_be_kept(writer: Path, tmp_path: Path) -> None:
    built(writer, tmp_path / "out", environment={"ISOLATED_BACKEND_KEEP": "1"})
    (kept,) = tmp_path.rglob(overlay.LAYERS)
    assert (kept / "upper" / "writer" / "_version.py").is_file()


@needs_private_trees
def test_the_log_has_what_was_written(writer: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    built(writer, tmp_path / "out", environment={"ISOLATED_BACKEND_LOG_WRITES": str(log)})
    assert "writer/_version.py" in log.read_text().splitlines()


def test_an_editable_install_writes_to_the_real_tree(writer: Path, tmp_path: Path) -> None:
    process = HookProcess(OURS, writer)
    (outcome,) = process(("build_editable", {"wheel_directory": str(tmp_path / "out")}))
    assert outcome.error == "", process.output
    assert (writer / "writer" / "_version.py").is_file()


@needs_private_trees
@pytest.mark.parametrize("error", ["SystemExit('error: no')", "KeyError('x')"])
def test_an_error_looks_as_it_does_without(error: str, writer: Path, tmp_path: Path) -> None:
    call = ("build_wheel", {"wheel_directory": str(tmp_path / "out")})
    outcomes = []
    for writes in ("private", "lock"):
        configure(writer, writes)
        outcomes += HookProcess(OURS, writer, environment={"FAIL": error})(call)
    assert outcomes[0] == outcomes[1]
    assert outcomes[0].error


def test_where_there_is_none_builds_take_turns_and_say_so(writer: Path, tmp_path: Path) -> None:
    before = snapshot(writer)
    ours, output = built(writer, tmp_path / "out", prefix=DENIED)
    said = [line for line in output.splitlines() if line.startswith("isolated-backend: no")]
    assert said == [
        f"isolated-backend: no private tree of {writer}, for the kernel grants no user namespace "
        "(Operation not permitted); builds take turns instead."
    ]
    assert snapshot(writer) != before
    assert "writer/by_program.py" in names(ours)


@needs_private_trees
def test_a_build_within_a_build_is_in_the_same_tree(writer: Path, tmp_path: Path) -> None:
    nested = """
if "NESTED" not in os.environ:
    code = "import isolated_backend as b, sys; print(b.build_wheel(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", code, os.environ["OUT"]], check=True,
                   env=dict(os.environ, NESTED="1"))
    assert os.path.exists("of-the-nested-one")
else:
    open("of-the-nested-one", "w").close()
"""
    (writer / "setup.py").write_text(SETUP.replace("setup(name", nested + "setup(name"))
    before = snapshot(writer)
    outer, _ = built(writer, tmp_path / "outer", environment={"OUT": str(tmp_path / "inner")})
    assert names(outer) == names(tmp_path / "inner" / outer.name)
    assert snapshot(writer) == before


# --- a root that cannot be written --------------------------------------------------------------


def failing(root: Path, written: list[str], obstacle: str | None, error: BaseException) -> None:
    with writers._read_only_root_named(str(root), obstacle) as told:
        for name in written:
            told(name)
        raise error


def test_what_was_to_be_written_is_one_sentence(tmp_path: Path) -> None:
    """With real mounts: integration/test_private_trees.py."""
    error = SystemExit("error: cannot")
    error.__context__ = OSError(errno.EROFS, "Read-only file system")
    with pytest.raises(ReadOnlyTreeError) as found:
        failing(tmp_path, ["package/_version.py"], "reasons", error)
    assert str(found.value) == (
        f"{tmp_path} cannot be written, and the project's own code writes package/_version.py "
        "there while it is built; nor is there a private tree of it, for reasons."
    )


@pytest.mark.parametrize("written", [[], ["x.c"]])
def test_another_error_stays_what_it_is(
    written: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(KeyError):
        failing(tmp_path, written, None, KeyError())
    said = capfd.readouterr().err
    assert ("writes x.c there" in said) is bool(written)
    assert said.startswith("isolated-backend: warning: " * bool(written))


def test_without_one_a_read_only_root_says_what_was_to_be_written(
    writer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with the real thing, but for the superuser, too."""
    configure(writer, "auto")
    monkeypatch.chdir(writer)
    monkeypatch.setattr(os, "access", lambda path, *_, **__: path != str(writer))
    monkeypatch.setenv("FAIL", "PermissionError(13, 'Permission denied')")

    def refuse(*_: object, **__: object) -> None:
        raise PrivateTreeError("reasons")

    monkeypatch.setattr(privatetree, "run", refuse)
    with pytest.raises(SystemExit, match=r"writes writer/_version.py there .* for reasons\."):
        isolated_backend.build_sdist(str(tmp_path / "out"))
