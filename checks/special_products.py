"""NaN, infinity, and stale buffers in the products that NumPy asks for.

What IEEE 754 or the reference BLAS leave open is not judged but recorded.
"""

import numpy as np

from checks.api import check
from checks.operands import DTYPES, LETTER, poison, whole
from checks.oracles import compare, multiply

__all__ = ["nan", "stale_buffer"]


@check(
    id="special.nan",
    title="NaN and infinity in an operand reach the result, and only where they belong",
    category="special",
    routines=["?gemm", "?gemv", "?syrk", "?dot"],
    oracle=(
        "IEEE 754: each sum that contains the NaN is NaN, all others are finite and exact; an "
        "infinity times numbers without zeros gives infinity or (opposite signs meet) NaN. No "
        "operand holds zeros: whether 0 * NaN may be skipped is open in the reference BLAS "
        "(Demmel et al., arXiv 2207.09281) and only recorded. First, last and middle position, "
        "sizes with tails in every dimension."
    ),
    catches="Masked tails, shortcuts that lose a NaN: OpenBLAS#929, #746, #171, #750, #4419, #86.",
    max_threads=1,
)
def nan(ctx):
    with np.errstate(all="ignore"):  # older NumPy warns of the NaN that are asked for
        _place_everywhere(ctx)
    for letter, kept in _zero_times_nan().items():
        ctx.record("%sgemm: NaN * 0" % letter, "NaN" if kept else "0")


def _place_everywhere(ctx):
    for dtype in DTYPES:
        for m, k, n in ((1, 1, 1), (2, 3, 4), (5, 7, 9), (17, 16, 15), (33, 31, 34), (65, 70, 66)):
            a, b = whole(ctx.seed, m, k, dtype), whole(ctx.seed + 1, k, n, dtype)
            exact = multiply(a, b)
            for i, j in {(0, 0), (m - 1, k - 1), (m // 2, k // 2), (0, k - 1), (m - 1, 0)}:
                for value in (np.nan, np.inf):
                    parameters = {
                        "kind": "nan", "dtype": dtype, "m": m, "k": k, "n": n, "at": [i, j],
                        "value": str(value), "seed": ctx.seed,
                    }  # fmt: skip
                    bad = a.copy()
                    bad[i, j] = value
                    rows = np.zeros((m, n), bool)
                    rows[i] = True
                    for order in "CF":
                        left = np.array(bad, order=order)
                        _require_placed(ctx, "gemm", left @ b, exact, rows, parameters)
                        _require_placed(
                            ctx,
                            "gemm",
                            b.T @ left.T,
                            exact.T,
                            rows.T,
                            dict(parameters, swapped=True),
                        )
                        _require_placed(
                            ctx, "gemv", left @ b[:, 0], exact[:, 0], rows[:, 0], parameters
                        )
                    square = multiply(a, a.T)
                    cross = rows[:, :1] | rows[:, :1].T
                    _require_placed(ctx, "syrk", bad @ bad.T, square, cross, parameters)
                    dot = np.dot(bad[i], b[:, 0])
                    _require_placed(
                        ctx, "dot", np.array([dot]), np.zeros(1), np.ones(1, bool), parameters
                    )


def _require_placed(ctx, routine, result, exact, expected, parameters):
    """Require elements `expected` to be not finite, and all others to be exact."""
    ctx.ran()
    lost = expected & np.isfinite(result)
    spoilt = ~expected & (result != exact)
    wrong = lost | spoilt
    if parameters["value"] == "nan":
        wrong |= expected & ~np.isnan(result)
    if np.count_nonzero(wrong):
        where = [int(x) for x in np.argwhere(wrong)[0]]
        ctx.fail(
            LETTER[parameters["dtype"]] + routine,
            "%s at %s of a %s operand: element %s of the result is %s"
            % (
                parameters["value"],
                parameters["at"],
                parameters["dtype"],
                where,
                result[tuple(where)],
            ),
            dict(parameters, routine=routine),
            first_bad=where,
            bad=np.count_nonzero(wrong),
            of=wrong.size,
        )


def _zero_times_nan():
    """Return {letter: whether a zero in B keeps the NaN of A} of a small product."""
    kept = {}
    for dtype in DTYPES:
        a, b = np.ones((5, 5), dtype), np.zeros((5, 5), dtype)
        a[2, 3] = np.nan
        kept[LETTER[dtype]] = bool(np.isnan((a @ b)[2]).all())
    return kept


@check(
    id="special.stale-buffer",
    title="What an earlier call left in OpenBLAS's buffers does not reach a later result",
    category="special",
    routines=["?gemm", "?gemv", "?syrk", "?gesv"],
    oracle=(
        "After a product of large operands that are all NaN, finite integer products of smaller "
        "sizes with tails in every dimension must be exact: packed panels are padded from buffers "
        "that still hold NaN."
    ),
    catches="Kernels that use the padding of packed panels: OpenBLAS#746, #929, #3318.",
)
def stale_buffer(ctx):
    sizes = (
        (1, 1, 1),
        (3, 2, 5),
        (7, 9, 4),
        (13, 11, 17),
        (31, 33, 15),
        (65, 47, 66),
        (71, 70, 129),
    )
    if ctx.threads > 1:
        sizes = ((7, 9, 4), (33, 31, 30))
    for dtype in DTYPES:
        for m, n, k in sizes:
            a, b = whole(ctx.seed, m, k, dtype), whole(ctx.seed + 1, k, n, dtype)
            exact, square = multiply(a, b), multiply(a, a.T)
            spoil = np.full((75, 140), poison(dtype), dtype)
            if ctx.threads > 1:
                spoil = spoil[:30, :30].copy()
            for order in "CF":
                left = np.array(a, order=order)
                for routine, function, expected in (
                    ("gemm", lambda left=left, b=b: left @ b, exact),
                    ("gemv", lambda left=left, b=b: left @ b[:, 0], exact[:, 0]),
                    ("syrk", lambda left=left: left @ left.T, square),
                ):
                    parameters = {
                        "kind": "stale",
                        "dtype": dtype, "routine": routine, "m": m, "n": n, "k": k,
                        "order": order, "seed": ctx.seed,
                    }  # fmt: skip
                    ctx.trying(LETTER[dtype] + routine, parameters)
                    _ = spoil @ spoil.T
                    _ = spoil[:60] @ np.full((spoil.shape[1], 60), poison(dtype), dtype)
                    result = function()
                    ctx.ran()
                    mismatch = compare(result, expected)
                    if mismatch is not None:
                        ctx.fail(
                            LETTER[dtype] + routine,
                            "%s %d x %d x %d, order %s, after NaN: %s"
                            % (dtype, m, k, n, order, mismatch.message),
                            parameters,
                            **mismatch.facts(),
                        )
