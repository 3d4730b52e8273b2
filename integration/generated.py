"""Random setuptools projects, for what nobody thought of."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

LAYOUTS = {"flat": "", "src": "src", "lib": "lib/python"}

FILES = (
    *("mod.py", "_private.py", "run-me.py", "data.txt", "data.json", "py.typed", "stub.pyi"),
    *("with space.txt", "ümlaut.txt", ".hidden", "Makefile", "ext.pyx", "UPPER.TXT", "a.b.c.cfg"),
    *("new\nline.txt", "tab\t.txt", "semi;colon.txt", "100%.txt", "backup.py~", "PKG-INFO"),
    *("LICENSE", "COPYING.txt", "README.rst", "README", "conftest.py", "x" * 120 + ".txt"),
)
PLACES = (
    *("", "docs", "docs/deep/er", "tests", "build_tools", "a b", ".config", "distribution"),
    *("build", "build/lib2", "dist", ".tox", "CVS", ".git", "__pycache__", "demo-0", "o.egg-info"),
)
PATTERNS = (
    *("*.py", "*.txt", "*", "**/*.json", "data.*", "*.pyi", "[a-m]*", "?*.cfg", ".*", "Makefile"),
    *("*.egg-info/*", "docs/*.txt", "with space.txt", "ümlaut.txt", "nothing-like-this", "**"),
    *("./data.txt", "*/*.txt", "**/data.*", "*.py[co]", "docs/", "../*", "[!a-m]*", "SOURCES.txt"),
)
DIRECTORIES = (
    *("docs", "tests", "src", "demo", "build", "dist", "demo.egg-info", ".", "a b", "none"),
    *("docs/", "./docs", "lib/python", "lib/*", "src/demo.egg-info", "*.egg-info", "_work"),
)
PACKAGES = ("demo", "demo.sub", "demo.sub.deep", "other", "space.inner")
NAMES = ("demo", "Demo", "demo.thing", "demo-with_all", "d")
VERSIONS = ("1", "1.0+local.2", "2!1.0a1", "1.0-1", "v1.2")

#: What a command in ``cmdclass`` does beside what it overrides.
OVERRIDES = {
    "build_py": "def run(self): super().run(); write(self.build_lib, 'made_by_build_py.py')",
    "egg_info": "def run(self): super().run(); write(self.egg_info, 'made_by_egg_info.txt')",
    "install_lib": "def run(self): super().run(); write(self.install_dir, 'made.txt')",
    "build": "def run(self): super().run()",
    "bdist_wheel": "def egg2dist(self, a, b): super().egg2dist(a, b); write(b, 'MADE')",
    "sdist": (
        "def make_release_tree(self, base, files): "
        "super().make_release_tree(base, files); write(base, 'made_by_sdist.txt')"
    ),
    "install_egg_info": "def run(self): super().run()",
}

#: Options of commands in setup.cfg: where they work and what they make.
COMMANDS = {
    "build": ("build_base = _work", "build_base = build/deeper", "build_lib = out"),
    "egg_info": ("tag_build = .dev3", "tag_date = 0", "egg_base = ."),
    "bdist_wheel": ("universal = 1", "python_tag = py311", "build_number = 5", "keep_temp = 1"),
    "sdist": ("formats = zip", "formats = gztar, zip", "dist_dir = elsewhere", "owner = root"),
    "build_py": ("compile = 1", "optimize = 1", "force = 1"),
    "install": ("compile = 1", "optimize = 2"),
    "install_lib": ("compile = 1",),
    "build_scripts": ("executable = /usr/bin/python9",),
}

_EXTENSION = "#include <Python.h>\nPyMODINIT_FUNC PyInit__c(void) { return NULL; }\n"

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
    st.sampled_from(("# a comment", "", "include \\", "nonsense", "graft", "  include *.txt #")),
)


@dataclass(frozen=True)
class Project:
    """A project as it is drawn; :meth:`write` makes it."""

    configuration: str = "py"
    """``pyproject``, ``cfg`` or ``py``: where the metadata and options are."""

    layout: str = "flat"
    packages: list[str] = field(default_factory=lambda: ["demo"])
    found: bool = False
    """Whether it is left to setuptools to find the packages."""

    elsewhere: dict[str, str] = field(default_factory=dict)
    """The directories of packages that do not lie where their names say (``package_dir``)."""

    files: dict[str, int] = field(default_factory=dict)
    """The mode of each file, by its path. Those of packages begin with ``@`` and a name."""

    without_init: frozenset[str] = frozenset()
    links: list[tuple[str, str]] = field(default_factory=list)
    template: list[str] | None = None
    line_end: str = "\n"
    package_data: dict[str, list[str]] = field(default_factory=dict)
    exclude: dict[str, list[str]] = field(default_factory=dict)
    data_files: list[str] = field(default_factory=list)
    py_modules: bool = False
    scripts: bool = False
    include_package_data: bool = True
    name: str = "demo"
    version: str = "1"
    readme: bool = False
    requires: bool = False
    entry_points: bool = False
    license_files: list[str] = field(default_factory=list)
    extension: bool = False
    overrides: list[str] = field(default_factory=list)
    commands: dict[str, str] = field(default_factory=dict)
    committed: list[str] | None = None
    """What SOURCES.txt of an egg-info in the tree lists, if there is one."""

    stale: bool = False
    directory_mode: int = 0o755
    whole_seconds: bool = False

    def write(self, root: Path) -> None:
        """Make the project in the directory *root*, which does not exist yet."""
        (root / LAYOUTS[self.layout]).mkdir(parents=True)
        for package in self.packages:
            self._directory(root, package).mkdir(parents=True, exist_ok=True)
            if package not in self.without_init:
                init = self._directory(root, package) / "__init__.py"
                init.write_text(f"name = {package!r}\n")
        for path, text in self._texts(root):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        for name, mode in self.files.items():
            path = self._path(root, name)
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(f"# {name!r}\n")
                path.chmod(mode)
        if self.template is not None:
            text = "".join(line + self.line_end for line in self.template)
            (root / "MANIFEST.in").write_text(text, newline="")
        getattr(self, f"_write_{self.configuration}")(root)
        if self.commands:
            with (root / "setup.cfg").open("a") as file:
                file.writelines(f"[{name}]\n{line}\n" for name, line in self.commands.items())
        for name, target in self.links:
            path = self._path(root, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            if not os.path.lexists(path):
                path.symlink_to(target)
        self._finish(root)

    def _finish(self, root: Path) -> None:
        """Give files and directories times and modes that are not those of this moment."""
        fraction = 0 if self.whole_seconds else 123_456_789
        for path in root.rglob("*"):
            if path.is_symlink():
                continue
            if path.is_dir():
                path.chmod(self.directory_mode)
            os.utime(path, ns=(0, 1_500_000_000 * 10**9 + fraction))

    def _directory(self, root: Path, package: str) -> Path:
        """Return where *package* lies, by the rule of ``build_py.get_package_dir``."""
        parts = package.split(".")
        tail: list[str] = []
        while parts:
            found = self.elsewhere.get(".".join(parts))
            if found is not None:
                return root.joinpath(found, *tail)
            tail.insert(0, parts.pop())
        return root.joinpath(LAYOUTS[self.layout], *tail)

    def _path(self, root: Path, name: str) -> Path:
        if name.startswith("@"):
            package, _, rest = name[1:].partition("/")
            return self._directory(root, package) / rest
        return root / name

    def _texts(self, root: Path) -> Iterator[tuple[Path, str]]:
        """Yield the files that belong to what is declared, and those of earlier builds."""
        base = root / LAYOUTS[self.layout]
        if self.py_modules:
            yield base / "single.py", "single = True\n"
        if self.scripts:
            yield root / "bin" / "script", "#!/usr/bin/env python\nprint()\n"
            yield root / "bin" / "shell", "#!/bin/sh\n"
        for name in self.data_files:
            yield root / name, ""
        if self.readme:
            yield root / "README.md", "# Demo\n\nwith ümlauts\n"
        if self.extension:
            yield root / "c" / "_c.c", _EXTENSION
            yield root / "c" / "_c.h", "/* */\n"
        if self.committed is not None:
            egg_info = base / "demo.egg-info"
            yield egg_info / "SOURCES.txt", "".join(f"{name}\n" for name in self.committed)
            yield egg_info / "PKG-INFO", "Metadata-Version: 2.1\nName: demo\nVersion: 0\n"
            yield egg_info / "requires.txt", "nonsense\n"
            yield egg_info / "own.txt", "kept\n"
        if self.stale:
            yield root / "build" / "temp" / "object.txt", ""
            yield root / "build" / "lib.other" / "demo" / "gone.py", ""
            yield root / "dist" / "demo-0.tar.gz", "older"

    # --- configuration --------------------------------------------------------------------------

    def _options(self) -> dict[str, Any]:
        """Return what can stand in every kind of configuration, by the names of ``setup()``."""
        options: dict[str, Any] = {
            "package_data": self.package_data,
            "exclude_package_data": self.exclude,
        }
        directories = dict(self.elsewhere)
        if LAYOUTS[self.layout]:
            directories[""] = LAYOUTS[self.layout]
        if not self.found:
            options["packages"] = self.packages
            options["py_modules"] = ["single"] if self.py_modules else []
        if not self.found or self.layout == "lib":
            options["package_dir"] = directories
        if self.data_files:
            options["data_files"] = {"share/demo": self.data_files}
        if self.scripts:
            options["scripts"] = ["bin/script", "bin/shell"]
        options["license_files"] = self.license_files
        return {name: value for name, value in options.items() if value}

    def _code(self) -> list[str]:
        """Return the keywords of ``setup()`` that only a setup.py can have."""
        keywords = []
        if self.extension:
            extension = "setuptools.Extension('demo._c', ['c/_c.c'], depends=['c/_c.h'])"
            keywords.append(f"ext_modules=[{extension}]")
        if self.overrides:
            commands = ", ".join(f"{name!r}: my_{name}" for name in self.overrides)
            keywords.append(f"cmdclass={{{commands}}}")
        return keywords

    def _write_setup(self, root: Path, keywords: list[str]) -> None:
        lines = ["import os", "import setuptools", "from importlib import import_module", ""]
        lines += ["def write(directory, name):", "    os.makedirs(directory, exist_ok=True)"]
        lines += ["    open(os.path.join(directory, name), 'w').close()", ""]
        for name in self.overrides:
            lines.append(f"base = getattr(import_module('setuptools.command.{name}'), {name!r})")
            lines += [f"class my_{name}(base):", f"    {OVERRIDES[name]}", ""]
        lines += ["setuptools.setup(", *(f"    {keyword}," for keyword in keywords), ")"]
        (root / "setup.py").write_text("\n".join(lines) + "\n")

    def _write_py(self, root: Path) -> None:
        keywords = [f"name={self.name!r}", f"version={self.version!r}"]
        keywords.append(f"include_package_data={self.include_package_data}")
        for name, value in self._options().items():
            keywords.append(f"{name}={[*value.items()] if name == 'data_files' else value!r}")
        if self.readme:
            keywords.append("long_description=open('README.md', encoding='utf-8').read()")
        if self.requires:
            keywords.append("install_requires=['a', 'b>1'], extras_require={'x': ['c']}")
        if self.entry_points:
            keywords.append("entry_points={'console_scripts': ['run = demo:name']}")
        self._write_setup(root, [*keywords, *self._code()])

    def _write_cfg(self, root: Path) -> None:
        options = self._options()
        lines = ["[metadata]", f"name = {self.name}", f"version = {self.version}"]
        if self.readme:
            lines.append("long_description = file: README.md")
        if self.license_files:
            lines += ["license_files =", *(f"    {name}" for name in self.license_files)]
        lines += ["[options]", f"include_package_data = {self.include_package_data}"]
        for name in ("packages", "py_modules", "scripts"):
            if name in options:
                lines += [f"{name} =", *(f"    {value}" for value in options[name])]
        if "package_dir" in options:
            lines.append("package_dir =")
            lines += [f"    {name} = {place}" for name, place in options["package_dir"].items()]
        if self.requires:
            lines += ["install_requires =", "    a", "    b>1"]
        for name in ("package_data", "exclude_package_data"):
            table = options.get(name, {})
            lines.append(f"[options.{name}]")
            lines += [f"{package or '*'} = {', '.join(like)}" for package, like in table.items()]
        if self.data_files:
            lines += ["[options.data_files]", f"share/demo = {', '.join(self.data_files)}"]
        if self.requires:
            lines += ["[options.extras_require]", "x = c"]
        if self.entry_points:
            lines += ["[options.entry_points]", "console_scripts =", "    run = demo:name"]
        (root / "setup.cfg").write_text("\n".join(lines) + "\n")
        if self._code():
            self._write_setup(root, self._code())

    def _write_pyproject(self, root: Path) -> None:
        options = self._options()
        lines = ["[project]", f'name = "{self.name}"', f'version = "{self.version}"']
        if self.readme:
            lines.append('readme = "README.md"')
        if self.license_files:
            lines.append(f"license-files = {self.license_files!r}")
        if self.requires:
            lines += ["dependencies = ['a', 'b>1']", "optional-dependencies = { x = ['c'] }"]
        if self.entry_points:
            lines.append("scripts = { run = 'demo:name' }")
        lines.append("[tool.setuptools]")
        lines.append(f"include-package-data = {str(self.include_package_data).lower()}")
        keys = {"packages": "packages", "py_modules": "py-modules", "scripts": "script-files"}
        lines += [f"{key} = {options[name]!r}" for name, key in keys.items() if name in options]
        for name in ("package_dir", "package_data", "exclude_package_data", "data_files"):
            everywhere = "*" if name.endswith("package_data") else ""
            lines.append(f"[tool.setuptools.{name.replace('_', '-')}]")
            table = options.get(name, {})
            lines += [f'"{key or everywhere}" = {value!r}' for key, value in table.items()]
        (root / "pyproject.toml").write_text("\n".join(lines) + "\n")
        if self._code():
            self._write_setup(root, self._code())


@dataclass(frozen=True)
class Circumstances:
    """What a build depends on beside the project."""

    umask: int = 0o022
    variables: dict[str, str] = field(default_factory=dict)


circumstances = st.builds(
    Circumstances,
    umask=st.sampled_from((0o022, 0o022, 0o002, 0o077)),
    variables=st.sampled_from(({}, {}, {"SOURCE_DATE_EPOCH": "1600000000"})),
)

_modes = st.sampled_from((0o644, 0o644, 0o755, 0o600, 0o444, 0o666, 0o4755))


@st.composite
def projects(draw: st.DrawFn) -> Project:
    """Draw a project. What is rarer in the wild, or makes others fail, is rarer here."""

    def one_in(number: int) -> bool:
        return draw(st.integers(1, number)) == number

    packages = draw(st.lists(st.sampled_from(PACKAGES), min_size=1, max_size=4, unique=True))
    files = draw(st.dictionaries(_paths(packages), _modes, max_size=12))
    plain = [name for name in files if not name.startswith("@")]
    tables = st.dictionaries(
        st.sampled_from(["", *packages]),
        st.lists(st.sampled_from(PATTERNS[:10]), min_size=1, max_size=2),
        max_size=2,
    )
    listed = [*plain, *(f"{name.replace('.', '/')}/__init__.py" for name in packages), "nowhere"]
    found = one_in(6)
    elsewhere = {}
    if not found and one_in(3):
        place = st.sampled_from(("odd/place", "x.y", "demo/own", "src2", "."))
        elsewhere = {draw(st.sampled_from(packages)): draw(place)}
    overrides = []
    if one_in(6):
        names = st.sampled_from(sorted(OVERRIDES))
        overrides = draw(st.lists(names, min_size=1, max_size=2, unique=True))
    commands = {}
    if one_in(4):
        names = st.sampled_from(sorted(COMMANDS))
        for name in draw(st.lists(names, min_size=1, max_size=2, unique=True)):
            commands[name] = draw(st.sampled_from(COMMANDS[name]))
    return Project(
        configuration=draw(st.sampled_from(("pyproject", "cfg", "py"))),
        layout=draw(st.sampled_from(sorted(LAYOUTS))),
        packages=packages,
        found=found,
        elsewhere=elsewhere,
        files=files,
        without_init=frozenset(draw(st.sets(st.sampled_from(packages), max_size=1))),
        links=draw(st.lists(_links(packages, plain), max_size=2)),
        template=draw(st.none() | st.lists(_template_line, max_size=6)),
        line_end="\r\n" if one_in(5) else "\n",
        package_data=draw(tables),
        exclude=draw(tables),
        data_files=draw(st.sampled_from(([], ["share/a.txt"], ["share/a.txt", "docs/b.txt"]))),
        py_modules=draw(st.booleans()),
        scripts=draw(st.booleans()),
        include_package_data=draw(st.booleans()),
        name=draw(st.sampled_from(NAMES)) if one_in(3) else "demo",
        version=draw(st.sampled_from(VERSIONS)) if one_in(3) else "1",
        readme=draw(st.booleans()),
        requires=draw(st.booleans()),
        entry_points=draw(st.booleans()),
        license_files=draw(st.sampled_from(([], [], ["LICENSE*"], ["docs/**/COPYING*"]))),
        extension=one_in(10),
        overrides=overrides,
        commands=commands,
        committed=draw(st.none() | st.lists(st.sampled_from(listed), max_size=4, unique=True)),
        stale=draw(st.booleans()),
        directory_mode=draw(st.sampled_from((0o755, 0o755, 0o775, 0o700))),
        whole_seconds=draw(st.booleans()),
    )


def _paths(packages: list[str]) -> st.SearchStrategy[str]:
    """Draw the path of a file; as often in a package as elsewhere."""
    return st.builds(
        lambda place, name: f"{place}/{name}".removeprefix("/"),
        st.sampled_from(PLACES) | st.sampled_from([f"@{package}" for package in packages]),
        st.sampled_from(FILES),
    )


def _links(packages: list[str], plain: list[str]) -> st.SearchStrategy[tuple[str, str]]:
    """Draw a symbolic link: its name and its target."""
    names = [
        "docs/link.txt",
        "link to a file.txt",
        "linked",
        *(f"@{name}/l.py" for name in packages),
    ]
    targets = ["../setup.py", "nowhere", "docs", "__init__.py", "/etc/hostname", ".", *plain]
    return st.tuples(st.sampled_from(names), st.sampled_from(targets))
