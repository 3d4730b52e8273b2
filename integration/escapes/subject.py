"""What is traced: samples of the tests, generated projects, and projects of the corpus."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from backends import SAMPLES

from ..corpus import project as corpus
from ..corpus.errors import CorpusError
from ..corpus.sdist import fetch
from . import kinds
from .errors import TraceError

Unpack = Callable[[Path], Path]


@dataclass(frozen=True)
class Subject:
    """A project to build.

    Attributes:
        name: its name, also in ``known.toml``.
        prepare: called with a directory for what is kept between runs; returns what puts a fresh
            copy into an empty directory, and returns the root.
        is_fetched: whether it comes with requirements that have to be installed.
        config_settings: for ``build_editable``.
    """

    name: str
    prepare: Callable[[Path], Unpack]
    is_fetched: bool = False
    config_settings: Mapping[str, str] | None = None

    @classmethod
    def of_sample(cls, name: str) -> Subject:
        """Return a sample of ``tests/samples``."""

        def unpack(parent: Path) -> Path:
            return shutil.copytree(SAMPLES / name, parent / name, symlinks=True)

        return cls(name, lambda cache: unpack)

    @classmethod
    def of_kind(cls, kind: kinds.Kind) -> Subject:
        """Return a generated project."""
        return cls(
            kind.name,
            lambda cache: kind.write,
            is_fetched=bool(kind.requires),
            config_settings=kind.config_settings,
        )

    @classmethod
    def of_project(cls, project: corpus.Project) -> Subject:
        """Return a project of the corpus."""
        return cls(project.name, lambda cache: fetch(project, cache).unpack, is_fetched=True)


def chosen(names: Sequence[str], *, with_corpus: bool) -> list[Subject]:
    """Return what *names* name; without any, all samples and kinds, and perhaps the corpus.

    Raises:
        TraceError: a name is not that of a sample or kind, and cannot be a project's.
    """
    offered = [Subject.of_sample(path.name) for path in sorted(SAMPLES.iterdir())]
    offered += [Subject.of_kind(kind) for kind in kinds.ALL]
    by_name = {subject.name: subject for subject in offered}
    projects = [name for name in names if name not in by_name]
    try:
        found = [by_name[name] for name in names if name in by_name]
        if projects:
            found += map(Subject.of_project, corpus.load(projects))
        if not names:
            found = offered
        if with_corpus:
            found += map(Subject.of_project, corpus.load())
    except CorpusError as error:
        raise TraceError(str(error)) from error
    return found
