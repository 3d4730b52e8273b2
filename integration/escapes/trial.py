"""The trial of one project: every hook under strace, on a fresh tree."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import filelock

from backends import HOOKS, OURS

from ..corpus import backend as corpus_backend
from ..corpus import caller
from ..corpus.environment import Environment, create
from ..corpus.errors import CorpusError
from . import known, strace, trace
from .errors import TraceError
from .finding import Finding, Report
from .places import Places, is_in, of_modules
from .subject import Subject, Unpack

_SECONDS = 3600


def carry_out(
    subject: Subject, cache: Path, backend: str = OURS, python: str | None = None
) -> Report:
    """Trace every hook of *subject* and return what is found.

    Args:
        subject: the project.
        cache: where sdists, environments and trees are kept.
        backend: ours, or setuptools' as a control.
        python: the interpreter to build what needs no environment of its own with; by default
            the one that runs this.
    """
    report = Report(subject.name)
    cache.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(cache / f".{subject.name}-escapes.lock"):
            _Trial(subject, cache, backend, python or sys.executable, report).run()
    except CorpusError as error:
        report.skipped = str(error)
    return report


@dataclass
class _Trial:
    subject: Subject
    cache: Path
    backend: str
    python: str
    report: Report
    _passing: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        # A place with a path that is not long: some kinds climb from there.
        self._place = self.cache / "escapes" / self.subject.name
        shutil.rmtree(self._place, ignore_errors=True)
        self._place.mkdir(parents=True)
        self._tree = self._place / "tree"
        self._known = known.of(self.subject.name)

    def run(self) -> None:
        unpack = self.subject.prepare(self.cache)
        declared = corpus_backend.read(self._fresh(unpack))
        environment = self._environment(declared.requires)
        extra: list[str] = []
        for hook in HOOKS:
            if extra and hook == "build_sdist":
                environment = self._environment((*declared.requires, *extra))
            extra += self._traced(hook, self._fresh(unpack), declared, environment) or ()
        for name, times in sorted(self._passing.items()):
            if times > 1:
                path = os.path.join("TMPDIR", name)
                self._fault("the same name in TMPDIR for every build", path, "*", "")
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
        self, hook: str, root: Path, declared: corpus_backend.Backend, environment: Environment
    ) -> list[str] | None:
        """Run *hook*, judge what it did, and return the requirements that it tells, if it does."""
        home, output = (self._place / name for name in ("home", "out"))
        temporary, frontend = self._place / "tmp", self._place / "frontend" / hook
        for directory in (home, output, temporary):
            shutil.rmtree(directory, ignore_errors=True)
            directory.mkdir()
        frontend.mkdir(parents=True)
        parameter = HOOKS[hook]
        ours = self.backend == OURS
        request: dict[str, Any] = {
            "backend": declared.ours if ours else declared.name,
            "path": declared.path,
            "ours": ours,
            "slow": False,
            "hook": hook,
            "arguments": {parameter: str(output)} if parameter else {},
            "outcome": str(frontend / "outcome.json"),
        }
        recorded = frontend / "trace"
        variables = environment.variables(temporary, self._tree)
        variables |= {"HOME": str(home), "XDG_CACHE_HOME": str(home / ".cache")}
        with (frontend / "log").open("wb") as log:
            done = subprocess.run(
                [
                    *strace.command(recorded),
                    environment.python,
                    caller.__file__,
                    json.dumps(request),
                ],
                cwd=root,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                timeout=_SECONDS,
                check=False,
            )
        if not (frontend / "outcome.json").exists():
            raise TraceError(
                f"{hook} of {self.subject.name} died with exit status {done.returncode}; "
                f"see {frontend / 'log'}"
            )
        outcome = json.loads((frontend / "outcome.json").read_text(encoding="utf-8"))
        if "error" in outcome and hook not in self._known.fails:
            self._fault("fails", outcome["error"], hook, "")
        places = Places(
            tree=self._tree,
            root=root,
            temporary=temporary,
            output=(output, frontend),
            caches=(home / ".cache",),
            modules=of_modules(environment.path),
            trace=trace.of_file(recorded, root),
        )
        self._judge(hook, places)
        asks = hook.startswith("get_requires_")
        return list(outcome.get("result") or ()) if asks else None

    def _judge(self, hook: str, places: Places) -> None:
        """Sort what the processes of *hook* have done into what is explained and what is not."""
        self._passing.update(places.passing())
        for write in places.trace.writes:
            path = _real(write.path)
            name, program = places.label(path), _title(write.words)
            if not places.is_in_tree(path):
                if fault := places.fault(write):
                    self._fault(fault, name, hook, program)
            elif self._known.is_imported(name):
                self.report.own[name].add("import")
            elif not places.trace.was_writer(write):
                self._fault("in the tree, while not the writer", name, hook, program)
            elif not self._known.is_own(name, hook):
                self._fault("in the tree, not named in known.toml", name, hook, program)
            else:
                self.report.own[name].add(hook)
        for started in places.trace.programs:
            if _title(started.starter) == _title(places.trace.first):
                where = _where(started.directory, places)
                self.report.programs[f"{_title(started.words)} in {where}"].add(hook)

    def _fault(self, what: str, path: str, hook: str, program: str) -> None:
        self.report.add(Finding(what, path, hook, program))


def _real(path: str) -> str:
    """Return *path* without symbolic links in what leads to it."""
    return os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))


def _title(words: tuple[str, ...]) -> str:
    """Return a short name for a command line."""
    if not words:
        return ""
    name = os.path.basename(words[0])
    if name.startswith("python") and len(words) > 1:
        script = next((word for word in words[1:] if not word.startswith("-")), words[1])
        module = words[words.index("-m") + 1] if "-m" in words[:-1] else script
        name += f" {os.path.basename(module)[:40]}"
    return name


def _where(directory: str, places: Places) -> str:
    if directory == str(places.root):
        return "the root"
    if is_in(directory, [places.tree]):
        return places.label(directory)
    return "TMPDIR" if is_in(directory, [places.temporary]) else "elsewhere"
