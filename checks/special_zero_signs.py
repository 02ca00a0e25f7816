"""Signs of zeros and payloads of NaN, where nothing is computed or IEEE 754 leaves no choice."""

import numpy as np

from checks.api import check
from checks.cblas import LEFT, NO_TRANS, ROW, TRANS, UPPER, Cblas, plain_name
from checks.operands import DTYPES, real_dtype
from checks.splitting import few_threads
from checks.storage import bits

__all__ = ["zero_signs"]

#: Bits of -0, a NaN with a payload, +0, a negative NaN, and 1.5.
ANYTHING = {
    "float64": (1 << 63, 0x7FF8000000001234, 0, 0xFFF8000000000001, 0x3FF8000000000000),
    "float32": (1 << 31, 0x7FC01234, 0, 0xFFC00001, 0x3FC00000),
}

#: {routine: its arguments}, in all precisions: x becomes or changes places with y.
MOVES = dict.fromkeys(("copy", "swap"), ("n", "x", "incx", "y", "incy"))

#: alpha. Small-matrix kernels multiply by it all the same: -0 times what is positive changes no y.
NOTHING = -0.0

#: {routine: its arguments}: alpha = 0 and beta = 1 leave nothing to do, and the reference returns
#: at once, whatever y holds. In all precisions, but gemm, whose kernels for small complex matrices
#: may add +0.
IDLE = {
    "gemm": (ROW, NO_TRANS, TRANS, "n", "n", "n", NOTHING, "x", "n", "x", "n", 1, "y", "n"),
    "symm": (ROW, LEFT, UPPER, "n", "n", NOTHING, "x", "n", "x", "n", 1, "y", "n"),
    "syrk": (ROW, UPPER, NO_TRANS, "n", "n", NOTHING, "x", "n", 1, "y", "n"),
    "syr2k": (ROW, UPPER, TRANS, "n", "n", NOTHING, "x", "n", "x", "n", 1, "y", "n"),
    "gemv": (ROW, TRANS, "n", "n", NOTHING, "x", "n", "x", 1, 1, "y", 1),
    "axpy": ("n", NOTHING, "x", 1, "y", 1),
}

#: {routine: (its arguments, x, y)}, real: x and y stay as they are: -0 + y is y, and -0 - 0 is -0.
IDENTITIES = {
    "scal": (("n", 1, "x", "incx"), (-0.0, 0.0, 5.0, -3.0), (0.0,)),
    "axpy": (("n", 1, "x", "incx", "y", "incy"), (-0.0,), (-0.0, 0.0, -7.0, 2.0)),
    "rot": (("n", "x", "incx", "y", "incy", 1, 0), (5.0, -0.0), (-0.0, -7.0)),
}


def _ask(ctx, cblas, routine, dtype, arguments, patterns, n, incx=1, incy=1, lines=1):
    """Call with two operands of n * `lines` elements, whose bits are `patterns` repeated."""
    name = plain_name(routine, dtype)
    parameters = {
        "name": name, "dtype": dtype, "arguments": list(arguments), "n": n, "incx": incx,
        "incy": incy, "lines": lines, "patterns": [list(pattern) for pattern in patterns],
    }  # fmt: skip
    unsigned = bits(np.zeros(1, dtype)).dtype
    parts = 2 if dtype.startswith("c") else 1
    x, y = (
        np.resize(np.array(pattern, unsigned), n * lines * parts).view(dtype).repeat(increment)
        for pattern, increment in zip(patterns, (incx, incy))
    )
    after = [x.copy(), y.copy()]
    if routine in MOVES:
        after[1][::incy] = x[::incx]
    if routine == "swap":
        after[0][::incx] = y[::incy]
    known = {"n": n, "incx": incx, "incy": incy, "x": x, "y": y}
    ctx.trying(name, parameters)
    cblas.call(routine, dtype, *(known.get(argument, argument) for argument in arguments))
    ctx.ran()
    for which, found, exact in zip("xy", (x, y), after):
        wrong = np.flatnonzero((bits(found) != bits(exact)).reshape(len(found), -1).any(axis=1))
        if len(wrong):
            at = wrong[0]
            what = "element %d of %s is %s, not the same bits as %s; %d of %d, n = %d" % (
                at, which, found[at], exact[at], len(wrong), len(found), n,
            )  # fmt: skip
            ctx.fail(name, what, parameters, first_bad=[at], bad=len(wrong), of=len(found))


@check(
    id="special.zero-signs",
    title="Zeros keep their sign and NaN their bits where nothing is to be computed",
    category="special",
    routines=["?copy", "?swap", "sscal", "dscal", "?axpy", "srot", "drot", "?gemm", "?gemv"],
    oracle=(
        "Bit by bit: copy and swap of -0, of NaN with a payload and of numbers; y with alpha = -0 "
        "and, in gemm (real), symm, syrk, syr2k and gemv, beta = 1, where the reference returns at "
        "once and what computes adds -0; "
        "scal by 1, axpy of -0, and rot with c = 1, s = 0 of such signs that IEEE 754 leaves one "
        "result (-0 + -0 is -0). Sums that start from +0 are left open. Lengths 1 to 40 and one "
        "that is split over threads, increments 1 and 2."
    ),
    catches=(
        "Moves through arithmetic, sums that start from +0 where there is nothing to add, masked "
        "tails filled with +0."
    ),
)
@few_threads
def zero_signs(ctx):
    cblas = Cblas(ctx.blas)
    lengths = (*range(1, 41), 10016) if ctx.threads == 1 else (7, 10016)
    orders = (1, 2, 5, 8, 17, 33, 70) if ctx.threads == 1 else (7, 70)
    for dtype in DTYPES:
        first = ANYTHING[real_dtype(dtype).name]
        anything = first, first[1:] + first[:1]
        for n in lengths:
            incx, incy = 1 + n % 2, 1 + n // 2 % 2
            for routine, arguments in MOVES.items():
                _ask(ctx, cblas, routine, dtype, arguments, anything, n, incx, incy)
            if not dtype.startswith("c"):
                for routine, (arguments, *values) in IDENTITIES.items():
                    patterns = [bits(np.array(each, dtype)).tolist() for each in values]
                    _ask(ctx, cblas, routine, dtype, arguments, patterns, n, incx, incy)
        for n in orders:
            for routine, arguments in IDLE.items():
                if routine != "gemm" or not dtype.startswith("c"):
                    patterns = (first[-1:], anything[0])
                    _ask(ctx, cblas, routine, dtype, arguments, patterns, n, lines=n)
