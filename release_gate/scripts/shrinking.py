"""Making the input of a script small while it still fails."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from attrs import evolve

if TYPE_CHECKING:
    from collections.abc import Callable

    from release_gate.scripts.text import Trial

__all__ = ["shrink"]

#: Sizes and counts, in the order in which they are made small, each with its least value. Leading
#: dimensions and strides below what they must be are raised to that by whoever reads them.
_INTEGERS = {
    "m": 1, "n": 1, "k": 1, "size": 1, "columns": 1, "count": 1, "callers": 2, "width": 0,
    "lower": 0, "upper": 0, "larger": 0, "beyond": 0, "ld": 0, "lda": 0, "ldb": 0, "ldc": 0,
    "shift": 0,
}  # fmt: skip

#: The simplest value of what is no size, which is taken when it still fails.
_SIMPLE: dict[str, Any] = {
    "incx": 1, "incy": 1, "step": 1, "alpha": 1, "beta": 0, "strides": [0, 0, 0], "row": 0,
    "column": 0, "trans": 111, "ta": 111, "tb": 111, "side": 141, "diag": 131, "order": 102,
    "kind": "random",
}  # fmt: skip


def shrink(trial: Trial, fails: Callable[[Trial], bool], seconds: float) -> Trial:
    """Return the smallest input that is found within `seconds` and for which `fails` is true.

    `trial` itself fails. Each size is halved towards its least value, as far as it fails there;
    then flags, increments and scalars take their simplest value one by one; and so on until
    nothing changes. At last the threads become as few as still fail.
    """
    end = time.monotonic() + seconds
    before: Trial | None = None
    while trial != before and time.monotonic() < end:
        before = trial
        for smaller in (_fewer_threads, _smaller_sizes, _simpler):
            trial = smaller(trial, fails, end)
    return trial


def _with(trial: Trial, name: str, value: object) -> Trial:
    return evolve(trial, parameters={**trial.parameters, name: value})


def _fewer_threads(trial: Trial, fails: Callable[[Trial], bool], end: float) -> Trial:
    for threads in (1, 2, 4):
        if threads < trial.threads and time.monotonic() < end:
            fewer = evolve(trial, threads=threads)
            if fails(fewer):
                return fewer
    return trial


def _smaller_sizes(trial: Trial, fails: Callable[[Trial], bool], end: float) -> Trial:
    for name, least in _INTEGERS.items():
        value = trial.parameters.get(name)
        if type(value) is int and value > least:
            trial = _smallest(trial, name, least, fails, end)
    return trial


def _smallest(
    trial: Trial, name: str, least: int, fails: Callable[[Trial], bool], end: float
) -> Trial:
    """Return `trial` with the smallest value of that name for which it fails, as halving finds."""
    low, high = least - 1, int(trial.parameters[name])
    middle = least  # the least value is often enough
    while high - low > 1 and time.monotonic() < end:
        smaller = _with(trial, name, middle)
        if fails(smaller):
            trial, high = smaller, middle
        else:
            low = middle
        middle = (low + high) // 2
    return trial


def _simpler(trial: Trial, fails: Callable[[Trial], bool], end: float) -> Trial:
    for name, simple in _SIMPLE.items():
        value = trial.parameters.get(name, simple)
        same_sort = isinstance(value, str) == isinstance(simple, str)  # LAPACK's flags are letters
        if value != simple and same_sort and time.monotonic() < end:
            simpler = _with(trial, name, simple)
            if fails(simpler):
                trial = simpler
    return trial
