"""What the outcomes of setuptools' tests say about us, and what is known about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..corpus import toml
from .suite import OUR_HOOKS, THEIR_HOOKS, Outcome

Outcomes = Mapping[str, Outcome]

KNOWN = Path(__file__).with_name("known.toml")

FAILED = ("failed", "error")


@dataclass(frozen=True)
class Known:
    """What is known about tests, by their names without parameters: each with its reason."""

    left_out: Mapping[str, str]
    """Fail with plain setuptools, too."""
    promise: Mapping[str, str]
    """Look for something in the root that we promise not to put there."""
    own_place: Mapping[str, str]
    """Look into a directory of their own choice that has been relocated."""


def known() -> Known:
    """Return what ``known.toml`` says."""
    content = toml.read(KNOWN)
    return Known(content["left-out"], content["promise"], content["own-place"])


def function(test: str) -> str:
    """Return the name of *test* without its parameters."""
    return test.partition("[")[0]


def of_hooks(plain: Outcomes, ours: Outcomes) -> list[str]:
    """Return what our hooks do otherwise than setuptools': nothing, if all is well."""
    ours = {name.replace(OUR_HOOKS, THEIR_HOOKS): outcome for name, outcome in ours.items()}
    return [*_unlike(plain, ours), *_failing(plain, {})]


def of_commands(
    plain: Outcomes, redirected: Outcomes, laid_over: Outcomes, facts: Known
) -> list[str]:
    """Return what redirected commands do otherwise that is not known: nothing, if all is well.

    Args:
        plain: the control.
        redirected: with what is redirected staying in the shadow.
        laid_over: with it copied to the root when a command is done.
        facts: a test that is listed as a promise may fail when redirected, but must not when laid
            over: then it looked at the place and at nothing else.
    """
    differ = {*facts.promise, *facts.own_place}
    stale = differ - {
        function(name) for name, outcome in redirected.items() if outcome.outcome in FAILED
    }
    return [
        *_failing(plain, facts.left_out),
        *_unlike(plain, redirected, may_fail=differ),
        *(f"laid over, {line}" for line in _unlike(plain, laid_over, may_fail=facts.own_place)),
        *(f"{name} differs no longer" for name in sorted(stale)),
    ]


def _unlike(plain: Outcomes, ours: Outcomes, may_fail: Collection[str] = ()) -> Iterator[str]:
    """Yield how *ours* differs from the control, but for those that *may_fail*."""
    for name in sorted(plain.keys() ^ ours.keys()):
        yield f"{name} is only in one run"
    for name in sorted(plain.keys() & ours.keys()):
        before, now = plain[name].outcome, ours[name].outcome
        known = now in FAILED and function(name) in may_fail
        if now != before and before not in FAILED and not known:
            yield f"{name} {now}, not {before}: {ours[name].why}"


def _failing(plain: Outcomes, left_out: Mapping[str, str]) -> Iterator[str]:
    """Yield the tests that fail with plain setuptools and are not *left_out* by name."""
    for name, outcome in sorted(plain.items()):
        if outcome.outcome in FAILED and function(name) not in left_out:
            yield f"{name} {outcome.outcome} with plain setuptools: {outcome.why}"


def counts(outcomes: Outcomes) -> Counter[str]:
    """Return how many tests had which outcome."""
    return Counter(outcome.outcome for outcome in outcomes.values())
