"""With beta = 0 the output is not read: products and updates through CBLAS."""

import numpy as np

from checks.api import check
from checks.cblas import COLUMN, LEFT, LOWER, NO_TRANS, ROW, TRANS, UPPER, Cblas
from checks.operands import DTYPES, LETTER, poison, whole
from checks.oracles import compare, multiply
from checks.splitting import few_threads

__all__ = ["beta_zero"]


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
    sizes = ((2, 3, 1), (9, 17, 8), (33, 31, 34))  # exact.level2 and level3 ask at all sizes
    if ctx.profile != "smoke":
        sizes += ((1, 1, 1), (5, 4, 7), (16, 16, 16), (49, 65, 70))
    if ctx.threads > 1:
        sizes = ((41, 40, 42),)
    for dtype in DTYPES:
        for m, n, k in sizes:
            for beta in (0, 1):
                for alpha in (-2,) if ctx.profile == "smoke" or ctx.threads > 1 else (1, -2):
                    _general_updates(ctx, cblas, dtype, m, n, k, alpha, beta)
                    _symmetric_updates(ctx, cblas, dtype, m, n, k, alpha, beta)


def _start(ctx, dtype, shape, beta):
    """Return what C holds on entry: NaN for beta = 0, else integers."""
    if beta == 0:
        return np.full(shape, poison(dtype), dtype)
    return whole(ctx.seed + 3, shape[0], shape[1], dtype)


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
    a, b = whole(seed, m, k, dtype), whole(seed + 1, k, n, dtype)
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
    a, b = whole(seed, m, k, dtype), whole(seed + 1, m, k, dtype)
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
    s = whole(ctx.seed + 5, m, m, dtype)
    s = np.tril(s) + (np.tril(s, -1).conj().T if hermitian else np.tril(s, -1).T)
    if hermitian:
        s[np.arange(m), np.arange(m)] = s.diagonal().real
    half = s.copy()
    half[np.tril_indices(m, -1) if uplo == UPPER else np.triu_indices(m, 1)] = poison(dtype)
    b = whole(ctx.seed + 6, m, n, dtype)
    start = _start(ctx, dtype, (m, n), beta)
    exact = alpha * multiply(s, b) + (beta * start if beta else 0)
    nowhere = np.zeros((m, n), bool)
    c = start.copy()
    cblas.call(product, dtype, ROW, LEFT, uplo, m, n, alpha, half, m, b, n, beta, c, n)
    parameters = dict(stored, routine=product, uplo=uplo)
    _judge(ctx, product, dtype, c, exact, nowhere, start, parameters)
    if cblas.has(vector, dtype):
        y, x = start[:, :1].copy(), np.ascontiguousarray(b[:, 0])
        cblas.call(vector, dtype, ROW, uplo, m, alpha, half, m, x, 1, beta, y, 1)
        parameters = dict(stored, routine=vector, uplo=uplo)
        _judge(ctx, vector, dtype, y, exact[:, :1], nowhere[:, :1], start[:, :1], parameters)
