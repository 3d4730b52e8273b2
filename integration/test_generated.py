"""Promise 3 for projects that nobody wrote: whatever the layout, the artifact is setuptools'."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, seed, settings

from backends import OURS, PLAIN, HookServer
from trial import Made, differences, make

from .generated import Circumstances, Project, circumstances, projects

LONG = [pytest.param(125, number, marks=pytest.mark.long) for number in range(1, 5)]

PROFILE = settings(
    database=None, deadline=None, suppress_health_check=list(HealthCheck), print_blob=False
)

Servers = tuple[HookServer, HookServer]


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    """Setuptools and ours."""
    plain, ours = (HookServer(backend, tmp_path / "root") for backend in (PLAIN, OURS))
    with plain, ours:
        yield plain, ours


@pytest.mark.parametrize(("examples", "number"), [(12, 0), *LONG])
def test_generated_projects(
    examples: int,
    number: int,
    servers: Servers,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    """No difference, and an untouched root; those of a *number* are always the same projects."""
    seen: Counter[str] = Counter()

    @seed(number)
    @settings(PROFILE, max_examples=examples)
    @given(projects(), circumstances)
    def holds(project: Project, at: Circumstances) -> None:
        with TemporaryDirectory(dir=tmp_path) as place:
            project.write(Path(place, "pristine"))
            plain, ours = (_made(server, Path(place), at) for server in servers)
            epoch = at.variables.get("SOURCE_DATE_EPOCH")
            assert differences(plain, ours, _left_by_editable(plain), epoch) == []
        seen["projects"] += 1
        seen["hooks that setuptools refuses"] += len(plain.failures)

    holds()
    record_property("figures", dict(seen))
    assert seen["hooks that setuptools refuses"] < seen["projects"] * 4  # or this would say little


def _made(server: HookServer, place: Path, at: Circumstances) -> Made:
    server.pristine = place / "pristine"
    server.environment, server.umask = at.variables, at.umask
    return make(server, place / server.backend)


def _left_by_editable(plain: Made) -> set[str]:
    """Return the paths of what an editable install has to build in place."""
    changed = plain.outcomes["build_editable"].changed
    built = {path for path in changed if path.endswith(".so")}
    return built | {path for path in changed if any(name.startswith(f"{path}/") for name in built)}


def test_a_difference_is_found(servers: Servers, tmp_path: Path) -> None:
    """The control: the same comparison of two projects that differ in one letter, and in a mode."""
    made: list[Made] = []
    for server, letter, mode in zip(servers, "dD", (0o644, 0o755), strict=True):
        place = tmp_path / server.backend
        template = ["include data.txt"]
        files = {"@demo/mod.py": 0o644, "data.txt": mode}
        Project(files=files, template=template).write(place / "pristine")
        (place / "pristine" / "demo" / "mod.py").write_text(f"# {letter}\n")
        made.append(_made(server, place, Circumstances()))
    one, two = made
    found = differences(one, two)
    for expected in ("build_sdist: demo-1/demo/mod.py", "data.txt", "build_wheel: demo/mod.py"):
        assert any(expected in line for line in found), found
