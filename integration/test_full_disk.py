"""A full disk is a clear error, leaves no partial artifact, and leaves the root as it was."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from artifacts import members
from backends import OURS, HookProcess, Outcome, call_into
from snapshot import snapshot

from .namespaces import SMALL_FILE_SYSTEM, mounted

#: 40 modules of 50 kB, which make 2,080 kB in the pages of a memory file system, and 1.1 MB in an
#: archive; they cannot be compressed to less than half.
MODULES, MODULE = 40, 25_000

OVERRIDES = "{'build_py': Built, 'sdist': Staged}"
SETUP = """\
from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

class Built(build_py):
    def run(self):
        super().run()

class Staged(sdist):
    def make_release_tree(self, base_dir, files):
        super().make_release_tree(base_dir, files)

setup(name="full", version="1", packages=["full"], cmdclass={cmdclass})
"""

#: What is said when a stage of the work begins.
BEGINS = {
    "running egg_info": "egg-info",
    "writing /": "egg-info",  # where that is not run as a command
    "-1.dist-info'": "dist-info",
    "running build_py": "build",
    "running check": "staging",
    "Creating tar archive": "archive",
    "adding '": "archive",
    "isolated-backend: Cannot put ": "publishing",
}
START, ENOUGH = "start", "room enough"

#: No room for one more file, and then directory, and so on.
FILES = tuple(f"nr_inodes={number}" for number in range(1, 7))


def room(*kilobytes: int) -> tuple[str, ...]:
    assert len(set(kilobytes)) == 20
    return tuple(f"size={size}k" for size in kilobytes)


#: Page by page: what holds an egg-info and a dist-info.
PAGES = room(*range(4, 84, 4))
#: A page for each file of the egg-info, then the few files that are copied, then the archive.
STREAMED = room(
    *range(4, 28, 4), 32, *range(56, 76, 4), *(128, 256, 512, 1024, 1088, 1280, 2048, 4096)
)
#: All files are copied, before or after the pages of the egg-info are made, then the archive.
COPIED = room(
    *range(4, 24, 4), *(512, 1024, 2048), *range(2080, 2108, 4), *(2304, 2816, 3072, 4096, 8192)
)
ARCHIVE = room(*range(4, 20, 4), *range(64, 1088, 85), 1088, 1280, 2048)


@dataclass(frozen=True)
class Case:
    """What is full, which hook meets it, and in which stages of its work.

    Attributes:
        full: ``TMPDIR`` or ``output``.
        hook: the hook.
        places: the sizes of the place, as options of its file system.
        stages: in which it has to fail at one size or another.
        copied: whether the project has overrides for which all files are copied first.
    """

    full: str
    hook: str
    places: tuple[str, ...]
    stages: set[str]
    copied: bool = False

    def __str__(self) -> str:
        return f"{self.full}-{self.hook}{'-copied' if self.copied else ''}"


QUICK = [
    Case("TMPDIR", "build_sdist", COPIED, {START, "egg-info", "staging", "archive"}, copied=True),
    Case("output", "build_wheel", ARCHIVE, {"publishing"}),
]
LONG = [
    Case("TMPDIR", "build_sdist", STREAMED, {START, "egg-info", "staging", "archive"}),
    Case("TMPDIR", "build_wheel", STREAMED, {START, "build", "egg-info", "archive"}),
    Case("TMPDIR", "build_wheel", COPIED, {START, "build", "egg-info", "archive"}, copied=True),
    Case("TMPDIR", "build_editable", PAGES, {START, "egg-info", "dist-info"}),
    Case("TMPDIR", "get_requires_for_build_wheel", PAGES, {START, "egg-info"}),
    Case("output", "build_sdist", ARCHIVE, {"publishing"}),
    Case("output", "prepare_metadata_for_build_wheel", PAGES, {"egg-info", "dist-info"}),
]


@pytest.mark.parametrize(
    "case", [*QUICK, *(pytest.param(case, marks=pytest.mark.long) for case in LONG)], ids=str
)
def test_a_full_disk_is_a_clear_error(
    case: Case, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """From a place where nothing has room to one where all has; each stage meets the end of it."""
    root = project(tmp_path / "root", copied=case.copied)
    before = snapshot(root)
    usual, out = directory(tmp_path / "usual"), directory(tmp_path / "out")
    (right,) = HookProcess(OURS, root)(call_into(case.hook, usual))
    small, left = directory(tmp_path / "small"), tmp_path / "left"
    met: Counter[str] = Counter()
    for place in (*FILES, *case.places):
        prefix = [*mounted(SMALL_FILE_SYSTEM.format(small, place)), *kept(small, left)]
        temporary = {"TMPDIR": str(small)} if case.full == "TMPDIR" else {}
        process = HookProcess(OURS, root, environment=temporary, prefix=prefix)

        (outcome,) = process(call_into(case.hook, out if temporary else small))

        assert snapshot(root) == before
        stage = ENOUGH if outcome == right else stage_of(process.output, outcome)
        met[stage] += 1
        made = out if temporary else left
        if stage == ENOUGH:
            assert files(made) == files(usual)
            assert artifacts(made) == artifacts(usual)
        else:
            assert outcome.error == "SystemExit", process.output
            assert outcome.message.startswith("isolated-backend: ")
            assert "No space left on " in outcome.message
            assert str(small) in outcome.message
            assert artifacts(made) == {}
        assert not temporary or files(left) == [], "something is left in the shadow"
        shutil.rmtree(left)
        shutil.rmtree(out)
        out.mkdir()
    assert set(met) >= {ENOUGH, *case.stages}
    record_property(
        "figures", f"{met.total()} sizes: " + ", ".join(f"{n} {s}" for s, n in met.items())
    )


def project(root: Path, *, copied: bool) -> Path:
    (root / "full").mkdir(parents=True)
    (root / "setup.py").write_text(SETUP.format(cmdclass=OVERRIDES if copied else "{}"))
    (root / "full" / "__init__.py").touch()
    for number in range(MODULES):
        text = b"#" + os.urandom(MODULE).hex().encode()
        (root / "full" / f"m{number}.py").write_bytes(text)
    return root


def directory(path: Path) -> Path:
    path.mkdir()
    return path


def kept(place: Path, copy: Path) -> list[str]:
    """Return the words to put before a command, so that *copy* has what it leaves in *place*."""
    then_copy = f'status=0; "$@" || status=$?; cp -r "{place}" "{copy}"; exit $status'
    return ["sh", "-c", then_copy, "sh"]


def stage_of(output: str, outcome: Outcome) -> str:
    """Return the stage that has failed: the last that was begun."""
    said = output + outcome.message
    begun = {said.rfind(words): stage for words, stage in BEGINS.items() if words in said}
    return begun[max(begun)] if begun else START


def files(place: Path) -> list[str]:
    """Return the files below *place*, but for the locks of slots."""
    return sorted(
        str(path.relative_to(place))
        for path in place.rglob("*")
        if path.is_file() and path.suffix != ".lock"
    )


def artifacts(place: Path) -> dict[str, object]:
    """Return the members of the artifacts below *place*, and what else is named like one."""
    return {
        path.name: members(path)
        for path in place.rglob("*")
        if any(suffix in path.name for suffix in (".whl", ".tar", ".new"))
    }
