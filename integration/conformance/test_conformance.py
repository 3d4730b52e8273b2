"""Promise 3 by the tests of others: setuptools' own.

By default those of the hooks; ``-m long`` runs those of the commands, too. Without a package index
and without what ``python -m integration.conformance`` keeps they are skipped.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ..conftest import once
from ..corpus.__main__ import CACHE
from ..corpus.errors import CorpusError
from . import comparison, redirection
from .comparison import Known
from .suite import COMMANDS, OUR_HOOKS, THEIR_HOOKS, Outcome, Suite

JOBS = 2


@pytest.fixture(scope="session")
def suite(common: Path) -> Suite:
    try:
        return Suite(once(common / "conformance", lambda place: Suite(place).prepare(CACHE)))
    except CorpusError as error:
        pytest.skip(str(error))


def test_the_hooks(
    suite: Suite, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """All of ``test_build_meta.py``, under both of our names."""
    plain = suite.run([THEIR_HOOKS], redirection.PLAIN, tmp_path / "plain", JOBS)
    ours = suite.run([OUR_HOOKS], redirection.PLAIN, tmp_path / "ours", JOBS)
    record_property("figures", f"setuptools {suite.version}: {dict(comparison.counts(ours))}")

    assert comparison.of_hooks(plain, ours) == []
    assert len(ours) >= 200


@pytest.mark.long
def test_the_commands(
    suite: Suite, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """The commands' tests do what they do without us, but for what we promise."""
    plain, redirected, laid_over = (
        suite.run(COMMANDS, mode, tmp_path / mode.replace(" ", "-"), JOBS)
        for mode in (redirection.PLAIN, redirection.REDIRECTED, redirection.LAID_OVER)
    )
    record_property("figures", f"setuptools {suite.version}: {dict(comparison.counts(redirected))}")

    assert comparison.of_commands(plain, redirected, laid_over, comparison.known()) == []


def test_the_tests_of_the_hooks_can_fail(suite: Suite, tmp_path: Path) -> None:
    """With setuptools in our place they do: each of ours looks for what is left in the root."""
    variables = {"CONFORMANCE_BACKEND": "setuptools.build_meta"}
    outcomes = suite.run([OUR_HOOKS], redirection.PLAIN, tmp_path / "run", JOBS, **variables)

    failed = {name for name, outcome in outcomes.items() if outcome.outcome == "failed"}
    assert any("test_build_sdist" in name for name in failed)
    assert any("test_build_wheel" in name for name in failed)


# --- can the comparison fail? -------------------------------------------------------------------

PASSED, FAILED = Outcome("passed"), Outcome("failed", "why")
FACTS = Known({"left": "…"}, {"promise": "…"}, {"own": "…"})
PLAIN = {"a": PASSED, "left[1]": FAILED, "promise[1]": PASSED, "promise[2]": PASSED, "own": PASSED}
LAID_OVER = PLAIN | {"own": FAILED}
REDIRECTED = LAID_OVER | {"promise[1]": FAILED}


def faults(**changed: dict[str, Outcome]) -> list[str]:
    runs = {"plain": PLAIN, "redirected": REDIRECTED, "laid_over": LAID_OVER} | changed
    return comparison.of_commands(**runs, facts=FACTS)


def test_what_is_known_is_no_fault() -> None:
    assert faults() == []
    assert faults(redirected=REDIRECTED | {"left[1]": PASSED}) == []


def test_what_is_not_known_is() -> None:
    assert faults(redirected=REDIRECTED | {"a": FAILED}) == ["a failed, not passed: why"]
    assert faults(redirected={**REDIRECTED, "b": PASSED}) == ["b is only in one run"]
    assert faults(laid_over=LAID_OVER | {"promise[1]": FAILED}) == [
        "laid over, promise[1] failed, not passed: why"
    ]
    assert faults(redirected=PLAIN) == ["own differs no longer", "promise differs no longer"]
    assert faults(plain=PLAIN | {"a": FAILED}) == ["a failed with plain setuptools: why"]


def test_the_hooks_of_ours_have_to_pass() -> None:
    plain = {"test_build_meta.py::a": PASSED}
    assert comparison.of_hooks(plain, {"test_isolated_backend.py::a": PASSED}) == []
    assert comparison.of_hooks(plain, {"test_isolated_backend.py::a": FAILED}) != []
    assert comparison.of_hooks(plain, {}) != []
