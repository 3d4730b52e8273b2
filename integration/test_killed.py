"""Promise 4: a build that is killed at any instant leaves no partial file, and nothing behind."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import tarfile
import textwrap
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice, product
from pathlib import Path

import pytest

from artifacts import members
from backends import HOOKS, HookProcess, call_into
from snapshot import snapshot

from .conftest import Environment, OtherFileSystem
from .frontends import OURS, PLAIN
from .projects import SDIST, src_layout

pytestmark = pytest.mark.usefixtures("whole_machine")

#: With it, ``get_requires_*`` has to ask setuptools, and takes long enough to be killed.
SETUP = "from setuptools import setup\n\nsetup()\n"

ARTIFACTS = (".whl", ".tar.gz")

#: The end of the hidden name that an artifact has for the instant before it replaces an older one.
HIDDEN = ".isolated-backend-new"

#: What was in the place of an artifact before.
OLDER = b"older"

#: What is said of an artifact that cannot be read to its end.
INCOMPLETE = "incomplete"


@dataclass
class Scene:
    """One hook, and what it meets.

    Attributes:
        process: what calls the hook.
        hook: its name.
        out: the directory for its output.
        right: what is to be in it afterwards.
        length: the seconds that the hook takes when nobody kills it.
    """

    process: HookProcess
    hook: str
    out: Path
    right: dict[str, object] = field(default_factory=dict)
    length: float = 0.0

    def __post_init__(self) -> None:
        self.out.mkdir()
        self.build()
        self.right = made(self.out)

    def build(self) -> None:
        """Call the hook, undisturbed."""
        start = time.monotonic()
        (outcome,) = self.process(call_into(self.hook, self.out))
        self.length = time.monotonic() - start
        assert outcome.error == "", self.process.output

    def kill(self, instants: random.Random, *, replacing: bool = False) -> None:
        """Call the hook and kill it, as often as it takes for it to be killed while it runs.

        Args:
            instants: where the instants come from.
            replacing: leave the output of the last build, with older artifacts, where it is.
        """
        command = self.process.command(call_into(self.hook, self.out))
        killed = False
        while not killed:
            for path in self.out.iterdir():
                if replacing and path.name.endswith(ARTIFACTS):
                    path.write_bytes(OLDER)
                elif not replacing:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
            instant = self.length * instants.random()
            status = told_after(instant, command, os.environ | self.process.environment)
            killed = status == -signal.SIGKILL
        if "metadata" in self.hook:  # no frontend gives a hook what a killed one has left there
            shutil.rmtree(self.out)
            self.out.mkdir()


@pytest.mark.parametrize("kills", [16, pytest.param(200, marks=pytest.mark.long)])
def test_killed_at_random_instants(
    kills: int,
    venv: Environment,
    env: dict[str, str],
    other: OtherFileSystem,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    """Each hook in turn, with TMPDIR on the output's disk and on another, older output or none.

    What it leaves is complete, and the build that follows succeeds and removes the rest.
    """
    root = project(tmp_path / "killed", OURS)
    before = snapshot(root)
    scenes: list[Scene] = []
    for place, hook in product([OtherFileSystem(Path(env["TMPDIR"]), []), other], HOOKS):
        variables = env | {"TMPDIR": str(place.path)}
        process = HookProcess(
            OURS, root, environment=variables, python=venv.python, prefix=place.prefix
        )
        scenes.append(Scene(process, hook, tmp_path / f"out{len(scenes)}"))
    instants = random.Random(kills)
    killed: Counter[str] = Counter()
    shadows = hidden = 0
    for scene in islice(cycle(scenes), kills):
        replacing = instants.random() < 0.5
        scene.kill(instants, replacing=replacing)

        killed[scene.hook] += 1
        assert snapshot(root) == before
        for name, content in made(scene.out, whole_only=True).items():
            hidden += name.endswith(HIDDEN)
            assert content in (scene.right[name_of(name)], *[OLDER] * replacing), name
        temporary = Path(scene.process.environment["TMPDIR"])
        shadows += bool(left_in(temporary))

        scene.build()

        assert made(scene.out) == scene.right
        assert snapshot(root) == before
        assert left_in(temporary) == []
    assert shadows
    record_property(
        "figures",
        f"{killed.total()} kills ({', '.join(f'{n} {hook}' for hook, n in killed.items())}): "
        f"{shadows} left a shadow and {hidden} a complete file with a hidden name, 0 of which the "
        "next build has left; 0 incomplete artifacts, 0 changes of the root, 0 failed next builds",
    )


def test_plain_setuptools_leaves_a_partial_artifact(
    venv: Environment, env: dict[str, str], tmp_path: Path
) -> None:
    """The control: when it is killed, it leaves what the next build does not remove."""
    root = project(tmp_path / "killed", PLAIN)
    process = HookProcess(PLAIN, root, environment=env, python=venv.python)
    scene = Scene(process, "build_sdist", tmp_path / "out")
    instants = random.Random(0)
    for _ in range(100):
        scene.kill(instants)
        scene.build()
        if INCOMPLETE in made(scene.out).values():
            break
    else:
        pytest.fail("100 kills have left no incomplete artifact")


def test_killed_just_before_an_older_artifact_is_replaced(
    venv: Environment,
    env: dict[str, str],
    other: OtherFileSystem,
    tmp_path: Path,
) -> None:
    """Then the new one lies there under its hidden name, complete, until the next build."""
    root = project(tmp_path / "killed", OURS)
    variables = env | {"TMPDIR": str(other.path)}
    process = HookProcess(
        OURS, root, environment=variables, python=venv.python, prefix=other.prefix
    )
    scene = Scene(process, "build_sdist", tmp_path / "out")
    (scene.out / SDIST).write_bytes(OLDER)
    script = f"""
        import os, signal, sys
        import isolated_backend

        def kill(event, arguments):
            if event == "os.rename" and str(arguments[0]).endswith({HIDDEN!r}):
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(kill)
        isolated_backend.build_sdist({str(scene.out)!r})
    """
    command = [*other.prefix, str(venv.python), "-c", textwrap.dedent(script)]
    done = subprocess.run(command, cwd=root, env=variables, check=False)

    assert done.returncode == -signal.SIGKILL
    left = made(scene.out)
    assert left.pop(SDIST) == OLDER
    assert list(left.values()) == [scene.right[SDIST]]
    assert [name_of(name) for name in left] == [SDIST]

    scene.build()

    assert made(scene.out) == scene.right


def project(root: Path, backend: str) -> Path:
    """Write a project of 100 files."""
    src_layout(root, backend, files=100)
    (root / "setup.py").write_text(SETUP)
    return root


def name_of(name: str) -> str:
    """Return the name of the artifact *name*, even if it is hidden: ``.NAME.PID.SUFFIX``."""
    return name[1:].removesuffix(HIDDEN).rpartition(".")[0] if name.endswith(HIDDEN) else name


def made(out: Path, *, whole_only: bool = False) -> dict[str, object]:
    """Return what is in *out*: of artifacts the members, of other files the bytes.

    Args:
        out: a directory that a hook was given.
        whole_only: leave out what need not be whole while the hook is under way: the files of a
            metadata directory.
    """
    found: dict[str, object] = {}
    for path in out.rglob("*"):
        name = str(path.relative_to(out))
        if path.is_dir():
            continue
        if path.read_bytes() == OLDER:
            found[name] = OLDER
        elif name_of(name).endswith(ARTIFACTS):
            try:
                found[name] = members(path)
            except (EOFError, OSError, tarfile.TarError, zipfile.BadZipFile):
                found[name] = INCOMPLETE
        elif not whole_only:
            found[name] = path.read_bytes()
    return found


def told_after(
    seconds: float,
    command: Sequence[str],
    env: Mapping[str, str],
    number: int = signal.SIGKILL,
    *,
    cwd: Path | None = None,
    to_all: bool = True,
) -> int:
    """Send a signal to a command after so many seconds, and wait until none of it is left.

    All its processes have inherited one end of a pipe, as their standard error stream: when the
    other end reports that it is closed, the last of them is gone.

    Args:
        seconds: when.
        command: what to run, in a process group of its own.
        env: its environment.
        number: the signal.
        cwd: where to run it.
        to_all: whether the whole group gets the signal, or the first process alone.

    Returns:
        The exit status.
    """
    theirs_closed, theirs = os.pipe()
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        (os.killpg if to_all else os.kill)(process.pid, number)
    with open(theirs_closed, "rb") as pipe:
        pipe.read()
    return process.wait()


def left_in(temporary: Path) -> list[str]:
    """Return what is in the shadows below *temporary*; the next build wipes them."""
    return [
        str(path.relative_to(temporary))
        for path in temporary.glob("isolated-backend*/*/*")
        if path.is_dir()
    ]
