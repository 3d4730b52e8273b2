"""Random setuptools projects, for what nobody thought of."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import strategies as st

LAYOUTS = {"flat": "", "src": "src", "lib": "lib/python"}

FILES = (
    *("mod.py", "_private.py", "run-me.py", "data.txt", "data.json", "py.typed", "stub.pyi"),
    *("with space.txt", "ümlaut.txt", ".hidden", "Makefile", "ext.pyx", "UPPER.TXT", "a.b.c.cfg"),
)
PLACES = ("", "docs", "docs/deep/er", "tests", "build_tools", "a b", ".config", "distribution")
PATTERNS = (
    *("*.py", "*.txt", "*", "**/*.json", "data.*", "*.pyi", "[a-m]*", "?*.cfg", ".*", "Makefile"),
    *("*.egg-info/*", "docs/*.txt", "with space.txt", "ümlaut.txt", "nothing-like-this"),
)
DIRECTORIES = ("docs", "tests", "src", "demo", "build", "dist", "demo.egg-info", ".", "a b", "none")
PACKAGES = ("demo", "demo.sub", "demo.sub.deep", "other", "space.inner")

_patterns = st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=3).map(" ".join)
_directory = st.sampled_from(DIRECTORIES)

#: A line of MANIFEST.in (``distutils.filelist.FileList.process_template_line``).
_template_line = st.one_of(
    st.builds("include {}".format, _patterns),
    st.builds("exclude {}".format, _patterns),
    st.builds("global-include {}".format, _patterns),
    st.builds("global-exclude {}".format, _patterns),
    st.builds("recursive-include {} {}".format, _directory, _patterns),
    st.builds("recursive-exclude {} {}".format, _directory, _patterns),
    st.builds("graft {}".format, _directory),
    st.builds("prune {}".format, _directory),
    st.just("# a comment"),
)


@dataclass(frozen=True)
class Project:
    """A project as it is drawn; :meth:`write` makes it."""

    configuration: str
    """``pyproject``, ``cfg`` or ``py``: where the metadata and options are."""

    layout: str
    packages: list[str]
    files: dict[str, int] = field(default_factory=dict)
    """The mode of each file, by its path. Those of packages begin with ``@`` and a name."""

    without_init: frozenset[str] = frozenset()
    links: list[tuple[str, str]] = field(default_factory=list)
    template: list[str] | None = None
    package_data: dict[str, list[str]] = field(default_factory=dict)
    exclude: dict[str, list[str]] = field(default_factory=dict)
    data_files: list[str] = field(default_factory=list)
    py_modules: bool = False
    scripts: bool = False
    include_package_data: bool = True
    committed: list[str] | None = None
    """What SOURCES.txt of an egg-info in the tree lists, if there is one."""

    stale: bool = False
    whole_seconds: bool = False

    def write(self, root: Path) -> None:
        """Make the project in the directory *root*, which does not exist yet."""
        base = root / LAYOUTS[self.layout]
        base.mkdir(parents=True)
        for package in self.packages:
            directory = base.joinpath(*package.split("."))
            directory.mkdir(parents=True, exist_ok=True)
            if package not in self.without_init:
                (directory / "__init__.py").write_text(f"name = {package!r}\n")
        for name, mode in self.files.items():
            package, _, rest = name.removeprefix("@").partition("/")
            path = base.joinpath(*package.split("."), rest) if name.startswith("@") else root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"# {name}\n")
            path.chmod(mode)
        for name, target in self.links:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.symlink_to(target)
        if self.py_modules:
            (base / "single.py").write_text("single = True\n")
        if self.scripts:
            (root / "bin").mkdir()
            (root / "bin" / "script").write_text("#!/usr/bin/env python\n")
        for name in self.data_files:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).touch()
        if self.template is not None:
            (root / "MANIFEST.in").write_text("".join(f"{line}\n" for line in self.template))
        if self.committed is not None:
            egg_info = base / "demo.egg-info"
            egg_info.mkdir()
            (egg_info / "SOURCES.txt").write_text("".join(f"{name}\n" for name in self.committed))
            (egg_info / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: demo\nVersion: 0\n")
        if self.stale:
            (root / "build" / "temp").mkdir(parents=True)
            (root / "build" / "temp" / "object.txt").touch()
            (root / "dist").mkdir()
            (root / "dist" / "demo-0.tar.gz").write_text("older")
        getattr(self, f"_write_{self.configuration}")(root)
        fraction = 0 if self.whole_seconds else 123_456_789
        for path in root.rglob("*"):
            if path.is_file() and not path.is_symlink():
                os.utime(path, ns=(0, 1_500_000_000 * 10**9 + fraction))

    def _options(self) -> dict[str, object]:
        """Return the keywords of ``setup()``."""
        directory = LAYOUTS[self.layout]
        options: dict[str, object] = {
            "packages": self.packages,
            "include_package_data": self.include_package_data,
            "package_data": self.package_data,
            "exclude_package_data": self.exclude,
        }
        if directory:
            options["package_dir"] = {"": directory}
        if self.py_modules:
            options["py_modules"] = ["single"]
        if self.data_files:
            options["data_files"] = [("share/demo", self.data_files)]
        if self.scripts:
            options["scripts"] = ["bin/script"]
        return options

    def _write_py(self, root: Path) -> None:
        keywords = "".join(f"    {name}={value!r},\n" for name, value in self._options().items())
        (root / "setup.py").write_text(
            f"from setuptools import setup\n\nsetup(\n    name='demo', version='1',\n{keywords})\n"
        )

    def _write_cfg(self, root: Path) -> None:
        options = self._options()
        lines = ["[metadata]", "name = demo", "version = 1", "[options]"]
        lines.append(f"include_package_data = {self.include_package_data}")
        lines += ["packages =", *(f"    {name}" for name in self.packages)]
        if "package_dir" in options:
            lines += ["package_dir =", f"    = {LAYOUTS[self.layout]}"]
        if self.py_modules:
            lines.append("py_modules = single")
        if self.scripts:
            lines.append("scripts = bin/script")
        for section, table in (
            ("package_data", self.package_data),
            ("exclude_package_data", self.exclude),
        ):
            lines.append(f"[options.{section}]")
            lines += [f"{name or '*'} = {', '.join(value)}" for name, value in table.items()]
        if self.data_files:
            lines += ["[options.data_files]", "share/demo ="]
            lines += [f"    {name}" for name in self.data_files]
        (root / "setup.cfg").write_text("\n".join(lines) + "\n")

    def _write_pyproject(self, root: Path) -> None:
        options = self._options()
        lines = ["[project]", 'name = "demo"', 'version = "1"', "[tool.setuptools]"]
        lines.append(f"packages = {self.packages!r}")
        lines.append(f"include-package-data = {str(self.include_package_data).lower()}")
        if "package_dir" in options:
            lines.append(f'package-dir = {{"" = "{LAYOUTS[self.layout]}"}}')
        if self.py_modules:
            lines.append('py-modules = ["single"]')
        if self.scripts:
            lines.append('script-files = ["bin/script"]')
        for section, table in (
            ("package-data", self.package_data),
            ("exclude-package-data", self.exclude),
        ):
            lines.append(f"[tool.setuptools.{section}]")
            lines += [f'"{name or "*"}" = {value!r}' for name, value in table.items()]
        if self.data_files:
            lines += ["[tool.setuptools.data-files]", f'"share/demo" = {self.data_files!r}']
        (root / "pyproject.toml").write_text("\n".join(lines) + "\n")


@st.composite
def projects(draw: st.DrawFn) -> Project:
    """Draw a project."""
    packages = draw(st.lists(st.sampled_from(PACKAGES), min_size=1, max_size=4, unique=True))
    places = [*PLACES, *(f"@{package}" for package in packages)]
    paths = st.builds(
        lambda place, name: f"{place}/{name}".removeprefix("/"),
        st.sampled_from(places),
        st.sampled_from(FILES),
    )
    modes = st.sampled_from((0o644, 0o644, 0o755, 0o600, 0o444))
    files = draw(st.dictionaries(paths, modes, max_size=12))
    plain = [name for name in files if not name.startswith("@")]
    tables = st.dictionaries(
        st.sampled_from(["", *packages]),
        st.lists(st.sampled_from(PATTERNS[:10]), min_size=1, max_size=2),
        max_size=2,
    )
    listed = [*plain, *(f"{name.replace('.', '/')}/__init__.py" for name in packages), "nowhere"]
    return Project(
        configuration=draw(st.sampled_from(("pyproject", "cfg", "py"))),
        layout=draw(st.sampled_from(sorted(LAYOUTS))),
        packages=packages,
        files=files,
        without_init=frozenset(draw(st.sets(st.sampled_from(packages), max_size=1))),
        links=draw(st.sampled_from(([], [("docs/link.txt", "../pyproject.toml")])))
        + ([("link to a file.txt", plain[0])] if plain and draw(st.booleans()) else []),
        template=draw(st.none() | st.lists(_template_line, max_size=6)),
        package_data=draw(tables),
        exclude=draw(tables),
        data_files=draw(st.sampled_from(([], ["share/a.txt"], ["share/a.txt", "docs/b.txt"]))),
        py_modules=draw(st.booleans()),
        scripts=draw(st.booleans()),
        include_package_data=draw(st.booleans()),
        committed=draw(st.none() | st.lists(st.sampled_from(listed), max_size=4, unique=True)),
        stale=draw(st.booleans()),
        whole_seconds=draw(st.booleans()),
    )
