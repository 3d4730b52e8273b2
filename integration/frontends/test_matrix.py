"""Every frontend, alone and with all the others at the same instant, on one checkout."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from .catalogue import FRONTENDS, QUICK, SINGLE_TOX, Job, Place
from .conftest import Examine
from .run import OURS, PLAIN

FILES = 40
FILES_OF_THE_CONTROL = 300

#: Of so many rounds one has all the frontends, the others the quick ones.
CYCLE = 16


@pytest.mark.parametrize(
    "frontend",
    [*FRONTENDS, *(pytest.param(single, marks=pytest.mark.long) for single in SINGLE_TOX)],
    ids=lambda frontend: frontend.__name__,
)
def test_alone(frontend: Callable[[Place], Job], examine: Examine, tmp_path: Path) -> None:
    assert examine(OURS, FILES).start([frontend], tmp_path / "out") == []


@pytest.mark.usefixtures("whole_machine")
@pytest.mark.long
@pytest.mark.parametrize("builds", [1, 1000])
def test_all_at_the_same_instant(
    builds: int, examine: Examine, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Rounds until there were so many builds; the first round has all the frontends."""
    examination = examine(OURS, FILES)
    for turn in count(1):
        frontends = FRONTENDS if turn % CYCLE == 1 else QUICK
        out = tmp_path / f"out{turn}"
        assert examination.start(frontends, out) == []
        shutil.rmtree(out)
        print(f"round {turn}: {examination.figures}")
        if examination.total >= builds:
            break
    record_property(
        "figures",
        f"{turn} rounds: {examination.figures}, 0 failures, 0 paths changed in the checkout, "
        "all artifacts of a kind equal",
    )


@pytest.mark.long
@pytest.mark.usefixtures("whole_machine")
def test_plain_setuptools_collides_under_the_same_load(
    examine: Examine, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """The control: frontends fail, or make something else, or the test above proves nothing."""
    wrong = examine(PLAIN, FILES_OF_THE_CONTROL).start(FRONTENDS, tmp_path / "out")
    collisions = [reason for reason in wrong if not reason.startswith("changed")]
    assert collisions
    record_property(
        "figures",
        f"{len(collisions)} collisions and {len(wrong) - len(collisions)} changes of the checkout "
        f"with plain setuptools; the first: {collisions[0].splitlines()[-1][:200]}",
    )
