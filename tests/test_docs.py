"""What holds for the pages without running them; integration/test_docs.py runs their commands."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from integration.pictures import architecture

import pages
from pages import Block

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_LINK = re.compile(
    r"""\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)|(?:src|srcset|href)="([^"]+)""", re.MULTILINE
)


def test_no_command_escapes_being_run() -> None:
    escaped = [
        str(block)
        for page in pages.pages()
        for block, begun in _with_project(page)
        if not _is_run(block, begun=begun)
    ]
    assert escaped == []


def test_a_command_that_nobody_runs_is_found(tmp_path: Path) -> None:
    """The control."""
    page = tmp_path / "page.md"
    texts = ["```console\n$ ls\n```\n", "```\n$ ls\n```\n", "    $ ls\n", "```yaml\na: 1\n```\n"]
    texts += ["```{code-block} sh\nls\n```\n", "- a\n\n  ```bash\n  ls\n  ```\n"]
    for text in texts:
        page.write_text(text)
        ((block, begun),) = _with_project(page)
        assert not _is_run(block, begun=begun), text
    page.write_text("<!-- begin: empty -->\n" + texts[0])
    ((block, begun),) = _with_project(page)
    assert _is_run(block, begun=begun)


def _with_project(page: Path) -> list[tuple[Block, bool]]:
    """Return the blocks of *page*, and whether there is a project to run each in."""
    found, begun = [], False
    for block in pages.blocks(page):
        begun = begun or "begin" in block.marks
        found.append((block, begun))
    return found


def _is_run(block: Block, *, begun: bool) -> bool:
    if block.language in pages.COMMANDS:
        return begun or "long" in block.marks or "suite" in block.marks
    if block.language in pages.JOBS:
        return begun and "jobs" in block.marks
    return not re.search(r"^\s*(\$|>|%) ", block.text, re.MULTILINE)


def test_shown_toml_is_toml() -> None:
    for page in pages.pages():
        for block in pages.blocks(page):
            if block.language == "toml":
                tomllib.loads(block.text)


def test_the_test_command_is_what_continuous_integration_runs() -> None:
    script = (pages.REPOSITORY / ".ci" / "run").read_text().replace("--quiet ", "")
    suites = [
        command
        for page in pages.pages()
        for block in pages.blocks(page)
        if "suite" in block.marks
        for line in block.commands
        for command in line.split(" && ")
    ]
    assert suites
    for command in suites:
        assert command in script.splitlines()


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_lead_somewhere(name: str) -> None:
    """Of the pages that are not Sphinx', which holds its own to that."""
    page = pages.REPOSITORY / name
    for found in _LINK.findall(page.read_text(encoding="utf-8")):
        (link,) = filter(None, found)
        if not link.startswith(("https:", "http:")):
            path, _, anchor = link.partition("#")
            target = page.parent / path if path else page
            assert target.is_file(), link
            assert not anchor or anchor in _anchors(target), link


def _anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}


def test_the_architecture_names_each_module() -> None:
    """And none that there is not. Those of the command line are one entry."""
    _, _, table = (
        (pages.REPOSITORY / "docs/architecture.md").read_text("utf-8").partition("## Modules")
    )
    rows = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    named = [name for row in rows for name in re.findall(r"`([^`]+)`", row)]
    package = pages.REPOSITORY / "src" / "isolated_backend"
    paths = [path.relative_to(package) for path in package.rglob("*.py")]
    modules = [
        path.as_posix()
        for path in paths
        if path.parts[0] != "cli" and (len(path.parts) == 1 or path.name != "__init__.py")
    ]
    assert sorted(named) == sorted([*modules, "cli/"])


@pytest.mark.parametrize("scheme", architecture.draw())
def test_the_architecture_is_drawn_as_the_script_draws_it(scheme: str) -> None:
    drawn = (pages.REPOSITORY / f"docs/pictures/architecture-{scheme}.svg").read_text("utf-8")
    assert drawn == architecture.draw()[scheme], "run: python -m integration.pictures architecture"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_picture_of_a_check_fetches_nothing(scheme: str) -> None:
    text = (pages.REPOSITORY / f"docs/pictures/check-{scheme}.svg").read_text("utf-8")
    assert "url(http" not in text
    assert "isolated_backend" in text
