"""NaN, infinity, zero sizes, singular and indefinite input, flags: no question of rounding.

What IEEE 754 or the reference BLAS leave open is not judged but recorded in `Context.details`.
"""

import numpy as np

from checks import matrices
from checks.api import check
from checks.cblas import COLUMN, LOWER, NO_TRANS, ROW, TRANS, UPPER, Cblas
from checks.lapack import IllegalArgument, drivers_for
from checks.operands import DTYPES, LETTER, integers, poison
from checks.oracles import compare, multiply
from checks.splitting import few_threads

__all__ = [
    "beta_zero",
    "empty",
    "fp_flags",
    "nan",
    "nan_lapack",
    "not_positive_definite",
    "scal_nan",
    "singular",
    "stale_buffer",
]


def _whole(seed, m, n, dtype, high=8):
    """Return an integer matrix of that precision, without zeros."""
    a = integers(seed, m, n, high)
    return (a if dtype.startswith("c") else a.real).astype(dtype)


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
    ctx.details["zero_times_nan_kept"] = _zero_times_nan()


def _place_everywhere(ctx):
    for dtype in DTYPES:
        for m, k, n in ((1, 1, 1), (2, 3, 4), (5, 7, 9), (17, 16, 15), (33, 31, 34), (65, 70, 66)):
            a, b = _whole(ctx.seed, m, k, dtype), _whole(ctx.seed + 1, k, n, dtype)
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
    id="special.scal-nan",
    title="Scaling by zero keeps NaN and infinity",
    category="special",
    routines=["?scal"],
    oracle=(
        "Reference BLAS multiplies every element, also by zero: 0 * NaN and 0 * Inf are NaN (IEEE "
        "754), 0 * finite is 0. Real precisions; lengths 1 to 40 and one that is split over "
        "threads, increments 1 and 2, a NaN or infinity at either end. The complex routines, which "
        "no release of OpenBLAS has answered alike on all kernels, are recorded: how often the NaN "
        "was lost, how often it spoilt its neighbour."
    ),
    catches="A shortcut for alpha = 0 that fills with zeros: OpenBLAS#4413, #4728, #4729.",
)
def scal_nan(ctx):
    cblas = Cblas(ctx.blas)
    for dtype in DTYPES:
        is_complex = dtype.startswith("c")
        figures = {"lost": 0, "spoilt": 0}
        for n in (*range(1, 41), 10016) if ctx.threads == 1 else (7, 10016):
            for step in (1, 2):
                for value in (np.nan, np.inf):
                    for at in {0, n - 1}:
                        x = np.ones(n * step, dtype)
                        x[at * step] = value
                        cblas.call("scal", dtype, n, 0.0, x, step)
                        result = x[::step]
                        lost = not np.isnan(result[at])
                        spoilt = bool(np.count_nonzero(np.delete(result, at)))
                        figures["lost"] += lost
                        figures["spoilt"] += spoilt
                        if is_complex:
                            continue
                        ctx.ran()
                        if lost or spoilt:
                            what = result[at] if lost else "others are not 0"
                            ctx.fail(
                                LETTER[dtype] + "scal",
                                "0 * %s, element %d of %d, increment %d: %s"
                                % (value, at, n, step, what),
                                {
                                    "dtype": dtype,
                                    "n": n,
                                    "step": step,
                                    "at": at,
                                    "value": str(value),
                                },
                            )
        if is_complex:
            ctx.details[LETTER[dtype] + "scal"] = figures


#: How a driver says no: newer geev calls NaN an illegal argument; NumPy before 1.25 raised
#: ValueError or SystemError in place of LinAlgError from lstsq.
REFUSALS = (np.linalg.LinAlgError, IllegalArgument, ValueError, SystemError)

#: Drivers that are given NaN, and how their results are reduced to arrays.
LAPACK_CALLS = ("solve", "inv", "cholesky", "qr", "eigh", "eig", "svd", "lstsq")


@check(
    id="special.nan-lapack",
    title="Factorizations of matrices with NaN end, with an error or NaN",
    category="special",
    routines=["?gesv", "?potrf", "?geqrf", "?syevd", "?heevd", "?geev", "?gesdd", "?gelsd"],
    oracle=(
        "A matrix with one NaN in its lower triangle has no solution: LinAlgError or NaN in the "
        "result (Demmel et al., arXiv 2207.09281), or an argument that is called illegal; never a "
        "result that is finite throughout, and never a hang."
    ),
    catches=(
        "Iterations that never converge on NaN, comparisons that drop it: OpenBLAS#1343 (endless "
        "loop), #3318, #4413, numpy#22025."
    ),
    max_threads=1,
    budget=30.0,
)
def nan_lapack(ctx):
    for dtype in DTYPES:
        drivers = drivers_for(ctx.blas, dtype)
        for n in (2, 17, 70):
            for at in ((0, 0), (n - 1, 0), (n // 2, n // 3)):
                a = matrices.positive("random", ctx.seed + n, n, dtype)
                a[at] = a[at[::-1]] = np.nan
                for name in LAPACK_CALLS:
                    ctx.ran()
                    second = (np.ones((n, 2), dtype),) if name in ("solve", "lstsq") else ()
                    try:
                        result = getattr(drivers, name)(a, *second)
                    except REFUSALS:
                        continue
                    parts = result if isinstance(result, tuple) else (result,)
                    if all(np.all(np.isfinite(part)) for part in parts):
                        ctx.fail(
                            LETTER[dtype] + name,
                            "%s of a %s matrix of %d with NaN at %s: finite throughout"
                            % (name, dtype, n, list(at)),
                            {
                                "dtype": dtype,
                                "function": name,
                                "kind": "nan",
                                "n": n,
                                "at": list(at),
                                "seed": ctx.seed + n,
                            },
                        )


@check(
    id="special.beta-zero",
    title="With beta = 0 the output is not read",
    category="special",
    routines=["?gemm", "?gemv", "?syrk", "?herk", "?syr2k", "?symm", "?hemm", "?symv", "?hemv"],
    oracle=(
        "BLAS: when beta is zero, C (y) need not be set on entry. NaN there must not reach the "
        "result, which must equal the exact integer product; with beta = 1 and integers in C too. "
        "syrk, herk and syr2k must leave the other triangle as it was, bit by bit; symm, hemm, "
        "symv and hemv must not read it (it holds NaN)."
    ),
    catches=(
        "beta * C computed for beta = 0 in one kernel or tail; writes to the other triangle: "
        "OpenBLAS#4413, #746, #2914, #1933, #1388."
    ),
)
@few_threads
def beta_zero(ctx):
    cblas = Cblas(ctx.blas)
    sizes = ((1, 1, 1), (2, 3, 1), (5, 4, 7), (9, 17, 8), (16, 16, 16), (33, 31, 34), (49, 65, 70))
    if ctx.threads > 1:
        sizes = ((5, 4, 7), (41, 40, 42))
    for dtype in DTYPES:
        for m, n, k in sizes:
            for beta in (0, 1):
                for alpha in (1, -2) if ctx.threads == 1 else (-2,):
                    _general_updates(ctx, cblas, dtype, m, n, k, alpha, beta)
                    _symmetric_updates(ctx, cblas, dtype, m, n, k, alpha, beta)


def _start(ctx, dtype, shape, beta):
    """Return what C holds on entry: NaN for beta = 0, else integers."""
    if beta == 0:
        return np.full(shape, poison(dtype), dtype)
    return _whole(ctx.seed + 3, shape[0], shape[1], dtype)


def _judge(ctx, routine, dtype, result, exact, kept, start, parameters):
    """Compare: where `kept`, with `start` bit by bit, elsewhere with `exact`."""
    ctx.ran()
    mismatch = compare(np.where(kept, 0, result), np.where(kept, 0, exact))
    if mismatch is not None:
        ctx.fail(
            LETTER[dtype] + routine,
            "%s: %s" % (_sentence(dtype, routine, parameters), mismatch.message),
            parameters,
            **mismatch.facts(),
        )
    elif result[kept].tobytes() != start[kept].tobytes():
        ctx.fail(
            LETTER[dtype] + routine,
            "%s: the other triangle was written" % _sentence(dtype, routine, parameters),
            parameters,
        )


def _sentence(dtype, routine, parameters):
    facts = ", ".join("%s = %s" % item for item in parameters.items() if item[0] != "seed")
    return "%s%s (%s)" % (LETTER[dtype], routine, facts)


def _general_updates(ctx, cblas, dtype, m, n, k, alpha, beta):
    seed = ctx.seed
    stored = {"seed": seed, "dtype": dtype, "m": m, "n": n, "k": k, "alpha": alpha, "beta": beta}
    a, b = _whole(seed, m, k, dtype), _whole(seed + 1, k, n, dtype)
    start = _start(ctx, dtype, (m, n), beta)
    exact = alpha * multiply(a, b) + (beta * start if beta else 0)
    nowhere = np.zeros((m, n), bool)
    for ta in (NO_TRANS, TRANS):
        for tb in (NO_TRANS, TRANS):
            left = a if ta == NO_TRANS else np.ascontiguousarray(a.T)
            right = b if tb == NO_TRANS else np.ascontiguousarray(b.T)
            c = start.copy()
            lda, ldb = left.shape[1], right.shape[1]
            cblas.call(
                "gemm", dtype, ROW, ta, tb, m, n, k, alpha, left, lda, right, ldb, beta, c, n
            )
            parameters = dict(stored, routine="gemm", ta=ta, tb=tb)
            _judge(ctx, "gemm", dtype, c, exact, nowhere, start, parameters)
    for order, stored_a, lda in ((ROW, a, k), (COLUMN, np.array(a, order="F"), m)):
        y = start[:, :1].copy()
        x = np.ascontiguousarray(b[:, 0])
        cblas.call("gemv", dtype, order, NO_TRANS, m, k, alpha, stored_a, lda, x, 1, beta, y, 1)
        parameters = dict(stored, routine="gemv", order=order)
        _judge(ctx, "gemv", dtype, y, exact[:, :1], nowhere[:, :1], start[:, :1], parameters)


def _symmetric_updates(ctx, cblas, dtype, m, n, k, alpha, beta):
    seed = ctx.seed
    stored = {"seed": seed, "dtype": dtype, "m": m, "n": n, "k": k, "alpha": alpha, "beta": beta}
    a, b = _whole(seed, m, k, dtype), _whole(seed + 1, m, k, dtype)
    kinds = (("syrk", "syr2k", "symm", "symv"), ("herk", "her2k", "hemm", "hemv"))
    for hermitian in (False, True) if dtype.startswith("c") else (False,):
        rank_k, _, product, vector = kinds[hermitian]
        other = a.conj().T if hermitian else a.T
        start = _start(ctx, dtype, (m, m), beta)
        if hermitian and beta:
            start[np.arange(m), np.arange(m)] = start.diagonal().real
        nan_free = beta * start if beta else 0
        full = np.ones((m, m), bool)
        for uplo, kept in ((UPPER, np.tril(full, -1)), (LOWER, np.triu(full, 1))):
            c = start.copy()
            cblas.call(rank_k, dtype, ROW, uplo, NO_TRANS, m, k, alpha, a, k, beta, c, m)
            exact = alpha * multiply(a, other) + nan_free
            parameters = dict(stored, routine=rank_k, uplo=uplo)
            _judge(ctx, rank_k, dtype, c, exact, kept, start, parameters)
            if not hermitian:
                c = start.copy()
                exact = alpha * (multiply(a, b.T) + multiply(b, a.T)) + nan_free
                cblas.call("syr2k", dtype, ROW, uplo, NO_TRANS, m, k, alpha, a, k, b, k, beta, c, m)
                parameters = dict(stored, routine="syr2k", uplo=uplo)
                _judge(ctx, "syr2k", dtype, c, exact, kept, start, parameters)
            _symmetric_operand(
                ctx, cblas, dtype, m, n, alpha, beta, uplo, hermitian, product, vector, stored
            )


def _symmetric_operand(
    ctx, cblas, dtype, m, n, alpha, beta, uplo, hermitian, product, vector, stored
):
    """symm, hemm, symv, hemv: the triangle that is not named holds NaN and must not be read."""
    s = _whole(ctx.seed + 5, m, m, dtype)
    s = np.tril(s) + (np.tril(s, -1).conj().T if hermitian else np.tril(s, -1).T)
    if hermitian:
        s[np.arange(m), np.arange(m)] = s.diagonal().real
    half = s.copy()
    half[np.tril_indices(m, -1) if uplo == UPPER else np.triu_indices(m, 1)] = poison(dtype)
    b = _whole(ctx.seed + 6, m, n, dtype)
    start = _start(ctx, dtype, (m, n), beta)
    exact = alpha * multiply(s, b) + (beta * start if beta else 0)
    nowhere = np.zeros((m, n), bool)
    c = start.copy()
    left = 141
    cblas.call(product, dtype, ROW, left, uplo, m, n, alpha, half, m, b, n, beta, c, n)
    parameters = dict(stored, routine=product, uplo=uplo)
    _judge(ctx, product, dtype, c, exact, nowhere, start, parameters)
    if cblas.has(vector, dtype):
        y, x = start[:, :1].copy(), np.ascontiguousarray(b[:, 0])
        cblas.call(vector, dtype, ROW, uplo, m, alpha, half, m, x, 1, beta, y, 1)
        parameters = dict(stored, routine=vector, uplo=uplo)
        _judge(ctx, vector, dtype, y, exact[:, :1], nowhere[:, :1], start[:, :1], parameters)


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
            a, b = _whole(ctx.seed, m, k, dtype), _whole(ctx.seed + 1, k, n, dtype)
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


@check(
    id="special.fp-flags",
    title="Benign products raise no floating-point flags",
    category="special",
    routines=["?gemm", "?gemv", "?syrk"],
    oracle=(
        "Operands in [-1, 1), results of ordinary size: no overflow, no invalid operation, no "
        "division by zero and no underflow can happen, so NumPy must not report one "
        "(np.errstate(all='raise'))."
    ),
    catches=(
        "Tails that compute on what lies beyond the operand and discard it: numpy#24067, #13173."
    ),
)
def fp_flags(ctx):
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


@check(
    id="special.singular",
    title="Exactly singular matrices are called singular",
    category="special",
    routines=["?gesv", "?getrf", "?getri"],
    oracle=(
        "A column of zeros stays zero in every step of Gaussian elimination, so that its pivot is "
        "zero exactly and INFO is its number: solve and inv must raise LinAlgError, det must be 0."
    ),
    catches="Zero pivots that are not reported, in any blocking of LU: OpenBLAS#3976, numpy#22025.",
    max_threads=1,
)
def singular(ctx):
    for dtype in DTYPES:
        drivers = drivers_for(ctx.blas, dtype)
        for n in (1, 2, 3, 4, 5, 8, 9, 16, 17, 31, 33, 64, 65, 100, 129, 150):
            for column in sorted({0, n // 3, n // 2, n - 1}):
                a = matrices.random(ctx.seed + n, n, n, dtype)
                a[:, column] = 0
                parameters = {
                    "kind": "singular",
                    "dtype": dtype,
                    "n": n,
                    "column": column,
                    "seed": ctx.seed + n,
                }
                calls = [
                    ("solve", lambda a=a, n=n, d=drivers: d.solve(a, np.ones((n, 2), a.dtype))),
                    ("inv", lambda a=a, d=drivers: d.inv(a)),
                ]
                for name, function in calls:
                    _require_error(ctx, "gesv", name, function, parameters)
                if dtype in ("float64", "complex128"):
                    ctx.ran()
                    determinant = np.linalg.det(a)
                    if determinant != 0:
                        ctx.fail(
                            LETTER[dtype] + "getrf",
                            "det of a %d x %d matrix whose column %d is zero: %s"
                            % (n, n, column, determinant),
                            dict(parameters, function="det"),
                        )


def _require_error(ctx, routine, name, function, parameters):
    """Require LinAlgError."""
    ctx.ran()
    try:
        function()
    except np.linalg.LinAlgError:
        return
    facts = ", ".join("%s = %s" % item for item in parameters.items() if item[0] != "seed")
    ctx.fail(
        LETTER[parameters["dtype"]] + routine,
        "%s raised no LinAlgError (%s)" % (name, facts),
        dict(parameters, function=name),
    )


@check(
    id="special.not-positive-definite",
    title="Matrices that are not positive definite have no Cholesky factor",
    category="special",
    routines=["?potrf"],
    oracle=(
        "A symmetric matrix with a negative diagonal element is not positive definite (e_i^T A e_i "
        "< 0): cholesky must raise LinAlgError, with the element in any block. One with the same "
        "element positive must not."
    ),
    catches="Blocked and recursive Cholesky that loses INFO: OpenBLAS#2986.",
    max_threads=1,
)
def not_positive_definite(ctx):
    for dtype in DTYPES:
        drivers = drivers_for(ctx.blas, dtype)
        for n in (1, 2, 3, 5, 8, 16, 17, 33, 64, 65, 100, 129, 150):
            for at in sorted({0, n // 3, n // 2, n - 1}):
                a = matrices.positive("random", ctx.seed + n, n, dtype)
                parameters = {
                    "kind": "indefinite",
                    "dtype": dtype,
                    "n": n,
                    "at": at,
                    "seed": ctx.seed + n,
                }
                ctx.ran()
                try:
                    drivers.cholesky(a)
                except np.linalg.LinAlgError as error:
                    ctx.fail(
                        LETTER[dtype] + "potrf",
                        "definite, yet: %s" % error,
                        dict(parameters, kind="definite", function="cholesky"),
                    )
                a[at, at] = -1
                _require_error(
                    ctx, "potrf", "cholesky", lambda a=a, d=drivers: d.cholesky(a), parameters
                )


@check(
    id="special.empty",
    title="Matrices without elements are no error",
    category="special",
    routines=["?gesv", "?getrf", "?potrf", "?geqrf", "?syevd", "?heevd", "?geev", "?gesdd"],
    oracle=(
        "Shapes follow from the definitions: a 0 x 0 system has an empty solution, its determinant "
        "is 1 (the empty product), and no routine may fail or touch memory."
    ),
    catches="Quick returns that are missing or misplaced: OpenBLAS PR#2797, #2914 (k = 0).",
    max_threads=1,
)
def empty(ctx):
    for dtype in ("float64", "complex128"):
        none, tall, wide = (np.zeros(shape, dtype) for shape in ((0, 0), (3, 0), (0, 3)))
        for name, function, expected in (
            ("gesv", lambda a=none: np.linalg.solve(a, np.zeros((0, 2), a.dtype)).shape, (0, 2)),
            ("gesv", lambda a=none: np.linalg.inv(a).shape, (0, 0)),
            ("potrf", lambda a=none: np.linalg.cholesky(a).shape, (0, 0)),
            ("syevd", lambda a=none: np.linalg.eigh(a)[1].shape, (0, 0)),
            ("geev", lambda a=none: np.linalg.eigvals(a).shape, (0,)),
            ("getrf", lambda a=none: complex(np.linalg.det(a)), 1),
            ("geqrf", lambda a=tall: [x.shape for x in np.linalg.qr(a)], [(3, 0), (0, 0)]),
            ("geqrf", lambda a=wide: [x.shape for x in np.linalg.qr(a)], [(0, 0), (0, 3)]),
            ("gesdd", lambda a=tall: np.linalg.svd(a, compute_uv=False).shape, (0,)),
            ("gesdd", lambda a=wide: np.linalg.svd(a, compute_uv=False).shape, (0,)),
        ):
            ctx.ran()
            try:
                result = function()
            except np.linalg.LinAlgError as error:
                result = error
            if result != expected:
                ctx.fail(
                    LETTER[dtype] + name,
                    "%s without elements: %r, expected %r" % (name, result, expected),
                    {"kind": "empty", "dtype": dtype, "routine": name},
                )
