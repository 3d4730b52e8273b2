"""What an editable install leaves in the root is in use while the next one is made."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from backends import OURS, HookProcess

Sample = Callable[[str], Path]

STRICT = {"editable-mode": "strict"}


def tree_of(root: Path) -> Path:
    (tree,) = (root / "build").iterdir()
    return tree


def build(root: Path, out: Path, **config_settings: str) -> None:
    process = HookProcess(OURS, root)
    arguments = {"wheel_directory": str(out), "config_settings": config_settings}
    (outcome,) = process(("build_editable", arguments))
    assert outcome.error == "", process.output


def links(root: Path) -> dict[str, str]:
    tree = tree_of(root)
    return {
        str(path.relative_to(tree)): os.readlink(path)
        for path in tree.rglob("*")
        if path.is_symlink()
    }


def test_a_strict_install_is_renewed_in_place(sample: Sample, tmp_path: Path) -> None:
    root = sample("src_layout")
    build(root, tmp_path / "out", **STRICT)
    before = links(root)
    assert set(before) >= {"src_layout/__init__.py", "src_layout/sub/deep.py"}

    package = root / "src" / "src_layout"
    (package / "new.py").touch()
    (package / "sub" / "deep.py").unlink()  # was a file
    (package / "sub" / "deep").mkdir()
    (package / "sub" / "deep" / "__init__.py").touch()
    shutil.rmtree(package / "data")
    (package / "data.py").touch()
    build(root, tmp_path / "out", **STRICT)

    after = links(root)
    assert "src_layout/new.py" in after
    assert "src_layout/sub/deep/__init__.py" in after
    assert "src_layout/sub/deep.py" not in after
    assert not (tree_of(root) / "src_layout" / "data").exists()
    assert [path for path in root.rglob("*") if "isolated-backend" in path.name] == []


def test_a_file_and_a_directory_may_change_places(sample: Sample, tmp_path: Path) -> None:
    root = sample("src_layout")
    build(root, tmp_path / "out", **STRICT)
    tree = tree_of(root) / "src_layout"
    (tree / "__init__.py").unlink()
    (tree / "__init__.py").mkdir()
    shutil.rmtree(tree / "sub")
    (tree / "sub").touch()
    build(root, tmp_path / "out", **STRICT)
    assert (tree / "__init__.py").is_symlink()
    assert (tree / "sub" / "__init__.py").is_symlink()


def test_nothing_that_is_needed_is_missing_meanwhile(sample: Sample, tmp_path: Path) -> None:
    """While the link tree is renewed, every file that stays is there at every instant."""
    root = sample("src_layout")
    build(root, tmp_path / "out", **STRICT)
    tree = tree_of(root)
    script = f"""
        import json, os, sys
        missing = set()
        needed = [os.path.join({str(tree)!r}, name) for name in {sorted(links(root))!r}]
        def look(event, arguments):
            if event.startswith(("os.", "open")):
                missing.update(path for path in needed if not os.path.lexists(path))
        sys.addaudithook(look)
        import isolated_backend
        isolated_backend.build_editable({str(tmp_path / "out")!r}, {STRICT!r})
        print()
        print(json.dumps(sorted(missing)))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=root,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout.splitlines()[-1]) == []


def test_an_interpreter_keeps_the_extension_that_it_has_loaded(
    sample: Sample, tmp_path: Path
) -> None:
    root = sample("c_extension")
    build(root, tmp_path / "out")
    script = "import sys, spam._eggs as e; print(e.eggs(), flush=True)\n"
    script += "sys.stdin.readline(); print(e.eggs(), flush=True)"
    running = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert running.stdout is not None
    assert running.stdout.readline() == "7\n"
    source = root / "ham" / "ham.c"
    source.write_text(source.read_text().replace("7", "8"))
    build(root, tmp_path / "out")
    assert running.communicate("\n")[0] == "7\n"
    assert running.returncode == 0
    renewed = subprocess.run(
        [sys.executable, "-c", script],
        cwd=root,
        input="\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert renewed.stdout == "8\n8\n"


def test_what_a_killed_install_has_left_beside_an_extension_is_removed(
    sample: Sample, tmp_path: Path
) -> None:
    """It was killed while it copied: the passing name is hidden in the package."""
    root = sample("c_extension")
    build(root, tmp_path / "out")
    (extension,) = root.glob("spam/_eggs*.so")
    left = extension.with_name(f"{extension.name}.1234.isolated-backend-new")
    left.write_text("half")
    source = root / "ham" / "ham.c"
    source.write_text(source.read_text().replace("7", "8"))
    build(root, tmp_path / "out")
    assert not left.exists()
    assert list(root.rglob("*isolated-backend*")) == []


@pytest.mark.parametrize("older", [True, False])
def test_what_is_up_to_date_in_the_root_is_not_copied_again(
    older: bool, sample: Sample, tmp_path: Path
) -> None:
    """A project's own command may copy into the tree; distutils skips what is not newer."""
    root = sample("src_layout")
    (root / "setup.py").write_text(
        textwrap.dedent("""
            from setuptools import setup
            from setuptools.command.build_py import build_py
            class Copy(build_py):
                def run(self):
                    self.copy_file("README.md", "src")
                    super().run()
            setup(cmdclass={"build_py": Copy})
        """)
    )
    copy = root / "src" / "README.md"
    copy.write_text("newer")
    os.utime(root / "README.md", (1000, 1000 if older else 4000))
    os.utime(copy, (2000, 2000))
    process = HookProcess(OURS, root)
    (outcome,) = process(("build_wheel", {"wheel_directory": str(tmp_path / "out")}))
    assert outcome.error == "", process.output
    assert (copy.read_text() == "newer") is older
    assert list(root.rglob("*isolated-backend*")) == []
