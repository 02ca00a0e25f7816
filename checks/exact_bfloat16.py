"""bfloat16 on integers of up to seven bits, which it holds exactly: any difference is a bug.

Sums are made in single precision, where these stay exact. Few builds of OpenBLAS have bfloat16
(BUILD_BFLOAT16); where none of it is exported, the check says so.
"""

import ctypes

import numpy as np

from checks.api import check
from checks.cblas import COLUMN, NO_TRANS, ROW, TRANS
from checks.choices import PADDINGS, choose
from checks.operands import integers
from checks.splitting import few_threads

__all__ = ["bfloat16"]

#: Bits of a NaN: what lies between the lines of a matrix.
GAP = 0x7FE5
ROUTINES = ("sbgemm", "sbgemv", "sbstobf16", "sbf16tos", "sbdot")


def truncated(values):
    """Return the upper halves of single-precision numbers: bfloat16, exact for small integers."""
    return (values.astype(np.float32).view(np.uint32) >> np.uint32(16)).astype(np.uint16)


def stored(matrix, order, padding):
    """Return (lines with gaps, leading dimension) of a matrix in bfloat16."""
    lines = truncated(matrix if order == ROW else np.ascontiguousarray(matrix.T))
    memory = np.full((lines.shape[0], max(1, lines.shape[1] + padding)), GAP, np.uint16)
    memory[:, : lines.shape[1]] = lines
    return memory, memory.shape[1]


class Routines:
    """The exported routines of ROUTINES."""

    def __init__(self, library):
        i, p, e, f = library.integer, ctypes.c_void_p, ctypes.c_int, ctypes.c_float
        types = {
            "sbgemm": (None, [e, e, e, i, i, i, f, p, i, p, i, f, p, i]),
            "sbgemv": (None, [e, e, i, i, f, p, i, p, i, f, p, i]),
            "sbstobf16": (None, [i, p, i, p, i]),
            "sbf16tos": (None, [i, p, i, p, i]),
            "sbdot": (f, [i, p, i, p, i]),
        }
        self.found = {
            name: library.function("cblas_" + name, *types[name])
            for name in ROUTINES
            if library.has("cblas_" + name)
        }

    def __getitem__(self, name):
        return self.found.get(name)


def _product(ctx, routines, seed, m, n, k, turn):
    """Multiply by sbgemm, or sbgemv where n is 1."""
    name = "sbgemv" if n == 1 else "sbgemm"
    if routines[name] is None:
        return
    order, ta, tb, scalars, pad = choose(
        turn,
        (ROW, COLUMN),
        (NO_TRANS, TRANS),
        (NO_TRANS, TRANS),
        ((1, 0), (2, 1), (-1, 0)),
        PADDINGS,
    )
    alpha, beta = scalars
    a, b = integers(seed, m, k).real, integers(seed + 1, k, n).real
    start = integers(seed + 2, m, n).real.astype(np.float32)
    exact = alpha * np.einsum("ik,kj->ij", a, b, optimize=False) + beta * start
    c = np.array(start if beta else start * np.nan, order="C" if order == ROW else "F")
    left, lda = stored(a.T if ta == TRANS else a, order, pad)
    parameters = {
        "routine": name, "seed": seed, "order": order, "ta": ta, "tb": tb, "m": m, "n": n, "k": k,
        "lda": lda, "alpha": alpha, "beta": beta,
    }  # fmt: skip
    ctx.trying(name, parameters)
    if n == 1:
        x = truncated(np.ascontiguousarray(b[:, 0]))
        rows, columns = (k, m) if ta == TRANS else (m, k)
        routines[name](
            order, ta, rows, columns, alpha, left.ctypes.data, lda, x.ctypes.data, 1, beta,
            c.ctypes.data, 1,
        )  # fmt: skip
    else:
        right, ldb = stored(b.T if tb == TRANS else b, order, pad)
        routines[name](
            order, ta, tb, m, n, k, alpha, left.ctypes.data, lda, right.ctypes.data, ldb, beta,
            c.ctypes.data, n if order == ROW else m,
        )  # fmt: skip
    _compare(ctx, name, c, exact, parameters)


def _compare(ctx, name, result, exact, parameters):
    ctx.ran()
    wrong = np.argwhere(np.asarray(result) != exact)
    if len(wrong):
        at = tuple(wrong[0])
        message = "element %s is %s, exactly %s" % (list(map(int, at)), result[at], exact[at])
        ctx.fail(name, message, parameters, first_bad=at, bad=len(wrong), of=exact.size)


def _vectors(ctx, routines, seed, n):
    """Convert there and back, and multiply."""
    x, y = (integers(seed + i, 1, n, 100).real[0] for i in range(2))
    single, half = x.astype(np.float32), truncated(x)
    facts = {"seed": seed, "n": n}
    for name, given, exact in (("sbstobf16", single, half), ("sbf16tos", half, single)):
        if routines[name] is not None:
            result = np.full(n, GAP, exact.dtype)
            ctx.trying(name, facts)
            routines[name](n, given.ctypes.data, 1, result.ctypes.data, 1)
            _compare(ctx, name, result, exact, dict(facts, routine=name))
    if routines["sbdot"] is not None:
        other = truncated(y)
        ctx.trying("sbdot", facts)
        result = routines["sbdot"](n, half.ctypes.data, 1, other.ctypes.data, 1)
        _compare(
            ctx,
            "sbdot",
            np.array([result]),
            np.array([np.sum(x * y)]),
            dict(facts, routine="sbdot"),
        )


@check(
    id="exact.bfloat16",
    title="bfloat16 products and conversions of integers are exact",
    category="exact",
    routines=["sbgemm", "sbgemv", "sbdot", "sbstobf16", "sbf16tos"],
    oracle=(
        "Integers below 128 are exact in bfloat16, and sums of their products below 2^24 in single "
        "precision: results must be equal. NaN lies between lines and in C where beta = 0. Sizes "
        "1 to 40 in turn, all transposed forms, k = 0 and to 600."
    ),
    catches=(
        "AMX and AVX-512 bfloat16 kernels, tails, conversions: OpenBLAS PR#4048 (SapphireRapids "
        "sbgemm), #5122 (sbgemv)."
    ),
)
@few_threads
def bfloat16(ctx):
    routines = Routines(ctx.blas)
    ctx.details["not_exported"] = [name for name in ROUTINES if routines[name] is None]
    if not routines.found:
        ctx.unsupported("this library was built without bfloat16")
    turn = 0
    for m in range(1, 41):
        for n in (1, 1 + 7 * m % 40, 1 + 11 * m % 17):
            for _ in range(ctx.by_profile(2, 12)):
                turn += 1
                _product(ctx, routines, ctx.seed + turn, m, n, 1 + 13 * turn % 37, turn)
    for m, n, k in ((65, 33, 600), (130, 70, 257), (3, 300, 33), (300, 1, 257), (128, 128, 128)):
        turn += 1
        _product(ctx, routines, ctx.seed + turn, m, n, k, turn)
    for m, n in ((2, 3), (17, 8), (33, 40)):
        for _ in range(6):  # by turns of beta; where it is 0, C is NaN
            turn += 1
            _product(ctx, routines, ctx.seed + turn, m, n, 0, turn)
    for n in (*range(1, 70), 255, 1025):
        _vectors(ctx, routines, ctx.seed + n, n)
