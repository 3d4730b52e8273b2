"""Promise 3 by the tests of others: tox's own, as many as with setuptools.

Long: ``python -m pytest -n 0 -m long integration/tox_suite``.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from ..conftest import once
from ..corpus import environment, sdist
from ..corpus.__main__ import CACHE
from ..corpus.errors import CorpusError
from ..corpus.project import Project
from ..frontends import OURS, PLAIN
from ..frontends import environment as shell

#: The tox whose tests these are. Of later ones pip may not get the sdist: it builds the metadata.
VERSION = "4.59.0"

TESTS = ("package", "test_setuptools.py")

#: What those of its tests that we run import, and the programs they start.
REQUIREMENTS = (
    f"tox=={VERSION}",
    "build[virtualenv]",
    "devpi-process",
    "distlib",
    "flaky",
    "pdm-backend",
    "psutil",
    "pytest",
    "pytest-mock",
    "pytest-timeout",
    "pytest-xdist",
    "re-assert",
    "time-machine",
)

#: Where it is installed, no build need ask an index for it ("0" is a yes to pip).
INSTALLED = {"PIP_NO_BUILD_ISOLATION": "0"}


@pytest.fixture(scope="module")
def suite(common: Path) -> Path:
    """Return a directory with the unpacked sdist, an environment for it, and our backend."""

    def make(place: Path) -> None:
        source = sdist.fetch(Project("tox", VERSION), CACHE).unpack(place / "unpacked")
        source.rename(place / "tree")
        environment.create(place / "environment", REQUIREMENTS)
        (installed,) = (place / "environment").glob("lib/python*/site-packages")
        for name in ("isolated_backend", "filelock", "packaging", "pdm"):
            shutil.copytree(installed / name, place / "library" / name)

    try:
        return once(common / "tox_suite", make)
    except CorpusError as error:
        pytest.skip(str(error))


def adopt(tree: Path, library: Path, *, in_tree: bool) -> None:
    """Have the projects of the tests in *tree* built by us."""
    demo = tree / "tests" / "demo_pkg_setuptools"
    fixtures = tree / "tests" / "tox_env" / "python" / "virtual_env" / "package" / "conftest.py"
    lines = [f'build-backend = "{OURS}"', *(['backend-path = [".backend"]'] if in_tree else [])]
    replace(demo / "pyproject.toml", f'build-backend = "{PLAIN}"', "\n".join(lines))
    replace(fixtures, f'build-backend = "{PLAIN}"', "\\n".join(lines))
    # Isolated builds of the tests would ask an index for us.
    replace(tree / "tests" / "conftest.py", "isolation=isolation", "isolation=False")
    if in_tree:
        shutil.copytree(library, demo / ".backend")
        begin = "(tmp_path / 'README').write_text('')".replace("'", '"')
        copy = f"__import__('shutil').copytree({str(library)!r}, tmp_path / '.backend')"
        replace(fixtures, begin, f"{begin}\n    {copy}")


def replace(path: Path, old: str, new: str) -> None:
    content = path.read_text()
    assert old in content
    path.write_text(content.replace(old, new))


def outcomes(suite: Path, tree: Path, scratch: Path, **variables: str) -> dict[str, str]:
    """Run the tests in *tree* and return what becomes of each."""
    scratch.mkdir()
    place = Path("tests", "tox_env", "python", "virtual_env")
    python = environment.Environment(suite / "environment")
    path = [str(suite / "library"), str(Path(__file__).parent)]
    variables |= {
        "PATH": os.pathsep.join([str(python.path / "bin"), os.environ["PATH"]]),
        "PYTHONPATH": os.pathsep.join(path),
        "TOX_SUITE_OUTCOMES": str(scratch / "outcomes.json"),
    }
    command = [python.python, "-m", "pytest", "-q", "-n", "2", "-p", "plugin", "--run-integration"]
    command += ["--timeout=600"]  # this machine may have more to do
    command += ["-p", "no:cacheprovider", f"--basetemp={scratch / 'tests'}"]
    with (scratch / "log").open("wb") as log:
        subprocess.run(
            [*command, *(str(place / test) for test in TESTS)],
            cwd=tree,
            env=shell(scratch / "tmp", **variables),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,
        )
    found: dict[str, str] = json.loads((scratch / "outcomes.json").read_text())
    return found


@pytest.mark.long
@pytest.mark.usefixtures("whole_machine")
def test_as_many_pass_as_with_setuptools(
    suite: Path, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    plain = outcomes(suite, suite / "tree", tmp_path / "plain")
    assert set(plain.values()) == {"passed"}
    for name, in_tree in (("as a requirement", False), ("in the tree", True)):
        tree = tmp_path / f"tree-{in_tree}"
        shutil.copytree(suite / "tree", tree)
        adopt(tree, suite / "library", in_tree=in_tree)
        variables = {} if in_tree else INSTALLED | {"TOX_SUITE_LIBRARY": str(suite / "library")}
        ours = outcomes(suite, tree, tmp_path / f"ours-{in_tree}", **variables)
        record_property(
            "figures",
            f"tox {VERSION}, {name}: {dict(Counter(ours.values()))}, "
            f"with setuptools: {dict(Counter(plain.values()))}",
        )
        assert ours == plain
