"""Routines that scale numbers until they fit: they come to an end."""

import itertools

import numpy as np

from checks.api import check
from checks.cblas import Cblas, plain_name
from checks.endless import require_end
from checks.lapack import Lapack
from checks.operands import DTYPES, LETTER, real_dtype

__all__ = ["scaling", "scaling_extremes"]

#: Seconds of CPU time for all numbers of one routine, which take a twentieth of it.
LIMIT = 1

#: X and Y of modified rotations.
CANCELLING = range(1, 31)


def _numbers(dtype):
    """Return numbers from all parts of the range, and those that are none."""
    limits = np.finfo(dtype)
    tiny, largest = float(limits.tiny), float(limits.max)
    smallest = tiny * float(limits.eps)
    return (0.0, 1.0, -1.0, 3e-3, tiny, smallest, largest, 0.9 * largest, np.inf, -np.inf, np.nan)


def _scalar(value, dtype):
    return np.array([value], dtype)


def _two_numbers(lapack, dtype):
    """Yield (name, call of two numbers) of what makes rotations and reflectors, or scales."""
    letter, real = LETTER[dtype], real_dtype(dtype)

    def rotation(first, second):
        results = np.zeros(1, real), np.zeros(1, dtype), np.zeros(1, dtype)
        numbers = _scalar(first, dtype), _scalar(second, dtype)
        lapack.subroutine(letter + "lartg", *numbers, *results)

    def quotient(first, second):
        ends = _scalar(first, real), _scalar(second, real)
        lapack.call(letter + "lascl", "G", 0, 0, *ends, 3, 3, np.ones((3, 3), dtype, "F"), 3)

    def reflector(name):
        def call(first, second):
            x, tau = np.array([second, second, 0], dtype), np.zeros(1, dtype)
            lapack.subroutine(name, 4, _scalar(first, dtype), x, 1, tau)

        return name, call

    yield letter + "lartg", rotation
    yield letter + "lascl", quotient
    yield reflector(letter + "larfg")
    yield reflector(letter + "larfgp")


def _reciprocal(ctx, lapack, dtype):
    """rscl: a vector divided by each number."""
    name = {"c": "csrscl", "z": "zdrscl"}.get(LETTER[dtype], LETTER[dtype] + "rscl")

    def call(first):
        divisor = _scalar(first, real_dtype(dtype))
        lapack.subroutine(name, 3, divisor, np.array([1, 2, 3], dtype), 1)

    if lapack.has(name):
        cases = [{"first": first} for first in _numbers(real_dtype(dtype))]
        require_end(ctx, cases, call, LIMIT, {"routine": name, "dtype": dtype})


def _modified(ctx, dtype, cases):
    """rotmg."""
    cblas, name = Cblas(ctx.blas), plain_name("rotmg", dtype)

    def call(d1, d2, x, y):
        weights = [_scalar(value, dtype) for value in (d1, d2, x)]
        cblas.call("rotmg", dtype, *weights, y, np.zeros(5, dtype))

    told = [dict(zip(("d1", "d2", "x", "y"), map(float, case))) for case in cases]
    require_end(ctx, told, call, LIMIT, {"routine": name, "dtype": dtype})


def _cancelling(dtype):
    """Yield D1, D2, X, Y with D1 X^2 + D2 Y^2 = 0 but for rounding."""
    kind = np.dtype(dtype).type
    for x, y in itertools.permutations(CANCELLING, 2):
        d2 = kind(-(x * x) / (y * y))
        for _ in range(2):
            yield 1.0, d2, x, y
            d2 = np.nextafter(d2, kind(0))


@check(
    id="special.scaling",
    title="Routines that scale numbers until they fit come to an end",
    category="special",
    routines=["?lartg", "?lascl", "?larfg", "?larfgp", "csrscl", "zdrscl", "srotmg", "drotmg"],
    oracle=(
        "All pairs of zero, one, the smallest and largest numbers, infinity and NaN, for rotmg "
        "numbers whose weighted squares cancel but for rounding: whatever comes out, all calls of "
        "a routine return within 1 s of CPU time, which is twenty times what they take, and keep "
        "to their memory. In forked processes, so that all that loop are told."
    ),
    catches=(
        "Loops that divide what stays infinite, or zero: OpenBLAS#6031 (rotmg), Reference-LAPACK "
        "PR 1158 (csrscl, zdrscl)."
    ),
    max_threads=1,
    systems=("linux", "darwin"),
    once=True,
    budget=60.0,
)
def scaling(ctx):
    lapack = Lapack(ctx.blas)
    for dtype in DTYPES:
        numbers = _numbers(real_dtype(dtype))
        pairs = [
            dict(zip(("first", "second"), pair)) for pair in itertools.product(numbers, repeat=2)
        ]
        for name, call in _two_numbers(lapack, dtype):
            if lapack.has(name):
                require_end(ctx, pairs, call, LIMIT, {"routine": name, "dtype": dtype})
        if dtype.startswith("c"):
            _reciprocal(ctx, lapack, dtype)
        else:
            _modified(ctx, dtype, list(_cancelling(dtype)))


@check(
    id="special.scaling-extremes",
    title="Real reciprocals and modified rotations of extreme numbers come to an end",
    category="special",
    routines=["srscl", "drscl", "srotmg", "drotmg"],
    oracle=(
        "As special.scaling, for what never ends in any release so far: vectors divided by "
        "infinity, and modified rotations of tiny and of infinite numbers. Apart from it, since "
        "what fails in both libraries hides what fails in one, and not in smoke."
    ),
    catches="found/scaling-never-ends.",
    profiles=("full", "stress"),
    max_threads=1,
    systems=("linux", "darwin"),
    once=True,
    budget=60.0,
)
def scaling_extremes(ctx):
    lapack = Lapack(ctx.blas)
    for dtype in DTYPES[:2]:
        _reciprocal(ctx, lapack, dtype)
        tiny = float(np.finfo(dtype).tiny)
        _modified(ctx, dtype, list(itertools.product((0, 1, -1, tiny), repeat=4)))
        _modified(ctx, dtype, list(itertools.product((1, -1, np.inf), repeat=4)))
