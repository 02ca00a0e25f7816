"""NaN, infinity and extreme ranges in level 1: scaling by zero, norms, the largest element."""

import math

import numpy as np

from checks.api import check
from checks.cblas import Cblas, plain_name
from checks.operands import DTYPES, integers, real_dtype
from checks.oracles import unit

__all__ = ["complex_scal", "iamax", "nrm2", "scal_nan"]

REAL, COMPLEX = DTYPES[:2], DTYPES[2:]


def _scaled(cblas, dtype, n, step, at, value, alpha=0.0):
    """Return ones with `value` at one place, scaled."""
    x = np.ones(n * step, dtype)
    x[at * step] = value
    cblas.call("scal", dtype, n, alpha, x, step)
    return x[::step]


def _scalings(ctx, dtypes):
    """Yield (dtype, n, step, at, value) of vectors with one value that is not finite."""
    lengths = (*range(1, 41), 10016) if ctx.threads == 1 else (7, 10016)
    for dtype in dtypes:
        for n in lengths:
            for step in (1, 2):
                for value in (np.nan, np.inf):
                    for at in sorted({0, n // 2, n - 1}):
                        yield dtype, n, step, at, value


def _parameters(dtype, n, step, at, value, alpha=0.0):
    return {
        "dtype": dtype, "n": n, "step": step, "at": at, "value": str(value), "alpha": str(alpha),
    }  # fmt: skip


@check(
    id="special.scal-nan",
    title="Scaling by zero keeps NaN and infinity, scaling by NaN makes it",
    category="special",
    routines=["sscal", "dscal"],
    oracle=(
        "Reference BLAS multiplies every element, also by zero: 0 * NaN and 0 * Inf are NaN (IEEE "
        "754), 0 * finite is 0; NaN times anything is NaN. Real precisions; lengths 1 to 40 and "
        "one that is split over threads, increments 1 and 2, NaN or infinity at either end and in "
        "the middle."
    ),
    catches="A shortcut for alpha = 0 that fills with zeros: OpenBLAS#4413, #4728, #4729, #86.",
)
def scal_nan(ctx):
    cblas = Cblas(ctx.blas)
    for dtype, n, step, at, value in _scalings(ctx, REAL):
        result = _scaled(cblas, dtype, n, step, at, value)
        lost = not np.isnan(result[at])
        ctx.ran()
        if lost or np.count_nonzero(np.delete(result, at)):
            what = result[at] if lost else "others are not 0"
            ctx.fail(
                plain_name("scal", dtype),
                "0 * %s, element %d of %d, increment %d: %s" % (value, at, n, step, what),
                _parameters(dtype, n, step, at, value),
            )
        result = _scaled(cblas, dtype, n, step, at, 0, alpha=np.nan)
        ctx.ran()
        if not np.isnan(result).all():
            ctx.fail(
                plain_name("scal", dtype),
                "NaN * 0 and NaN * 1, %d elements, increment %d: not all are NaN" % (n, step),
                _parameters(dtype, n, step, at, 0, np.nan),
            )


@check(
    id="special.complex-scal",
    title="Scaling complex vectors by zero keeps NaN in its element",
    category="special",
    routines=["cscal", "zscal"],
    oracle=(
        "Elements are scaled one by one (reference BLAS): 0 times a finite number is 0, whatever "
        "the others are, and all elements with the same value have the same result, wherever they "
        "are. Whether NaN survives 0 is recorded: releases before 0.3.30 fill with zeros."
    ),
    catches="Tests for NaN that look at another element: zscal since OpenBLAS 0.3.30.",
)
def complex_scal(ctx):
    cblas = Cblas(ctx.blas)
    kept = {}
    for dtype, n, step, at, value in _scalings(ctx, COMPLEX):
        result = _scaled(cblas, dtype, n, step, at, value)
        kept.setdefault(plain_name("scal", dtype), set()).add(bool(np.isnan(result[at])))
        ctx.ran()
        if np.count_nonzero(np.delete(result, at)):
            ctx.fail(
                plain_name("scal", dtype),
                "0 * %s, element %d of %d, increment %d: others, which are 1, become %s"
                % (value, at, n, step, np.delete(result, at)[-1]),
                _parameters(dtype, n, step, at, value),
            )
    for name, answers in kept.items():
        answer = "sometimes NaN" if len(answers) == 2 else "NaN" if True in answers else "0"
        ctx.record("%s: 0 * NaN and 0 * infinity" % name, answer)


def _range_of(kind, n, dtype, random):
    """Return n real numbers of that kind, and their largest exponent."""
    info = np.finfo(dtype)
    x = random.uniform(0.5, 1, n) * random.choice([-1.0, 1.0], n)
    high, low = info.maxexp - 2 - math.ceil(math.log2(n + 1) / 2), info.minexp
    digits = info.nmant
    return {
        "ordinary": lambda: x,
        "huge": lambda: np.ldexp(x, high),
        "tiny": lambda: np.ldexp(x, low + 3),
        "subnormal": lambda: np.ldexp(x, low - digits // 2),
        "tiny beside one": lambda: np.where(np.arange(n) == n // 2, x, np.ldexp(x, low + 3)),
        "huge beside tiny": lambda: np.ldexp(x, random.choice([high, low + 3], n)),
        "growing": lambda: np.ldexp(x, np.linspace(-digits, digits, n).astype(int)),
        "falling": lambda: np.ldexp(x, np.linspace(digits, -digits, n).astype(int)),
    }[kind]()


KINDS = (
    "ordinary", "huge", "tiny", "subnormal", "tiny beside one", "huge beside tiny", "growing",
    "falling",
)  # fmt: skip


def exact_norm(x):
    """Return the 2-norm of real numbers, by an exact sum of squares scaled by a power of two."""
    x = x.astype(np.float64)
    exponent = math.frexp(float(abs(x).max()))[1]
    return math.ldexp(math.sqrt(math.fsum(np.ldexp(x, -exponent) ** 2)), exponent)


@check(
    id="special.nrm2",
    title="Norms are accurate in the whole range of the format, and know infinity and NaN",
    category="special",
    routines=["snrm2", "dnrm2", "scnrm2", "dznrm2"],
    oracle=(
        "|computed - exact| / (exact u + smallest number) < 2 n + 5, n real numbers: squares are "
        "not negative, so that the sum's relative error is at most gamma of all roundings (Higham, "
        "section 3.1), four for each element that is rescaled as in LAPACK's dlassq, halved by "
        "the root. Overflow only if the norm does. Ordinary, huge, tiny, subnormal, mixed, growing "
        "and falling. Infinity gives infinity, NaN gives NaN, at either end and in the middle."
    ),
    catches=(
        "Squares that overflow or underflow, lost precision of elements of different size: "
        "OpenBLAS#4583, #3654, #2998, #3995, numpy#16744."
    ),
    max_threads=1,
)
def nrm2(ctx):
    cblas = Cblas(ctx.blas)
    random = np.random.RandomState(ctx.seed)
    lengths = (*range(1, 18), 31, 33, 64, 65, 100, 257, 1000)
    for dtype in DTYPES:
        real = real_dtype(dtype)
        name = plain_name("nrm2", dtype)
        for n in lengths if ctx.profile == "smoke" else (*range(1, 141), 1000, 10001):
            for kind in KINDS:
                step = 1 + n % 3
                parts = 2 if dtype.startswith("c") else 1
                values = _range_of(kind, n * parts, real, random).astype(real)
                x = np.full((n, step * parts), np.nan, real)
                x[:, :parts] = values.reshape(n, parts)
                parameters = {"kind": kind, "dtype": dtype, "n": n, "step": step, "seed": ctx.seed}
                ctx.trying(name, parameters)
                result = cblas.call("nrm2", dtype, n, x, step)
                exact = exact_norm(values)
                scale = exact * unit(real) + float(np.finfo(real).tiny * np.finfo(real).eps)
                ratio = abs(result - exact) / scale
                limit = 2 * n * parts + 5
                ctx.require_ratio(name, "%s, n = %d" % (kind, n), ratio, limit, parameters)
        _require_not_finite(ctx, cblas, dtype, name)


def _require_not_finite(ctx, cblas, dtype, name):
    for n in (*range(1, 18), 33, 70):
        for value in (np.nan, np.inf, -np.inf):
            for at in sorted({0, n // 2, n - 1}):
                x = np.ones(n, dtype)
                x[at] = value
                parameters = {
                    "kind": "not finite", "dtype": dtype, "n": n, "step": 1, "at": at,
                    "value": str(value),
                }  # fmt: skip
                ctx.ran()
                result = cblas.call("nrm2", dtype, n, x, 1)
                if not (np.isnan(result) if np.isnan(value) else result == np.inf):
                    message = "%s, element %d of %d: the norm is %s" % (value, at, n, result)
                    ctx.fail(name, message, parameters)


@check(
    id="special.iamax",
    title="The place of the largest element exists, also among NaN, and is that of infinity",
    category="special",
    routines=["isamax", "idamax", "icamax", "izamax"],
    oracle=(
        "A place is in [0, n) for n > 0, whatever the elements are; the first of infinities is the "
        "largest element where there is no NaN (reference BLAS). What NaN does to the place is "
        "open: reference BLAS ignores it except in the first element; it is recorded."
    ),
    catches=(
        "Searches that compare with a maximum that is NaN and find nothing: place n or -1, which "
        "LU with pivoting then writes to; numpy#22025, OpenBLAS#3318."
    ),
    max_threads=1,
)
def iamax(ctx):
    cblas = Cblas(ctx.blas)
    for dtype in DTYPES:
        name = plain_name("iamax", dtype)
        answers = set()
        for n in (*range(1, ctx.by_profile(20, 41)), 31, 32, 33, 64, 65, 100):
            for step in (1, 2):
                x = np.full((n, step), 99, dtype)
                x[:, 0] = integers(ctx.seed, 1, n)[0].real
                x[n // 3, 0] = 20
                for places, value in (
                    ((), 0), ((n - 1,), np.inf), ((n // 2, n - 1), -np.inf), ((0,), np.nan),
                    ((n // 2,), np.nan), ((n - 1,), np.nan), (tuple(range(n)), np.nan),
                ):  # fmt: skip
                    y = x.copy()
                    y[list(places), 0] = value
                    parameters = {
                        "dtype": dtype, "n": n, "step": step, "places": list(places),
                        "value": str(value), "seed": ctx.seed,
                    }  # fmt: skip
                    ctx.trying(name, parameters)
                    ctx.ran()
                    place = cblas.call("iamax", dtype, n, y, step)
                    if np.isnan(value) and 0 <= place < n:
                        if len(places) == 1 and n > 2 and places != (n // 3,):
                            which = "its own" if place in places else "of the largest"
                            which = which if place in (*places, n // 3) else "another"
                            answers.add((("last", "first")[places == (0,)], which))
                        continue
                    expected = n // 3 if value == 0 else places[0]
                    if place != expected:
                        what = "a place in [0, %d)" % n if np.isnan(value) else expected
                        message = "%s at %s of %d: place %d, expected %s" % (
                            value, list(places), n, place, what,
                        )  # fmt: skip
                        ctx.fail(name, message, parameters)
        text = ", ".join("%s: %s" % answer for answer in sorted(answers))
        ctx.record("%s: place where NaN is first, or later" % name, text)
