"""[tool.isolated-backend] and the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from isolated_backend.errors import SettingsError
from isolated_backend.settings import Settings


def read(root: Path, text: str) -> Settings:
    (root / "pyproject.toml").write_text(text)
    return Settings.read(str(root))


def test_without_a_table_or_a_file_the_defaults_hold(tmp_path: Path) -> None:
    defaults = vars(Settings())
    assert vars(Settings.read(str(tmp_path))) == defaults
    assert vars(read(tmp_path, "[project]\nname = 'x'\n")) == defaults
    assert vars(read(tmp_path, "# isolated-backend is only mentioned\n")) == defaults


def test_the_table_is_read(tmp_path: Path) -> None:
    text = "[tool.isolated-backend]\nkeep = true\nin-tree-writes = 'lock'\nlock-timeout = 5\n"
    expected = Settings(keep=True, in_tree_writes="lock", lock_timeout=5.0)
    assert vars(read(tmp_path, text)) == vars(expected)


@pytest.mark.parametrize(
    "text",
    [
        '[tool."isolated-backend"]\nkeep = true\n',
        "  [ tool . 'isolated-backend' ]\nkeep = true\n",
        "[tool]\nisolated-backend = {keep = true}\n",
        '[tool]\n"isolated-backend" . keep = true\n',
        "tool.isolated-backend.keep = true\n",
        "tool = {x = 'isolated-backend', isolated-backend = {keep = true}}\n",
    ],
)
def test_the_table_is_found_however_it_is_written(text: str, tmp_path: Path) -> None:
    assert read(tmp_path, text).keep


@pytest.mark.parametrize(("value", "keep"), [("1", True), ("yes", True), ("0", False), ("", False)])
def test_the_environment_wins(
    value: str, keep: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ISOLATED_BACKEND_KEEP", value)
    text = f"[tool.isolated-backend]\nkeep = {str(not keep).lower()}\n"
    assert read(tmp_path, text).keep is keep


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tool.isolated-backend]\nkep = true\n", r"has no key `kep`; it knows `keep`"),
        (
            "[tool.isolated-backend]\nin-tree-writes = 'no'\n",
            r"one of 'auto', 'lock', 'private', 'allow', not",
        ),
        ("[tool.isolated-backend]\nin-tree-writes = 1\n", r"must be one of 'auto', .*, not 1"),
        ("[tool.isolated-backend]\nlock-timeout = 'x'\n", r"must be a number .*, not 'x'"),
        ("[tool.isolated-backend]\nlock-timeout = -1\n", r"not negative, not -1"),
        ("[tool.isolated-backend]\nlock-timeout = nan\n", r"not negative, not nan"),
        ("[tool.isolated-backend]\nkeep = 1\n", r"`keep` .* must be true or false, not 1"),
        ("[tool.isolated-backend]\nkeep = 'yes'\n", r"must be true or false, not 'yes'"),
        ("[tool]\nisolated-backend = 3\n", r"\[tool.isolated-backend\] must be a table"),
        ("tool = 'isolated-backend = 1'\n", r"`tool` must be a table"),
        ("[tool.isolated-backend\n", r"pyproject.toml is not valid TOML: .*line 1"),
    ],
)
def test_what_cannot_be_said_is_refused_in_a_sentence(
    text: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match=message):
        read(tmp_path, text)


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b"[tool.isolated-backend]\nkeep = '\xff'\n")
    with pytest.raises(SettingsError, match="not valid TOML"):
        Settings.read(str(tmp_path))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").mkdir()
    with pytest.raises(SettingsError, match=r"Cannot read .*pyproject.toml: Is a directory"):
        Settings.read(str(tmp_path))
