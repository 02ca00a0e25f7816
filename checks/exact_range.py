"""Scaling by powers of two and by i is exact wherever the result is in range."""

import itertools

import numpy as np

from checks.api import check
from checks.cblas import Cblas, plain_name
from checks.operands import DTYPES, real_dtype
from checks.splitting import few_threads

__all__ = ["scaled"]

#: Around the unrolls of all kernels, and what is split over threads.
LENGTHS, MORE_LENGTHS, SPLIT = (1, 2, 3, 5, 7, 8, 13, 31, 33), range(1, 70), 10_007

#: No product of two of their parts is rounded; one part is 0 in some.
FACTORS = (1, -1, 0.5, -2)
COMPLEX_FACTORS = (*FACTORS, 1j, -1j, 0.5j, -2j)


def _exponents(dtype):
    """Return exponents of ordinary numbers, at both ends, and beyond single precision's range."""
    limits = np.finfo(real_dtype(dtype))
    ends = (limits.minexp + 3, limits.maxexp - 4)
    return (0, *ends, *((-140, 130) if limits.maxexp > 128 else (-70, 70)))


@check(
    id="exact.scal-range",
    title="Vectors are scaled exactly in the whole range of the format",
    category="exact",
    routines=["?scal", "csscal", "zdscal"],
    oracle=(
        "Vectors of small integers times a power of two, at both ends of the range, in its middle "
        "and beyond the range of single precision, by 1, -1, 1/2, -2 and these times i: no product "
        "of parts rounds, overflows or underflows, so that every element is exact. Lengths around "
        "all unrolls, increments 1 and 2."
    ),
    catches=(
        "Tests for infinity by the limit of another precision, and products by a part that is zero "
        "of what has none: OpenBLAS PR#4717 (zscal)."
    ),
)
@few_threads
def scaled(ctx):
    cblas = Cblas(ctx.blas)
    lengths = ctx.by_profile(LENGTHS, MORE_LENGTHS) if ctx.threads == 1 else (SPLIT,)
    for dtype, n, step in itertools.product(DTYPES, lengths, (1, 2)):
        is_complex = dtype.startswith("c")
        stream = np.random.RandomState(ctx.seed + n)
        plain = stream.randint(1, 8, n * step) * stream.choice([-1, 1], n * step)
        if is_complex:
            plain = plain + 1j * stream.randint(1, 8, n * step) * stream.choice([-1, 1], n * step)
        for exponent in _exponents(dtype):
            x = (plain * 2.0**exponent).astype(dtype)
            for factor in COMPLEX_FACTORS if is_complex else FACTORS:
                _ask(ctx, cblas, dtype, x, n, step, factor, exponent)


def _ask(ctx, cblas, dtype, x, n, step, factor, exponent):
    name = plain_name("scal", dtype)
    parameters = {
        "dtype": dtype, "n": n, "step": step, "alpha": str(factor), "exponent": exponent,
        "seed": ctx.seed,
    }  # fmt: skip
    ctx.trying(name, parameters)
    expected, found = x.copy(), x.copy()
    expected[::step] *= factor
    cblas.call("scal", dtype, n, factor, found, step)
    ctx.ran()
    wrong = np.flatnonzero(found != expected)
    if len(wrong):
        message = "%d elements times %s, increment %d: element %d of the memory is %s, exactly %s"
        at = wrong[0]
        told = (n, factor, step, at, found[at], expected[at])
        ctx.fail(name, message % told, parameters, bad=len(wrong), of=n)
