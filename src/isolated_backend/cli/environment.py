"""The environment that has what a project needs to be built, and isolated_backend."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import build

from .. import __version__
from . import failure, process
from .errors import CommandError
from .frontend import KINDS
from .project import BACKEND_REQUIRES, DISTRIBUTION, copied

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from .frontend import Frontend
    from .project import Project

# Without `site`, which -S leaves out, an interpreter knows its own library and PYTHONPATH. This
# prints what `site` adds.
_PACKAGES = """
import json, os, sys
known = sys.path[:] = [os.path.abspath(path) for path in sys.path[1:]]
import site
site.main()
print("\\n" + json.dumps([path for path in sys.path if path not in known]))
"""


@dataclass(frozen=True)
class Environment:
    """Where builds run.

    Attributes:
        python: the interpreter.
        variables: the whole environment of a process.
    """

    python: str
    variables: Mapping[str, str]

    @cached_property
    def packages(self) -> str:
        """What to give another interpreter as PYTHONPATH to have it find what this one has."""
        _, output = process.run([self.python, "-S", "-c", _PACKAGES], self.variables)
        found: list[str] = json.loads(output.splitlines()[-1])
        return os.pathsep.join(filter(None, (self.variables.get("PYTHONPATH"), *found)))


def isolating(
    scratch: Path, python: str = sys.executable, extra: Mapping[str, str] | None = None
) -> Environment:
    """Return an environment of *python* in which the running isolated_backend can be imported.

    The package is copied, with metadata that let ``isolated-backend`` be found as a requirement:
    it may run from a source tree, or lie in another environment than *python*'s.

    Args:
        scratch: an existing directory for it, and for all temporary files of the builds.
        python: the interpreter.
        extra: variables to set.
    """
    packages = scratch / "site-packages"
    if not packages.exists():
        shutil.copytree(Path(__file__).parents[1], packages / "isolated_backend")
        metadata = packages / f"isolated_backend-{__version__}.dist-info" / "METADATA"
        metadata.parent.mkdir()
        metadata.write_text(
            f"Metadata-Version: 2.1\nName: {DISTRIBUTION}\nVersion: {__version__}\n",
            encoding="utf-8",
        )
    (scratch / "tmp").mkdir(exist_ok=True)
    variables = {**os.environ, **temporary(scratch / "tmp"), **(extra or {})}
    inherited = variables.get("PYTHONPATH")
    variables["PYTHONPATH"] = os.pathsep.join(filter(None, (str(packages), inherited)))
    # The output is read for errors, not shown.
    variables.pop("FORCE_COLOR", None)
    variables["NO_COLOR"] = "1"
    # With it, an artifact is not setuptools' in the modes of its members, by design.
    variables.pop("SOURCE_DATE_EPOCH", None)
    return Environment(python, variables)


def temporary(directory: Path) -> dict[str, str]:
    """Return the variables that have a process put its temporary files into *directory*."""
    return dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(directory))


def prepared(
    project: Project,
    frontends: Collection[Frontend],
    scratch: Path,
    copy: Path,
    say: Callable[[str], None],
) -> Environment:
    """Return an environment that satisfies the build requirements of *project*.

    That is the running one if it does, so that nothing has to be fetched; otherwise a virtual
    one in *scratch*.

    Args:
        project: what is to be built.
        frontends: what is to build it.
        scratch: see :func:`isolating`.
        copy: where to make a copy of the project, to ask its own backend for more requirements.
        say: is told, in a line, when something has to be installed.

    Raises:
        CommandError: the requirements cannot be installed, or the project cannot tell them.
    """
    tools = [requirement for each in frontends for requirement in each.requires]
    static = (*project.requires, *tools, *BACKEND_REQUIRES)
    here = isolating(scratch)
    if not _missing(static) and not _missing(_dynamic(here, project, copy)):
        return here
    names = ", ".join(sorted(set(project.requires)))
    say(f"installing the build requirements in a temporary environment: {names}")
    there = _virtual(scratch, here)
    _install(there, static)
    _install(there, _dynamic(there, project, copy))
    return there


def _missing(requirements: Collection[str]) -> bool:
    """Tell whether the running environment lacks any of *requirements*, or what they require."""
    return any(True for item in requirements for _ in build.check_dependency(item))


def _dynamic(environment: Environment, project: Project, copy: Path) -> set[str]:
    """Return the requirements that the project's own backend adds to the static ones."""

    def quiet(
        cmd: Sequence[str],
        cwd: str | None = None,
        extra_environ: Mapping[str, str] | None = None,
    ) -> None:
        variables = {**environment.variables, **(extra_environ or {})}
        status, output = process.run(cmd, variables, Path(cwd or "."))
        if status != 0:
            raise subprocess.CalledProcessError(status, cmd, output)

    with copied(project, copy, project.own_backend), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # setuptools' own, which build passes on to us
        builder = build.ProjectBuilder(copy, python_executable=environment.python, runner=quiet)
        try:
            return {item for kind in KINDS for item in builder.get_requires_for_build(kind)}
        except build.BuildBackendException as error:
            raise unbuildable(project, _text(error.exception, str(copy))) from error


def unbuildable(project: Project, reason: str, through: str = "") -> CommandError:
    """Return what to tell the user about a *project* that fails even alone, because of *reason*.

    Args:
        project: what cannot be built.
        reason: the line that tells why.
        through: the frontend's name, if one had a part in it.
    """
    by = project.own_backend + (f" through {through}" if through else "")
    return CommandError(f"{project.name} cannot be built even once, alone, by {by}: {reason}")


def _virtual(scratch: Path, here: Environment) -> Environment:
    """Return an environment of a new virtualenv in *scratch*."""
    directory = scratch / "venv"
    status, output = process.run([here.python, "-m", "venv", str(directory)], here.variables)
    if status != 0:
        reason = output.strip().partition("\n")[0]
        raise CommandError(f"A temporary environment cannot be made: {reason}")
    scripts, suffix = ("Scripts", ".exe") if os.name == "nt" else ("bin", "")
    path = os.pathsep.join((str(directory / scripts), os.environ.get("PATH", os.defpath)))
    return isolating(
        scratch, str(directory / scripts / f"python{suffix}"), {"PATH": path, "PYTHONPATH": ""}
    )


def _install(there: Environment, requirements: Collection[str]) -> None:
    if not requirements:
        return
    options = ("--quiet", "--no-input", "--disable-pip-version-check")
    command = [there.python, "-m", "pip", "install", *options, *requirements]
    status, output = process.run(command, there.variables)
    if status != 0:
        raise CommandError(
            f"The build requirements cannot be installed: {failure.last_error(output)}"
        )


def _text(error: Exception, root: str) -> str:
    """Return the first error line of a hook that failed with *error*."""
    if isinstance(error, subprocess.CalledProcessError):
        return failure.first_error(error.output, root)
    return str(error) or repr(error)
