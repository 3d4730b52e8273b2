"""Builds start at the same instant, and none is left behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from isolated_backend.cli import load

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from isolated_backend.cli.load import Build, Outcome


def _build(place: Path, code: str) -> Build:
    return load.Build([sys.executable, "-c", code], place, place)


def test_outcomes_are_in_order_with_output_and_artifact(tmp_path: Path) -> None:
    builds = [
        _build(tmp_path / "slow", "import time; time.sleep(0.3); open('a.whl', 'w')"),
        _build(tmp_path / "fails", "print('started'); open('b.whl', 'w'); raise SystemExit('no')"),
        _build(tmp_path / "empty", ""),
    ]
    done: list[tuple[int, Outcome]] = []
    outcomes, seconds = load.at_once(builds, os.environ, lambda *ended: done.append(ended))
    assert seconds >= 0.3
    assert done[-1] == (0, outcomes[0])
    assert sorted(done) == list(enumerate(outcomes))
    slow, fails, empty = outcomes
    assert (slow.status, slow.failed, slow.output) == (0, False, "")
    assert slow.artifact == tmp_path / "slow" / "a.whl"
    assert fails.failed
    assert fails.status == 1
    assert fails.artifact is None, "a failed build's artifact is none"
    assert sorted(fails.output.split()) == ["no", "started"]
    assert empty.failed
    assert "made 0 artifacts" in empty.output


def test_all_start_only_when_the_last_is_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = load._waiting
    released: list[float] = []

    def slowly(build: Build, gate: int, variables: Mapping[str, str]) -> subprocess.Popen[bytes]:
        time.sleep(0.2)
        released.append(time.time())
        return real(build, gate, variables)

    monkeypatch.setattr(load, "_waiting", slowly)
    code = "import time; open(repr(time.time()), 'w')"
    outcomes, _ = load.at_once([_build(tmp_path / str(i), code) for i in range(4)], os.environ)
    starts = [float(o.artifact.name) for o in outcomes if o.artifact]
    assert len(starts) == 4
    assert min(starts) >= max(released), "one started before the last was there"


def test_command_gets_variables_and_no_input(tmp_path: Path) -> None:
    code = "import os, sys; open(os.environ['NAME'] + repr(sys.stdin.read()), 'w')"
    (outcome,), _ = load.at_once([_build(tmp_path / "o", code)], {**os.environ, "NAME": "x"})
    assert outcome.artifact is not None
    assert outcome.artifact.name == "x''"


def test_build_has_what_it_orders(tmp_path: Path) -> None:
    """Variables and files of its own, and an artifact beside a hidden file in a directory."""
    place = tmp_path / "o"
    code = (
        "import os; os.mkdir('dist'); open('dist/.gitignore', 'w')\n"
        "open('dist/' + os.environ['NAME'] + open('tool.ini').read(), 'w')\n"
    )
    build = load.Build(
        [sys.executable, "-c", code],
        place,
        place / "dist",
        variables={"NAME": "y"},
        files={place / "tool.ini": "text"},
    )
    (outcome,), _ = load.at_once([build], {**os.environ, "NAME": "x"})
    assert outcome.artifact == place / "dist" / "ytext"


def test_directory_of_the_artifact_may_be_missing(tmp_path: Path) -> None:
    build = load.Build([sys.executable, "-c", ""], tmp_path / "o", tmp_path / "o" / "dist")
    (outcome,), _ = load.at_once([build], os.environ)
    assert outcome.failed
    assert "made 0 artifacts" in outcome.output


def test_command_that_is_not_there_fails(tmp_path: Path) -> None:
    build = load.Build(["no-such-frontend-anywhere"], tmp_path / "o", tmp_path / "o")
    (outcome,), _ = load.at_once([build], os.environ)
    assert outcome.failed
    assert "FileNotFoundError" in outcome.output


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_nothing_is_left_running(tmp_path: Path, error: type[BaseException]) -> None:
    """Not what a build has started, either."""
    child = "import time; time.sleep(60)"
    code = (
        "import subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, '-c', {child!r}])\n"
        "with open('pid', 'w') as file: file.write(str(child.pid))\n"
        "time.sleep(60)\n"
    )
    pid_file = tmp_path / "long" / "pid"
    wait = (
        "import os, time\n"
        f"while not os.path.exists({str(pid_file)!r}) or not os.stat({str(pid_file)!r}).st_size:\n"
        "    time.sleep(0.01)\n"
    )

    def stop(number: int, outcome: Outcome) -> None:
        raise error

    start = time.monotonic()
    with pytest.raises(error):
        load.at_once(
            [_build(tmp_path / "long", code), _build(tmp_path / "short", wait)], os.environ, stop
        )
    assert time.monotonic() - start < 30
    _wait_for_the_end_of(int(pid_file.read_text()))


def _wait_for_the_end_of(pid: int) -> None:
    for _ in range(1000):
        if not _is_running(pid):
            return
        time.sleep(0.01)
    pytest.fail(f"{pid} is still running")


def _is_running(pid: int) -> bool:
    if sys.platform == "win32":
        tasks = subprocess.run(
            ["tasklist", "/FI", f"PID eq {pid}"], capture_output=True, text=True, check=True
        )
        return str(pid) in tasks.stdout
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.strip()
    return bool(state) and not state.startswith("Z")  # a zombie has ended


def test_waiting_builds_end_with_their_parent(tmp_path: Path) -> None:
    """A check that is killed before the start must not let the builds go."""
    code = (
        "import os, pathlib, sys\n"
        "from isolated_backend.cli import load\n"
        f"out = pathlib.Path({str(tmp_path)!r})\n"
        "load._is_ready = lambda build, process: (print(process.pid, flush=True), os._exit(1))\n"
        "command = [sys.executable, '-c', \"open('x', 'w')\"]\n"
        "load.at_once([load.Build(command, out / 'o', out / 'o')], os.environ)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=False
    )
    assert run.returncode == 1
    _wait_for_the_end_of(int(run.stdout))
    assert not (tmp_path / "o" / "x").exists()
