"""What is traced: samples of the tests, generated projects, and projects of the corpus."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from backends import HOOKS, SAMPLES

from ..corpus import project as corpus
from ..corpus.checkout import Checkout
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
        hooks: those to run.
        title: what to call it in a report, if not by its name.
    """

    name: str
    prepare: Callable[[Path], Unpack]
    is_fetched: bool = False
    config_settings: Mapping[str, str] | None = None
    hooks: tuple[str, ...] = tuple(HOOKS)
    title: str = ""

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
            hooks=kind.hooks,
        )

    @classmethod
    def of_project(cls, project: corpus.Project, *, as_checkout: bool = False) -> Subject:
        """Return a project of the corpus, from its sdist or from a git checkout made of that."""

        def prepare(cache: Path) -> Unpack:
            sdist = fetch(project, cache)
            if not as_checkout:
                return sdist.unpack
            return Checkout(project, sdist, cache / "checkouts" / sdist.path.name).unpack

        return cls(project.name, prepare, is_fetched=True, title=project.requirement)


def chosen(
    names: Sequence[str], *, with_corpus: bool = False, as_checkout: bool = False
) -> list[Subject]:
    """Return what *names* name; without any, all samples and kinds.

    Args:
        names: of samples, kinds and projects.
        with_corpus: add the projects of the corpus.
        as_checkout: have projects in the form of git checkouts.

    Raises:
        TraceError: a name is not that of a sample or kind, and cannot be a project's.
    """
    offered = [Subject.of_sample(path.name) for path in sorted(SAMPLES.iterdir())]
    offered += [Subject.of_kind(kind) for kind in kinds.ALL]
    by_name = {subject.name: subject for subject in offered}
    projects = [name for name in names if name not in by_name]
    try:
        found = [by_name[name] for name in names if name in by_name]
        loaded = corpus.load(projects) if projects else []
        if with_corpus:
            loaded += corpus.load(listed="checkouts.txt" if as_checkout else "projects.txt")
    except CorpusError as error:
        raise TraceError(str(error)) from error
    found = found if names else offered
    return found + [Subject.of_project(one, as_checkout=as_checkout) for one in loaded]
