"""The house: three layers, each of which can be deleted without touching the one below."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import isolated_backend

PACKAGE = Path(isolated_backend.__file__).parent
NAME = "isolated_backend"

#: The most lines that a layer and a module may have: what they have today, and to become fewer.
MOST_LINES = {"core": 2917, "writers": 1450, "shortcuts": 930}
LONGEST_MODULE = 250


def modules() -> dict[str, Path]:
    """Return the files of the package without the command line, by the modules' names."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        *parents, stem = path.relative_to(PACKAGE).with_suffix("").parts
        if not parents or parents[0] != "cli":
            name = [NAME, *parents, *([stem] if stem != "__init__" else [])]
            found[".".join(name)] = path
    return found


def layer(module: str) -> str:
    part = [*module.split("."), ""][1]
    return part if part in ("writers", "shortcuts", "cli") else "core"


def imports(module: str, path: Path) -> Iterator[str]:
    """Yield the modules of the package that *module* imports, at its top or in a function.

    What only type checkers see is no import.
    """
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    known = modules()
    pending: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            pending += node.orelse
            continue
        pending += ast.iter_child_nodes(node)
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        parts = package.split(".")[: len(package.split(".")) + 1 - node.level]
        base = ".".join([*parts, *([node.module] if node.module else [])])
        for alias in node.names:
            submodule = f"{base}.{alias.name}"
            yield submodule if submodule in known else base


def graph() -> dict[str, set[str]]:
    return {module: set(imports(module, path)) for module, path in modules().items()}


def test_the_core_imports_the_other_layers_at_one_seam() -> None:
    seams = {
        (module, layer(imported))
        for module, found in graph().items()
        for imported in found
        if layer(module) == "core" and layer(imported) != "core"
    }
    assert seams == {(f"{NAME}.hook", "writers"), (f"{NAME}.hook", "shortcuts")}


def test_the_other_layers_do_not_know_each_other() -> None:
    for module, found in graph().items():
        strangers = {layer(imported) for imported in found} - {"core", layer(module)}
        if layer(module) != "core":
            assert not strangers, module


def test_no_modules_import_each_other_in_a_circle() -> None:
    found = graph()
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join([*path[path.index(module) :], module])
        if module not in done:
            for imported in sorted(found[module] - {module}):
                visit(imported, (*path, module))
            done.add(module)

    for module in found:
        visit(module, ())


@pytest.mark.parametrize("name", MOST_LINES)
def test_a_layer_can_be_read(name: str) -> None:
    lines = {
        module: len(path.read_text(encoding="utf-8").splitlines())
        for module, path in modules().items()
        if layer(module) == name
    }
    assert max(lines.values()) <= LONGEST_MODULE, max(lines, key=lambda module: lines[module])
    assert sum(lines.values()) <= MOST_LINES[name]
