"""Accuracy of every element that BLAS computes through CBLAS, of operands that are no integers."""

import numpy as np

from checks import matrices
from checks.api import check
from checks.cblas import (
    COLUMN,
    CONJ_TRANS,
    LEFT,
    LOWER,
    NO_TRANS,
    NON_UNIT,
    RIGHT,
    TRANS,
    UPPER,
    Cblas,
    op,
    plain_name,
)
from checks.operands import DTYPES
from checks.oracles import BLAS_LIMIT, LINEAR_LIMIT, multiply, unit
from checks.splitting import two_threads

__all__ = ["level3"]

#: (order or rows, other size): tails, blocks of 32 and 64, and beyond one block.
SIZES = ((3, 5), (17, 9), (33, 40), (65, 70))
MORE_SIZES = ((1, 1), (2, 7), (31, 33), (64, 16), (97, 130), (129, 65), (200, 31))

#: Beyond the splits: symv from 200 rows on, dot from 10,001 elements, the others from about 80 on,
#: complex ones from about 40.
SPLIT = {"symv": 203, "hemv": 203, "dot": 10_007, "dotu": 10_007, "dotc": 10_007}
THREADED, COMPLEX_THREADED = (81, 83), (43, 45)

REAL = ("dot", "symv", "symm", "syrk", "syr2k", "trmm", "trsm")
COMPLEX = ("dotu", "dotc", "hemv", "symm", "hemm", "syrk", "herk", "syr2k", "her2k", "trmm", "trsm")


class Made:
    """Operands of one call, half of a symmetric or triangular one NaN.

    dtype, m, n: of the operands; upper, right, adjoint: flags by turns.
    """

    def __init__(self, dtype, seed, size, turn):
        self.dtype = dtype
        self.m, self.n = size
        self.upper, self.right = turn % 2, turn // 2 % 2
        self.adjoint = turn % 3 == 1
        self._seed = seed

    def random(self, rows, columns, offset):
        """Return a matrix of random numbers in Fortran order."""
        a = matrices.random(self._seed + offset, rows, columns, self.dtype)
        return np.array(a, order="F")

    def triangle(self):
        """Return (stored half, what it means) of a triangular matrix that is well conditioned."""
        a = self.random(self.m, self.m, 0) / (2 * self.m)
        np.fill_diagonal(a, a.diagonal() + 1)
        a = np.array(a, self.dtype, order="F")
        return self.half(a), np.triu(a) if self.upper else np.tril(a)

    def symmetric(self, hermitian):
        """Return (stored half, what it means) of a symmetric or Hermitian matrix."""
        a = self.random(self.m, self.m, 0)
        strict = np.triu(a, 1) if self.upper else np.tril(a, -1)
        diagonal = a.diagonal().real if hermitian else a.diagonal()
        mirrored = strict.conj().T if hermitian else strict.T
        return self.half(a), strict + mirrored + np.diag(diagonal)

    def half(self, a):
        """Return a copy with NaN in the triangle that must not be read."""
        other = np.tri(len(a), k=-1, dtype=bool)
        return np.where(other if self.upper else other.T, np.nan, a).astype(self.dtype, order="F")

    @property
    def uplo(self):
        """CBLAS's flag of the triangle."""
        return UPPER if self.upper else LOWER


def _bound(left, right):
    """Return |A| |B|: what all terms of a product add up to."""
    return multiply(np.abs(left), np.abs(right))


def _dot(cblas, routine, made):
    n, dtype = made.n, made.dtype
    x, y = made.random(n, 1, 0), made.random(n, 1, 1)
    result = cblas.call(routine, dtype, n, x, 1, y, 1)
    left = x.conj().T if routine == "dotc" else x.T
    return np.array([[result]]), multiply(left, y), _bound(x.T, y), n


def _matrix_vector(cblas, routine, made):
    """symv and hemv: y = alpha A x + beta y."""
    a, whole = made.symmetric(routine == "hemv")
    x, y = made.random(made.m, 1, 1), made.random(made.m, 1, 2)
    alpha, beta = 0.7, -1.3
    exact = alpha * multiply(whole, x) + beta * y.astype(complex if y.dtype.kind == "c" else float)
    bound = alpha * _bound(whole, x) - beta * np.abs(y)
    cblas.call(routine, made.dtype, COLUMN, made.uplo, made.m, alpha, a, made.m, x, 1, beta, y, 1)
    return y, exact, bound, made.m


def _symmetric_product(cblas, routine, made):
    """symm and hemm: C = A B or B A."""
    a, whole = made.symmetric(routine == "hemm")
    m, n = (made.n, made.m) if made.right else (made.m, made.n)
    b, c = made.random(m, n, 1), np.full((m, n), np.nan, made.dtype, order="F")
    side = RIGHT if made.right else LEFT
    cblas.call(routine, made.dtype, COLUMN, side, made.uplo, m, n, 1, a, made.m, b, m, 0, c, m)
    factors = (b, whole) if made.right else (whole, b)
    return c, multiply(*factors), _bound(*factors), made.m


def _update(cblas, routine, made):
    """The rank-k updates: C = A A' or A B' + B A', with A and B as stored or turned."""
    n, k = made.m, made.n
    hermitian, two = routine.startswith("he"), routine.endswith("2k")
    trans = (CONJ_TRANS if hermitian else TRANS) if made.adjoint else NO_TRANS
    stored = [made.random(*((k, n) if made.adjoint else (n, k)), offset) for offset in range(2)]
    a, b = (op(matrix, trans) for matrix in stored)
    turned = [matrix.conj().T if hermitian else matrix.T for matrix in (a, b)]
    if two:
        exact = multiply(a, turned[1]) + multiply(b, turned[0])
        bound = _bound(a, b.T) + _bound(b, a.T)
    else:
        exact, bound = multiply(a, turned[0]), _bound(a, a.T)
    c = np.full((n, n), np.nan, made.dtype, order="F")
    operands = [x for matrix in stored[: 1 + two] for x in (matrix, len(matrix))]
    cblas.call(routine, made.dtype, COLUMN, made.uplo, trans, n, k, 1, *operands, 0, c, n)
    kept = np.triu_indices(n) if made.upper else np.tril_indices(n)
    return c[kept], exact[kept], bound[kept], (1 + two) * k


def _triangular(cblas, routine, made):
    """trmm: A B, or B A; trsm: the X of A X = B, or X A = B, whose residual is judged."""
    a, whole = made.triangle()
    m, n = (made.n, made.m) if made.right else (made.m, made.n)
    trans = (CONJ_TRANS if made.dtype.startswith("c") else TRANS) if made.adjoint else NO_TRANS
    side = RIGHT if made.right else LEFT
    b = made.random(m, n, 1)
    x = b.copy(order="F")
    cblas.call(
        routine, made.dtype, COLUMN, side, made.uplo, trans, NON_UNIT, m, n, 1, a, made.m, x, m
    )
    used = op(whole, trans)
    right_hand = x if routine == "trsm" else b
    factors = (right_hand, used) if made.right else (used, right_hand)
    product, bound = multiply(*factors), _bound(*factors)
    return b if routine == "trsm" else x, product, bound, made.m


ROUTINES = {
    **dict.fromkeys(("dot", "dotu", "dotc"), _dot),
    **dict.fromkeys(("symv", "hemv"), _matrix_vector),
    **dict.fromkeys(("symm", "hemm"), _symmetric_product),
    **dict.fromkeys(("syrk", "herk", "syr2k", "her2k"), _update),
    **dict.fromkeys(("trmm", "trsm"), _triangular),
}


@check(
    id="accuracy.level3",
    title="Symmetric and triangular products, solves and inner products: accurate in every element",
    category="accuracy",
    routines=[
        "?dot", "?dotu", "?dotc", "?symv", "?hemv", "?symm", "?hemm", "?syrk", "?herk", "?syr2k",
        "?her2k", "?trmm", "?trsm",
    ],
    oracle=(
        "max_ij |C - C'| / (ulp (|A| |B|)_ij) < 16, times k / 100 for k > 100, with |A| |B| what "
        "all terms add up to (test/dblat2.f, dblat3.f; Higham ch. 3), by component; of trsm "
        "|B - T X| / (u |T| |X|) < 30 by component (Higham theorem 8.5; LIN/dtrt02.f). Operands "
        "uniform in [-1, 1), NaN in the other triangle; C' in double precision, compared with "
        "which double precision itself has twice the error."
    ),
    catches=(
        "Low bits dropped, partial sums in lower precision, Strassen-like schemes and inverted "
        "diagonals of poor accuracy, which small integers hide: OpenBLAS#4048, #5267."
    ),
    budget=60.0,
)  # fmt: skip
@two_threads
def level3(ctx):
    cblas = Cblas(ctx.blas)
    for position, dtype in enumerate(DTYPES):
        names = COMPLEX if dtype.startswith("c") else REAL
        sizes = SIZES + ctx.by_profile((), MORE_SIZES)
        if ctx.threads > 1:
            sizes = (COMPLEX_THREADED if dtype.startswith("c") else THREADED,)
        for place, routine in enumerate(names):
            # Each split step costs a time slice when a core is taken: one precision by turns.
            if ctx.threads > 1 and ctx.profile == "smoke" and (place - position) % 2:
                continue
            for index, size in enumerate(sizes):
                for step in range(ctx.by_profile(1, 6 if ctx.threads == 1 else 2)):
                    turn = index + place + position + step
                    _ask(ctx, cblas, routine, dtype, _chosen(ctx, routine, size), turn)


def _chosen(ctx, routine, size):
    """Return the size; of threaded cells that which splits this routine."""
    if ctx.threads > 1 and routine in SPLIT:
        return (SPLIT[routine],) * 2
    if routine.startswith("dot"):
        return size[0], 100 * size[1]
    return size


def _ask(ctx, cblas, routine, dtype, size, turn):
    name = plain_name(routine, dtype)
    parameters = {
        "routine": routine, "dtype": dtype, "size": list(size), "turn": turn, "seed": ctx.seed,
    }  # fmt: skip
    ctx.trying(name, parameters)
    made = Made(dtype, ctx.seed, size, turn)
    result, exact, bound, terms = ROUTINES[routine](cblas, routine, made)
    error = np.abs(result - exact)
    ratio = float(np.max(error / (2 * unit(dtype) * bound)))
    limit = BLAS_LIMIT
    if routine == "trsm":
        ratio, limit = 2 * ratio, LINEAR_LIMIT
    limit *= max(1.0, terms / 100)
    what = "%s of %s" % (name, " x ".join(str(length) for length in size))
    ctx.require_ratio(name, what, ratio, limit, parameters)
    largest = ctx.details.setdefault("largest_ratio", {})
    largest[routine] = max(largest.get(routine, 0.0), ratio)
