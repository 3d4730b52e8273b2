"""What lies outside of the root: found as by setuptools alone, and left as it was."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

import outside
from artifacts import text
from backends import OURS, PLAIN, SAMPLES, HookProcess, call_into
from isolated_backend.call import Call
from isolated_backend.settings import Settings
from isolated_backend.shadow.paths import Shadow
from outside import Outside
from trial import of_tree

BUILDS = ("build_sdist", "build_wheel")

#: Each works in the same directories outside of the root, absolute ones or not.
OPTIONS = {
    "build": {"build_base": "out/base", "build_temp": "out/temp", "build_lib": "out/lib"},
    "build_ext": {"build_temp": "out/ext"},
    "bdist_wheel": {"bdist_dir": "out/wheel"},
    "egg_info": {"egg_base": "info"},
}


@pytest.mark.parametrize("name", outside.PACKAGES)
def test_packages_and_data_outside(name: str, tmp_path: Path) -> None:
    plain, found = of_tree(outside.PACKAGES[name], tmp_path)
    assert plain.failures == {}
    assert any(outcome.changed for outcome in plain.outcomes.values())  # or this could not fail
    assert found == []


@pytest.mark.parametrize("template", outside.TEMPLATES)
def test_a_template_that_climbs(template: str, tmp_path: Path) -> None:
    plain, found = of_tree(outside.with_template(template), tmp_path, ["build_sdist"])
    assert plain.failures == {}
    assert found == []


@pytest.mark.parametrize("beyond", [False, True], ids=["up", "beyond"])
@pytest.mark.parametrize("steps", [1, 2, outside.DEPTH])
def test_sources_that_climb(steps: int, beyond: bool, tmp_path: Path) -> None:
    hooks = ["build_wheel", "build_editable"]
    plain, found = of_tree(outside.compiled(steps, beyond=beyond), tmp_path, hooks)
    assert plain.failures == {}
    assert found == []


def _in_setup_cfg(options: dict[str, dict[str, str]]) -> Outside:
    text = "".join(
        f"[{command}]\n" + "".join(f"{option} = {value}\n" for option, value in given.items())
        for command, given in options.items()
    )
    project = outside.compiled(1)
    project.files[f"{project.root}/setup.cfg"] = text
    return project


def _in_pyproject(options: dict[str, dict[str, str]]) -> Outside:
    project = outside.compiled(1)
    project.files[f"{project.root}/pyproject.toml"] += "".join(
        f"[tool.distutils.{command}]\n"
        + "".join(f"{option} = {json.dumps(value)}\n" for option, value in given.items())
        for command, given in options.items()
    )
    return project


def _in_arguments(options: dict[str, dict[str, str]]) -> Outside:
    return outside.compiled(1, more=f"options={options},")


def _words(options: dict[str, dict[str, str]]) -> list[str]:
    """Return a command line that sets *options* of the commands that are run in any case."""
    words = []
    for command in ("egg_info", "build"):
        given = options[command].items()
        words += [command, *(f"--{name.replace('_', '-')}={value}" for name, value in given)]
    return words


def _in_argv(options: dict[str, dict[str, str]]) -> Outside:
    return outside.compiled(1, head=f"sys.argv[1:1] = {_words(options)}")


def _in_script_args(options: dict[str, dict[str, str]]) -> Outside:
    return outside.compiled(1, more=f"script_args=[*{_words(options)}, *sys.argv[1:]],")


def _in_overrides(options: dict[str, dict[str, str]]) -> Outside:
    options = {command: given for command, given in options.items() if command != "egg_info"}
    head = f"""\
from setuptools import Distribution

OPTIONS = {options}


def override(name):
    class Override(Distribution().get_command_class(name)):
        def finalize_options(self):
            super().finalize_options()
            vars(self).update(OPTIONS[name])

    return Override
"""
    more = "cmdclass={name: override(name) for name in OPTIONS},"
    return outside.compiled(1, head=head, more=more)


WAYS = {
    "setup.cfg": _in_setup_cfg,
    "pyproject.toml": _in_pyproject,
    "setup": _in_arguments,
    "sys.argv": _in_argv,
    "script_args": _in_script_args,
    "finalize_options": _in_overrides,
}


@pytest.mark.parametrize("absolute", [False, True], ids=["relative", "absolute"])
@pytest.mark.parametrize("way", WAYS)
def test_work_directories_outside(way: str, absolute: bool, tmp_path: Path) -> None:
    up = str(tmp_path / "tree") if absolute else "../" * outside.DEPTH
    options = {
        command: {option: os.path.join(up, value) for option, value in given.items()}
        for command, given in OPTIONS.items()
    }
    project = WAYS[way](options)
    project.files["info/.keep"] = ""  # an egg_base has to be there
    hooks = ("prepare_metadata_for_build_wheel", *BUILDS)
    plain, found = of_tree(project, tmp_path, hooks)
    assert plain.failures == {}
    assert found == []


MKDTEMP = """\
import shutil
import tempfile

from setuptools.command.build_ext import build_ext


class InTemporary(build_ext):
    def finalize_options(self):
        super().finalize_options()
        self.build_temp = tempfile.mkdtemp()

    def run(self):
        assert os.path.dirname(self.build_temp) == tempfile.gettempdir()
        super().run()
        shutil.rmtree(self.build_temp)
"""


def test_a_temporary_directory_of_the_projects_stays_and_nothing_climbs_out_of_it(
    tmp_path: Path,
) -> None:
    """Setuptools alone leaves ``TMPDIR/core/core.o``, which all builds have in common."""
    project = outside.compiled(1, head=MKDTEMP, more='cmdclass={"build_ext": InTemporary},')
    plain, found = of_tree(project, tmp_path, ["build_wheel"])
    assert plain.failures == {}
    assert list((tmp_path / PLAIN / "tmp").rglob("core.o"))
    assert found == []


def test_what_the_frontend_asks_for_is_told_from_what_setup_py_adds(tmp_path: Path) -> None:
    def call(config_settings: dict[str, str | list[str]] | None) -> Call:
        (tmp_path / "slot").mkdir(exist_ok=True)
        shadow = Shadow(str(tmp_path), str(tmp_path / "slot"), "/nowhere")
        return Call("", "build_wheel", Settings(), shadow, None, None, config_settings)

    ways: list[dict[str, str | list[str]]] = [
        {"--build-option": "--bdist-dir=/fast/disk --keep-temp"},
        {"--build-option": ["build", "--build-lib", "/fast/disk"]},
        {"--build-option": "build -b'/fast/disk'"},
    ]
    for given in ways:
        assert call(given).asks_for("/fast/disk")
        assert not call(given).asks_for("../out")
    assert call({"--build-option": ["--bdist-dir=/fast disk/x"]}).asks_for("/fast disk/x")
    assert not call({}).asks_for("/fast/disk")
    assert call(None).asks_for("/fast/disk")


def test_probes_answer_both_ways(tmp_path: Path) -> None:
    """What the answers are, and that they are setuptools', is held by ``test_fidelity``."""
    root = shutil.copytree(SAMPLES / "probes", tmp_path / "root")
    (tmp_path / "out").mkdir()
    (outcome,) = HookProcess(OURS, root)(call_into("build_wheel", tmp_path / "out"))
    answers = json.loads(text(tmp_path / "out" / outcome.result, "answers.json"))
    yes = {"strlen", "flag", "includes beside", "links", "runs in PATH", "finds", "header"}
    no = {"nowhere", "no flag", "includes not beside", "links nowhere", "finds nothing"}
    assert {name: answers[name] for name in yes | no} == {name: name in yes for name in yes | no}


@pytest.mark.parametrize(
    ("way", "made", "writes"),
    [
        ('compiler.compile(["x.c"], output_dir=".")', "x.o", True),
        ('compiler.link_executable(compiler.compile(["x.c"]), "x")', "x", True),
        ('compiler.compile(["x.c"])', "x.o", False),
    ],
)
def test_a_compiler_that_is_told_to_write_into_the_tree_makes_a_writer(
    way: str, made: str, writes: bool, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "x.c").write_text("int main(void) { return 0; }\n")
    (root / "setup.py").write_text(
        "from setuptools import setup\n"
        "from distutils.ccompiler import new_compiler\n"
        "from distutils.sysconfig import customize_compiler\n"
        f"compiler = new_compiler()\ncustomize_compiler(compiler)\n{way}\n"
        "setup(name='told', version='1', py_modules=[])\n"
    )
    (tmp_path / "out").mkdir()
    (tmp_path / "tmp").mkdir()
    process = HookProcess(OURS, root, environment={"TMPDIR": str(tmp_path / "tmp")})
    (outcome,) = process(call_into("build_wheel", tmp_path / "out"))
    assert outcome.error == "", process.output
    assert (root / made).exists() is writes
    assert [path.name for path in (tmp_path / "tmp").rglob("*.writes")] == (
        ["build_wheel.writes"] if writes else []
    )
