"""A small project that is written when it is needed."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from pathlib import Path

from backends import HOOKS

_PYPROJECT = """\
[build-system]
requires = [{requires}]
build-backend = "setuptools.build_meta"

[project]
name = "{name}"
version = "1.0"
"""

_C_SOURCE = """\
#include <Python.h>

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "NAME", NULL, -1, NULL};

PyMODINIT_FUNC PyInit_NAME(void) { return PyModule_Create(&definition); }
"""


@dataclass(frozen=True)
class Kind:
    """A project.

    Attributes:
        name: what is special about it.
        files: the text of each, by its path below the root; indentation is removed.
        root: where the root is in the tree.
        beside: further files, by their path in the tree.
        requires: build requirements beside setuptools.
        settings: lines of ``[tool.isolated-backend]``.
        config_settings: for ``build_editable``.
        hooks: those that it is about.
    """

    name: str
    files: dict[str, str]
    root: str = "project"
    beside: dict[str, str] = field(default_factory=dict)
    requires: tuple[str, ...] = ()
    settings: str = ""
    config_settings: dict[str, str] = field(default_factory=dict)
    hooks: tuple[str, ...] = tuple(HOOKS)

    def write(self, tree: Path) -> Path:
        """Write the project into the directory *tree* and return its root."""
        root = tree / self.root
        requires = ", ".join(f'"{name}"' for name in ("setuptools", *self.requires))
        text = _PYPROJECT.format(requires=requires, name=self.name.replace("_", "-"))
        if self.settings:
            text += f"\n[tool.isolated-backend]\n{self.settings}\n"
        files = {root / "pyproject.toml": text}
        files |= {root / path: text for path, text in self.files.items()}
        files |= {tree / path: text for path, text in self.beside.items()}
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            text = textwrap.dedent(text).lstrip("\n")
            path.write_text(text, encoding="utf-8")
            if text.startswith("#!"):
                path.chmod(0o755)
        return root


def c_source(name: str) -> str:
    """Return the source of an empty extension module *name*."""
    return _C_SOURCE.replace("NAME", name)
