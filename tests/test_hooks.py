"""One hook call: what goes in, what comes out, and what is left as it was."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import isolated_backend
from artifacts import members, names, text
from backends import HOOKS, OURS, PLAIN, HookProcess, Outcome
from isolated_backend.publish import SUFFIX
from snapshot import snapshot

Sample = Callable[[str], Path]

STANDARD = {  # the parameters' names and order are part of PEP 517 and PEP 660
    "get_requires_for_build_sdist": ["config_settings"],
    "get_requires_for_build_wheel": ["config_settings"],
    "get_requires_for_build_editable": ["config_settings"],
    "prepare_metadata_for_build_wheel": ["metadata_directory", "config_settings"],
    "prepare_metadata_for_build_editable": ["metadata_directory", "config_settings"],
    "build_sdist": ["sdist_directory", "config_settings"],
    "build_wheel": ["wheel_directory", "config_settings", "metadata_directory"],
    "build_editable": ["wheel_directory", "config_settings", "metadata_directory"],
}


@pytest.mark.parametrize("backend", [isolated_backend, isolated_backend.__legacy__])
@pytest.mark.parametrize("hook", STANDARD)
def test_hooks_have_the_standards_parameters(backend: object, hook: str) -> None:
    parameters = inspect.signature(getattr(backend, hook)).parameters
    assert list(parameters) == STANDARD[hook]
    assert all(
        parameter.default is None or (name == STANDARD[hook][0] and "directory" in name)
        for name, parameter in parameters.items()
    )


def test_importing_the_backend_imports_no_setuptools() -> None:
    script = "import sys, isolated_backend; print('setuptools' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


@dataclass
class OneCall(HookProcess):
    """A process that has called one hook."""

    outcome: Outcome = field(default_factory=Outcome)


def test_a_backend_that_imports_all_of_it_has_the_hooks() -> None:
    found: dict[str, object] = {}
    exec("from isolated_backend import *", found)
    assert found.keys() - {"__builtins__"} == {"__legacy__", *HOOKS}


@pytest.mark.parametrize("features", ["", "legacy-editable", "other,Legacy_Editable"])
@pytest.mark.parametrize("knows", [True, False])
def test_without_pep_660_editable_installs_have_no_hooks(
    knows: bool, features: str, tmp_path: Path
) -> None:
    """As with setuptools, until it dropped SETUPTOOLS_ENABLE_FEATURES=legacy-editable."""
    package = tmp_path / "setuptools"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "build_meta.py").write_text("LEGACY_EDITABLE = True\n" if knows else "")
    script = (
        "import isolated_backend as b\n"
        "print(*(hasattr(each, 'build_editable') for each in (b, b.__legacy__)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": str(tmp_path), "SETUPTOOLS_ENABLE_FEATURES": features},
        capture_output=True,
        text=True,
        check=True,
    )
    has = not (knows and features)
    assert done.stdout == f"{has} {has}\n"


def call(root: Path, hook: str, backend: str = OURS, **arguments: object) -> OneCall:
    """Call one hook in a process of its own; return the process, with its outcome."""
    process = OneCall(backend, root)
    (process.outcome,) = process((hook, arguments))
    return process


def outcome_of(process: OneCall) -> str:
    found = process.outcome
    return found.message or str(found.result)


def test_config_settings_pass_through(sample: Sample, tmp_path: Path) -> None:
    process = call(
        sample("src_layout"),
        "build_wheel",
        wheel_directory=str(tmp_path),
        config_settings={"--build-option": "--build-number=7 --python-tag=py39"},
    )
    assert outcome_of(process) == "src_layout-1.0-7-py39-none-any.whl"


@pytest.mark.parametrize("build_base", ["asked", "asked/below"])
def test_a_directory_that_config_settings_ask_for_stays_in_the_root(
    build_base: str, sample: Sample, tmp_path: Path
) -> None:
    root = sample("src_layout")
    before = snapshot(root)
    call(
        root,
        "build_wheel",
        wheel_directory=str(tmp_path),
        config_settings={"--global-option": f"build --build-base={build_base}"},
    )
    assert (root / build_base / "lib" / "src_layout" / "__init__.py").exists()
    appeared = {name.split("/")[0] for name in snapshot(root).keys() - before.keys()}
    assert appeared == {"asked"}


def test_builds_do_not_meet_in_a_work_directory_that_setup_cfg_names(
    sample: Sample, tmp_path: Path
) -> None:
    """Outside of the root, a project's and a user's own configuration would make them meet."""
    root, outside = sample("src_layout"), tmp_path / "outside"
    (root / "setup.cfg").write_text(
        f"[build]\nbuild_base = {outside}/build\n[bdist_wheel]\nbdist_dir = {outside}/wheel\n"
    )
    artifacts = []
    for backend in (OURS, PLAIN):
        out = tmp_path / backend
        process = call(root, "build_wheel", backend, wheel_directory=str(out))
        assert process.outcome.error == "", process.output
        assert outside.exists() is (backend == PLAIN)
        artifacts.append(members(out / process.outcome.result))
    assert artifacts[0] == artifacts[1]


@pytest.mark.parametrize("where", ["root/info", "outside"])
def test_an_absolute_egg_base_holds_no_package_data(where: str, tmp_path: Path) -> None:
    root, base = tmp_path / "root", tmp_path / where
    (root / "demo").mkdir(parents=True)
    base.mkdir()
    (root / "demo" / "__init__.py").touch()
    (root / "demo" / "data.txt").touch()
    (root / "MANIFEST.in").write_text("graft demo\n")
    (root / "setup.cfg").write_text(
        "[metadata]\nname = demo\nversion = 1\n"
        "[options]\npackages = demo\ninclude_package_data = true\n"
        f"[egg_info]\negg_base = {base}\n"
    )
    made = []
    for backend in (OURS, PLAIN):
        out = tmp_path / backend
        process = call(root, "build_wheel", backend, wheel_directory=str(out))
        assert process.outcome.error == "", process.output
        assert (list(base.iterdir()) == []) is (backend == OURS)
        made.append(members(out / process.outcome.result))
    assert made[0] == made[1]


FIXED_PATHS = {
    "build_wheel": """
from setuptools.command.build_py import build_py
class fixed(build_py):
    def run(self):
        super().run()
        os.makedirs("build/lib/odd", exist_ok=True)
        open("build/lib/odd/made.py", "w").close()
command = {"build_py": fixed}
""",
    "build_sdist": """
from setuptools.command.sdist import sdist
class fixed(sdist):
    def make_release_tree(self, base_dir, files):
        super().make_release_tree(base_dir, files)
        os.makedirs("odd-1", exist_ok=True)
        open("odd-1/made.py", "w").close()
command = {"sdist": fixed}
""",
}


@pytest.mark.parametrize("hook", FIXED_PATHS)
def test_no_file_that_setuptools_would_ship_is_lost_silently(hook: str, tmp_path: Path) -> None:
    """A setup.py may write to where setuptools works by default, by a fixed path."""
    root = tmp_path / "root"
    (root / "odd").mkdir(parents=True)
    (root / "odd" / "__init__.py").touch()
    setup = 'setup(name="odd", version="1", packages=["odd"], cmdclass=command)\n'
    head = "import os\nfrom setuptools import setup\n"
    (root / "setup.py").write_text(head + FIXED_PATHS[hook] + setup)
    out = tmp_path / "out"
    directory = {hook.replace("build", "").strip("_") + "_directory": str(out)}
    outcome = call(root, hook, **directory).outcome
    assert outcome.error == "SystemExit"
    assert "made.py" in outcome.message
    assert "Take the directory from the command" in outcome.message
    assert not out.exists()
    plain = call(root, hook, PLAIN, **directory).outcome
    assert any(
        name.endswith("odd/made.py") or name == "odd-1/made.py"
        for name in names(out / plain.result)
    )


def test_what_is_written_beside_what_setuptools_collects_is_the_projects(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "odd").mkdir(parents=True)
    (root / "odd" / "__init__.py").touch()
    (root / "setup.py").write_text(
        "import os, shutil\nfrom setuptools import setup\n"
        "shutil.rmtree('build', ignore_errors=True)\nos.makedirs('build/lib/odd')\n"
        "os.makedirs('build/own')\nopen('build/own/cache', 'w').close()\n"
        'setup(name="odd", version="1", packages=["odd"])\n'
    )
    for hook, argument in (("build_wheel", "wheel"), ("build_sdist", "sdist")):
        directory = {f"{argument}_directory": str(tmp_path / "out")}
        assert call(root, hook, **directory).outcome.error == ""


def test_an_egg_base_that_config_settings_ask_for_stays_in_the_root(sample: Sample) -> None:
    root = sample("src_layout")
    (root / "asked").mkdir()
    call(
        root,
        "get_requires_for_build_wheel",
        config_settings={"--global-option": "egg_info --egg-base=asked"},
    )
    assert (root / "asked" / "src_layout.egg-info").is_dir()


def test_metadata_that_config_settings_ask_for_stays_in_the_root(
    sample: Sample, tmp_path: Path
) -> None:
    root = sample("src_layout")
    (root / "asked").mkdir()
    option = "dist_info --output-dir=asked --keep-egg-info"
    process = call(
        root,
        "build_wheel",
        wheel_directory=str(tmp_path / "out"),
        config_settings={"--build-option": option},
    )
    outcome_of(process)
    assert {path.name for path in (root / "asked").iterdir()} == {
        "src_layout-1.0.dist-info",
        "src_layout.egg-info",
    }


@pytest.mark.parametrize("hook", ["build_sdist", "build_wheel", "build_editable"])
def test_the_frontend_may_ask_for_the_artifact_in_the_root(hook: str, sample: Sample) -> None:
    root = sample("src_layout")
    before = snapshot(root)
    parameter = STANDARD[hook][0]
    artifact = outcome_of(call(root, hook, **{parameter: "."}))
    assert snapshot(root).keys() - before.keys() == {artifact}


@pytest.mark.parametrize("directory", [".", "meta", "src"])
@pytest.mark.parametrize("hook", ["wheel", "editable"])
def test_the_frontend_may_ask_for_the_metadata_in_the_root(
    directory: str, hook: str, sample: Sample
) -> None:
    made = []
    for backend in (PLAIN, OURS):
        root = sample("src_layout")
        before = snapshot(root)
        (root / directory).mkdir(exist_ok=True)
        hook_name = f"prepare_metadata_for_build_{hook}"
        process = call(root, hook_name, backend, metadata_directory=directory)
        assert outcome_of(process) == "src_layout-1.0.dist-info"
        after = snapshot(root)
        assert {name: after[name] for name in before} == before
        made.append({name: after[name] for name in after.keys() - before.keys()})
        root.rename(root.with_name(backend))
    plain, ours = made
    # The file list is not part of the metadata, so a shortcut does without.
    for files in made:
        files.pop(f"{directory}/src_layout.egg-info/SOURCES.txt".removeprefix("./"), None)
    assert ours == plain


@pytest.mark.parametrize(
    "options",
    [
        {"--global-option": ["build", "--build-base=bb"]},
        {"--global-option": ["build_py", "--build-lib=bl"]},
        {"--build-option": ["--bdist-dir=bd", "--keep-temp"]},
    ],
)
def test_a_relative_directory_that_the_frontend_asks_for_is_no_loss(
    options: dict[str, list[str]], sample: Sample, tmp_path: Path
) -> None:
    process = call(
        sample("src_layout"), "build_wheel", wheel_directory=str(tmp_path), config_settings=options
    )
    assert outcome_of(process).endswith(".whl")


def test_what_a_killed_editable_install_has_left_gets_into_no_wheel(
    sample: Sample, tmp_path: Path
) -> None:
    root = sample("src_layout")
    with (root / "pyproject.toml").open("a") as file:
        file.write('[tool.setuptools.package-data]\n"*" = ["*"]\n')
    (root / "src" / "src_layout" / f"e.so.0123{SUFFIX}").touch()
    wheel = outcome_of(call(root, "build_wheel", wheel_directory=str(tmp_path)))
    assert not [name for name in names(tmp_path / wheel) if name.endswith(SUFFIX)]


def test_metadata_made_before_is_used(sample: Sample, tmp_path: Path) -> None:
    root = sample("src_layout")
    metadata, out = tmp_path / "metadata", tmp_path / "out"
    metadata.mkdir()
    name = outcome_of(
        call(root, "prepare_metadata_for_build_wheel", metadata_directory=str(metadata))
    )
    (metadata / name / "ADDED").write_text("by the frontend")
    wheel = outcome_of(
        call(
            root,
            "build_wheel",
            wheel_directory=str(out),
            metadata_directory=str(metadata / name),
        )
    )
    assert text(out / wheel, "ADDED") == "by the frontend"


def test_one_process_can_run_many_hooks(sample: Sample, tmp_path: Path) -> None:
    """As tox' backend process does; setuptools remembers the directories it has made."""
    process = HookProcess(OURS, sample("src_layout"))
    outcomes = process(
        *[
            ("build_wheel", {"wheel_directory": str(tmp_path / "a")}),
            ("build_sdist", {"sdist_directory": str(tmp_path / "a")}),
        ]
        * 3,
        ("prepare_metadata_for_build_wheel", {"metadata_directory": str(tmp_path)}),
        ("build_editable", {"wheel_directory": str(tmp_path / "b")}),
    )
    assert [outcome.error for outcome in outcomes] == [""] * 8
    assert len(names(tmp_path / "a" / "src_layout-1.0.tar.gz")) > 10


def test_nothing_in_the_process_stays_changed(sample: Sample, tmp_path: Path) -> None:
    script = f"""
        import json, os, sys, tempfile
        import distutils.core, setuptools.build_meta
        from importlib.machinery import SourceFileLoader
        from setuptools.command import bdist_wheel, build, egg_info, sdist
        from distutils import cmd, dir_util, filelist
        from distutils.command import build as b, sdist as s

        def state():
            seen = {{}}
            for owner in (cmd.Command, dir_util, filelist.FileList, filelist._UniqueDirs, b.build,
                          s.sdist, egg_info.egg_info, egg_info.FileList, egg_info.manifest_maker,
                          sdist.sdist, build.build, bdist_wheel.bdist_wheel, SourceFileLoader):
                seen.update({{(owner.__name__, n): id(v) for n, v in vars(owner).items()}})
            seen["cwd"] = os.getcwd()
            seen["argv"] = list(sys.argv)
            seen["environ"] = {{k: v for k, v in os.environ.items() if k != "PLAT"}}  # distutils'
            seen["tempdir"] = tempfile.tempdir
            return seen

        import isolated_backend
        before = state()
        isolated_backend.build_sdist({str(tmp_path)!r})
        try:
            isolated_backend.build_wheel({str(tmp_path)!r}, {{"--build-option": "--nonsense"}})
        except SystemExit:
            pass
        after = state()
        changed = [str(n) for n in before.keys() | after.keys() if before.get(n) != after.get(n)]
        print()
        print(json.dumps(changed))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=sample("odd_setup"),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout.splitlines()[-1]) == []


def test_hooks_of_one_process_may_be_called_from_threads(sample: Sample, tmp_path: Path) -> None:
    script = f"""
        import threading
        import isolated_backend
        barrier, results = threading.Barrier(6), []
        def build(number):
            barrier.wait()
            if number % 2:
                results.append(isolated_backend.build_sdist({str(tmp_path)!r} + f"/{{number}}"))
            else:
                results.append(isolated_backend.build_wheel({str(tmp_path)!r} + f"/{{number}}"))
        threads = [threading.Thread(target=build, args=[number]) for number in range(6)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        assert len(results) == 6, results
    """
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], cwd=sample("src_layout"), check=True
    )
    assert len({tuple(names(path)) for path in tmp_path.glob("?/*.whl")}) == 1
    assert len(list(tmp_path.glob("?/*.tar.gz"))) == 3


def test_a_setup_py_that_builds_itself_does_not_wait_for_itself(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "pyproject.toml").write_text("[build-system]\nrequires = []\n")
    (root / "setup.py").write_text(
        textwrap.dedent("""
            import os, subprocess, sys
            from setuptools import setup
            if "NESTED" not in os.environ:
                code = "import isolated_backend as b, sys; b.build_sdist(sys.argv[1])"
                subprocess.run([sys.executable, "-c", code, os.environ["OUT"]], check=True,
                               env=dict(os.environ, NESTED="1"))
            setup(name="nested", version="1", py_modules=[])
        """)
    )
    process = HookProcess(OURS, root, environment={"OUT": str(tmp_path / "inner")})
    (outcome,) = process(("build_sdist", {"sdist_directory": str(tmp_path / "outer")}))
    assert outcome.error == ""
    assert names(tmp_path / "inner" / outcome.result) == names(tmp_path / "outer" / outcome.result)


@pytest.mark.parametrize(
    ("pyproject", "environment", "message"),
    [
        ("[tool.isolated-backend]\nnonsense = 1\n", {}, "has no key `nonsense`"),
        ("[tool.isolated-backend]\nkeep = 'x'\n", {}, "must be true or false"),
        ("[tool.isolated-backend\n", {}, "is not valid TOML"),
        ("", {"TMPDIR": "/not/there"}, "TMPDIR=/not/there is not a directory"),
    ],
)
def test_a_users_mistake_is_one_sentence(
    pyproject: str, environment: dict[str, str], message: str, sample: Sample, tmp_path: Path
) -> None:
    root = sample("src_layout")
    with (root / "pyproject.toml").open("a") as file:
        file.write(pyproject)
    before = snapshot(root)
    process = HookProcess(OURS, root, environment=environment)
    (outcome,) = process(("build_sdist", {"sdist_directory": str(tmp_path / "out")}))
    assert outcome.error == "SystemExit"
    assert outcome.message.startswith("isolated-backend: ")
    assert message in outcome.message
    assert "\n" not in outcome.message
    assert snapshot(root) == before
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("how", ["SystemExit from distutils", "OSError", "of several files"])
def test_a_full_disk_is_named(how: str, sample: Sample, tmp_path: Path) -> None:
    root = sample("src_layout")
    in_setup = "" if how == "OSError" else "class egg_info(egg_info):\n    def run(self): "
    in_copytree = "shutil.Error([('from', 'to', str(full))])"
    (root / "setup.py").write_text(
        "import errno, shutil\n"
        "from setuptools import setup\n"
        "from setuptools.command.egg_info import egg_info\n"
        "full = OSError(errno.ENOSPC, 'No space left on device')\n"
        f"{in_setup}raise {in_copytree if how == 'of several files' else 'full'}\n"
        "setup(cmdclass={'egg_info': egg_info})\n"
    )
    message = outcome_of(call(root, "build_sdist", sdist_directory=str(tmp_path / "out")))
    assert "No space left on the device while building in" in message
    assert os.environ["TMPDIR"] in message
    assert not (tmp_path / "out").exists()


def test_setuptools_own_errors_come_through_as_they_are(sample: Sample, tmp_path: Path) -> None:
    root = sample("src_layout")
    (root / "setup.py").write_text("raise KeyError('the project itself')\n")
    found = []
    for backend in (PLAIN, OURS):
        process = call(root, "build_sdist", backend, sdist_directory=str(tmp_path / "out"))
        found.append(process.outcome)
    assert found[0] == found[1]
    assert found[1].error == "KeyError"
    assert [path for path in Path(os.environ["TMPDIR"]).rglob("*") if path.is_file()] == [
        *Path(os.environ["TMPDIR"]).rglob("0.lock")
    ]


def test_the_shadow_can_be_kept_and_is_named(sample: Sample, tmp_path: Path) -> None:
    root = sample("src_layout")
    process = HookProcess(OURS, root, environment={"ISOLATED_BACKEND_KEEP": "1"})
    (outcome,) = process(("build_wheel", {"wheel_directory": str(tmp_path)}))
    (line,) = [line for line in process.output.splitlines() if "keeping the shadow" in line]
    kept = Path(line.partition(" in ")[2])
    assert (kept / "build" / "lib" / "src_layout" / "__init__.py").exists()
    assert (tmp_path / outcome.result).exists()


@pytest.mark.parametrize("where", ["tmp", ".", "src"])
def test_tmpdir_may_lie_inside_the_root(where: str, sample: Sample, tmp_path: Path) -> None:
    """The shadow is then in the tree, but in no file list, and the tree is as it was."""
    root = sample("src_layout")
    (root / "MANIFEST.in").write_text("graft src\nrecursive-include . *.py\nglobal-include *\n")
    (root / where).mkdir(exist_ok=True)
    built = []
    for backend in (PLAIN, OURS):
        here = Path(root).rename(root.with_name(f"{backend}-root"))
        here = here.rename(root)
        environment = {"TMPDIR": str(here / where)}
        process = HookProcess(backend, here, pristine=None, environment=environment)
        before = snapshot(here)
        outcomes = process(
            ("build_sdist", {"sdist_directory": str(tmp_path / backend)}),
            ("build_wheel", {"wheel_directory": str(tmp_path / backend)}),
            ("build_editable", {"wheel_directory": str(tmp_path / backend / "editable")}),
        )
        assert [outcome.error for outcome in outcomes] == [""] * 3, process.output
        built.append([names(tmp_path / backend / outcome.result) for outcome in outcomes[:2]])
        if backend == OURS:
            appeared = snapshot(here).keys() - before.keys()
            assert {name for name in appeared if "isolated-backend." not in name} == set()
        else:
            for left in (*here.glob("**/*.egg-info"), here / "build"):
                subprocess.run(["rm", "-rf", str(left)], check=True)
    assert built[0] == built[1]
