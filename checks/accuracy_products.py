"""Accuracy of every element of matrix products, against exact ones of wide integers."""

import numpy as np

from checks.accuracy_trials import require_ratios
from checks.api import check
from checks.operands import DTYPES, LAYOUTS, LETTER
from checks.oracles import BLAS_LIMIT, multiply
from checks.splitting import few_threads

__all__ = ["gemm"]

#: Shapes of which A A^T is asked too.
SYMMETRIC = ((2, 3, 5), (31, 32, 64), (65, 63, 257), (31, 32, 30), (102, 103, 101), (51, 52, 50))

#: Larger ones, of which smoke has others: their exact products cost most.
SPARED = ((65, 63, 257), (97, 40, 300), (128, 129, 127), (5, 200, 513), (33, 48, 100))


@check(
    id="accuracy.gemm",
    title="Matrix products are accurate in every element",
    category="accuracy",
    routines=["?gemm", "?gemv", "?syrk"],
    oracle=(
        "max_ij |C - C'| / (ulp (|A| |B|)_ij) < 16, times k / 100 for k > 100 (test/dblat3.f, "
        "DMMCH; |C - C'| <= gamma_k |A||B|, Higham ch. 3): by component, so that Strassen-like "
        "schemes and products in lower precision fail. Operands: integers of 25 bits (single 23), "
        "whose exact product is summed in 64-bit integers; A A^T (syrk) too. Figure: the largest "
        "ratio over sqrt(k), what errors that cancel would give (Higham and Mary 2019)."
    ),
    catches=(
        "Dropped low bits, reduced-precision kernels (bf16, tf32) behind sgemm, lost partial sums "
        "that small integers hide: OpenBLAS#4048, np#24903, OpenBLAS#5267."
    ),
    budget=60.0,
)
@few_threads
def gemm(ctx):
    shapes = [
        (1, 1, 1), (2, 3, 5), (7, 8, 9), (16, 17, 33), (31, 32, 64), (33, 48, 100), (64, 64, 129),
        (65, 63, 257), (80, 81, 82), (97, 40, 300), (128, 129, 127), (40, 40, 385), (24, 24, 700),
        (1, 50, 300), (50, 1, 300), (200, 5, 513), (5, 200, 513), (102, 103, 101), (30, 30, 1000),
    ]  # fmt: skip
    shapes = ctx.by_profile([each for each in shapes if each not in SPARED], shapes)
    for dtype in DTYPES:
        if ctx.threads > 1:  # complex products are split from 32,768 multiplications on
            shapes = [(31, 32, 30), (51, 52, 50) if dtype.startswith("c") else (102, 103, 101)]
        for index, (m, n, k) in enumerate(shapes):
            few = LAYOUTS[index % 2 :: 2] if ctx.threads == 1 else ("CF",)
            layouts = ctx.by_profile(few, LAYOUTS)
            _accurate_products(ctx, dtype, m, n, k, layouts, ctx.seed + index)


def _accurate_products(ctx, dtype, m, n, k, layouts, seed):
    bits = 23 if dtype in ("float32", "complex64") else 25
    parts = 2 if dtype.startswith("c") else 1
    a, b = _wide_integers(seed, m, k, bits, parts), _wide_integers(seed + 1, k, n, bits, parts)
    _accurate(ctx, "gemm", dtype, (a, b), layouts, bits, seed)
    if (m, n, k) in SYMMETRIC:
        _accurate(ctx, "syrk", dtype, (a, [part.T for part in a]), layouts[:1], bits, seed)


def _accurate(ctx, routine, dtype, factors, layouts, bits, seed):
    """Require the product of two matrices, parts of integers, in each layout; syrk: A A^T."""
    (a, b), (m, k), n = factors, factors[0][0].shape, factors[1][0].shape[1]
    exact = _exact_parts(a, b)
    bound = multiply(sum(np.abs(x) for x in a), sum(np.abs(y) for y in b))
    for layout in layouts:
        left = np.array(_joined(a), dtype, order=layout[0])
        # NumPy calls syrk for a view of the same memory only.
        right = left.T if routine == "syrk" else np.array(_joined(b), dtype, order=layout[1])
        parameters = {
            "dtype": dtype,
            "kind": "integers",
            "size": [m, n, k],
            "layout": layout,
            "bits": bits,
            "seed": seed,
        }
        if routine == "syrk":
            parameters["routine"] = routine
        ctx.trying(LETTER[dtype] + routine, parameters)
        error = _error(np.matmul(left, right), exact)
        ratio = float(np.max(error / (np.finfo(dtype).eps * bound)))
        require_ratios(ctx, routine, parameters, BLAS_LIMIT * max(1.0, k / 100), product=ratio)
        figure = ratio / k**0.5
        if figure > ctx.details.get("largest_ratio_over_sqrt_k", 0.0):
            ctx.details["largest_ratio_over_sqrt_k"] = figure


def _wide_integers(seed, rows, columns, bits, parts):
    """Return `parts` matrices of integers below 2^bits in magnitude, none of them zero."""
    stream = np.random.RandomState(seed)
    magnitude = stream.randint(1, 2**bits, size=(parts, rows, columns))
    sign = 2 * stream.randint(0, 2, size=(parts, rows, columns)) - 1
    return list((magnitude * sign).astype(np.int64))


def _joined(parts):
    """Return one real matrix, or two as one complex."""
    return parts[0] * 1.0 if len(parts) == 1 else parts[0] + 1j * parts[1]


def _exact_parts(a, b):
    """Return the exact product as [real] or [real, imaginary] 64-bit integers."""
    products = [[_integer_product(x, y) for y in b] for x in a]
    if len(a) == 1:
        return products[0]
    return [products[0][0] - products[1][1], products[0][1] + products[1][0]]


def _error(result, exact):
    """Return |result - exact| of each element, as |re| + |im| for complex (zblat3.f)."""
    error = 0.0
    for part, whole in zip((result.real, result.imag), exact):
        rounded = whole.astype(np.float64)
        rest = (whole - rounded.astype(np.int64)).astype(np.float64)
        error = error + np.abs((part.astype(np.float64) - rounded) - rest)
    return error


def _integer_product(a, b):
    """Return the exact product of matrices of integers below 2^25 in magnitude (k <= 2^11)."""
    high, low = a >> 13, a & 8191
    other_high, other_low = b >> 13, b & 8191
    crossed = multiply(high, other_low) + multiply(low, other_high)
    return (
        (multiply(high, other_high).astype(np.int64) << 26)
        + (crossed.astype(np.int64) << 13)
        + multiply(low, other_low).astype(np.int64)
    )
