"""LAPACK's own test ratios for what `numpy.linalg` computes, in all four precisions.

Double precision goes through `numpy.linalg`; single precision, which `numpy.linalg` would convert,
through LAPACK in the same library. Residuals are formed without BLAS (`oracles.multiply`).
"""

import numpy as np

from checks import matrices
from checks.api import check
from checks.lapack import drivers_for
from checks.operands import DTYPES, LAYOUTS, LETTER
from checks.oracles import (
    BLAS_LIMIT,
    LINEAR_LIMIT,
    NONSYMMETRIC_LIMIT,
    SVD_LIMIT,
    SYMMETRIC_LIMIT,
    consistent_ratio,
    eig_ratio,
    eigh_ratio,
    factor_ratio,
    inverse_ratio,
    multiply,
    norm,
    normal_ratio,
    orthogonality_ratio,
    over,
    qr_ratio,
    solve_ratio,
    svd_ratio,
    unit,
    values_ratio,
)
from checks.splitting import few_threads

__all__ = ["cholesky", "det", "eig", "eigh", "gemm", "inv", "lstsq", "qr", "solve", "svd"]

#: Astride unrolls, panel widths (32, 64, 128) and the crossover to divide and conquer (25).
SMALL = (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 25, 26, 31, 32, 33, 48, 49, 63, 64, 65)
MEDIUM = (80, 97, 127, 128, 129, 143)

#: Sizes at which OpenBLAS starts to split LU (m n >= 10,000 per thread, single 40,000), Cholesky
#: (128, 256) and the products within.
LARGE = (200, 257, 283, 300)


def _cases(ctx, function, sizes, kinds, threaded):
    """Yield (drivers, parameters): each size with random and with one other kind.

    function: name of the driver, for the reproducer;
    threaded: {dtype: sizes} for the cells with several threads: above the points where OpenBLAS
    splits the work.
    """
    for position, dtype in enumerate(DTYPES):
        drivers = drivers_for(ctx.blas, dtype)
        own = sizes if ctx.threads == 1 else threaded.get(dtype, ())
        for index, size in enumerate(own):
            others = [kind for kind in kinds if kind != "random"]
            some = others if ctx.profile != "smoke" else [others[(index + position) % len(others)]]
            if ctx.threads > 1 and ctx.profile == "smoke":
                some = []
            for kind in ["random", *some]:
                parameters = {
                    "function": function,
                    "dtype": dtype,
                    "kind": kind,
                    "size": list(size) if isinstance(size, tuple) else size,
                    "seed": ctx.seed + index,
                }
                yield drivers, parameters


def _guarded(ctx, routine, parameters, function, *arguments):
    """Call a driver; an error on input that has an answer is a failure. None then."""
    ctx.trying(LETTER[parameters["dtype"]] + routine, parameters)
    try:
        return function(*arguments)
    except np.linalg.LinAlgError as error:
        ctx.ran()
        name = LETTER[parameters["dtype"]] + routine
        ctx.fail(name, "%s on input that has an answer" % error, parameters)
        return None


def _ratios(ctx, routine, parameters, limit, **ratios):
    """Require each named ratio to be below `limit`, and keep the largest as a figure."""
    name = LETTER[parameters["dtype"]] + routine
    for what, ratio in ratios.items():
        ctx.require_ratio(name, _label(what, parameters), ratio, limit, dict(parameters, test=what))
        largest = ctx.details.setdefault("largest_ratio", {})
        if not largest.get(what, -1.0) >= ratio:
            largest[what] = float(ratio)


def _label(what, parameters):
    return "%s of %s %s, size %s" % (
        what,
        parameters["dtype"],
        parameters["kind"],
        parameters["size"],
    )


def _threaded(real, complex_):
    """Return the sizes of threaded cells; complex kernels split much smaller work."""
    return {dtype: complex_ if dtype.startswith("c") else real for dtype in DTYPES}


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
@few_threads
def solve(ctx):
    sizes = SMALL + MEDIUM + ctx.by_profile((283,), LARGE)
    threaded = _threaded((33, 101, 143, *ctx.by_profile((), (283,))), (33, 80))
    for drivers, parameters in _cases(ctx, "solve", sizes, matrices.KINDS, threaded):
        n, seed = parameters["size"], parameters["seed"]
        a = matrices.general(parameters["kind"], seed, n, n, parameters["dtype"])
        b = matrices.random(seed + 1000, n, (1, 2, 5, 70)[n % 4], parameters["dtype"])
        x = _guarded(ctx, "gesv", parameters, drivers.solve, a, b)
        if x is not None:
            _ratios(ctx, "gesv", parameters, LINEAR_LIMIT, residual=solve_ratio(a, x, b))
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
                    x = _guarded(ctx, "gesv", parameters, drivers.solve, a, b)
                    if x is not None:
                        _ratios(ctx, "gesv", parameters, LINEAR_LIMIT, solution=_distance(x, dtype))


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
@few_threads
def inv(ctx):
    kinds = ("random", "spectrum", "clustered", "graded")
    threaded = _threaded((101, 143, *ctx.by_profile((), (200, 283))), (33, 80))
    sizes = SMALL + MEDIUM + ctx.by_profile((200,), LARGE)
    for drivers, parameters in _cases(ctx, "inv", sizes, kinds, threaded):
        n = parameters["size"]
        a = matrices.general(parameters["kind"], parameters["seed"], n, n, parameters["dtype"])
        inverse = _guarded(ctx, "gesv", parameters, drivers.inv, a)
        if inverse is not None:
            _ratios(ctx, "gesv", parameters, LINEAR_LIMIT, inverse=inverse_ratio(a, inverse))
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
            inverse = _guarded(ctx, "gesv", parameters, drivers.inv, a)
            if inverse is not None:
                difference = float(np.abs(inverse - exact).max()) / unit(dtype)
                _ratios(ctx, "gesv", parameters, LINEAR_LIMIT, solution=difference)


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
@few_threads
def cholesky(ctx):
    kinds = ("random", "spectrum", "clustered", "graded", "near-singular", "large", "small")
    threaded = _threaded((65, 129, 257, *ctx.by_profile((), (300,))), (33, 129))
    sizes = SMALL + MEDIUM + ctx.by_profile((257,), LARGE)
    for drivers, parameters in _cases(ctx, "cholesky", sizes, kinds, threaded):
        n, dtype = parameters["size"], parameters["dtype"]
        a = matrices.positive(parameters["kind"], parameters["seed"], n, dtype)
        factor = _guarded(ctx, "potrf", parameters, drivers.cholesky, a)
        if factor is not None:
            ratio = factor_ratio(a, factor, factor.conj().T)
            _ratios(ctx, "potrf", parameters, LINEAR_LIMIT, factor=ratio)


def _rectangular(sizes):
    """Return shapes around each size: square, taller, wider."""
    shapes = []
    for index, n in enumerate(sizes):
        other = max(1, (n * (3, 1, 5)[index % 3]) // (7, 3, 6)[index % 3])
        shapes += [(n, n), (n, other) if index % 2 else (other, n)]
    return tuple(shapes)


@check(
    id="accuracy.qr",
    title="QR factors multiply back, Q is orthonormal",
    category="accuracy",
    routines=["?geqrf", "?orgqr", "?ungqr", "?larfb", "?gemv", "?ger"],
    oracle=(
        "||R - Q^H A|| / (m ||A|| u) < 30 and ||I - Q^H Q|| / (m u) < 30, 1-norms (LAPACK "
        "LIN/dqrt01.f); square, tall and wide."
    ),
    catches="Householder blocks above wrong gemv, ger, trmm and gemm tails: OpenBLAS#2187.",
    budget=120.0,
)
@few_threads
def qr(ctx):
    kinds = ("random", "spectrum", "graded", "near-singular", "large", "small")
    threaded = _threaded(((65, 40), (143, 101)), ((33, 20), (80, 65)))
    sizes = (*_rectangular(SMALL + MEDIUM), (300, 7), (1025, 5))
    sizes += ctx.by_profile((), ((300, 257),))
    for drivers, parameters in _cases(ctx, "qr", sizes, kinds, threaded):
        m, n = parameters["size"]
        a = matrices.general(parameters["kind"], parameters["seed"], m, n, parameters["dtype"])
        q, r = drivers.qr(a)
        _ratios(
            ctx,
            "geqrf",
            parameters,
            LINEAR_LIMIT,
            factor=qr_ratio(a, q, r),
            orthogonality=orthogonality_ratio(q),
        )


@check(
    id="accuracy.eigh",
    title="Hermitian eigenproblems: residual, orthogonality, order",
    category="accuracy",
    routines=["?syevd", "?heevd", "?sytrd", "?hetrd", "?stedc", "?symv", "?hemv", "?syr2k"],
    oracle=(
        "||A - V diag(w) V^H|| / (n ||A|| ulp) < 50, ||I - V^H V|| / (n u) < 50 (LAPACK "
        "EIG/dsyt21.f), eigenvalues with and without vectors within 50 (ddrvst.f), ascending "
        "exactly. Degenerate spectra (all eigenvalues in two clusters) included."
    ),
    catches=(
        "Tridiagonal reduction above wrong symv, her2k; divide and conquer that loses its vectors: "
        "OpenBLAS PR#5877 (NaN for nearly equal eigenvalues), #1388, #5517, numpy#19469."
    ),
    budget=120.0,
)
@few_threads
def eigh(ctx):
    kinds = ("random", "spectrum", "clustered", "graded", "near-singular", "large", "small")
    threaded = _threaded((65, 97, *ctx.by_profile((), (200,))), (33, 65))
    sizes = SMALL + MEDIUM + ctx.by_profile((), LARGE)
    for drivers, parameters in _cases(ctx, "eigh", sizes, kinds, threaded):
        n, dtype = parameters["size"], parameters["dtype"]
        a = matrices.hermitian(parameters["kind"], parameters["seed"], n, dtype)
        found = _guarded(ctx, _eigh_name(dtype), parameters, drivers.eigh, a)
        alone = _guarded(ctx, _eigh_name(dtype), parameters, drivers.eigh, a, False)
        if found is None or alone is None:
            continue
        w, v = found
        _ratios(
            ctx,
            _eigh_name(dtype),
            parameters,
            SYMMETRIC_LIMIT,
            residual=eigh_ratio(a, w, v),
            orthogonality=orthogonality_ratio(v),
            values=values_ratio(w, alone),
            order=0.0 if np.all(w[1:] >= w[:-1]) else np.inf,
        )


def _eigh_name(dtype):
    return "heevd" if dtype.startswith("c") else "syevd"


@check(
    id="accuracy.eig",
    title="General eigenproblems: residual and normalisation",
    category="accuracy",
    routines=["?geev", "?gehrd", "?hseqr", "?trevc", "?gemv", "?trmm"],
    oracle=(
        "||A V - V diag(w)|| / (||A|| ||V|| ulp) < 20 (LAPACK EIG/dget22.f, limit of nep.in, for "
        "n > 50 times n / 50) and | ||v_j|| - 1 | / (n ulp) < 20."
    ),
    catches=(
        "Hessenberg reduction and QR sweeps above wrong kernels: numpy#22516, scipy#11577, "
        "PyEMMA#1426."
    ),
    budget=120.0,
)
@few_threads
def eig(ctx):
    # Not graded: balancing does not keep the normwise backward error small there.
    kinds = ("random", "spectrum", "clustered", "large", "small")
    threaded = _threaded((40, 97), (25, 65))
    sizes = SMALL + ctx.by_profile((75, 97, 129), MEDIUM + LARGE[:1])
    for drivers, parameters in _cases(ctx, "eig", sizes, kinds, threaded):
        n = parameters["size"]
        a = matrices.general(parameters["kind"], parameters["seed"], n, n, parameters["dtype"])
        found = _guarded(ctx, "geev", parameters, drivers.eig, a)
        if found is None:
            continue
        w, v = found
        lengths = np.sqrt((np.abs(v).astype(np.float64) ** 2).sum(axis=0))
        _ratios(
            ctx,
            "geev",
            parameters,
            NONSYMMETRIC_LIMIT,
            residual=eig_ratio(a, w, v),
            normalisation=float(np.abs(lengths - 1).max()) / (n * 2 * unit(v.dtype)),
        )


@check(
    id="accuracy.svd",
    title="Singular value decompositions: residual, orthogonality, order",
    category="accuracy",
    routines=["?gesdd", "?gebrd", "?bdsdc", "?ormbr", "?unmbr", "?gemv", "?gemm"],
    oracle=(
        "||A - U diag(s) V^H|| / (max(m, n) ||A|| ulp) < 50 (LAPACK EIG/dbdt01.f), ||I - U^H U|| / "
        "(m u) < 50, the same for V, s with and without vectors within 50 (ddrvbd.f), s descending "
        "and not negative exactly; square, tall and wide."
    ),
    catches=(
        "Bidiagonal reduction and its back transformation above wrong gemv and gemm: "
        "OpenBLAS#3318 (NaN from finite input), #2168, #1343 (endless loop)."
    ),
    budget=120.0,
)
@few_threads
def svd(ctx):
    kinds = ("random", "spectrum", "clustered", "graded", "near-singular", "large", "small")
    threaded = _threaded(((40, 33), (97, 65)), ((20, 16), (65, 50)))
    sizes = (*_rectangular(SMALL + ctx.by_profile((97, 129), MEDIUM)), (300, 7), (5, 1025))
    for drivers, parameters in _cases(ctx, "svd", sizes, kinds, threaded):
        m, n = parameters["size"]
        a = matrices.general(parameters["kind"], parameters["seed"], m, n, parameters["dtype"])
        found = _guarded(ctx, "gesdd", parameters, drivers.svd, a)
        alone = _guarded(ctx, "gesdd", parameters, drivers.svd, a, False)
        if found is None or alone is None:
            continue
        u, s, vh = found
        ordered = np.all(s[1:] <= s[:-1]) and np.all(s >= 0)
        _ratios(
            ctx,
            "gesdd",
            parameters,
            SVD_LIMIT,
            residual=svd_ratio(a, u, s, vh),
            left=orthogonality_ratio(u),
            right=orthogonality_ratio(vh.conj().T),
            values=values_ratio(s, alone),
            order=0.0 if ordered else np.inf,
        )


@check(
    id="accuracy.lstsq",
    title="Least squares: residual orthogonal to the range, consistent systems solved",
    category="accuracy",
    routines=["?gelsd", "?geqrf", "?gelqf", "?gebrd", "?ormqr", "?lalsd"],
    oracle=(
        "||R^H A|| / (||A|| max(||B||, ||A|| ||X||) max(m, n, k) u) < 30 with R = B - A X (LAPACK "
        "LIN/dqrt17.f, with the scale of a normwise backward error: Higham ch. 20); for B in A's "
        "range ||R|| / (max(m, n) ||A|| ||X|| u) < 30 (dqrt16.f); the rank is full."
    ),
    catches="OpenBLAS#2187 (gelsd: wrong polynomial fit on AVX-512), scipy#24319.",
    budget=120.0,
)
@few_threads
def lstsq(ctx):
    kinds = ("random", "spectrum", "clustered")
    threaded = _threaded(((40, 20), (129, 97)), ((20, 12), (65, 50)))
    sizes = (*_rectangular(SMALL + ctx.by_profile((97, 129), MEDIUM)), (512, 8), (9, 300))
    for drivers, parameters in _cases(ctx, "lstsq", sizes, kinds, threaded):
        (m, n), dtype, seed = parameters["size"], parameters["dtype"], parameters["seed"]
        a = matrices.general(parameters["kind"], seed, m, n, dtype)
        columns = (1, 2, 5)[m % 3]
        inside = multiply(a, matrices.random(seed + 1000, n, columns, dtype)).astype(dtype)
        outside = matrices.random(seed + 2000, m, columns, dtype)
        for name, b, ratio in (
            ("consistent", inside, consistent_ratio),
            ("normal", outside, normal_ratio),
        ):
            found = _guarded(ctx, "gelsd", parameters, drivers.lstsq, a, b)
            if found is not None:
                x, rank, _ = found
                _ratios(ctx, "gelsd", parameters, LINEAR_LIMIT, **{name: ratio(a, x, b)})
                if rank != min(m, n):
                    ctx.fail(
                        LETTER[dtype] + "gelsd", "rank %d of %d" % (rank, min(m, n)), parameters
                    )


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
            _ratios(ctx, "getrf", parameters, LINEAR_LIMIT, subnormal=distance)


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
        _ratios(
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


@check(
    id="accuracy.gemm",
    title="Matrix products are accurate in every element",
    category="accuracy",
    routines=["?gemm", "?syrk", "?gemv"],
    oracle=(
        "max_ij |C - C'| / (ulp (|A| |B|)_ij) < 16, times k / 100 for k > 100 (test/dblat3.f, "
        "DMMCH; |C - C'| <= gamma_k |A||B|, Higham ch. 3): by component, so that Strassen-like "
        "schemes and products in lower precision fail. Operands: integers of 25 bits (single 23), "
        "whose exact product is summed in 64-bit integers. Figure: the largest ratio over sqrt(k), "
        "what errors that cancel would give (Higham and Mary 2019)."
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
    for dtype in DTYPES:
        if ctx.threads > 1:  # complex products are split from 32,768 multiplications on
            shapes = [(31, 32, 30), (51, 52, 50) if dtype.startswith("c") else (102, 103, 101)]
        layouts = LAYOUTS if ctx.threads == 1 or ctx.profile != "smoke" else ("CF",)
        for index, (m, n, k) in enumerate(shapes):
            _accurate_products(ctx, dtype, m, n, k, layouts, ctx.seed + index)


def _accurate_products(ctx, dtype, m, n, k, layouts, seed):
    bits = 23 if dtype in ("float32", "complex64") else 25
    parts = 2 if dtype.startswith("c") else 1
    a, b = _wide_integers(seed, m, k, bits, parts), _wide_integers(seed + 1, k, n, bits, parts)
    exact = _exact_parts(a, b)
    bound = multiply(sum(np.abs(x) for x in a), sum(np.abs(y) for y in b))
    for layout in layouts:
        left = np.array(_joined(a), dtype, order=layout[0])
        right = np.array(_joined(b), dtype, order=layout[1])
        parameters = {
            "dtype": dtype,
            "kind": "integers",
            "size": [m, n, k],
            "layout": layout,
            "bits": bits,
            "seed": seed,
        }
        ctx.trying(LETTER[dtype] + "gemm", parameters)
        error = _error(np.matmul(left, right), exact)
        ratio = float(np.max(error / (np.finfo(dtype).eps * bound)))
        _ratios(ctx, "gemm", parameters, BLAS_LIMIT * max(1.0, k / 100), product=ratio)
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
