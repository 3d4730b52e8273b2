"""With SOURCE_DATE_EPOCH, two people who build the same release make the same bytes.

They work in other directories, as other users, under other umasks, and the files have times and
permissions of their own. What hashes decide is left to chance (PYTHONHASHSEED).
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from artifacts import particulars
from backends import OURS, PLAIN

from .corpus import backend, caller, environment, sdist
from .corpus.__main__ import CACHE
from .corpus.errors import CorpusError
from .corpus.project import load
from .generated import Project

EPOCH = "1709251200"

#: Pure Python and compiled ones, old and new, with and without a setup.py and setuptools-scm.
PROJECTS = (
    *("six", "requests", "certifi", "tqdm", "networkx", "markupsafe", "wrapt", "simplejson"),
    *("pluggy", "pyasn1", "pycparser", "pymysql", "pyserial", "pytz", "tabulate", "toolz"),
    *("websocket-client", "gunicorn", "httplib2", "cachetools"),
)

GENERATED = {
    "data": Project(
        configuration="pyproject",
        layout="src",
        packages=["demo", "demo.sub"],
        files={
            "docs/deep/er/ümlaut.txt": 0o644,
            "docs/run-me.py": 0o755,
            "with space.txt": 0o600,
            "x" * 120 + ".txt": 0o444,
            "@demo/data.json": 0o666,
            "@demo/run-me.py": 0o755,
        },
        template=["graft docs", "include *.txt"],
        package_data={"": ["*.json"]},
        readme=True,
        requires=True,
        entry_points=True,
    ),
    "code": Project(
        packages=["demo", "other"],
        files={"@demo/mod.py": 0o4755, "data.txt": 0o644},
        template=["include data.txt"],
        overrides=["build_py", "sdist"],
        scripts=True,
        requires=True,
        extension=True,
    ),
}


@dataclass(frozen=True)
class Person:
    """Somebody who builds.

    Attributes:
        place: where.
        umask: the umask.
        before: what to put before a command to run it as this user.
    """

    place: Path
    umask: int
    before: tuple[str, ...] = ()

    def has(self, root: Path) -> Path:
        """Return a copy of the project in *root*, as this one's umask and clock have it."""
        copy = shutil.copytree(root, self.place / root.name, symlinks=True)
        for number, path in enumerate(sorted(copy.rglob("*"))):
            if not path.is_symlink():
                path.chmod(stat.S_IMODE(path.stat().st_mode) & ~self.umask)
                os.utime(path, (1_500_000_000 + self.umask * 10**6 + number + 0.5,) * 2)
        return copy

    def makes(
        self,
        kind: str,
        root: Path,
        name: str = OURS,
        python: str = sys.executable,
        variables: dict[str, str] | None = None,
    ) -> Path:
        """Return an artifact of the project in *root*, which is this one's.

        Args:
            kind: ``sdist`` or ``wheel``.
            root: the project.
            name: the backend.
            python: what to build with.
            variables: the environment variables; by default, those of the tests.
        """
        temporary, out = self.place / "tmp", self.place / name.partition(":")[0] / kind
        temporary.mkdir(exist_ok=True)
        out.mkdir(parents=True)
        outcome = self.place / "outcome.json"
        request = {
            "backend": name,
            "path": [],
            "ours": True,
            "slow": False,
            "hook": f"build_{kind}",
            "arguments": {f"{kind}_directory": str(out)},
            "outcome": str(outcome),
        }
        done = subprocess.run(
            [*self.before, python, str(caller.__file__), json.dumps(request)],
            cwd=root,
            env={
                **(os.environ if variables is None else variables),
                "PYTHONHASHSEED": "random",
                "TMPDIR": str(temporary),
                "SOURCE_DATE_EPOCH": EPOCH,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            umask=self.umask,
        )
        found = json.loads(outcome.read_text())
        assert "error" not in found, done.stdout
        return out / str(found["result"])


@pytest.fixture
def people(tmp_path: Path) -> tuple[Person, Person]:
    """Two of them."""
    one, two = tmp_path / "a", tmp_path / "some" / "where else"
    one.mkdir()
    two.mkdir(parents=True)
    return Person(one, 0o022), Person(two, 0o077, _as_another_user())


@functools.cache
def _as_another_user() -> tuple[str, ...]:
    """Return what runs a command under another number and no name, where the kernel lets us.

    It is the same user to the file system, so that there is no need to be root.
    """
    command = ("unshare", "--user", "--map-user=4321", "--map-group=4321")
    if shutil.which("unshare") is None:
        return ()
    done = subprocess.run([*command, "id", "-u"], capture_output=True, text=True, check=False)
    return command if done.stdout == "4321\n" else ()


def unlike(one: Path, two: Path) -> list[str]:
    """Return in what two artifacts differ, as closely as can be told."""
    if one.read_bytes() == two.read_bytes():
        return []
    if shutil.which("diffoscope"):
        command = ["diffoscope", "--max-report-size", "5000", str(one), str(two)]
        return subprocess.run(
            command, capture_output=True, text=True, check=False
        ).stdout.splitlines()
    theirs, mine = (dict(particulars(path, sys.maxsize)) for path in (one, two))
    found = [
        f"{name}: {theirs.get(name)}, not {mine.get(name)}" for name in members_unlike(one, two)
    ]
    if list(theirs) != list(mine):
        found.append("another order")
    return found or ["the members are the same, and the archives are not"]


def members_unlike(one: Path, two: Path) -> list[str]:
    """Return the names of the members that two artifacts have not got just so in common."""
    theirs, mine = (dict(particulars(path, sys.maxsize)) for path in (one, two))
    return [name for name in theirs | mine if theirs.get(name) != mine.get(name)]


@pytest.mark.parametrize("name", GENERATED)
def test_two_people_make_the_same(
    name: str,
    people: tuple[Person, Person],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    GENERATED[name].write(tmp_path / "demo")
    for kind in ("sdist", "wheel"):
        one, two = (person.makes(kind, person.has(tmp_path / "demo")) for person in people)
        if kind == "sdist" or not GENERATED[name].extension:
            assert unlike(one, two) == []
        for person in people:
            shutil.rmtree(person.place / "demo")
    record_property("figures", f"{1 + bool(people[1].before)} users")


@pytest.mark.parametrize("kind", ["sdist", "wheel"])
def test_with_setuptools_they_make_another(
    kind: str, people: tuple[Person, Person], tmp_path: Path
) -> None:
    """The control: and what is unlike is named."""
    GENERATED["data"].write(tmp_path / "demo")
    one, two = (person.makes(kind, person.has(tmp_path / "demo"), PLAIN) for person in people)
    assert any("mode" in line for line in unlike(one, two))


@pytest.mark.long
@pytest.mark.parametrize("name", PROJECTS)
def test_two_people_make_the_same_of_a_real_project(
    name: str,
    people: tuple[Person, Person],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    try:
        (project,) = load([name])
        root = sdist.fetch(project, CACHE).unpack(tmp_path / "unpacked")
        found = backend.read(root)
        path = CACHE / "environments" / f"{name}-reproducible"
        place = environment.create(path, found.requires)
    except CorpusError as error:
        pytest.skip(f"{name}: {error}")
    result: dict[str, int | str] = {"users": 1 + bool(people[1].before)}
    for kind in ("sdist", "wheel"):
        one, two = (
            person.makes(
                kind,
                person.has(root),
                found.ours,
                place.python,
                place.variables(person.place / "tmp", person.place),
            )
            for person in people
        )
        difference = unlike(one, two)
        result[kind] = "differs" if difference else "identical"
        if kind == "sdist" or one.name.endswith("-none-any.whl"):
            assert difference == []
        elif difference:
            names = members_unlike(one, two)
            assert all(name.endswith((".so", ".dist-info/RECORD")) for name in names), names
            result[kind] = f"differs in {len(names) - 1} compiled files"
        for person in people:
            shutil.rmtree(person.place / root.name)
    record_property("figures", result)
