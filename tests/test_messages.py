"""What a build says: as much as setuptools does, and where setuptools does."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from backends import OURS, HookProcess
from isolated_backend import messages

Sample = Callable[[str], Path]
Settings = Mapping[str, str | list[str] | None]

PREFIX = "isolated-backend: "

DEFAULT: list[Settings | None] = [None, {}, {"quiet": "no", "verbose": "false"}]
QUIET: list[Settings] = [
    {"--quiet": ""},
    {"quiet": "1"},
    {"verbose": "no"},
    {"--global-option": "-q"},
    {"--global-option": ["--quiet"]},
]
VERBOSE: list[Settings] = [
    {"--verbose": None},
    {"verbose": "1"},
    {"quiet": "off"},
    {"--global-option": "-v"},
    {"--global-option": ["--verbose"]},
]


def said(root: Path, out: Path, settings: Settings | None) -> tuple[list[str], str]:
    """Return the lines of ours that building an sdist prints, and the standard error stream."""
    arguments = {"sdist_directory": str(out), "config_settings": settings}
    command = HookProcess(OURS, root).command(("build_sdist", arguments))
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "error" not in json.loads(done.stdout.splitlines()[-1])[0]
    return [line for line in done.stdout.splitlines() if line.startswith(PREFIX)], done.stderr


@pytest.mark.parametrize("settings", DEFAULT)
def test_one_line_says_what_was_built_and_where_it_is(
    settings: Settings | None, sample: Sample, tmp_path: Path
) -> None:
    lines, errors = said(sample("src_layout"), tmp_path / "out", settings)
    made = "src_layout-1.0.tar.gz was built in isolation and is in"
    assert lines == [f"{PREFIX}{made} {tmp_path / 'out'}"]
    assert PREFIX not in errors


@pytest.mark.parametrize("settings", QUIET)
def test_quiet_is_quiet(settings: Settings, sample: Sample, tmp_path: Path) -> None:
    lines, errors = said(sample("src_layout"), tmp_path / "out", settings)
    assert lines == []
    assert PREFIX not in errors


@pytest.mark.parametrize("settings", VERBOSE)
def test_verbose_tells_what_was_redirected(
    settings: Settings, sample: Sample, tmp_path: Path
) -> None:
    root = sample("src_layout")
    (where, *moved, last), errors = said(root, tmp_path / "out", settings)
    shadow = where.rpartition(" went to ")[2]
    assert where == f"{PREFIX}what setuptools would write in {root} went to {shadow}"
    assert shadow.startswith(str(tmp_path / "temporary"))
    for name in ("src/src_layout.egg-info", "src_layout-1.0"):
        assert f"{PREFIX}{name} -> {shadow}/{name}" in moved
    assert "was built in isolation" in last
    assert PREFIX not in errors


def test_a_verbose_build_that_fails_tells_it_too(sample: Sample, tmp_path: Path) -> None:
    root = sample("src_layout")
    (root / "setup.py").write_text(
        "import setuptools\nsetuptools.setup()\nraise SystemExit('no')\n"
    )
    process = HookProcess(OURS, root)
    arguments = {"wheel_directory": str(tmp_path), "config_settings": {"verbose": "1"}}
    (outcome,) = process(("build_wheel", arguments))
    assert outcome.message == "no"
    assert f"{PREFIX}build -> " in process.output
    assert "was built" not in process.output


def test_a_configuration_file_makes_it_quiet(sample: Sample, tmp_path: Path) -> None:
    root = sample("src_layout")
    (root / "setup.cfg").write_text("[global]\nquiet = 1\n")
    lines, _ = said(root, tmp_path / "out", None)
    assert lines == []


def test_each_hook_of_a_process_is_as_verbose_as_it_is_to_be(
    sample: Sample, tmp_path: Path
) -> None:
    """As in tox, which calls many."""
    process = HookProcess(OURS, sample("src_layout"))
    process(
        *(
            ("build_wheel", {"wheel_directory": str(tmp_path / name), "config_settings": settings})
            for name, settings in (("a", {"quiet": ""}), ("b", {}), ("c", {"quiet": "1"}))
        )
    )
    lines = [line for line in process.output.splitlines() if line.startswith(PREFIX)]
    made = "src_layout-1.0-py3-none-any.whl was built in isolation and is in"
    assert lines == [f"{PREFIX}{made} {tmp_path / 'b'}"]


def test_a_frontend_prints_it(sample: Sample, tmp_path: Path) -> None:
    root = sample("src_layout")
    toml = (root / "pyproject.toml").read_text().replace("setuptools.build_meta", OURS)
    (root / "pyproject.toml").write_text(toml)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(tmp_path / "out")]
    done = subprocess.run([*command, str(root)], capture_output=True, text=True, check=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith(PREFIX)]
    assert len(lines) == 2
    assert all(line.endswith(f" is in {tmp_path / 'out'}") for line in lines)


def test_what_another_process_is_called_is_not_obeyed(capfd: pytest.CaptureFixture[str]) -> None:
    messages.tell("waiting for process 7 (\x1b]0;x\x07 \u202e größe \udcff)")
    shown = capfd.readouterr().err
    assert shown == PREFIX + r"waiting for process 7 (\x1b]0;x\x07 \u202e größe \udcff)" + "\n"
