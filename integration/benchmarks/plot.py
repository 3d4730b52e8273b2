"""The results as a picture: seconds against files, and against builds at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .contestants import CONTESTANTS, Contestant
from .errors import BenchmarkError
from .results import Record, Results
from .tasks import TASKS, Task

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: What is drawn against files, and what against builds at once, if there are two points of it.
_BY_FILES = tuple(TASKS[name] for name in ("hooks-sdist", "hooks-wheel-pip"))
_BY_BUILDS = tuple(TASKS[name] for name in ("build-wheel", "uv-isolated-wheel"))
_LOAD_OF = "300"

#: One for each contestant, told apart by those who see few colours, too.
_COLOURS = ("#0072b2", "#000000", "#d55e00", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#999999")


def draw(results: Results, path: Path) -> bool:
    """Write the picture as SVG, the same bytes for the same results.

    Args:
        results: what has been measured.
        path: where to.

    Returns:
        Whether there is anything to draw; if not, nothing is written.

    Raises:
        BenchmarkError: matplotlib is not installed.
    """
    panels = [(task, _by_files(results, task)) for task in _BY_FILES]
    panels += [(task, _by_builds(results, task)) for task in _BY_BUILDS]
    panels = [(task, points) for task, points in panels if len(points) > 1]
    if not panels:
        return False
    try:
        import matplotlib as mpl
    except ImportError:
        raise BenchmarkError("the plot needs matplotlib: pip install -e '.[bench]'") from None
    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "isolated-backend", "svg.fonttype": "none"})
    from matplotlib import pyplot as plt

    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(5.5 * columns, 4.0 * rows), squeeze=False, layout="constrained"
    )
    for place in axes.flat[len(panels) :]:
        place.set_visible(False)
    for place, (task, points) in zip(axes.flat, panels, strict=False):
        _panel(place, task, points, against_files=task in _BY_FILES)
    figure.savefig(path, format="svg", metadata={"Date": None})
    plt.close(figure)
    return True


def _by_files(results: Results, task: Task) -> dict[int, Record]:
    """Return the records of one build of generated trees, by their number of files."""
    return {
        record.scenario.tree.files: record
        for record in results
        if record.scenario.task == task
        and record.scenario.at_once == 1
        and not record.scenario.tree.setuptools_only
    }


def _by_builds(results: Results, task: Task) -> dict[int, Record]:
    """Return the records of one tree, by their number of builds."""
    return {
        record.scenario.at_once: record
        for record in results
        if record.scenario.task == task and record.scenario.tree.name == _LOAD_OF
    }


def _panel(place: Axes, task: Task, points: dict[int, Record], *, against_files: bool) -> None:
    from matplotlib.ticker import LogLocator

    last = points[max(points)].scenario
    for contestant, colour in zip(CONTESTANTS.values(), _COLOURS, strict=True):
        line = _line(points, contestant)
        if line:
            title = last.title_of(contestant).replace("`", "")
            place.plot(*zip(*line, strict=True), marker="o", color=colour, label=title)
    place.set_xscale("log", base=10 if against_files else 2)
    place.set_yscale("log")
    place.set_xticks(sorted(points), [f"{number:,}" for number in sorted(points)])
    place.set_xticks([], minor=True)
    place.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    place.yaxis.set_major_formatter("{x:g}")
    place.yaxis.set_minor_formatter("")
    place.set_xlabel("files" if against_files else f"builds at once, {last.tree.title}")
    place.set_ylabel("seconds")
    place.set_title(task.title.replace("`", ""), fontsize="small", wrap=True)
    place.grid(alpha=0.3)
    place.legend(fontsize="x-small")


def _line(points: dict[int, Record], contestant: Contestant) -> list[tuple[int, float]]:
    """Return where a contestant is, but for where it has no time."""
    medians = ((number, record.median(contestant)) for number, record in sorted(points.items()))
    return [(number, median) for number, median in medians if median is not None]
