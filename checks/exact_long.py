"""Matrices with few columns, longer than kernels that go through them piece by piece."""

import numpy as np

from checks.api import check
from checks.cblas import COLUMN, NO_TRANS, TRANS, Cblas
from checks.operands import LETTER

__all__ = ["long_columns"]

#: Rows: more than the 2^21 after which old x86 kernels of gemv start anew, and not a multiple.
ROWS = 2**21 + 101

COLUMNS, MORE_COLUMNS = (3,), (1, 2, 4, 5)
DTYPES, MORE_DTYPES = ("float64",), ("float32",)

#: Elements by which the matrix starts behind a boundary of 16 bytes, and those between its columns.
PLACES, MORE_PLACES = ((1, 0),), ((0, 0), (1, 1))


@check(
    id="exact.gemv-long",
    title="Products with very long columns are exact, wherever they start",
    category="exact",
    routines=["sgemv", "dgemv"],
    oracle=(
        "A x and A^T y of integers with 2,097,253 rows and 3 columns, the matrix beside a boundary "
        "of 16 bytes, not in smoke on it as well, with padding, and in single precision: every "
        "element must be exact. Sums stay small, since the numbers repeat with changing signs."
    ),
    catches="Pieces of a column that overlap or leave a gap: OpenBLAS#4352 (Prescott, Core2).",
    max_threads=1,
)
def long_columns(ctx):
    cblas = Cblas(ctx.blas)
    for n in COLUMNS + ctx.by_profile((), MORE_COLUMNS):
        for dtype in DTYPES + ctx.by_profile((), MORE_DTYPES):
            for shift, padding in PLACES + ctx.by_profile((), MORE_PLACES):
                _ask(ctx, cblas, dtype, n, shift, padding)


def _ask(ctx, cblas, dtype, n, shift, padding):
    leading = ROWS + padding
    memory = np.empty(leading * n + 32, dtype)
    start = -memory.ctypes.data % 16 // memory.itemsize + shift
    a = memory[start : start + leading * n].reshape(n, leading)
    # Sums over any piece stay small: 1, -2, 3, -1, 2, -3 times signs with a period of 7.
    a[...] = np.resize([1, -2, 3, -1, 2, -3], leading * n).reshape(n, leading)
    y = np.resize(np.array([1, 1, -1, 1, -1, -1, 2], dtype), ROWS)
    x = np.arange(1, n + 1).astype(dtype)
    for trans, given, result in (
        (TRANS, y, np.einsum("ji,i->j", a[:, :ROWS], y, dtype=np.float64)),
        (NO_TRANS, x, np.einsum("ji,j->i", a[:, :ROWS], x, dtype=np.float64)),
    ):
        name, found = LETTER[dtype] + "gemv", np.zeros(len(result), dtype)
        parameters = {
            "dtype": dtype, "m": ROWS, "n": n, "trans": trans, "shift": shift, "padding": padding,
        }  # fmt: skip
        ctx.trying(name, parameters)
        cblas.call(
            *("gemv", dtype, COLUMN, trans, ROWS, n, 1.0, a, leading),
            *(given, 1, 0.0, found, 1),
        )
        ctx.ran()
        wrong = np.flatnonzero(found != result)
        if len(wrong):
            message = "%d x %d, %s, start %d elements beside 16 bytes: element %d is %s, exactly %s"
            side = "transposed" if trans == TRANS else "plain"
            told = (ROWS, n, side, shift, wrong[0], found[wrong[0]], result[wrong[0]])
            ctx.fail(name, message % told, parameters, bad=len(wrong), of=len(result))
