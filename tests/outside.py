"""Projects that are made of more than what lies in their root: parts of a monorepo."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

#: What an editable install leaves of extensions.
EXTENSIONS = ("demo", "demo/*.so", "demo/sub", "demo/sub/*.so")

_TABLE = '[build-system]\nrequires = ["setuptools"]\n'
_PROJECT = f'{_TABLE}[project]\nname = "demo"\nversion = "1"\n[tool.setuptools]\n'


@dataclass(frozen=True)
class Outside:
    """A project whose root lies somewhere in a tree.

    Attributes:
        root: the project root, relative to the tree.
        files: the texts of all files of the tree, by their names.
        may_leave: patterns of what an editable install leaves in the root.
    """

    root: str
    files: dict[str, str]
    may_leave: tuple[str, ...] = ()

    def write(self, tree: Path) -> Path:
        """Write the files into the directory *tree*, and return the root."""
        for name, text in self.files.items():
            path = tree / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            os.utime(path, (1_000_000_000,) * 2)  # not as if the build had made it
        return tree / self.root


def _setup(arguments: str, head: str = "") -> str:
    return f"""\
import os
import sys

from setuptools import Extension, find_packages, setup

{head}
setup(name="demo", version="1", {arguments})
"""


_SOURCES = {
    "src/demo/__init__.py": "",
    "src/demo/data.json": "{}",
    "src/demo/sub/__init__.py": "here = 1\n",
    "src/mod.py": "",
    "data/x.txt": "x",
    "bin/run": "#!/usr/bin/env python\nprint(1)\n",
    "LICENSE": "free\n",
}

#: Packages, modules and data outside of the root.
PACKAGES = {
    "beside": Outside(
        "py",
        {
            **_SOURCES,
            "py/pyproject.toml": f'{_PROJECT}package-dir = {{"" = "../src"}}\n'
            'packages = ["demo", "demo.sub"]\npackage-data = {demo = ["*.json"]}\n',
        },
    ),
    "above": Outside(
        "py/demo",
        {
            **_SOURCES,
            "py/demo/pyproject.toml": _TABLE,
            "py/demo/MANIFEST.in": "graft ../../src\ninclude ../../LICENSE\n",
            "py/demo/setup.py": _setup(
                'package_dir={"": "../../src"}, packages=find_packages("../../src"), '
                'py_modules=["mod"], include_package_data=True, scripts=["../../bin/run"], '
                'data_files=[("share", ["../../data/x.txt"])]'
            ),
        },
    ),
    "by an absolute path": Outside(
        "py",
        {
            **_SOURCES,
            "py/pyproject.toml": _TABLE,
            "py/setup.py": _setup(
                'package_dir={"": SRC}, packages=["demo"], package_data={"demo": ["*.json"]}',
                'SRC = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "src")',
            ),
        },
    ),
    "in the root by an absolute path": Outside(
        ".",
        {
            **_SOURCES,
            "pyproject.toml": _TABLE,
            "MANIFEST.in": "recursive-include src *.json *.txt\n",
            "setup.py": _setup(
                'package_dir={"": SRC}, packages=["demo"], package_data={"demo": ["*.json"]}',
                'SRC = os.path.join(os.path.dirname(os.path.abspath(__file__)), "src")',
            ),
        },
    ),
    "one of them": Outside(
        "py",
        {
            **_SOURCES,
            "py/here/__init__.py": "",
            "py/pyproject.toml": _TABLE,
            "py/setup.py": _setup(
                'packages=["here", "demo"], package_dir={"demo": "../src/demo"}, '
                'package_data={"here": ["../../data/*.txt"]}'
            ),
        },
    ),
    "with an egg-info": Outside(
        "py",
        {
            **_SOURCES,
            "py/pyproject.toml": f'{_PROJECT}package-dir = {{"" = "../src"}}\n'
            'packages = ["demo"]\n',
            "py/MANIFEST.in": "graft ../src\n",
            "py/listed.txt": "",
            "src/demo.egg-info/SOURCES.txt": "listed.txt\n",
            "src/demo.egg-info/stale.txt": "",
        },
    ),
}

#: What MANIFEST.in says in ``a/py``.
TEMPLATES = (
    "include ../../LICENSE",
    "graft ../data\nprune ../data/deep",
    "graft ../../data\nrecursive-exclude ../../data *.txt",
    "recursive-include ../data *",
    "recursive-include ../data *.txt\nglobal-exclude *.md",
    "global-include *.txt",
    "graft ../data\nprune ..",
    "graft .\nprune ..",
    "include ../*\ninclude ../../*/*.txt",
    "graft ../py",
    "graft ..",
    "include ../../LICENSE ../data/b.md\ngraft ../../data\nglobal-include *.txt\nprune ../data",
)


def with_template(template: str) -> Outside:
    """Return a project with *template* for its MANIFEST.in."""
    return Outside(
        "a/py",
        {
            "LICENSE": "free\n",
            "data/x.txt": "x",
            "a/data/a.txt": "a",
            "a/data/b.md": "b",
            "a/data/deep/c.txt": "c",
            "a/py/in.txt": "",
            "a/py/demo/__init__.py": "",
            "a/py/pyproject.toml": f'{_PROJECT}packages = ["demo"]\n',
            "a/py/MANIFEST.in": template + "\n",
        },
    )


_MARK = """\
#define TEXT(value) #value
#define TEXT_OF(value) TEXT(value)
#define MARK(name) name "-" TEXT_OF(VALUE) "-"
"""

_EXTENSION = """\
#include "mark.h"
const char *helper(void);
const char *part(void);
const char *value(void) {{ return *helper() + *part() ? MARK("{name}") : 0; }}
void *PyInit__core(void) {{ return (void *)value; }}
"""

_PART = """\
#include "mark.h"
const char *{function}(void) {{ return MARK("{name}"); }}
"""

_COMPILED = """\
VALUE = [("VALUE", os.environ.get("VALUE", "0"))]


def extension(name, *sources):
    return Extension(
        name,
        [UP + source for source in sources],
        define_macros=VALUE,
        include_dirs=[UP + "core"],
        depends=[UP + "core/mark.h"],
    )
"""

_EXTENSIONS = """
    packages=["demo", "demo.sub"],
    ext_modules=[
        extension("demo._core", "core/core.c", "core/common.c"),
        extension("demo.sub._core", "core/sub/core.c", "core/common.c"),
    ],
    libraries=[
        (
            "helper",
            {"sources": [UP + "core/helper.c"], "macros": VALUE, "include_dirs": [UP + "core"]},
        )
    ],
"""

#: The steps from the root of a compiled project to its tree.
DEPTH = 6

#: The names in the marks that each extension has in it.
MARKS = {
    "demo/_core": {"core", "common", "helper"},
    "demo/sub/_core": {"sub", "common", "helper"},
}


def compiled(steps: int, *, beyond: bool = False, head: str = "", more: str = "") -> Outside:
    """Return a project whose C sources lie *steps* above its root, and have ``$VALUE`` in them.

    Args:
        steps: from 1 to :data:`DEPTH`.
        beyond: climb beyond the file system's root, and down again.
        head: lines for setup.py, before it calls ``setup``.
        more: further arguments of ``setup``.
    """
    up = f"UP = {'../' * steps!r}"
    if beyond:
        up = f"UP = {'../' * 40!r} + os.path.abspath({'../' * steps!r})[1:] + '/'"
    root = "/".join("abcdef"[:DEPTH])
    above = "/".join("abcdef"[: DEPTH - steps])
    core = f"{above}/core".lstrip("/")
    return Outside(
        root,
        {
            f"{root}/pyproject.toml": _TABLE,
            f"{root}/setup.py": _setup(_EXTENSIONS + more, f"{up}\n{_COMPILED}\n{head}"),
            f"{root}/demo/__init__.py": "",
            f"{root}/demo/sub/__init__.py": "",
            f"{core}/mark.h": _MARK,
            f"{core}/core.c": _EXTENSION.format(name="core"),
            f"{core}/sub/core.c": _EXTENSION.format(name="sub"),
            f"{core}/common.c": _PART.format(function="part", name="common"),
            f"{core}/helper.c": _PART.format(function="helper", name="helper"),
        },
        EXTENSIONS,
    )
