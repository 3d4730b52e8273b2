"""A private tree: what a hook writes into the root is seen by itself alone."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path

import pytest

import isolated_backend
from artifacts import members, names
from backends import OURS, PLAIN, HookProcess
from isolated_backend.reproducible import NormalForm
from isolated_backend.writers import overlay
from private import DENIED, SETUP, built, configure, needs_private_trees, project_that_writes
from snapshot import snapshot


@pytest.fixture
def writer(tmp_path: Path) -> Path:
    """Return the root of a project that writes into its tree."""
    return project_that_writes(tmp_path / "work" / "writer")


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
    """The child alone brings it into its normal form."""

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
