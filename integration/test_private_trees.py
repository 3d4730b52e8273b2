"""``in-tree-writes = "private"``: projects that write into their tree, all at once, untouched.

With real projects, real mounts and real users: on disk and in memory, from a tree that cannot be
written, and where the kernel grants no namespaces.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from artifacts import members
from backends import OURS, PLAIN, HookProcess
from snapshot import snapshot

from .corpus import backend, difference, environment, sdist
from .corpus.__main__ import CACHE
from .corpus.errors import CorpusError
from .corpus.project import load
from .frontends.run import failures, run, run_at_once
from .namespaces import READ_ONLY, mounted
from .test_in_tree_writers import AT_ONCE, project

NOBODY = 65534
DENIED = [sys.executable, str(Path(__file__).parents[1] / "tests" / "denied.py")]
REQUIREMENTS = ["build", "cython", "setuptools-scm"]


@dataclass(frozen=True)
class User:
    """Who builds.

    Attributes:
        number: the user's and the group's.
        base: an interpreter that they can run, to make environments of.
        place: a directory that they can reach, which is not the case for pytest's.
    """

    number: int
    base: str
    place: Path

    @property
    def prefix(self) -> list[str]:
        """The words to put before a command, so that this user runs it."""
        if self.number == os.geteuid():
            return []
        return ["setpriv", f"--reuid={self.number}", f"--regid={self.number}", "--clear-groups"]

    def take(self, *trees: Path) -> None:
        """Give the user these trees."""
        for tree in trees:
            for path in (tree, *tree.rglob("*")):
                os.chown(path, self.number, self.number, follow_symlinks=False)

    def directory(self, name: str, parent: Path | None = None) -> Path:
        """Return a new directory of the user's."""
        path = (parent or self.place) / name
        path.mkdir()
        self.take(path)
        return path


@pytest.fixture(scope="module", params=["root", "ordinary"])
def user(request: pytest.FixtureRequest) -> Iterator[User]:
    """Return who builds; tests are skipped for whom they cannot run as."""
    number, base = os.geteuid(), sys.executable
    if request.param == "root" and number != 0:
        pytest.skip("this is not the superuser")
    if request.param == "ordinary" and number == 0:
        number, base = NOBODY, _python_of_everybody()
    # pytest keeps its own directories from other users, also while it runs: each run does.
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        os.chmod(directory, 0o755)
        yield User(number, base, Path(directory))


def _python_of_everybody() -> str:
    nobody = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    if not shutil.which("setpriv"):
        pytest.skip("the superuser cannot be another user here")
    for minor in range(20, 9, -1):
        found = shutil.which(f"python3.{minor}", path="/usr/local/bin:/usr/bin")
        if found and subprocess.run([*nobody, found, "-c", ""], check=False).returncode == 0:
            return found
    pytest.skip("no Python that everybody can run")


@pytest.fixture(scope="module")
def python(user: User) -> str:
    """Return the interpreter of an environment for projects that write into their tree."""
    return environment.create(user.place / "env", REQUIREMENTS, user.base).python


@pytest.fixture
def here(user: User) -> Iterator[Path]:
    """Return a directory of the user's for one test."""
    path = user.directory("here")
    yield path
    shutil.rmtree(path)


def variables(temporary: Path) -> dict[str, str]:
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "PYTEST", "COV", "GIT", "SOURCE_DATE_EPOCH"))
    }
    return inherited | {
        "TMPDIR": str(temporary),
        "HOME": "/nonexistent",
        "CFLAGS": "-O0 -g0",  # what the compiler makes of it matters to nobody here
    }


def command(python: str, root: Path, out: Path) -> list[str]:
    return [python, "-m", "build", "-n", "--wheel", "-o", str(out), str(root)]


def fresh(root: Path, kind: str, writes: str = "private") -> Path:
    """Write the project of *kind*, with a repository."""
    return project(root, scm=kind == "scm", cython=kind == "cython", writes=writes)


def renew(pristine: Path, root: Path, user: User) -> None:
    """Make *root* a copy of *pristine* that belongs to *user*."""
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(pristine, root, symlinks=True)
    user.take(root)


@pytest.fixture(params=["disk", pytest.param("memory", marks=pytest.mark.long)])
def temporary(request: pytest.FixtureRequest, user: User, here: Path) -> Iterator[Path]:
    """Return a TMPDIR on disk, and one in memory."""
    if request.param == "disk":
        yield user.directory("tmp", here)
        return
    if not os.access("/dev/shm", os.W_OK):
        pytest.skip("no shared memory")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
        user.take(Path(directory))
        yield Path(directory)


@pytest.mark.parametrize("kind", ["scm", "cython"])
@pytest.mark.parametrize("rounds", [1, pytest.param(30, marks=pytest.mark.long)])
@pytest.mark.usefixtures("whole_machine")
def test_builds_at_once_leave_the_root_untouched(
    kind: str,
    rounds: int,
    user: User,
    python: str,
    here: Path,
    temporary: Path,
    record_property: Callable[[str, object], None],
) -> None:
    """Each round begins with a fresh checkout, where nothing has been generated yet."""
    root, env = here / "root", variables(temporary)
    pristine = fresh(here / "pristine", kind)  # one commit, which setuptools-scm writes down
    renew(pristine, root, user)
    before, out = snapshot(root), user.directory("plain", here)
    words = ["env", "-i", *(f"{name}={value}" for name, value in env.items()), *user.prefix]
    process = HookProcess(PLAIN, root, python=python, prefix=words)
    (outcome,) = process(("build_wheel", {"wheel_directory": str(out)}))
    assert outcome.error == "", process.output
    assert snapshot(root) != before  # setuptools alone lets it write
    right = out / outcome.result
    for number in range(rounds):
        out = user.directory(f"out{number}", here)
        renew(pristine, root, user)
        before = snapshot(root)
        commands = [[*user.prefix, *command(python, root, out / str(n))] for n in range(AT_ONCE)]
        commands = [[shutil.which(words[0]) or words[0], *words[1:]] for words in commands]
        results = run_at_once(commands, env, here / "logs")
        assert failures(results) == [], [result.output for result in results if result.status]
        assert not any("isolated-backend: no private" in result.output for result in results)
        assert snapshot(root) == before
        artifacts = list(out.glob("*/*.whl"))
        assert [path.name for path in artifacts] == [right.name] * AT_ONCE
        for path in artifacts:
            assert members(path) == members(right)
        shutil.rmtree(out)
    record_property(
        "figures",
        f"{rounds} rounds of {AT_ONCE} wheels at once of a fresh checkout, TMPDIR {temporary}: "
        "0 failures, all as setuptools makes them, the root untouched",
    )


# --- a tree that cannot be written --------------------------------------------------------------

#: Those of the corpus that write into their own tree.
WRITERS = ["cymem", "murmurhash", "sqlalchemy", "srsly", "mpmath", "lazy-object-proxy"]


@pytest.mark.parametrize(
    "name",
    [
        "mpmath",
        *(pytest.param(name, marks=pytest.mark.long) for name in WRITERS if name != "mpmath"),
    ],
)
@pytest.mark.parametrize("kind", ["sdist", "wheel"])
def test_writers_of_the_corpus_build_from_a_read_only_mount(
    name: str,
    kind: str,
    user: User,
    here: Path,
    record_property: Callable[[str, object], None],
) -> None:
    """Nothing is set for it: ``in-tree-writes`` is ``"auto"``."""
    (wanted,) = load([name])
    try:
        source = sdist.fetch(wanted, CACHE)
    except CorpusError as error:
        pytest.skip(str(error))
    found = backend.read(source.unpack(here / "tree"))
    env = environment.create(user.place / name, found.requires, user.base)
    artifacts = []
    for side, called in ((PLAIN, found.name), (OURS, found.ours)):
        root = source.unpack(here / "tree")
        temporary = user.directory(f"tmp-{side}", here)
        out = user.directory(f"out-{side}", here)
        user.take(root)
        before = snapshot(root)
        read_only = mounted(READ_ONLY.format(root)) if side == OURS else []
        process = HookProcess(
            called,
            root,
            python=env.python,
            prefix=["env", "-i", *_words(env.variables(temporary, here)), *read_only, *user.prefix],
        )
        (outcome,) = process((f"build_{kind}", {f"{kind}_directory": str(out)}))
        assert outcome.error == "", process.output
        artifacts.append(out / outcome.result)
    assert snapshot(root) == before
    assert artifacts[0].name == artifacts[1].name
    assert difference.between_artifacts(*artifacts) == []
    record_property(
        "figures", f"{kind} of {name} {source.version} from a read-only mount: identical"
    )


def _words(variables: dict[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in variables.items()]


def test_a_tree_of_another_users(user: User, python: str, here: Path) -> None:
    """The superuser takes it as it is; for others, a user namespace does not know the owner."""
    root = fresh(here / "root", "cython")
    shutil.rmtree(root / ".git")  # git would not read it
    for path in (root, *root.rglob("*")):
        os.chown(path, 1234, 1234, follow_symlinks=False)
        if path.is_dir():
            path.chmod(0o777)
    before = snapshot(root)
    out = user.directory("out", here)
    env = variables(user.directory("tmp", here))
    done = run([*user.prefix, *command(python, root, out)], env)
    assert done.status == 0, done.output
    if user.number == 0:
        assert snapshot(root) == before
    else:
        assert f"no private tree of {root}, for {root} belongs to a user" in done.output


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two users")
@pytest.mark.parametrize("kind", ["cython"])
def test_a_directory_of_another_users_in_the_tree(
    kind: str, user: User, python: str, here: Path
) -> None:
    """It could not be written to: the hook takes its turn."""
    root = fresh(here / "root", kind)
    user.take(root)
    os.chown(root / "writer", 1234, 1234)
    (root / "writer").chmod(0o777)
    out = user.directory("out", here)
    env = variables(user.directory("tmp", here))
    done = run([*user.prefix, *command(python, root, out)], env)
    assert done.status == 0, done.output
    told = f"{root / 'writer'} belongs to a user or a group" in done.output
    assert told is (user.number != 0)
    assert len(list(out.iterdir())) == 1


# --- where the kernel grants no namespaces ------------------------------------------------------

#: In a user namespace of its own, where it is allowed, no more of them.
_NO_MORE = "echo 0 > /proc/sys/user/max_user_namespaces"


def denied_by_limit() -> list[str]:
    """Return the words before a command that has no capability and gets no user namespace."""
    drop = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all"]
    return [*mounted(_NO_MORE, "--user", "--map-root-user"), *drop]


@pytest.mark.parametrize("way", ["seccomp", "limit"])
@pytest.mark.parametrize("kind", ["scm", "cython"])
def test_denied_builds_take_turns_and_say_why(
    way: str, kind: str, user: User, python: str, here: Path
) -> None:
    if way == "limit" and user.number != os.geteuid():
        pytest.skip("for the user of this process")
    prefix = [*user.prefix, *(_denied(python) if way == "seccomp" else denied_by_limit())]
    root, env = here / "root", variables(user.directory("tmp", here))
    user.take(fresh(root, kind))
    before, out = snapshot(root), user.directory("out", here)
    commands = [[*prefix, *command(python, root, out / str(number))] for number in range(3)]
    commands = [[shutil.which(words[0]) or words[0], *words[1:]] for words in commands]
    results = run_at_once(commands, env, here / "logs")
    assert failures(results) == [], [result.output for result in results if result.status]
    for result in results:
        assert f"isolated-backend: no private tree of {root}, for the kernel" in result.output
        assert "; builds take turns instead." in result.output
    made = [members(path) for path in out.glob("*/*.whl")]
    assert len(made) == 3
    assert all(each == made[0] for each in made)
    assert snapshot(root) != before


def test_denied_on_a_read_only_mount_what_was_to_be_written_is_said(
    user: User, python: str, here: Path
) -> None:
    """Cython hides the reason. setuptools-scm would write to what goes into the wheel instead."""
    root = fresh(here / "root", "cython", writes="auto")
    user.take(root)
    out = user.directory("out", here)
    prefix = [*mounted(READ_ONLY.format(root)), *user.prefix, *_denied(python)]
    env = variables(user.directory("tmp", here))
    done = run([*prefix, *command(python, root, out)], env)
    assert done.status != 0
    (line,) = {line for line in done.output.splitlines() if line.startswith("isolated-backend:")}
    assert line == (
        f"isolated-backend: warning: {root} cannot be written, and the project's own code writes "
        "writer/fast.c there while it is built; nor is there a private tree of it, for the "
        "kernel grants no user namespace (Operation not permitted)."
    )


def _denied(python: str) -> list[str]:
    return [python, *DENIED[1:]]
