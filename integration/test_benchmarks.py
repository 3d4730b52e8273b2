"""The benchmarks measure: the smallest project, one pair, real frontends."""

from __future__ import annotations

from pathlib import Path

from .benchmarks.__main__ import main
from .benchmarks.contestants import CONTESTANTS, COPY, FLOCK, OURS, PLAIN
from .benchmarks.results import Results
from .benchmarks.scenario import Scenario
from .benchmarks.tasks import TASKS
from .benchmarks.trees import TREES


def test_the_smallest_project(tmp_path: Path, whole_machine: None) -> None:
    results, page = tmp_path / "results.json", tmp_path / "page.md"
    options = ["--trees", "30", "--pairs", "1", "--cache", str(tmp_path / "cache")]
    options += ["--results", str(results), "--markdown", str(page)]
    hooks = ["hooks", "--tasks", "hooks-wheel", "--contestants", "setuptools,hatchling"]
    load = ["load", "--tasks", "build-wheel", "--at-once", "2", "--contestants", "flock,copy"]
    assert main([*hooks, *options]) == 0
    assert main([*load, *options]) == 0

    tree, (wheel, frontend) = TREES["30"], (TASKS["hooks-wheel"], TASKS["build-wheel"])
    alone = Results(results).find(Scenario(tree, wheel))
    together = Results(results).find(Scenario(tree, frontend, 2))
    assert alone is not None
    assert together is not None
    assert set(alone.rounds) == {OURS, PLAIN, CONTESTANTS["hatchling"]}
    assert set(together.rounds) == {OURS, FLOCK, COPY}
    for record in (alone, together):
        for contestant, (measurement,) in record.rounds.items():
            assert measurement.failed == 0, (contestant, measurement.error)
            cost = measurement.cost
            assert min(cost.wall, cost.cpu, cost.memory) > 0
    for hook in wheel.hooks:
        assert alone.ratio(PLAIN, step=hook)
    assert "setuptools under `flock`" in page.read_text()
