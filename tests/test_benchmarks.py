"""The benchmarks' own arithmetic: pairs, turns, limits, tables; and that a cost is a cost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from integration.benchmarks import limits, plan, plot, ratios, report, trees
from integration.benchmarks.__main__ import main
from integration.benchmarks.contestants import CONTESTANTS, COPY, FLOCK, OURS, PLAIN
from integration.benchmarks.errors import UnavailableError
from integration.benchmarks.limits import LIMITS, Finding
from integration.benchmarks.measurement import Cost, Measurement
from integration.benchmarks.plan import Choice
from integration.benchmarks.results import Record, Results
from integration.benchmarks.rounds import order
from integration.benchmarks.scenario import Scenario
from integration.benchmarks.tasks import TASKS
from integration.benchmarks.trees import TREES
from integration.corpus.errors import CorpusError

MEGABYTE = 1 << 20
LAUNCHER = Path(ratios.__file__).with_name("launcher.py")


def record(
    tree: str,
    task: str,
    seconds: Mapping[str, list[float]],
    at_once: int = 1,
    memory: Mapping[str, int] | None = None,
    failed: Mapping[str, int] | None = None,
) -> Record:
    """Return a record of rounds that took so long; each hook takes its equal share."""
    scenario = Scenario(TREES[tree], TASKS[task], at_once)
    hooks = scenario.task.hooks if at_once == 1 else ()

    def measurement(name: str, wall: float) -> Measurement:
        peak = (memory or {}).get(name, 30 * MEGABYTE)
        failures = (failed or {}).get(name, 0)
        return Measurement(
            Cost(wall, wall / 2, peak),
            {hook: Cost(wall / len(hooks), wall / 2 / len(hooks), peak) for hook in hooks},
            failures,
            "no such file" if failures else "",
        )

    return Record(
        scenario,
        taken="2026-01-02",
        source="abc",
        machine={"processor": "P", "cores": 2},
        versions={"setuptools": "84"},
        rounds={
            CONTESTANTS[name]: [measurement(name, wall) for wall in walls]
            for name, walls in seconds.items()
        },
    )


@pytest.fixture
def results(tmp_path: Path) -> Results:
    return Results(tmp_path / "results.json")


# --- pairs --------------------------------------------------------------------------------------


def test_the_ratio_is_the_median_of_those_of_the_pairs() -> None:
    # The ratio of the medians would be 1.
    ratio = ratios.of_pairs([1.0, 2.0, 3.0], [2.0, 8.0, 1.0])
    assert ratio is not None
    assert (ratio.median, ratio.low, ratio.high, ratio.pairs) == (0.5, 0.375, 1.75, 3)
    assert str(ratio) == "0.50 (0.38 to 1.75)"


def test_a_round_that_lacks_a_value_is_no_pair() -> None:
    ratio = ratios.of_pairs([1.0, None, 3.0], [2.0, 1.0, None])
    assert ratio == ratios.Ratio(0.5, 0.5, 0.5, 1)
    assert ratios.of_pairs([None], [1.0]) is None
    assert ratios.median([None, 1.0, 4.0]) == 2.5
    assert ratios.median([None]) is None


@pytest.mark.parametrize("number", range(2, 8))
def test_who_begins_takes_turns(number: int) -> None:
    names = list(range(number))
    rounds = [order(names, each) for each in range(2 * number)]
    assert {each[0] for each in rounds} == set(names)
    for one in names:
        for other in set(names) - {one}:
            for first, second in zip(rounds[::2], rounds[1::2], strict=True):
                before = [each.index(one) < each.index(other) for each in (first, second)]
                assert sorted(before) == [False, True]


# --- the file -----------------------------------------------------------------------------------


def test_the_file_holds_all_that_is_needed(tmp_path: Path) -> None:
    path = tmp_path / "new" / "results.json"
    alone = record("300", "hooks-sdist", {"ours": [1.0, 1.5], "setuptools": [2.0, 2.5]})
    together = record(
        "30", "build-wheel", {"ours": [3.0], "flock": [9.0]}, at_once=4, failed={"flock": 2}
    )
    written = Results(path)
    written.add(alone)
    written.add(together)
    read = Results(path)
    assert list(read) == [alone, together]
    assert report.markdown(read) == report.markdown(written)
    read.add(record("300", "hooks-sdist", {"ours": [7.0], "setuptools": [7.0]}))
    found = Results(path).find(alone.scenario)
    assert found is not None
    assert found.median(OURS) == 7.0


def test_values_of_rounds_that_failed_do_not_count() -> None:
    found = record("30", "build-wheel", {"ours": [1.0], "flock": [2.0]}, 4, failed={"flock": 3})
    assert found.values(FLOCK) == [None]
    assert found.values(COPY) == [None]
    assert found.ratio(FLOCK) is None
    assert found.failures(FLOCK) == (3, 4)
    assert found.failures(OURS) == (0, 4)


# --- limits -------------------------------------------------------------------------------------


def verdicts(results: Results) -> dict[str, str]:
    return {finding.about: finding.verdict for finding in limits.findings(results)}


@pytest.mark.parametrize(
    ("ours", "verdict"), [([0.9, 1.0, 9.0], "held"), ([0.9, 1.01, 0.1], "held"), ([1.1], "missed")]
)
def test_a_limit_is_about_the_median(results: Results, ours: list[float], verdict: str) -> None:
    results.add(record("300", "hooks-sdist", {"ours": ours, "setuptools": [2.02] * len(ours)}))
    assert verdicts(results)["hooks-sdist of 300: time of setuptools"] == verdict


def test_what_is_not_measured_is_neither_held_nor_missed(results: Results) -> None:
    assert set(verdicts(results).values()) == {"not measured"}
    results.add(record("300", "hooks-sdist", {"ours": [1.0], "copy": [2.0]}))
    assert verdicts(results)["hooks-sdist of 300: time of setuptools"] == "not measured"


@pytest.mark.parametrize(
    "limit", LIMITS, ids=lambda limit: f"{limit.scenario} {limit.against.name}"
)
def test_every_limit_can_be_missed(results: Results, limit: limits.Limit) -> None:
    about = limit.finding(results).about
    tree, task, at_once = limit.scenario.key
    for seconds, verdict in ((limit.most - 0.01, "held"), (limit.most + 0.01, "missed")):
        rounds = {"ours": [seconds], limit.against.name: [1.0]}
        results.add(record(tree, task, rounds, at_once))
        assert verdicts(results)[about] == verdict


@pytest.mark.parametrize(("ours", "missed"), [(1.01, 0), (1.03, 3)])
def test_no_hook_may_be_slower(results: Results, ours: float, missed: int) -> None:
    results.add(record("babel", "hooks-wheel-pip", {"ours": [ours], "setuptools": [1.0]}))
    found = [finding for finding in limits.findings(results) if finding.missed]
    assert len(found) == missed


@pytest.mark.parametrize(("megabytes", "verdict"), [(31, "held"), (32, "missed")])
def test_memory_is_limited(results: Results, megabytes: int, verdict: str) -> None:
    rounds = {"ours": [1.0], "setuptools": [2.0]}
    memory = {"ours": megabytes * MEGABYTE}
    results.add(record("babel", "pip-wheel", rounds, memory=memory))
    assert verdicts(results)["pip-wheel of babel: memory of setuptools"] == verdict


@pytest.mark.parametrize(("seconds", "verdict"), [(3.5, "held"), (3.7, "missed")])
def test_growth_is_limited(results: Results, seconds: float, verdict: str) -> None:
    for tree, wall in (("3000", 1.0), ("10000", seconds)):
        results.add(record(tree, "hooks-wheel", {"ours": [wall], "setuptools": [100.0]}))
    assert verdicts(results)["hooks-wheel: ours, 10,000 files against 3,000 files"] == verdict


@pytest.mark.parametrize("task", ["build-wheel", "pip-wheel"])
def test_a_build_of_ours_that_fails_misses_a_limit(results: Results, task: str) -> None:
    rounds = {"ours": [0.1, 0.1], "flock": [1.0, 1.0]}
    results.add(record("300", task, rounds, at_once=8))
    assert not any(finding.missed for finding in limits.findings(results))
    results.add(record("300", task, rounds, at_once=8, failed={"ours": 1}))
    (missed, *_) = [finding for finding in limits.findings(results) if finding.missed]
    assert "2 of ours failed" in str(missed)


# --- what to measure ----------------------------------------------------------------------------


def test_the_parts_have_all_that_the_limits_need() -> None:
    everything = {match.scenario: match.contestants for match in plan.matches(plan.PARTS, Choice())}
    for match in plan.matches([plan.LIMITS], Choice()):
        assert set(match.contestants) <= set(everything[match.scenario])
        assert match.contestants[0] == OURS


def test_a_choice_is_taken_instead_of_what_is_usual() -> None:
    choice = Choice(("30",), ("build-wheel",), (2,), ("flock",), pairs=3)
    (match,) = plan.matches(["load"], choice)
    assert match.scenario == Scenario(TREES["30"], TASKS["build-wheel"], 2)
    assert match.contestants == (OURS, FLOCK)
    assert match.pairs == 3
    assert match.seconds > 0
    assert plan.matches(["hooks"], choice) == []


@pytest.mark.parametrize(
    ("tree", "task", "at_once", "absent"),
    [
        ("30", "build-wheel", 2, "setuptools"),  # they would collide
        ("30", "uv-wheel", 2, "flock"),  # uv has a lock of its own
        ("30", "build-wheel", 1, "flock"),
        ("30", "hooks-editable", 1, "copy"),
        ("babel", "build-wheel", 1, "hatchling"),
        ("extension", "build-wheel", 1, "uv_build"),
        ("30", "uv-isolated-wheel", 1, "pdm-backend"),
    ],
)
def test_who_cannot_take_part_does_not(tree: str, task: str, at_once: int, absent: str) -> None:
    usual = Scenario(TREES[tree], TASKS[task], at_once).usual
    assert CONTESTANTS[absent] not in usual
    assert len(usual) > 1


def test_more_builds_take_longer() -> None:
    def seconds(at_once: int, contestant: str) -> float:
        choice = Choice(("300",), ("build-wheel",), (at_once,), (contestant,), pairs=1)
        return plan.matches(["load"], choice)[0].seconds

    assert seconds(16, "copy") > seconds(8, "copy")
    assert seconds(16, "flock") > seconds(16, "copy")


# --- what to build ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["30", "extension"])
def test_a_checkout_is_made_again_what_it_was(tmp_path: Path, name: str) -> None:
    checkout = TREES[name].checkout(tmp_path / "trees", tmp_path, PLAIN.backend)
    before = sorted(checkout.root.rglob("*"))
    for left in ("build/lib/a.py", "src/crowded.egg-info/PKG-INFO", "src/crowded/fast.so"):
        path = checkout.root / left
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (checkout.root / "link").symlink_to("src", target_is_directory=True)
    checkout.restore()
    assert sorted(checkout.root.rglob("*")) == before


def test_the_trees_differ_in_nothing_but_pyproject(tmp_path: Path) -> None:
    def content(name: str) -> dict[str, bytes]:
        root = TREES["30"].checkout(tmp_path / "trees", tmp_path, CONTESTANTS[name].backend).root
        files = (path for path in root.rglob("*") if path.is_file())
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}

    plain = content("setuptools")
    assert len(plain) == 30
    for name in ("ours", "hatchling", "uv_build"):
        other = content(name)
        assert {path for path in plain if plain[path] != other[path]} == {"pyproject.toml"}
        assert other.keys() == plain.keys()


def test_a_project_that_cannot_be_fetched_is_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(*_: object) -> None:
        raise CorpusError("no network")

    monkeypatch.setattr(trees, "fetch", fetch)
    with pytest.raises(UnavailableError, match="babel cannot be fetched: no network"):
        TREES["babel"].checkout(tmp_path / "trees", tmp_path, OURS.backend)


# --- what it costs ------------------------------------------------------------------------------


def launched(*jobs: Mapping[str, object]) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(LAUNCHER)],
        input=json.dumps({"jobs": jobs}),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def job(place: Path, *scripts: str, lock: str = "") -> dict[str, object]:
    steps = [{"command": [sys.executable, "-ISc", text], "cwd": str(place)} for text in scripts]
    return {"lock": lock, "log": str(place / "log"), "steps": steps}


posix = pytest.mark.skipif(os.name != "posix", reason="processes are forked and waited for")


@posix
def test_memory_is_that_of_the_process_alone(tmp_path: Path) -> None:
    _ours = bytearray(100 * MEGABYTE)  # not to be seen in what is measured
    answer = launched(job(tmp_path, "pass", f"bytearray({60 * MEGABYTE})"))
    small, large = (step["memory"] for step in answer["jobs"][0])
    assert small < 50 * MEGABYTE < 60 * MEGABYTE < large < small + 100 * MEGABYTE


@posix
def test_processor_time_is_that_of_children_too(tmp_path: Path) -> None:
    burn = "import time\nwhile time.process_time() < 0.3: pass"
    start = (
        f"import subprocess, sys\nsubprocess.run([sys.executable, '-ISc', {burn!r}], check=True)"
    )
    ((step,),) = launched(job(tmp_path, start))["jobs"]
    assert step["cpu"] >= 0.3
    assert step["wall"] > 0


@posix
def test_a_step_that_fails_is_the_last(tmp_path: Path) -> None:
    failing = job(tmp_path, "pass", "raise SystemExit('why')", "open('later', 'w')")
    answer = launched(failing)
    assert [step["status"] != 0 for step in answer["jobs"][0]] == [False, True]
    assert (tmp_path / "log").read_text() == "why\n"
    assert not (tmp_path / "later").exists()
    step = {"command": ["no-such-program"], "cwd": str(tmp_path)}
    ((step,),) = launched(failing | {"steps": [step]})["jobs"]
    assert step["status"] != 0


@posix
def test_jobs_run_together(tmp_path: Path) -> None:
    """A pipe is opened only when both of its ends are: one after the other would never end."""
    os.mkfifo(tmp_path / "pipe")
    answer = launched(*(job(tmp_path, f"open('pipe', '{mode}').close()") for mode in "rw"))
    assert [step["status"] for steps in answer["jobs"] for step in steps] == [0, 0]
    assert answer["wall"] > 0


@posix
def test_a_lock_is_held_from_the_first_step_to_the_last(tmp_path: Path) -> None:
    """The directory cannot be made while another job has it."""
    steps = "import os; os.mkdir('held')", "import os; os.rmdir('held')"
    locked = [job(tmp_path, *steps, lock=str(tmp_path / "lock"))] * 6
    assert {step["status"] for steps in launched(*locked)["jobs"] for step in steps} == {0}


# --- tables -------------------------------------------------------------------------------------


def test_the_tables_tell_what_was_measured(results: Results) -> None:
    results.add(record("300", "hooks-sdist", {"ours": [1.0, 1.0], "setuptools": [4.0, 4.0]}))
    results.add(
        record(
            "300",
            "build-wheel",
            {"ours": [2.0], "flock": [8.0], "pdm-backend": [1.0]},
            at_once=8,
            failed={"pdm-backend": 3},
        )
    )
    text = report.markdown(results, "picture.svg")
    for line in (
        "Taken 2026-01-02.",
        "Machine: processor P, cores 2.",
        "Versions: setuptools 84.",
        "![Seconds against files, and against builds at once](picture.svg)",
        "| hooks-sdist of 300: time of setuptools | ≤ 0.50 | 0.25 (0.25 to 0.25) | held |",
        "| project | pairs | ours | setuptools | CPU of setuptools | memory of setuptools |",
        "| 300 files | 2 | 1.00 s | 0.25 (0.25 to 0.25) | 0.25 (0.25 to 0.25)"
        " | 1.00 (1.00 to 1.00) |",
        "| get_requires_for_build_sdist (hooks-sdist) | 0.25 (0.25 to 0.25) |",
        "| 8 | 1 | 2.00 s | 0.25 (0.25 to 0.25) | 3 of 8 fail | 0.25 (0.25 to 0.25)"
        " | 1.00 (1.00 to 1.00) |",
    ):
        assert line in text.splitlines()


def test_a_column_without_a_value_is_left_out() -> None:
    assert report.table(("a", "b"), [("1", ""), ("2", "")]) == "| a |\n| --- |\n| 1 |\n| 2 |"


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="matplotlib needs CPython")
def test_the_plot_is_the_same_for_the_same_results(results: Results, tmp_path: Path) -> None:
    assert not plot.draw(results, tmp_path / "none.svg")
    assert not (tmp_path / "none.svg").exists()
    for tree in ("30", "300"):
        results.add(record(tree, "hooks-sdist", {"ours": [1.0], "setuptools": [2.0]}))
        results.add(record("300", "build-wheel", {"ours": [1.0], "flock": [2.0]}, int(tree) // 30))
    drawn = []
    for name in ("one.svg", "other.svg"):
        assert plot.draw(results, tmp_path / name)
        drawn.append((tmp_path / name).read_bytes())
    assert drawn[0] == drawn[1]
    assert b"<svg" in drawn[0]


# --- the command line ---------------------------------------------------------------------------


def test_nothing_is_measured_to_make_the_tables_again(
    tmp_path: Path, results: Results, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    page.write_text("head\n\n<!-- benchmarks -->\nold\n<!-- end -->\n\ntail\n")
    arguments = ["--results", str(tmp_path / "results.json"), "--markdown", str(page), "--check"]
    assert main(arguments) == 1, "nothing measured is nothing held"
    results.add(record("300", "hooks-sdist", {"ours": [1.0], "setuptools": [4.0]}))
    assert main(arguments) == 0
    assert "0.25 (0.25 to 0.25)" in page.read_text()
    assert page.read_text().startswith("head\n")
    assert page.read_text().endswith("\ntail\n")
    capsys.readouterr()
    results.add(record("300", "hooks-sdist", {"ours": [3.0], "setuptools": [4.0]}))
    assert main(arguments) == 1
    lines = capsys.readouterr().out.splitlines()
    about, ratio = "hooks-sdist of 300: time of setuptools", ratios.Ratio(0.75, 0.75, 0.75, 1)
    assert str(Finding(about, 0.5, ratio)) in lines


def test_a_plan_measures_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "results.json"
    assert main(["hooks", "--plan", "--trees", "30", "--pairs", "1", "--results", str(path)]) == 0
    *matches, total = capsys.readouterr().out.splitlines()
    assert len(matches) == 4
    assert total.endswith("min  in all")
    assert not path.exists()


@pytest.mark.parametrize(
    "words", [["nonsense"], ["--trees", "31"], ["--at-once", "0"], ["--at-once", "x"]]
)
def test_what_cannot_be_chosen_is_refused(words: list[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main(words)
    assert raised.value.code == 2
