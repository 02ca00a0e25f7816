"""LAPACK's own test ratios for linear systems: LU, Cholesky, inverses and determinants."""

import numpy as np

from checks import matrices
from checks.accuracy_trials import (
    LARGE,
    MEDIUM,
    SMALL,
    each_case,
    guarded,
    require_ratios,
    threaded_sizes,
)
from checks.api import check
from checks.lapack import drivers_for
from checks.operands import DTYPES
from checks.oracles import (
    LINEAR_LIMIT,
    factor_ratio,
    inverse_ratio,
    norm,
    over,
    solve_ratio,
    unit,
)
from checks.splitting import two_threads

__all__ = ["cholesky", "det", "inv", "solve"]


@check(
    id="accuracy.solve",
    title="Solutions of linear systems have small residuals",
    category="accuracy",
    routines=["?gesv", "?getrf", "?getrs", "?trsm"],
    oracle=(
        "max over right-hand sides of ||b - A x|| / (||A|| ||x|| u) < 30, 1-norms, u = eps / 2 "
        "(LAPACK LIN/dget02.f, limit of dtest.in). Random, prescribed and clustered spectrum, "
        "graded, nearly singular, near overflow and underflow; 1 to 300 unknowns, 1 to 70 "
        "right-hand sides; diagonal systems with subnormal pivots must be solved exactly."
    ),
    catches=(
        "LU and triangular solves above wrong kernels, subnormal pivots called singular: "
        "numpy#22502, numpy PR#20660, OpenBLAS#3976, numpy#22025, scipy#24319."
    ),
    budget=120.0,
)
@two_threads
def solve(ctx):
    sizes = SMALL + ctx.by_profile((129,), MEDIUM + LARGE)
    threaded = threaded_sizes((33, 101, 143, *ctx.by_profile((), (283,))), (33, 80))
    for drivers, parameters in each_case(ctx, "solve", sizes, matrices.KINDS, threaded):
        n, seed = parameters["size"], parameters["seed"]
        a = matrices.general(parameters["kind"], seed, n, n, parameters["dtype"])
        b = matrices.random(seed + 1000, n, (1, 2, 5, 70)[n % 4], parameters["dtype"])
        x = guarded(ctx, "gesv", parameters, drivers.solve, a, b)
        if x is not None:
            require_ratios(ctx, "gesv", parameters, LINEAR_LIMIT, residual=solve_ratio(a, x, b))
    _subnormal_pivots(ctx)


def _subnormal_pivots(ctx):
    """Solve diagonal systems with a subnormal pivot: x = 1 exactly (OpenBLAS#3976).

    For complex ones only at the end, and not below tiny / 2: their solvers multiply by a
    reciprocal, which overflows.
    """
    for dtype in DTYPES:
        drivers = drivers_for(ctx.blas, dtype)
        is_complex = dtype.startswith("c")
        for n in (2, 3, 8, 33):
            for divisor in (2.0,) if is_complex else (2.0, 1024.0):
                for at in (n - 1,) if is_complex else (0, n // 2, n - 1):
                    diagonal = np.ones(n, dtype)
                    diagonal[at] = float(np.finfo(dtype).tiny) / divisor
                    parameters = {
                        "function": "solve",
                        "dtype": dtype,
                        "kind": "subnormal-pivot",
                        "size": n,
                        "seed": 0,
                        "divisor": divisor,
                        "at": at,
                    }
                    a, b = np.diag(diagonal), diagonal[:, None]
                    x = guarded(ctx, "gesv", parameters, drivers.solve, a, b)
                    if x is not None:
                        require_ratios(
                            ctx, "gesv", parameters, LINEAR_LIMIT, solution=_distance(x, dtype)
                        )


def _distance(x, dtype):
    """Return ||x - 1|| / u, for a solution that is 1 exactly."""
    return float(np.abs(x - 1).max()) / unit(dtype)


@check(
    id="accuracy.inv",
    title="Inverses multiply back to the identity",
    category="accuracy",
    routines=["?gesv", "?getrf", "?getri", "?trsm", "?trtri"],
    oracle=(
        "||I - A^-1 A|| / (n ||A|| ||A^-1|| u) < 30, 1-norms (LAPACK LIN/dget03.f). The inverse "
        "of the identity with one entry more is compared with the exact one. Threads from n = 100 "
        "(gesv splits by n times right-hand sides) and 142 (getrf)."
    ),
    catches=(
        "Threaded LU and triangular solves with many right-hand sides: numpy#22502 (identity with "
        "one entry), numpy PR#20660, OpenBLAS#2168."
    ),
    budget=120.0,
)
@two_threads
def inv(ctx):
    kinds = ("random", "spectrum", "clustered", "graded")
    threaded = threaded_sizes((101, 143, *ctx.by_profile((), (200, 283))), (33, 80))
    sizes = SMALL + ctx.by_profile((129,), MEDIUM + LARGE)
    for drivers, parameters in each_case(ctx, "inv", sizes, kinds, threaded):
        n = parameters["size"]
        a = matrices.general(parameters["kind"], parameters["seed"], n, n, parameters["dtype"])
        inverse = guarded(ctx, "gesv", parameters, drivers.inv, a)
        if inverse is not None:
            require_ratios(ctx, "gesv", parameters, LINEAR_LIMIT, inverse=inverse_ratio(a, inverse))
    if ctx.threads == 1:
        _elementary_inverses(ctx)


def _elementary_inverses(ctx):
    """Invert I + 10 e_i e_j^T: I - 10 e_i e_j^T exactly (numpy#22502)."""
    for dtype in DTYPES:
        drivers = drivers_for(ctx.blas, dtype)
        for n in (2, 5, 8, 16, 24, 33, 48, 64, 80, 129):
            i, j = n - 1 - n // 3, n // 4
            a, exact = np.eye(n, dtype=dtype), np.eye(n, dtype=dtype)
            a[i, j], exact[i, j] = 10, -10
            parameters = {
                "function": "inv",
                "dtype": dtype,
                "kind": "elementary",
                "size": n,
                "seed": 0,
                "at": [i, j],
            }
            inverse = guarded(ctx, "gesv", parameters, drivers.inv, a)
            if inverse is not None:
                difference = float(np.abs(inverse - exact).max()) / unit(dtype)
                require_ratios(ctx, "gesv", parameters, LINEAR_LIMIT, solution=difference)


@check(
    id="accuracy.cholesky",
    title="Cholesky factors multiply back",
    category="accuracy",
    routines=["?potrf", "?syrk", "?herk", "?trsm"],
    oracle=(
        "||L L^H - A|| / (n ||A|| u) < 30, 1-norms (LAPACK LIN/dpot01.f); the other triangle is "
        "zero. A positive definite matrix that is called indefinite is a failure. Threads from "
        "n = 128 (single 256)."
    ),
    catches=(
        "Blocked and recursive Cholesky above wrong syrk, herk and trsm: OpenBLAS#2986 (info = 65 "
        "on a definite matrix), #6013, #2168."
    ),
    budget=120.0,
)
@two_threads
def cholesky(ctx):
    kinds = ("random", "spectrum", "clustered", "graded", "near-singular", "large", "small")
    threaded = threaded_sizes((65, 129, 257, *ctx.by_profile((), (300,))), (33, 129))
    sizes = SMALL + ctx.by_profile((129,), MEDIUM + LARGE)
    for drivers, parameters in each_case(ctx, "cholesky", sizes, kinds, threaded):
        n, dtype = parameters["size"], parameters["dtype"]
        a = matrices.positive(parameters["kind"], parameters["seed"], n, dtype)
        factor = guarded(ctx, "potrf", parameters, drivers.cholesky, a)
        if factor is not None:
            ratio = factor_ratio(a, factor, factor.conj().T)
            require_ratios(ctx, "potrf", parameters, LINEAR_LIMIT, factor=ratio)


@check(
    id="accuracy.det",
    title="Determinants that are known exactly",
    category="accuracy",
    routines=["dgetrf", "zgetrf"],
    oracle=(
        "|det - exact| / (|exact| n cond(A) u) < 30, 1-norm condition: det computed by LU is that "
        "of A + E with |E| <= gamma_n |L||U| (Higham, Accuracy and Stability, Thm 9.3). Exact: "
        "integer matrices by fraction-free elimination (n <= 12), Hadamard matrices with rows "
        "permuted and signs changed (n^(n/2)), both times a power of the imaginary unit. "
        "A pivot that is subnormal must not make it NaN."
    ),
    catches="LU and its row exchanges: numpy#22025 (subnormal pivot), OpenBLAS#3976, numpy#22502.",
    max_threads=1,
    budget=60.0,
)
def det(ctx):
    for n in range(1, 13):
        for trial in range(ctx.by_profile(4, 16)):
            seed = ctx.seed + trial
            a = np.random.RandomState(seed + 100 * n).randint(-9, 10, (n, n))
            a += 20 * np.eye(n, dtype=int)
            exact = float(_integer_determinant(a.tolist()))
            parameters = {"function": "det", "kind": "integer", "size": n, "seed": seed + 100 * n}
            _determinant(ctx, a.astype(float), exact, parameters)
    for order in range(2, 9, 2):  # n = 4, 16, 64, 256: the division is exact
        n = 2**order
        stream = np.random.RandomState(ctx.seed + order)
        permutation = stream.permutation(n)
        signs = 2 * stream.randint(0, 2, n) - 1
        sign = float(np.prod(signs)) * _parity(permutation)
        a = (matrices.hadamard(order) * signs[:, None])[permutation] / 2 ** (order // 2)
        parameters = {"function": "det", "kind": "hadamard", "size": n, "seed": ctx.seed + order}
        _determinant(ctx, a, sign, parameters)
    for dtype in ("float64", "complex128"):
        for at in range(3):
            diagonal = np.array([1, 2, 1], dtype)
            diagonal[at] = 5e-310
            exact = 5e-310 if at == 1 else 1e-309
            parameters = {
                "function": "det",
                "dtype": dtype,
                "kind": "subnormal-pivot",
                "size": 3,
                "seed": 0,
                "at": at,
            }
            distance = abs(np.linalg.det(np.diag(diagonal)) - exact) / 5e-324
            require_ratios(ctx, "getrf", parameters, LINEAR_LIMIT, subnormal=distance)


def _determinant(ctx, a, exact, parameters):
    """Require det(a), det(a.T) and det(i a), and the sign of slogdet."""
    n = len(a)
    condition = norm(a) * norm(np.linalg.inv(a))
    for dtype, matrix, expected in (
        ("float64", a, exact),
        ("float64", np.ascontiguousarray(a.T), exact),
        ("complex128", a * 1j, exact * 1j ** (n % 4)),
    ):
        bound = abs(exact) * n * max(1.0, condition) * unit(dtype)
        sign, logarithm = np.linalg.slogdet(matrix)
        require_ratios(
            ctx,
            "getrf",
            dict(parameters, dtype=dtype),
            LINEAR_LIMIT,
            determinant=over(abs(np.linalg.det(matrix) - expected), bound),
            slogdet=over(abs(sign * _exp(logarithm) - expected), bound * max(1, abs(logarithm))),
        )


def _exp(logarithm):
    """Return e^logarithm, infinity without a warning where a wrong one is large."""
    return float(np.exp(logarithm)) if logarithm < 709 else np.inf


def _integer_determinant(rows):
    """Return the determinant of a matrix of Python integers, exactly (Bareiss)."""
    rows = [list(row) for row in rows]
    sign, previous = 1, 1
    for k in range(len(rows) - 1):
        pivot = next((i for i in range(k, len(rows)) if rows[i][k]), None)
        if pivot is None:
            return 0
        if pivot != k:
            rows[k], rows[pivot], sign = rows[pivot], rows[k], -sign
        for i in range(k + 1, len(rows)):
            for j in range(k + 1, len(rows)):
                product = rows[i][j] * rows[k][k] - rows[i][k] * rows[k][j]
                rows[i][j] = product // previous
        previous = rows[k][k]
    return sign * rows[-1][-1]


def _parity(permutation):
    """Return 1.0 for an even permutation, -1.0 for an odd one."""
    seen, sign = set(), 1.0
    for start in range(len(permutation)):
        position, length = start, 0
        while position not in seen:
            seen.add(position)
            position = int(permutation[position])
            length += 1
        if length and length % 2 == 0:
            sign = -sign
    return sign
