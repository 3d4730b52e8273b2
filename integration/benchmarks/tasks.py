"""What is done with a tree: sequences of hooks as frontends call them, and whole frontends."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from .errors import UnavailableError

#: Calls a hook in a process of its own.
HOOK = Path(__file__).with_name("hook.py")


@dataclass(frozen=True)
class Step:
    """One process."""

    name: str
    command: tuple[str, ...]


@dataclass(frozen=True)
class Site:
    """Where a task is done.

    Attributes:
        python: the interpreter of the environment with the backend.
        uv: the program; empty if there is none.
        cache: uv's cache directory.
        wheelhouse: the directory with the wheels for uv's isolated environments.
        backend: the value of ``build-backend``.
        out: an empty directory for what is built.
    """

    python: str
    uv: str
    cache: Path
    wheelhouse: Path
    backend: str
    out: Path

    @property
    def dist(self) -> Path:
        """Where the artifact is to appear."""
        return self.out / "dist"

    @property
    def artifacts(self) -> list[Path]:
        """What has appeared there; uv puts a hidden file beside it."""
        return sorted(self.dist.glob("[!.]*"))


@dataclass(frozen=True)
class Task:
    """Something to measure.

    Attributes:
        name: what it is called on the command line and in the results.
        title: what it is called in a table.
        kind: of the artifact: ``sdist``, ``wheel`` or ``editable``.
        steps: returns its processes, one after the other; the current directory is the root.
        hooks: the hooks that it calls itself.
        locks: whether the frontend itself lets builds of one tree by setuptools take turns.
        isolated: whether the frontend makes the environment, of setuptools and ours only.
    """

    name: str
    title: str
    kind: str
    steps: Callable[[Site], list[Step]]
    hooks: tuple[str, ...] = field(default=())
    locks: bool = False
    isolated: bool = False


def _hooks(name: str, callers: str, *hooks: str) -> Task:
    def steps(site: Site) -> list[Step]:
        return [Step(hook, _call(hook, site)) for hook in hooks]

    kind = hooks[-1].removeprefix("build_")
    return Task(name, f"{', '.join(hooks)} ({callers})", kind, steps, hooks)


def _call(hook: str, site: Site) -> tuple[str, ...]:
    """Return the command that calls *hook*, as a frontend does it in a process of its own."""
    metadata = str(site.out / "metadata")
    arguments: dict[str, str] = {}
    if hook.startswith("prepare_"):
        arguments = {"metadata_directory": metadata}
    elif hook == "build_sdist":
        arguments = {"sdist_directory": str(site.dist)}
    elif hook.startswith("build_"):
        arguments = {"wheel_directory": str(site.dist), "metadata_directory": metadata}
    return (site.python, str(HOOK), site.backend, hook, json.dumps(arguments))


def _build(kind: str) -> Task:
    def steps(site: Site) -> list[Step]:
        options = ("--no-isolation", f"--{kind}", "--outdir", str(site.dist))
        return [Step("build", (site.python, "-m", "build", *options, "."))]

    return Task(f"build-{kind}", f"`python -m build -n -{kind[0]}`", kind, steps)


def _pip() -> Task:
    def steps(site: Site) -> list[Step]:
        options = ("--no-build-isolation", "--no-deps", "--no-input", "--wheel-dir", str(site.dist))
        return [Step("pip", (site.python, "-m", "pip", "wheel", *options, "."))]

    return Task("pip-wheel", "`pip wheel --no-build-isolation --no-deps`", "wheel", steps)


def _uv(kind: str, *, isolated: bool = False) -> Task:
    def steps(site: Site) -> list[Step]:
        if not site.uv:
            raise UnavailableError("uv is not installed")
        options = ["--offline", "--no-config", "--cache-dir", str(site.cache)]
        if isolated:
            options += ["--no-index", "--find-links", str(site.wheelhouse)]
        else:
            options += ["--no-build-isolation"]
        options += ["--python", site.python, f"--{kind}", "--out-dir", str(site.dist)]
        return [Step("uv", (site.uv, "build", *options, "."))]

    if isolated:
        title = f"`uv build --offline --{kind}`, its cache warm"
        return Task(f"uv-isolated-{kind}", title, kind, steps, locks=True, isolated=True)
    title = f"`uv build --no-build-isolation --offline --{kind}`"
    return Task(f"uv-{kind}", title, kind, steps, locks=True)


HOOKS = tuple(
    _hooks(*words)
    for words in (
        ("hooks-sdist", "build, uv", "get_requires_for_build_sdist", "build_sdist"),
        ("hooks-wheel", "build, uv", "get_requires_for_build_wheel", "build_wheel"),
        (
            "hooks-wheel-pip",
            "pip",
            "get_requires_for_build_wheel",
            "prepare_metadata_for_build_wheel",
            "build_wheel",
        ),
        (
            "hooks-editable",
            "pip",
            "get_requires_for_build_editable",
            "prepare_metadata_for_build_editable",
            "build_editable",
        ),
    )
)
FRONTENDS = (_build("sdist"), _build("wheel"), _pip(), _uv("sdist"), _uv("wheel"))
ISOLATED = (_uv("wheel", isolated=True),)

TASKS = {task.name: task for task in (*HOOKS, *FRONTENDS, *ISOLATED)}
"""All of them, in the order of the tables."""
