"""The command line: arguments, errors in one sentence, exit statuses."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

import isolated_backend
from isolated_backend import cli

if TYPE_CHECKING:
    from pathlib import Path


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        cli.main(["--version"])
    assert exit_.value.code == 0
    assert capsys.readouterr().out == f"isolated-backend {isolated_backend.__version__}\n"


def _main_without(packages: str, *argv: str) -> subprocess.CompletedProcess[str]:
    """Run the command where *packages* cannot be imported."""
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({packages.split()}));"
        f"from isolated_backend.cli import main; sys.exit(main({list(argv)}))"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_help_needs_no_extra() -> None:
    assert "check" in _main_without("build rich tomlkit", "--help").stdout


def test_module_is_the_command() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "isolated_backend.cli", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.startswith("isolated-backend ")


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["check", "-n", "0"],
        ["check", "-n", "-1"],
        ["check", "-n", "x"],
        ["check", "--demo", "."],
        ["adopt", "--undo", "--in-tree", "_backend"],
    ],
)
def test_wrong_arguments_are_refused(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        cli.main(argv)
    assert exit_.value.code == 2
    assert "usage:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("package", "command"),
    [
        ("build", "check"),
        ("rich", "check"),
        ("tomlkit", "check"),
        ("tomlkit", "adopt"),
        ("rich", "status"),
        ("rich", "clean"),
    ],
)
def test_missing_extra_is_one_sentence(package: str, command: str) -> None:
    run = _main_without(package, command)
    assert run.returncode == 2
    assert not run.stdout
    assert run.stderr.count("\n") == 1
    assert f"`{command}` needs the package {package}" in run.stderr
    assert "pip install 'isolated-backend[cli]'" in run.stderr


def test_other_missing_modules_are_not_hidden() -> None:
    assert "ModuleNotFoundError" in _main_without("tarfile", "check").stderr


def test_error_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", str(tmp_path / "absent")]) == 2
    assert capsys.readouterr().err == (
        f"isolated-backend: {tmp_path / 'absent'} is not a directory.\n"
    )


@pytest.mark.parametrize("status", [0, 1])
def test_status_is_the_commands(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    check = importlib.import_module("isolated_backend.cli.check")
    given: list[object] = []

    def command(*args: object, **more: object) -> int:
        given.append((*args, more))
        return status

    monkeypatch.setattr(check, "command", command)
    assert cli.main(["check"]) == status
    assert cli.main(["check", "here", "-n", "3"]) == status
    assert cli.main(["check", "--demo"]) == status
    assert cli.main(["check", "--frontends", "uv,pip"]) == status
    assert cli.main(["check", "--json"]) == status
    assert given == [
        (".", 8, "build", {"as_json": False}),
        ("here", 3, "build", {"as_json": False}),
        (None, 8, "build", {"as_json": False}),
        (".", 8, "uv,pip", {"as_json": False}),
        (".", 8, "build", {"as_json": True}),
    ]


def test_interruption_is_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    check = importlib.import_module("isolated_backend.cli.check")
    monkeypatch.setattr(check, "command", _interrupted)
    assert cli.main(["check"]) == 130
    assert capsys.readouterr().err == "isolated-backend: interrupted.\n"


def _interrupted(*_: object, **__: object) -> int:
    raise KeyboardInterrupt


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to catch")
def test_sigterm_interrupts(monkeypatch: pytest.MonkeyPatch) -> None:
    check = importlib.import_module("isolated_backend.cli.check")
    monkeypatch.setattr(check, "command", lambda *_, **__: os.kill(os.getpid(), signal.SIGTERM))
    before = signal.getsignal(signal.SIGTERM)
    assert cli.main(["check"]) == 130
    assert signal.getsignal(signal.SIGTERM) is before


def test_runs_in_a_thread(tmp_path: Path) -> None:
    statuses: list[int] = []
    thread = threading.Thread(
        target=lambda: statuses.append(cli.main(["check", str(tmp_path / "absent")]))
    )
    thread.start()
    thread.join()
    assert statuses == [2]
