"""Floating-point flags: harmless numbers raise none, whatever lies beside them in memory."""

import itertools

import numpy as np

from checks import level1, level2, level3, matrices
from checks.api import check
from checks.calls import name_of, operands_of, with_operands
from checks.cblas import Cblas
from checks.fenv import flags_of_this_machine
from checks.operands import DTYPES, LETTER
from checks.splitting import few_threads

__all__ = ["blas_flags", "fp_flags"]

#: Zeros make no flags here: solves divide by the diagonal, rotm reads its flag from an operand.
NEVER_ZERO = ("trsv", "tbsv", "tpsv", "trsm", "rotm")

#: OpenBLAS's own, which in some releases write elsewhere: `exact` and `bounds` ask for that.
LEFT_OUT = ("gemm_batch_strided", "gemmt", "gemmtr")


def _beside(image):
    """Return the image with infinity in its gaps: used, it makes NaN or an invalid operation."""
    filled = image.copy()
    parts = filled.view(image.real.dtype).reshape(-1, 2 if image.dtype.kind == "c" else 1)
    parts[np.isnan(parts).all(axis=1)] = np.inf
    return filled


def _zeros(image):
    """Return the image with zeros for all numbers, and its gaps as they were."""
    return np.where(np.isnan(image), image, np.zeros(1, image.dtype))


@check(
    id="special.blas-flags",
    title="No routine of BLAS raises floating-point flags on harmless numbers",
    category="special",
    routines=["?gemm", "?symm", "?syrk", "?trmm", "?trsm", "?gemv", "?symv", "?trsv", "?dot"],
    oracle=(
        "fetestexcept after each call of the streams of exact.level1 to level3: on small integers "
        "with infinity between lines and elements and in triangles that are not named, and on "
        "zeros, there is no invalid operation, division by zero, overflow or underflow."
    ),
    catches=(
        "Tails that compute on what lies beyond the operand and discard it, division by what is "
        "zero: OpenBLAS#1924 (syrk of zeros), numpy#28687, #24067, #13173."
    ),
    systems=("linux", "darwin"),
)
@few_threads
def blas_flags(ctx):
    flags = flags_of_this_machine(("invalid", "division by zero", "overflow", "underflow"))
    if flags is None:
        ctx.unsupported("the floating-point flags of this machine cannot be read")
    cblas = Cblas(ctx.blas)
    for index, call in enumerate(_streams(ctx)):
        if call.routine in LEFT_OUT or not cblas.has(call.routine, call.dtype):
            continue
        zeros = index % 3 == 0 and call.routine not in NEVER_ZERO
        changed = np.copy if call.routine in level1.FACTORS else _zeros if zeros else _beside
        passed = with_operands(call, (changed(operand.before) for operand in operands_of(call)))
        parameters = dict(call.parameters, zeros=zeros)
        ctx.trying(name_of(call), parameters)
        flags.clear()
        cblas.call(call.routine, call.dtype, *passed)
        raised = flags.raised()
        ctx.ran()
        if raised:
            what = "zeros" if zeros else "small integers beside infinity"
            ctx.fail(name_of(call), "%s: %s" % (what, flags.names(raised)), parameters)


def _streams(ctx):
    """Return calls of all levels; with threads few, and large enough to be split."""
    if ctx.threads > 1:
        shapes = [(40, 41, 33)] if ctx.profile == "smoke" else [(40, 41, 33), (103, 101, 102)]
        routines = ("gemm", "syrk", "trsm", "symm")
        return level3.shaped_calls(ctx.seed, shapes, routines, turns=ctx.by_profile(1, 3))
    lengths = ctx.by_profile((1, 3, 16, 33), range(1, 70))
    sizes = [(m, (37 * m + 11) % 40 + 1) for m in range(1, 44, ctx.by_profile(14, 1))]
    return itertools.chain(
        level1.calls(ctx.seed, lengths),
        level2.calls(ctx.seed, sizes),
        itertools.islice(level3.calls(ctx.seed), 0, None, ctx.by_profile(13, 1)),
    )


@check(
    id="special.fp-flags",
    title="Benign products raise no floating-point flags",
    category="special",
    routines=["?gemm", "?gemv", "?syrk"],
    oracle=(
        "Operands in [-1, 1), zeros and identities, results of ordinary size: no overflow, no "
        "invalid operation, no division by zero and no underflow can happen, so NumPy must not "
        "report one (np.errstate(all='raise'))."
    ),
    catches=(
        "Tails that compute on what lies beyond the operand and discard it: numpy#24067, #13173."
    ),
)
def fp_flags(ctx):
    _products_of_random_numbers(ctx)
    _products_of_zeros_and_ones(ctx)


def _products_of_zeros_and_ones(ctx):
    sizes = (15, 33, 34) if ctx.threads > 1 else (*range(1, 41), 48, 64, 65, 100)
    for dtype in DTYPES:
        for n in sizes:
            for kind, matrix in (
                ("zeros", np.zeros((n, n), dtype)),
                ("identity", np.eye(n).astype(dtype)),
            ):
                parameters = {"kind": kind, "dtype": dtype, "n": n, "routine": "gemm"}
                ctx.trying(LETTER[dtype] + "gemm", parameters)
                ctx.ran()
                try:
                    with np.errstate(all="raise"):
                        _ = matrix @ matrix.copy(), matrix @ matrix.T, matrix @ matrix[0]
                except FloatingPointError as error:
                    ctx.fail(
                        LETTER[dtype] + "gemm",
                        "%s, %s of %d x %d: %s" % (dtype, kind, n, n, error),
                        parameters,
                    )


def _products_of_random_numbers(ctx):
    sizes = ((1, 1, 1), (2, 3, 5), (7, 9, 11), (17, 15, 33), (40, 41, 39), (65, 63, 70))
    sizes += ((500, 6, 7), (6, 500, 7), (7, 6, 500), (1000, 17, 17))
    if ctx.threads > 1:
        sizes = ((7, 9, 11), (30, 31, 33))
    for dtype in DTYPES:
        for m, n, k in sizes:
            a = matrices.random(ctx.seed, m, k, dtype)
            b = matrices.random(ctx.seed + 1, k, n, dtype)
            for order in "CF":
                left = np.array(a, order=order)
                for routine, function in (
                    ("gemm", lambda left=left, b=b: left @ b),
                    ("gemv", lambda left=left, b=b: left @ b[:, 0]),
                    ("syrk", lambda left=left: left.T @ left),
                ):
                    parameters = {
                        "kind": "flags",
                        "dtype": dtype, "routine": routine, "m": m, "n": n, "k": k,
                        "order": order, "seed": ctx.seed,
                    }  # fmt: skip
                    ctx.trying(LETTER[dtype] + routine, parameters)
                    ctx.ran()
                    try:
                        with np.errstate(all="raise"):
                            function()
                    except FloatingPointError as error:
                        ctx.fail(
                            LETTER[dtype] + routine,
                            "%s %d x %d x %d, order %s: %s" % (dtype, m, k, n, order, error),
                            parameters,
                        )
