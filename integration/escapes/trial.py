"""The trial of one project: every hook under strace, on a fresh tree."""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import filelock

from backends import HOOKS, OURS

from ..corpus import backend as corpus_backend
from ..corpus.backend import Backend
from ..corpus.environment import Environment, create
from ..corpus.errors import CorpusError
from . import known
from .finding import Finding, Report
from .hook import call
from .judge import judge
from .places import Places, of_modules
from .subject import Subject, Unpack


def carry_out(
    subject: Subject,
    cache: Path,
    backend: str = OURS,
    python: str | None = None,
    variables: Mapping[str, str] | None = None,
) -> Report:
    """Trace every hook of *subject* and return what is found.

    Args:
        subject: the project.
        cache: where sdists, environments and trees are kept.
        backend: ours, or setuptools' as a control.
        python: the interpreter to build what needs no environment of its own with; by default
            the one that runs this.
        variables: further environment variables of each hook.
    """
    report = Report(subject.title or subject.name)
    cache.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(cache / f".{subject.name}-escapes.lock"):
            base, more = python or sys.executable, dict(variables or {})
            _Trial(subject, cache, backend, base, more, report).run()
    except CorpusError as error:
        report.skipped = str(error)
    return report


@dataclass
class _Trial:
    """The trial of one project: the arguments of :func:`carry_out`, and what it finds."""

    subject: Subject
    cache: Path
    backend: str
    python: str
    variables: dict[str, str]
    report: Report
    _passing: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        # Some kinds climb six steps from a directory in TMPDIR: that is to stay in the place. And
        # the name of a socket that Python makes in TMPDIR must not have more than 107 bytes.
        self._place = self.cache / "escapes" / self.subject.name
        self._temporary = self._place / "t/t/t/t/t"
        shutil.rmtree(self._place, ignore_errors=True)
        self._place.mkdir(parents=True)
        self._tree = self._place / "tree"
        self._known = known.of(self.subject.name)

    def run(self) -> None:
        """Go through the hooks in the order in which frontends call them."""
        unpack = self.subject.prepare(self.cache)
        declared = corpus_backend.read(self._fresh(unpack))
        environment = self._environment(declared.requires)
        extra: list[str] = []
        for hook in self.subject.hooks:
            if extra and hook == "build_sdist":
                environment = self._environment((*declared.requires, *extra))
            extra += self._traced(hook, self._fresh(unpack), declared, environment)
        shared = sorted(name for name, times in self._passing.items() if times > 1)
        for name in shared:
            self.report.add(Finding("the same name for every build", f"TMPDIR/{name}", "several"))
        shutil.rmtree(self._tree)

    def _environment(self, requirements: tuple[str, ...]) -> Environment:
        if not self.subject.is_fetched:
            return Environment(Path(self.python).parents[1])
        return create(self.cache / "environments" / self.subject.name, requirements)

    def _fresh(self, unpack: Unpack) -> Path:
        shutil.rmtree(self._tree, ignore_errors=True)
        self._tree.mkdir()
        return unpack(self._tree)

    def _traced(
        self, hook: str, root: Path, declared: Backend, environment: Environment
    ) -> list[str]:
        """Run *hook*, judge what it did, and return the requirements that it tells."""
        home, output = self._place / "home", self._place / "out"
        frontend = self._place / "frontend" / hook
        for directory in (home, output, self._temporary, frontend):
            shutil.rmtree(directory, ignore_errors=True)
            directory.mkdir(parents=True)
        parameter = HOOKS[hook]
        arguments: dict[str, object] = {parameter: str(output)} if parameter else {}
        if hook == "build_editable":
            arguments["config_settings"] = self.subject.config_settings
        is_ours = self.backend == OURS
        outcome = call(
            {
                "backend": declared.ours if is_ours else declared.name,
                "path": declared.path,
                "ours": is_ours,
                "slow": False,
                "hook": hook,
                "arguments": arguments,
            },
            root,
            environment.python,
            environment.variables(self._temporary, self._tree)
            | {"HOME": str(home), "XDG_CACHE_HOME": str(home / ".cache")}
            | self.variables,
            frontend,
        )
        places = Places(
            whole=self._place,
            tree=self._tree,
            root=root,
            temporary=self._temporary,
            output=(output, frontend),
            caches=(home / ".cache",),
            modules=of_modules(environment.path),
            trace=outcome.trace,
        )
        self._passing.update(places.passing())
        judge(hook, places, self._known, self.report)
        if outcome.error and hook not in self._known.fails:
            self.report.add(Finding("fails", outcome.error, hook))
        if hook.startswith("build_"):
            for path in sorted(output.iterdir()):
                if path.name != outcome.result:
                    self.report.add(Finding("left in the output directory", path.name, hook))
        return list(outcome.result or ()) if hook.startswith("get_requires_") else []
