"""A build that is told to end leaves no process, nothing half-made, and no false success."""

from __future__ import annotations

import random
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle, islice, product
from pathlib import Path

import pytest

from backends import HookProcess, call_into
from snapshot import snapshot

from .conftest import Environment
from .frontends import OURS
from .test_killed import ARTIFACTS, INCOMPLETE, left_in, made, project, told_after

pytestmark = [
    pytest.mark.usefixtures("whole_machine"),
    pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX"),
]

SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"]

UNDISTURBED = 600.0

#: Two hooks in one process: the second has a process of its own. In a private tree, both have.
HOOKS = """
import sys, isolated_backend
isolated_backend.build_sdist(sys.argv[1])
isolated_backend.build_wheel(sys.argv[1])
"""

TOX = """
[tool.tox]
env_list = ["x"]
[tool.tox.env.x]
commands = []
"""


@pytest.mark.parametrize("signals", [12, pytest.param(200, marks=pytest.mark.long)])
def test_told_to_end_at_random_instants(
    signals: int,
    venv: Environment,
    env: dict[str, str],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    """Each way to build in turn, and each signal, to all processes or to the frontend alone."""
    out, work = tmp_path / "out", tmp_path / "tox"
    shared = project(tmp_path / "root", OURS)
    private = project(tmp_path / "private", OURS)
    for root in (shared, private):
        path = root / "pyproject.toml"
        text = (
            path.read_text().replace('["setuptools"]', '["setuptools", "isolated-backend"]') + TOX
        )
        if root == private:
            text += '[tool.isolated-backend]\nin-tree-writes = "private"\n'
        path.write_text(text)
    python = str(venv.python)
    hooks = [python, "-c", HOOKS, str(out)]
    tox = [sys.executable, "-m", "tox", "run", "--workdir", str(work), "-qe", "x"]
    ways: list[tuple[Path, list[str]]] = [
        (shared, hooks),
        (private, hooks),
        (shared, [python, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(out)]),
        (private, [python, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(out)]),
        *[(shared, tox)] * (signals > 100),
    ]
    before = {root: snapshot(root) for root in (shared, private)}
    right = {root: built(root, venv, env, out) for root in (shared, private)}
    env = env | venv.offline
    instants = random.Random(signals)
    lengths = [length_of(command, root, env) for root, command in ways]
    ended: Counter[str] = Counter()
    kinds = product(SIGNALS, (True, False))
    for (number, (root, command)), (name, to_all) in islice(
        zip(cycle(enumerate(ways)), cycle(kinds), strict=False), signals
    ):
        shutil.rmtree(out)
        out.mkdir()
        instant = instants.random() * lengths[number]
        sent = getattr(signal, name)
        status = told_after(instant, command, env, sent, cwd=root, to_all=to_all)

        where = f"{name} after {instant:.2f} s: {status} of {command}"
        found = artifacts(out)
        assert INCOMPLETE not in found.values(), where
        assert found.items() <= right[root].items(), where
        if status == 0 and str(out) in command:
            assert any(each.endswith(".whl") for each in found), where
        assert snapshot(root) == before[root], where
        ended["in time" if status == 0 else name] += 1

        assert built(root, venv, env, out) == right[root]
        # A directory of pip's own, into which it unpacks the sdist for tox, is never built again.
        left = [name for name in left_in(Path(env["TMPDIR"])) if "/pip-req-build-" not in name]
        assert left == [], where
    assert ended.keys() & set(SIGNALS)
    told = ", ".join(f"{count} {each}" for each, count in sorted(ended.items()))
    record_property(
        "figures",
        f"{signals} signals ({told}): 0 processes left, 0 incomplete artifacts, 0 successes "
        "without one, 0 changes of the root, 0 failed next builds",
    )


def built(root: Path, venv: Environment, env: Mapping[str, str], out: Path) -> dict[str, object]:
    """Build both artifacts undisturbed, and return what they hold."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    process = HookProcess(OURS, root, environment=dict(env), python=venv.python)
    for hook in ("build_sdist", "build_wheel"):
        (outcome,) = process(call_into(hook, out))
        assert outcome.error == "", process.output
    return artifacts(out)


def artifacts(out: Path) -> dict[str, object]:
    return {name: content for name, content in made(out).items() if name.endswith(ARTIFACTS)}


def length_of(command: Sequence[str], root: Path, env: Mapping[str, str]) -> float:
    """Return the seconds that the command takes when nobody tells it to end."""
    start = time.monotonic()
    assert told_after(UNDISTURBED, command, env, cwd=root) == 0
    return time.monotonic() - start
