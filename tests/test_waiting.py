"""Who waits for whom, shown by whole hooks: with a project that writes nothing, nobody."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from backends import HOOKS, OURS, HookProcess, Outcome, call_into, outcomes
from snapshot import snapshot

#: All but ``build_editable``, which leaves files in the tree on purpose; and one of them twice.
EIGHT = [*(hook for hook in HOOKS if hook != "build_editable"), "build_wheel"]

#: Every hook runs ``egg_info``. In the middle of it the one that has a pipe in ``PAUSED`` says so,
#: and stays there until the other pipe is closed.
SETUP = """\
import os
from setuptools import setup
from setuptools.command.egg_info import egg_info

class Paused(egg_info):
    def run(self):
        super().run()
        if "PAUSED" in os.environ:
            here, on = map(int, os.environ["PAUSED"].split())
            os.write(here, b".")
            os.read(on, 1)

setup(name="silent", version="1", packages=["silent"], cmdclass={"egg_info": Paused})
"""

SETTINGS = """\
[build-system]
requires = ["setuptools", "isolated-backend"]
build-backend = "isolated_backend"

[tool.isolated-backend]
in-tree-writes = "{writes}"
lock-timeout = {patience}
"""

Project = Callable[[str, int], Path]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return what makes a project that writes nothing, with this setting and this patience."""

    def make(writes: str, patience: int) -> Path:
        root = tmp_path / "root"
        (root / "silent").mkdir(parents=True)
        (root / "silent" / "__init__.py").touch()
        (root / "setup.py").write_text(SETUP)
        (root / "pyproject.toml").write_text(SETTINGS.format(writes=writes, patience=patience))
        return root

    return make


class Hook:
    """One hook in a process of its own; its output can be read while it runs."""

    def __init__(self, root: Path, hook: str, out: Path, *, paused: bool = False) -> None:
        out.mkdir(parents=True)
        self.said: list[str] = []
        self._here, here = os.pipe()
        on, self._on = os.pipe()
        os.set_inheritable(self._on, False)
        self.process = subprocess.Popen(
            HookProcess(OURS, root).command(call_into(hook, out)),
            env=os.environ | ({"PAUSED": f"{here} {on}"} if paused else {}),
            pass_fds=(here, on) if paused else (),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        os.close(here)
        os.close(on)

    def is_in_the_middle(self) -> bool:
        """Wait until it has come to its pause; ``False`` if it has ended instead."""
        return os.read(self._here, 1) == b"."

    def is_waiting(self) -> bool:
        """Read what it says until it is waiting; ``False`` if it has ended instead."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)
            if line.startswith("isolated-backend: waiting for "):
                return True
        return False

    def go_on(self) -> None:
        """End the pause."""
        with suppress(OSError):
            os.close(self._on)

    def end(self) -> Outcome:
        """Wait for its end; return what has come of the hook."""
        assert self.process.stdout is not None
        self.said.extend(self.process.stdout)
        self.process.wait()
        (outcome,) = outcomes("".join(self.said))
        return outcome

    def close(self) -> None:
        """End it, whatever it is about."""
        self.go_on()
        os.close(self._here)
        self.process.kill()
        self.process.communicate()


Start = Callable[..., Hook]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Return what starts a hook; whatever of them is left at the end is killed."""
    started: list[Hook] = []

    def begin(root: Path, hook: str, *, paused: bool = False) -> Hook:
        started.append(Hook(root, hook, tmp_path / f"out{len(started)}", paused=paused))
        return started[-1]

    yield begin
    for hook in started:
        hook.close()


@pytest.mark.parametrize("hook", sorted(set(EIGHT)))
def test_eight_run_to_the_end_while_one_is_in_the_middle(
    hook: str, project: Project, start: Start
) -> None:
    """Without any patience: who had to wait for anyone at all would fail."""
    root = project("auto", 0)
    before = snapshot(root)
    paused = start(root, hook, paused=True)
    assert paused.is_in_the_middle()
    eight = [start(root, other) for other in EIGHT]
    ended = [(one.end().message, "waiting" in "".join(one.said)) for one in eight]
    assert ended == [("", False)] * 8
    assert paused.process.poll() is None
    paused.go_on()
    assert paused.end().error == ""
    assert snapshot(root) == before


def test_eight_wait_if_the_tree_is_locked(project: Project, start: Start) -> None:
    """The control: the same eight, with the one setting that makes writers of them all."""
    root = project("lock", 600)
    paused = start(root, "build_sdist", paused=True)
    assert paused.is_in_the_middle()
    eight = [start(root, other) for other in EIGHT]
    assert [one.is_waiting() for one in eight] == [True] * 8
    assert [one.process.poll() for one in eight] == [None] * 8
    paused.go_on()
    assert [one.end().error for one in [paused, *eight]] == [""] * 9


def test_without_patience_eight_fail_if_the_tree_is_locked(project: Project, start: Start) -> None:
    """The control of the control: no patience is enough to see who waits."""
    root = project("lock", 0)
    paused = start(root, "build_sdist", paused=True)
    assert paused.is_in_the_middle()
    messages = [start(root, other).end().message for other in EIGHT]
    assert ["Waited 0 s for " in message for message in messages] == [True] * 8
