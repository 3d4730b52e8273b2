"""What goes wrong in real workspaces: odd paths, odd users, odd setup.py files, crowds."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from artifacts import members, names
from backends import OURS, PLAIN, HookProcess
from snapshot import snapshot

Sample = Callable[[str], Path]


def build(root: Path, out: Path, kind: str = "sdist", **environment: str) -> Path:
    """Build *kind* of *root* with ours and return the artifact; nothing in the root changes."""
    before = snapshot(root)
    process = HookProcess(OURS, root, environment=environment)
    (outcome,) = process((f"build_{kind}", {f"{kind}_directory": str(out)}))
    assert outcome.error == "", process.output
    assert snapshot(root) == before
    return out / str(outcome.result)


# --- where the root is --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "with some spaces",
        "ünïcödé-项目",
        "long-" + "x" * 220,
        "-dash",
        "quote'n\"quote",
        "per%cent",
    ],
)
@pytest.mark.parametrize("kind", ["sdist", "wheel"])
def test_any_name_of_a_root(name: str, kind: str, sample: Sample, tmp_path: Path) -> None:
    root = sample("src_layout")
    plain = build(root, tmp_path / "usual", kind)
    odd = root.rename(tmp_path / name)
    assert members(build(odd, tmp_path / "odd", kind)) == members(plain)


def test_a_root_through_a_symbolic_link(sample: Sample, tmp_path: Path) -> None:
    root = sample("c_extension")
    link = tmp_path / "link"
    link.symlink_to(root)
    through = build(link, tmp_path / "through", "wheel")
    assert members(through) == members(build(root, tmp_path / "direct", "wheel"))


def test_a_deep_root_with_a_deep_tmpdir(sample: Sample, tmp_path: Path) -> None:
    root = sample("src_layout")
    plain = build(root, tmp_path / "usual")
    deep = tmp_path.joinpath(*["d" * 50] * 8)
    deep.mkdir(parents=True)
    temporary = tmp_path.joinpath(*["t" * 50] * 8)
    temporary.mkdir(parents=True)
    moved = root.rename(deep / "root")
    assert members(build(moved, tmp_path / "out", TMPDIR=str(temporary))) == members(plain)


# --- who builds ---------------------------------------------------------------------------------

NOBODY = 65534


def become(user: int) -> list[str]:
    """Return the command that runs another as *user*, who can read all, as this Python needs it."""
    if user == os.getuid():
        return []
    reading = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *reading]


@pytest.mark.skipif(
    os.getuid() != 0 or not shutil.which("setpriv"), reason="only root can be two users"
)
def test_two_users_on_one_root_and_one_tmpdir(sample: Sample, tmp_path: Path) -> None:
    root = sample("src_layout")
    temporary = Path(os.environ["TMPDIR"])
    temporary.chmod(0o1777)
    artifacts = []
    for user in (0, NOBODY):
        out = tmp_path / f"out-{user}"
        out.mkdir()
        os.chown(out, user, -1)
        script = f"import isolated_backend as b; print(); print(b.build_sdist({str(out)!r}))"
        done = subprocess.run(
            [*become(user), sys.executable, "-c", script],
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        artifacts.append(out / done.stdout.splitlines()[-1])
    assert members(artifacts[0]) == members(artifacts[1])
    homes = sorted(path.name for path in temporary.iterdir() if path.is_dir())
    assert homes == ["isolated-backend.0", f"isolated-backend.{NOBODY}"]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be two users")
def test_a_slot_directory_that_another_user_made_is_not_used(
    sample: Sample, tmp_path: Path
) -> None:
    trap = Path(os.environ["TMPDIR"]) / "isolated-backend.0"
    trap.mkdir(mode=0o700)
    os.chown(trap, NOBODY, NOBODY)
    build(sample("src_layout"), tmp_path / "out")
    assert list(trap.iterdir()) == []


# --- what setup.py does -------------------------------------------------------------------------

ODD_SETUPS = {
    "exits": "import sys\n{setup}\nsys.exit()",
    "changes directory": "import os\nos.chdir('/')\n{setup}",
    "changes directory late": "import os\n{setup}\nos.chdir('/')",
    "prints": "print('x' * 100000)\nimport os\nos.write(1, b'raw')\n{setup}",
    "closes its output": "{setup}\nimport os\nos.close(2)",
    "forks": "import os\npid = os.fork()\nif not pid: os._exit(0)\nos.waitpid(pid, 0)\n{setup}",
    "forks a child that exits through the hook": (
        "import os, sys\npid = os.fork()\nif not pid: sys.exit(7)\nos.waitpid(pid, 0)\n{setup}"
    ),
    "starts processes": (
        "import subprocess, sys\n"
        "subprocess.run([sys.executable, '-c', 'print(1)'], check=True)\n{setup}"
    ),
    "uses threads": (
        "import threading\nt = threading.Thread(target=print)\nt.start()\nt.join()\n{setup}"
    ),
    "sets signals": "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n{setup}",
    "changes the umask": "import os\nold = os.umask(0o077)\nos.umask(old)\n{setup}",
    "changes argv": "import sys\n{setup}\nsys.argv[:] = ['gone']",
    "changes the environment": "import os\nos.environ['TMPDIR'] = '/nowhere'\n{setup}",
    "clears the environment": "import os\nos.environ.clear()\n{setup}",
}

SETUP = "from setuptools import setup\nsetup(name='odd', version='1', packages=['odd'])"


def odd_project(root: Path, setup: str) -> Path:
    (root / "odd").mkdir(parents=True)
    (root / "odd" / "__init__.py").touch()
    (root / "setup.py").write_text(setup)
    return root


@pytest.mark.parametrize("oddity", ODD_SETUPS)
def test_what_works_with_setuptools_works(oddity: str, tmp_path: Path) -> None:
    script = ODD_SETUPS[oddity].replace("{setup}", SETUP)
    results = []
    for backend in (PLAIN, OURS):
        root = odd_project(tmp_path / backend / "root", script)
        before = snapshot(root)
        process = HookProcess(backend, root)
        outcomes = process(
            ("build_wheel", {"wheel_directory": str(tmp_path / backend)}),
        )
        results.append(outcomes)
        if backend == OURS:
            assert snapshot(root) == before
    assert results[0] == results[1]
    if results[0][0].error:
        assert oddity == "changes directory"  # setuptools itself cannot find the project then
        return
    (plain,), (ours,) = (list((tmp_path / backend).glob("*.whl")) for backend in (PLAIN, OURS))
    assert members(plain) == members(ours)


@pytest.mark.parametrize("writes", ["", "open('generated.py', 'w').close()\n"])
def test_a_daemon_that_outlives_the_hook_holds_nobody_up(writes: str, tmp_path: Path) -> None:
    """A forked process has the locks' descriptors; the next build must not wait for it."""
    daemon = (
        "import os, time\n"
        + writes
        + "if not os.fork():\n"
        + "    os.setsid()\n"
        + "    [os.dup2(os.open('/dev/null', os.O_RDWR), fd) for fd in (0, 1, 2)]\n"
        + "    if not os.fork():\n"
        + "        with open(os.environ['PIDS'], 'a') as pids:\n"
        + "            pids.write(f'{os.getpid()}\\n')\n"
        + "        time.sleep(600)\n"
        + "    os._exit(0)\n"
    )
    root = odd_project(tmp_path / "root", daemon + SETUP)
    (root / "pyproject.toml").write_text("[tool.isolated-backend]\nlock-timeout = 20\n")
    pids = tmp_path / "pids"
    try:
        for number in range(3):
            process = HookProcess(OURS, root, environment={"PIDS": str(pids)})
            (outcome,) = process(("build_sdist", {"sdist_directory": str(tmp_path / f"{number}")}))
            assert outcome.error == "", process.output
    finally:
        for pid in pids.read_text().split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
    assert len({tuple(names(path)) for path in tmp_path.glob("?/*.tar.gz")}) == 1


# --- how many -----------------------------------------------------------------------------------

CROWD = 64


def test_sixty_four_at_once(sample: Sample, tmp_path: Path) -> None:
    root = sample("src_layout")
    alone = build(root, tmp_path / "alone")
    before = snapshot(root)
    script = """
        import os, sys
        import isolated_backend
        os.read(0, 1)
        isolated_backend.build_sdist(sys.argv[1])
    """
    reading, writing = os.pipe()
    crowd = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(script), str(tmp_path / "out" / str(number))],
            cwd=root,
            stdin=reading,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for number in range(CROWD)
    ]
    os.close(reading)
    os.write(writing, b"x" * CROWD)
    os.close(writing)
    errors = [process.communicate()[1] for process in crowd]
    assert [process.returncode for process in crowd] == [0] * CROWD, errors
    built = list((tmp_path / "out").glob("*/*.tar.gz"))
    assert len(built) == CROWD
    assert all(members(path) == members(alone) for path in built)
    assert snapshot(root) == before
