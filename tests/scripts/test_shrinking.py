from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from release_gate.scripts.shrinking import shrink
from release_gate.scripts.text import Trial

if TYPE_CHECKING:
    from collections.abc import Callable

GIVEN: dict[str, Any] = {
    "m": 90, "n": 77, "k": 300, "lda": 96, "alpha": [2.0, -1.0], "beta": 0.5, "incx": -2,
    "trans": 112, "dtype": "float64",
}  # fmt: skip
SMALLEST = {
    "m": 1, "n": 1, "k": 1, "lda": 0, "alpha": 1, "beta": 0, "incx": 1, "trans": 111,
    "dtype": "float64",
}  # fmt: skip


def trial(**other: Any) -> Trial:
    return Trial(parameters=GIVEN | other, kernel="Haswell", threads=8)


@pytest.mark.parametrize(
    ("fails", "left", "threads"),
    [
        (lambda _: True, {}, 1),
        (lambda p: p["n"] >= 37, {"n": 37}, 1),
        (lambda p: p["m"] >= 5 and p["k"] > 256, {"m": 5, "k": 257}, 1),
        (lambda p: p["incx"] < 0 and p["beta"] == 0.5, {"incx": -2, "beta": 0.5}, 1),
        (lambda p: p["lda"] > p["n"], {"lda": 2}, 1),
        (lambda p: p["trans"] == 112 and p["m"] * p["n"] >= 100, {"trans": 112, "n": 50}, 1),
    ],
)
def test_what_does_not_matter_becomes_simple(
    fails: Callable[[dict[str, Any]], bool], left: dict[str, Any], threads: int
) -> None:
    smallest = shrink(trial(), lambda each: fails(each.parameters), 10)
    assert fails(smallest.parameters)
    others = {name: smallest.parameters[name] for name in SMALLEST if name not in {*left, "m"}}
    assert others == {name: SMALLEST[name] for name in others}
    assert {name: smallest.parameters[name] for name in left} == left
    assert (smallest.kernel, smallest.threads) == ("Haswell", threads)


@pytest.mark.parametrize(("needed", "left"), [(1, 1), (2, 2), (3, 4), (5, 8)])
def test_threads_become_as_few_as_still_fail(needed: int, left: int) -> None:
    assert shrink(trial(), lambda each: each.threads >= needed, 10).threads == left


def test_nothing_is_tried_without_time() -> None:
    assert shrink(trial(), lambda _: pytest.fail("was run"), 0) == trial()


def test_what_is_already_small_costs_no_run() -> None:
    small = Trial(parameters=SMALLEST, kernel=None, threads=1)
    assert shrink(small, lambda _: pytest.fail("was run"), 10) == small
