"""`adopt` and `adopt --undo`: the one line, and the whole tree as it was."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import tomlkit

from isolated_backend.cli import adopt, main, rewrite, vendored
from isolated_backend.cli.errors import CommandError
from isolated_backend.settings import Settings
from isolated_backend.shadow.temporary import directory_of
from isolated_backend.writers import nested
from isolated_backend.writers.access import Access
from snapshot import snapshot

needs_posix = pytest.mark.skipif(sys.platform == "win32", reason="has other permissions and links")

TABLE = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
LEGACY = '[build-system]\nrequires = {}\nbuild-backend = "isolated_backend:__legacy__"\n'


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where it is kept what it takes to undo."""
    directory = tmp_path / "state"
    variable = "LOCALAPPDATA" if sys.platform == "win32" else "XDG_STATE_HOME"
    monkeypatch.setenv(variable, str(directory))
    return directory


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "demo"
    root.mkdir()
    (root / "setup.py").write_text("import setuptools; setuptools.setup()\n")
    return root


def _build_system(root: Path) -> dict[str, object]:
    document = tomlkit.parse((root / "pyproject.toml").read_text()).unwrap()
    return dict(document["build-system"])


def _refused(*argv: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Run the command, which must fail in one sentence, and return that."""
    assert main(argv) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("isolated-backend: ")
    assert captured.err.count("\n") == 1
    return captured.err


# --- adopting -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pyproject", "backend", "requires"),
    [
        (None, "isolated_backend:__legacy__", ["setuptools", "isolated-backend"]),
        ("", "isolated_backend:__legacy__", ["setuptools", "isolated-backend"]),
        ("[tool.black]\n", "isolated_backend:__legacy__", ["setuptools", "isolated-backend"]),
        (
            '[build-system]\nrequires = ["setuptools==70.1", "cython"]\n',
            "isolated_backend:__legacy__",
            ["setuptools==70.1", "cython", "isolated-backend"],
        ),
        (
            TABLE.replace("build_meta", "build_meta:__legacy__"),
            "isolated_backend:__legacy__",
            ["setuptools", "isolated-backend"],
        ),
        (TABLE, "isolated_backend", ["setuptools", "isolated-backend"]),
        (
            TABLE.replace('["', '["Isolated_Backend>=0", "'),
            "isolated_backend",
            ["Isolated_Backend>=0", "setuptools"],
        ),
    ],
)
def test_adopt_and_undo(
    pyproject: str | None,
    backend: str,
    requires: list[str],
    root: Path,
    state: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if pyproject is not None:
        (root / "pyproject.toml").write_text(pyproject)
    before = snapshot(root)
    assert main(["adopt", str(root)]) == 0
    assert _build_system(root) == {"requires": requires, "build-backend": backend}
    assert f"pyproject.toml names {backend} now (it was setuptools" in capsys.readouterr().out
    assert set(snapshot(root)) == {*before, "pyproject.toml"}
    assert main(["adopt", "--undo", str(root)]) == 0
    assert capsys.readouterr().out.startswith("demo: everything is as it was before")
    assert snapshot(root) == before
    assert [path for path in state.rglob("*") if path.is_file()] == []


def test_here_by_default(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    assert main(["adopt"]) == 0
    assert (root / "pyproject.toml").read_text() == LEGACY.format(
        '["setuptools", "isolated-backend"]'
    )
    assert main(["adopt", "--undo"]) == 0
    assert os.listdir(root) == ["setup.py"]


def test_setup_cfg_alone_is_a_project(root: Path) -> None:
    (root / "setup.py").rename(root / "setup.cfg")
    assert main(["adopt", str(root)]) == 0
    assert _build_system(root)["build-backend"] == "isolated_backend:__legacy__"


@pytest.mark.parametrize(
    ("pyproject", "message"),
    [
        (TABLE.replace("setuptools.build_meta", "poetry.core.masonry.api"), "not setuptools;"),
        (TABLE.replace("setuptools.build_meta", "hatchling.build"), "hatchling.build, not setup"),
        (TABLE + 'backend-path = ["."]\n', "takes its backend from its own tree"),
        (TABLE.replace("setuptools.build_meta", "isolated_backend"), "by isolated_backend already"),
        ("[build-system\n", "is not valid TOML"),
        (b"\xef\xbb\xbf[build-system]\n", "begins with a byte order mark"),
        ('[build-system]\nrequires = ["setuptools<64"]\n', "requires setuptools<64, and isolated"),
        ('[build-system]\nrequires = ["setuptools==58.*"]\n', "or later; make room for that first"),
        ('[build-system]\nrequires = ["setuptools~=62.3"]\n', "setuptools 64 or later"),
    ],
)
def test_others_are_refused(
    pyproject: str | bytes, message: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = pyproject.encode() if isinstance(pyproject, str) else pyproject
    (root / "pyproject.toml").write_bytes(content)
    before = snapshot(root)
    assert message in _refused("adopt", str(root), capsys=capsys)
    assert message in _refused("adopt", "--dry-run", str(root), capsys=capsys)
    assert snapshot(root) == before


def test_what_is_no_directory_is_refused(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for argv in (["adopt"], ["adopt", "--undo"]):
        assert "is not a directory." in _refused(*argv, str(root / "setup.py"), capsys=capsys)


@pytest.mark.parametrize(
    "requirement",
    [
        "setuptools",
        "setuptools>=40",
        "setuptools==65.5.1",
        "setuptools==69.0.*",
        "setuptools~=64.0",
        "setuptools>68.1,<68.2",
        "setuptools>=68,!=69.0",
        "setuptools<60; python_version < '3'",
        "setuptools @ https://example.org/setuptools.whl",
    ],
)
def test_pins_that_leave_room_stay(requirement: str, root: Path) -> None:
    (root / "pyproject.toml").write_text(f'[build-system]\nrequires = ["{requirement}"]\n')
    assert main(["adopt", str(root)]) == 0
    assert _build_system(root)["requires"] == [requirement, "isolated-backend"]


@pytest.mark.parametrize("pyproject", [None, TABLE, TABLE.removesuffix("\n"), "# é\u2028\r\n"])
@pytest.mark.parametrize("undo", [False, True])
def test_dry_run_prints_a_patch(
    pyproject: str | None, undo: bool, root: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """Git makes of the tree with it just what the command does."""
    if pyproject is not None:
        (root / "pyproject.toml").write_bytes(pyproject.encode())
    argv = ["adopt", str(root)]
    if undo:
        assert main(argv) == 0
        argv.append("--undo")
    before = snapshot(root)
    capfdbinary.readouterr()
    assert main([*argv, "--dry-run"]) == 0
    patch = capfdbinary.readouterr().out
    assert snapshot(root) == before

    assert main(argv) == 0
    after = snapshot(root)
    assert main(["adopt", str(root), *([] if undo else ["--undo"])]) == 0
    assert snapshot(root) == before
    apply = ["git", "-c", "core.autocrlf=false", "apply", "-p1", "--whitespace=nowarn", "-"]
    subprocess.run(apply, cwd=root, input=patch, check=True)
    assert snapshot(root) == after


# --- what is to be respected --------------------------------------------------------------------


@needs_posix
@pytest.mark.parametrize("mode", [0o644, 0o600, 0o444, 0o755])
def test_modes_stay(mode: int, root: Path) -> None:
    pyproject = root / "pyproject.toml"
    pyproject.write_text(TABLE)
    pyproject.chmod(mode)
    for argv in (["adopt"], ["adopt", "--undo"]):
        assert main([*argv, str(root)]) == 0
        assert stat.S_IMODE(pyproject.stat().st_mode) == mode


@needs_posix
@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_new_files_obey_the_umask(umask: int, root: Path) -> None:
    before = os.umask(umask)
    try:
        assert main(["adopt", str(root), "--in-tree", "_backend"]) == 0
    finally:
        os.umask(before)
    for path in (root / "pyproject.toml", root / "_backend/isolated_backend/__init__.py"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask


def test_undo_restores_the_time(root: Path) -> None:
    pyproject = root / "pyproject.toml"
    pyproject.write_text(TABLE)
    os.utime(pyproject, ns=(10**18, 10**18))
    assert main(["adopt", str(root)]) == 0
    assert pyproject.stat().st_mtime_ns != 10**18
    assert main(["adopt", str(root), "--undo"]) == 0
    assert pyproject.stat().st_mtime_ns == 10**18


@needs_posix
def test_links_within_the_project_stay_links(root: Path) -> None:
    (root / "conf").mkdir()
    (root / "conf" / "real.toml").write_text(TABLE)
    (root / "pyproject.toml").symlink_to("conf/real.toml")
    before = snapshot(root)
    assert main(["adopt", str(root)]) == 0
    assert os.readlink(root / "pyproject.toml") == "conf/real.toml"
    assert "isolated_backend" in (root / "conf" / "real.toml").read_text()
    assert main(["adopt", "--undo", str(root)]) == 0
    assert snapshot(root) == before


@needs_posix
@pytest.mark.parametrize("exists", [True, False])
def test_links_out_of_the_project_are_refused(
    exists: bool, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shared = tmp_path / "shared.toml"
    if exists:
        shared.write_text(TABLE)
    (root / "pyproject.toml").symlink_to(shared)
    assert "which is not a file of this project" in _refused("adopt", str(root), capsys=capsys)
    assert not exists or shared.read_text() == TABLE


@needs_posix
def test_a_root_that_is_reached_through_a_link_is_the_same_one(root: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    assert main(["adopt", str(tmp_path / "link")]) == 0
    assert main(["adopt", "--undo", str(root)]) == 0
    assert os.listdir(root) == ["setup.py"]


@needs_posix
def test_owner_that_cannot_be_kept_is_no_obstacle(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "pyproject.toml").write_text(TABLE)

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "chown", refuse)
    assert main(["adopt", str(root)]) == 0


# --- undoing ------------------------------------------------------------------------------------


def test_nothing_to_undo(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "There is nothing to undo" in _refused("adopt", "--undo", str(root), capsys=capsys)
    assert main(["adopt", str(root)]) == 0
    assert main(["adopt", "--undo", str(root)]) == 0
    capsys.readouterr()
    assert "or has undone it already" in _refused("adopt", "--undo", str(root), capsys=capsys)


@pytest.mark.parametrize("pyproject", [None, TABLE])
def test_what_the_user_wrote_since_is_not_lost(
    pyproject: str | None, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if pyproject is not None:
        (root / "pyproject.toml").write_text(pyproject)
    assert main(["adopt", str(root), "--in-tree", "_backend"]) == 0
    adopted = (root / "pyproject.toml").read_text()
    (root / "pyproject.toml").write_text(adopted + "# mine\n")
    before = snapshot(root)
    capsys.readouterr()
    for dry_run in ([], ["--dry-run"]):
        message = _refused("adopt", "--undo", *dry_run, str(root), capsys=capsys)
        assert "pyproject.toml has changed since" in message
    assert snapshot(root) == before
    (root / "pyproject.toml").write_text(adopted)
    assert main(["adopt", "--undo", str(root)]) == 0


def test_a_deleted_pyproject_is_a_change(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "pyproject.toml").write_text(TABLE)
    assert main(["adopt", str(root)]) == 0
    (root / "pyproject.toml").unlink()
    capsys.readouterr()
    assert "has changed since" in _refused("adopt", "--undo", str(root), capsys=capsys)


@pytest.mark.parametrize("pyproject", [None, TABLE])
def test_what_was_restored_by_hand_is_left(pyproject: str | None, root: Path) -> None:
    if pyproject is not None:
        (root / "pyproject.toml").write_text(pyproject)
    before = snapshot(root)
    assert main(["adopt", str(root), "--in-tree", "_backend"]) == 0
    if pyproject is None:
        (root / "pyproject.toml").unlink()
    else:
        (root / "pyproject.toml").write_text(pyproject)
    assert main(["adopt", "--undo", str(root)]) == 0
    assert snapshot(root) == before


def test_adopting_again_is_undone_to_what_was_then(root: Path) -> None:
    """The user took it back by hand, and went on."""
    assert main(["adopt", str(root)]) == 0
    (root / "pyproject.toml").write_text(TABLE)
    assert main(["adopt", str(root)]) == 0
    assert main(["adopt", "--undo", str(root)]) == 0
    assert (root / "pyproject.toml").read_text() == TABLE


@pytest.mark.parametrize("content", ["no JSON", "[]", "{}", '{"before": 1}'])
def test_damaged_record_is_named(
    content: str, root: Path, state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["adopt", str(root)]) == 0
    (record,) = (path for path in state.rglob("*") if path.is_file())
    assert json.loads(record.read_bytes())["root"] == str(root)
    record.write_text(content)
    capsys.readouterr()
    assert f"{record} cannot be read" in _refused("adopt", "--undo", str(root), capsys=capsys)


@needs_posix
def test_record_is_the_users_alone(root: Path, state: Path) -> None:
    assert main(["adopt", str(root)]) == 0
    (record,) = (path for path in state.rglob("*") if path.is_file())
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    assert stat.S_IMODE(record.parent.stat().st_mode) == 0o700


def test_record_is_kept_at_home_by_default(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("LOCALAPPDATA", "XDG_STATE_HOME"):
        monkeypatch.setenv(variable, "relative")
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(tmp_path / "home"))
    assert main(["adopt", str(root)]) == 0
    (record,) = (path for path in (tmp_path / "home").rglob("*") if path.is_file())
    assert record.parent.name == "adopted"


@needs_posix
def test_no_record_in_the_project(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(root / "state"))
    assert "is inside of the project" in _refused("adopt", str(root), capsys=capsys)
    assert os.listdir(root) == ["setup.py"]


def test_no_place_for_the_record(
    root: Path, state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state.touch()
    message = _refused("adopt", str(root), capsys=capsys)
    assert "What `--undo` needs cannot be kept in" in message
    assert os.listdir(root) == ["setup.py"]


# --- whole or not at all ------------------------------------------------------------------------


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("where", ["replace", "rename"])
def test_a_failure_leaves_nothing(
    error: BaseException,
    where: str,
    root: Path,
    state: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (root / "pyproject.toml").write_text(TABLE)
    before = snapshot(root)
    real = getattr(Path, where)

    def fail(self: Path, target: Path) -> Path:
        if root in Path(target).parents:
            raise error
        return Path(real(self, target))

    with monkeypatch.context() as patched:
        patched.setattr(Path, where, fail)
        assert main(["adopt", str(root), "--in-tree", "_a/b"]) == (
            2 if isinstance(error, OSError) else 130
        )
    assert snapshot(root) == before
    assert [path for path in state.rglob("*") if path.is_file()] == []


def test_what_cannot_be_written_is_named(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(path: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(adopt, "rewrite", refuse)
    message = _refused("adopt", str(root), capsys=capsys)
    assert message.endswith("pyproject.toml cannot be written: Permission denied.\n")


def test_a_killed_adoption_can_be_undone(root: Path, tmp_path: Path) -> None:
    """At the last moment: the backend is in the tree, and nothing names it."""
    before = snapshot(root)
    script = f"""
        import os, signal
        from isolated_backend.cli import adopt, main
        adopt.rewrite = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        main(["adopt", {str(root)!r}, "--in-tree", "_backend"])
    """
    run = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False)
    assert run.returncode == -signal.SIGKILL
    assert (root / "_backend" / "isolated_backend" / "__init__.py").exists()
    assert not (root / "pyproject.toml").exists()
    assert main(["adopt", "--undo", str(root)]) == 0
    assert snapshot(root) == before


def test_no_build_runs_meanwhile(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A build locks the very file that is replaced."""
    (root / "pyproject.toml").write_text(TABLE)
    monkeypatch.setattr(adopt, "Settings", lambda: Settings(lock_timeout=0.0))
    access = Access(str(root), "auto", timeout=9)
    with access.granted(), pytest.MonkeyPatch.context() as inside:
        inside.delenv(nested.VARIABLE)  # or it would be the build's own child
        message = _refused("adopt", str(root), capsys=capsys)
    assert "to write (adopt) in" in message.splitlines()[-1]
    assert (root / "pyproject.toml").read_text() == TABLE
    assert main(["adopt", str(root)]) == 0


def test_rewriting_makes_no_mess_of_a_name_in_use(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    with pytest.raises(OSError, match="irectory"):
        rewrite.rewrite(tmp_path / "file", b"x")
    assert os.listdir(tmp_path / "file") == []
    assert sorted(os.listdir(tmp_path)) == ["file", "temporary"]


# --- in the tree --------------------------------------------------------------------------------


@pytest.mark.parametrize("directory", ["_backend", ".build/backend", "_a/_b/../c/", "{root}/_x"])
@pytest.mark.parametrize("requires", ["setuptools==70", "cython"])
def test_in_tree(directory: str, requires: str, root: Path, tmp_path: Path) -> None:
    (root / "pyproject.toml").write_text(f'[build-system]\nrequires = ["{requires}"]\n')
    before = snapshot(root)
    directory = directory.format(root=root)
    assert main(["adopt", str(root), "--in-tree", directory]) == 0
    table = _build_system(root)
    setuptools = [] if requires.startswith("setuptools") else ["setuptools>=64"]
    assert table["requires"] == [requires, *setuptools, "wheel", "packaging", "filelock>=3.30"]
    path = table["backend-path"]
    assert isinstance(path, list)
    (place,) = path
    assert Path(root, place).resolve() == Path(root, directory).resolve()
    names = {path.name for path in Path(root, place, "isolated_backend").iterdir()}
    assert {"__init__.py", "hook.py", "py.typed", "redirect"} <= names
    assert not {"cli", "__pycache__"} & names

    code = f"import sys; sys.path[0] = {place!r}; import isolated_backend.hook as h; print(h)"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert str(root) in run.stdout, "it runs from there, and leaves bytecode"
    assert list(root.rglob("__pycache__"))
    assert main(["adopt", "--undo", str(root)]) == 0
    assert snapshot(root) == before


def test_in_a_directory_that_is_there(root: Path) -> None:
    (root / "_tools").mkdir()
    before = snapshot(root)
    assert main(["adopt", str(root), "--in-tree", "_tools/backend"]) == 0
    assert main(["adopt", "--undo", str(root)]) == 0
    assert snapshot(root) == before


@pytest.mark.parametrize(
    ("directory", "message"),
    [
        (".", "is not a directory below"),
        ("..", "is not a directory below"),
        ("/_elsewhere", "is not a directory below"),
        ("_there", "exists already; choose a new name"),
        ("_there/package/backend", "is a package of the project's"),
        ("_file/backend", "cannot be written"),
    ],
)
def test_places_in_the_tree_that_are_refused(
    directory: str, message: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "_there" / "package").mkdir(parents=True)
    (root / "_there" / "package" / "__init__.py").touch()
    (root / "_file").touch()
    before = snapshot(root)
    refused = _refused("adopt", str(root), "--in-tree", directory, capsys=capsys)
    assert message in refused
    assert snapshot(root) == before


FIND = "[tool.setuptools.packages.find]\n"


@pytest.mark.parametrize(
    ("settings", "directory", "others", "taken"),
    [
        ("", "vendor/x", (), True),
        ("", "vendor", ("setup.py",), True),
        ("", "vendor", ("setup.cfg",), False),
        ("", "vendor", ("src/demo/__init__.py",), False),
        ("", "_vendor", (), False),
        ("", ".vendor", (), False),
        ('[tool.setuptools]\npackages = ["demo"]\n', "vendor", (), False),
        ('[tool.setuptools]\npy-modules = ["demo"]\n', "vendor", (), False),
        (FIND, "vendor", ("setup.py",), True),
        (FIND, "_vendor", (), True),
        (FIND, "a.vendor/x", (), False),
        (FIND + 'where = ["src"]\n', "vendor", ("src/demo/__init__.py",), False),
        (FIND + 'where = ["./"]\n', "vendor", (), True),
        (FIND + "namespaces = false\n", "vendor", (), False),
        (FIND + 'include = ["demo*"]\n', "vendor", (), False),
        (FIND + 'exclude = ["tests*"]\n', "vendor", (), True),
        (FIND + 'exclude = ["v*"]\n', "vendor", (), False),
    ],
)
def test_the_copy_is_no_package_of_the_project(
    settings: str,
    directory: str,
    others: tuple[str, ...],
    taken: bool,
    root: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What is refused would be shipped, or would keep setuptools from building, as it says."""
    (root / "setup.py").unlink()
    for name in ("demo/__init__.py", *others):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(
            "from setuptools import setup; setup()\n" if "setup" in name else ""
        )
    if "setup.cfg" in others:
        (root / "setup.cfg").write_text("[options]\npackages = demo\n")
    (root / "pyproject.toml").write_text(
        TABLE + '[project]\nname = "demo"\nversion = "1"\n' + settings
    )
    status = main(["adopt", str(root), "--in-tree", directory])
    assert status == (2 if taken else 0)
    assert ("would take" in capsys.readouterr().err) is taken
    copied = root / directory / "isolated_backend"
    if taken:
        copied.mkdir(parents=True)
        (copied / "__init__.py").touch()
    code = "import setuptools.build_meta as b, sys; b.prepare_metadata_for_build_wheel(sys.argv[1])"
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], cwd=root, capture_output=True, check=False
    )
    found = list(tmp_path.glob("*.dist-info/top_level.txt"))
    packages = found[0].read_text().split() if found else []
    is_right = run.returncode == 0 and Path(directory).parts[0] not in packages
    assert is_right is not taken, run.stderr


def test_dry_run_in_the_tree(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["adopt", str(root), "--in-tree", "_backend", "--dry-run"]) == 0
    captured = capsys.readouterr()
    assert captured.err.startswith("Would copy the backend, ")
    assert '+backend-path = ["_backend"]\n' in captured.out
    assert os.listdir(root) == ["setup.py"]
    assert main(["adopt", str(root), "--in-tree", "_backend"]) == 0
    capsys.readouterr()
    assert main(["adopt", str(root), "--undo", "--dry-run"]) == 0
    assert capsys.readouterr().err == "Would remove _backend\n"
    assert (root / "_backend").exists()


@pytest.mark.parametrize("change", ["edited", "added", "linked"])
def test_changes_in_the_copy_are_not_lost(
    change: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["adopt", str(root), "--in-tree", "_backend"]) == 0
    package = root / "_backend" / "isolated_backend"
    if change == "edited":
        (package / "hook.py").write_text("# mine\n")
    elif change == "added":
        (root / "_backend" / "mine.py").touch()
    elif sys.platform != "win32":
        (package / "mine").symlink_to(root)
    before = snapshot(root)
    capsys.readouterr()
    assert "has changed since" in _refused("adopt", "--undo", str(root), capsys=capsys)
    assert snapshot(root) == before


def test_a_copy_that_is_gone_is_no_obstacle(root: Path) -> None:
    assert main(["adopt", str(root), "--in-tree", "_backend"]) == 0
    vendored.remove(root, ["_backend"])
    assert main(["adopt", "--undo", str(root)]) == 0
    assert os.listdir(root) == ["setup.py"]


@pytest.mark.parametrize("found", ["nothing", "no file", "no licence", "it"])
def test_the_licence_comes_with_the_copy_if_it_is_installed(
    found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Licence:
        name = "README" if found == "no licence" else "LICENSE"

        def read_binary(self) -> bytes:
            if found == "no file":
                raise FileNotFoundError
            return b"free"

    def files(_: str) -> list[Licence] | None:
        return None if found == "nothing" else [Licence()]

    monkeypatch.setattr("importlib.metadata.files", files)
    assert vendored.files().get("LICENSE") == (b"free" if found == "it" else None)


def test_the_licence_of_what_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vendored, "DISTRIBUTION", "no-such-distribution")
    assert "LICENSE" not in vendored.files()


def test_state_is_kept_by_the_real_path(root: Path) -> None:
    """Two roots of one name are two projects."""
    other = root.parent / "other" / "demo"
    other.mkdir(parents=True)
    (other / "setup.py").touch()
    assert main(["adopt", str(root)]) == 0
    with pytest.raises(CommandError, match="nothing to undo"):
        adopt.undo(str(other), dry_run=False)


def test_what_undoing_needs_is_not_anothers_with_the_same_sum(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slots may be shared by two projects. What one of them held before may not."""
    monkeypatch.setattr("isolated_backend.shadow.temporary.crc32", lambda _: 0)
    other = root.parent / "other" / root.name
    shutil.copytree(root, other)
    (other / "pyproject.toml").write_text("# the other one\n")
    assert directory_of(str(root), "") == directory_of(str(other), "")
    before = [snapshot(each) for each in (root, other)]
    for each in (root, other):
        assert main(["adopt", str(each)]) == 0
    for each in (root, other):
        assert main(["adopt", "--undo", str(each)]) == 0
    assert [snapshot(each) for each in (root, other)] == before
