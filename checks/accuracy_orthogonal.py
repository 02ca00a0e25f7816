"""LAPACK's own test ratios for QR factors and least squares."""

from checks import matrices
from checks.accuracy_trials import (
    MEDIUM,
    SMALL,
    each_case,
    guarded,
    rectangular,
    require_ratios,
    threaded_sizes,
)
from checks.api import check
from checks.lapack import drivers_for
from checks.operands import LETTER
from checks.oracles import (
    LINEAR_LIMIT,
    consistent_ratio,
    multiply,
    normal_ratio,
    orthogonality_ratio,
    qr_ratio,
)
from checks.splitting import two_threads

__all__ = ["lstsq", "qr"]

#: Kinds with elements that are exactly zero.
PLAIN = ("zero", "identity", "diagonal")


@check(
    id="accuracy.qr",
    title="QR factors multiply back, Q is orthonormal",
    category="accuracy",
    routines=["?geqrf", "?orgqr", "?ungqr", "?larfb", "?gemv", "?ger"],
    oracle=(
        "||R - Q^H A|| / (m ||A|| u) < 30 and ||I - Q^H Q|| / (m u) < 30, 1-norms (LAPACK "
        "LIN/dqrt01.f); square, tall and wide; zero, identity and diagonal among them."
    ),
    catches="Householder blocks above wrong gemv, ger, trmm and gemm tails: OpenBLAS#2187.",
    budget=120.0,
)
@two_threads
def qr(ctx):
    kinds = ("random", "spectrum", "graded", "near-singular", "large", "small", *PLAIN)
    threaded = threaded_sizes(((65, 40), (143, 101)), ((33, 20), (80, 65)))
    sizes = (*rectangular(SMALL + ctx.by_profile((129,), MEDIUM)), (300, 7), (1025, 5))
    sizes += ctx.by_profile((), ((300, 257),))
    for drivers, parameters in each_case(ctx, "qr", sizes, kinds, threaded):
        m, n = parameters["size"]
        a = matrices.general(parameters["kind"], parameters["seed"], m, n, parameters["dtype"])
        found = guarded(ctx, "geqrf", parameters, drivers.qr, a)
        if found is None:
            continue
        q, r = found
        require_ratios(
            ctx,
            "geqrf",
            parameters,
            LINEAR_LIMIT,
            factor=qr_ratio(a, q, r),
            orthogonality=orthogonality_ratio(q),
        )


@check(
    id="accuracy.lstsq",
    title="Least squares: residual orthogonal to the range, consistent systems solved",
    category="accuracy",
    routines=["?gelsd", "?geqrf", "?gelqf", "?gebrd", "?ormqr", "?lalsd"],
    oracle=(
        "||R^H A|| / (||A|| max(||B||, ||A|| ||X||) max(m, n, k) u) < 30 with R = B - A X (LAPACK "
        "LIN/dqrt17.f, with the scale of a normwise backward error: Higham ch. 20); for B in A's "
        "range ||R|| / (max(m, n) ||A|| ||X|| u) < 30 (dqrt16.f); the rank is full, of zero 0. "
        "Polynomial fits (Vandermonde), diagonal matrices and the identity included."
    ),
    catches="OpenBLAS#2187 (gelsd: wrong polynomial fit on AVX-512), scipy#24319.",
    budget=120.0,
)
@two_threads
def lstsq(ctx):
    kinds = ("random", "spectrum", "clustered", *PLAIN)
    threaded = threaded_sizes(((40, 20), (129, 97)), ((20, 12), (65, 50)))
    sizes = (*rectangular(SMALL + ctx.by_profile((97,), MEDIUM)), (512, 8), (9, 300))
    for drivers, parameters in each_case(ctx, "lstsq", sizes, kinds, threaded):
        _fit(ctx, drivers, parameters)
    if ctx.threads == 1:
        for dtype in ("float64", "complex128"):  # in single precision its rank is not full
            parameters = {"function": "lstsq", "dtype": dtype, "kind": "vandermonde"}
            parameters.update(size=[512, 8], seed=ctx.seed)
            _fit(ctx, drivers_for(ctx.blas, dtype), parameters)


def _fit(ctx, drivers, parameters):
    """Require small ratios for a right-hand side in A's range and for one outside."""
    (m, n), dtype, seed = parameters["size"], parameters["dtype"], parameters["seed"]
    a = matrices.general(parameters["kind"], seed, m, n, dtype)
    columns = (1, 2, 5)[m % 3]
    inside = multiply(a, matrices.random(seed + 1000, n, columns, dtype)).astype(dtype)
    outside = matrices.random(seed + 2000, m, columns, dtype)
    for name, b, ratio in (
        ("consistent", inside, consistent_ratio),
        ("normal", outside, normal_ratio),
    ):
        found = guarded(ctx, "gelsd", parameters, drivers.lstsq, a, b)
        if found is not None:
            x, rank, _ = found
            require_ratios(ctx, "gelsd", parameters, LINEAR_LIMIT, **{name: ratio(a, x, b)})
            expected = 0 if parameters["kind"] == "zero" else min(m, n)
            if rank != expected:
                message = "rank %d, must be %d" % (rank, expected)
                ctx.fail(LETTER[dtype] + "gelsd", message, parameters)
