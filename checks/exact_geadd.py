"""Sums of matrices, C = alpha op(A) + beta C: ?geadd, of ATLAS and OpenBLAS.

OpenBLAS PR#5913 gave it transpositions of both matrices, in CBLAS behind the order, in Fortran
behind all other arguments, where libraries before it do not look.
"""

import ctypes

import numpy as np

from checks.api import check
from checks.calls import Call, between_canaries
from checks.cblas import (
    COLUMN,
    CONJ_NO_TRANS,
    CONJ_TRANS,
    FORTRAN_LETTERS,
    NO_TRANS,
    ROW,
    TRANS,
    Cblas,
    op,
)
from checks.choices import PADDINGS, choose
from checks.level3 import Pools, combinations, small_sizes
from checks.level3_general import read, scalars, written
from checks.operands import DTYPES, real_dtype

__all__ = ["geadd", "geadd_transposed"]

#: Matrices are blocks of a pool of such an order.
ORDER = 64


class Sums(Cblas):
    """`cblas_?geadd`; transposes: whether the library knows of transpositions."""

    def __init__(self, library, transposes):
        super().__init__(library)
        self.transposes = transposes

    def call(self, routine, dtype, order, ta, tc, m, n, alpha, a, lda, beta, c, ldc):
        """Make the sum; a, c: addresses. Transpositions reach a library that knows of them."""
        function = self._library.function(self._symbol(routine, dtype))
        integer = self._library.integer
        a, c = ctypes.c_void_p(a), ctypes.c_void_p(c)
        kept = np.array((alpha, beta), dtype)
        alpha, beta = (ctypes.c_void_p(kept[i:].ctypes.data) for i in (0, 1))
        if self.fortran:
            m, n, lda, ldc = (ctypes.byref(integer(each)) for each in (m, n, lda, ldc))
            letters = (FORTRAN_LETTERS[ta], FORTRAN_LETTERS[tc], *[ctypes.c_size_t(1)] * 2)
            function(m, n, alpha, a, lda, beta, c, ldc, *letters)
            return
        flags = (order, ta, tc) if self.transposes else (order,)
        if not dtype.startswith("c"):
            real = ctypes.c_float if real_dtype(dtype) == np.float32 else ctypes.c_double
            alpha, beta = (real(each) for each in kept)
        m, n, lda, ldc = (integer(each) for each in (m, n, lda, ldc))
        function(*map(ctypes.c_int, flags), m, n, alpha, a, lda, beta, c, ldc)


class FortranSums(Sums):
    """`?geadd_`."""

    fortran = True


def _transposes(library):
    """Whether dgeadd of two rows and columns goes by a "T" behind its arguments."""
    if not library.has("dgeadd_"):
        return False
    a, c = np.arange(1.0, 5.0), np.zeros(4)
    m, n, lda, ldc = (ctypes.byref(library.integer(each)) for each in (2, 2, 2, 2))
    alpha, beta = (ctypes.byref(ctypes.c_double(each)) for each in (1, 0))
    arrays = (ctypes.c_void_p(each.ctypes.data) for each in (a, c))
    passed = (m, n, alpha, next(arrays), lda, beta, next(arrays), ldc)
    library.function("dgeadd_")(*passed, b"T", b"N", *[ctypes.c_size_t(1)] * 2)
    return bool(c[1] == a[2])


def _calls(seed, turns, forms, told):
    """Yield `turns` sums in each precision; forms: (order, of A, of C) that they go through.

    told: what parameters say of all.
    """
    pools = Pools(seed, ORDER, ORDER, ORDER)
    for dtype in DTYPES:
        allowed = {each[1] for each in combinations("gemm", dtype)}
        chosen = [each for each in forms if each[1] in allowed]
        pool = pools.pool("general", dtype.startswith("c"))
        for turn in range(turns):
            order, ta, tc = chosen[turn % len(chosen)]
            m, n, _ = small_sizes(turn + turn // len(chosen))
            alpha, beta, shown = scalars(turn, dtype)
            pads = choose(turn, PADDINGS, PADDINGS)
            matrix = pool.stored("right", dtype)[:m, :n]
            start = pool.initial(m, n, dtype)
            exact = (alpha * matrix + beta * start).astype(dtype)
            a, lda = read(matrix, ta, order, pads[0])
            c, ldc = written(op(start, tc), op(exact, tc), order, pads[1], beta)
            parameters = {
                "routine": "geadd", "dtype": dtype, "order": order, "ta": ta, "tc": tc, "m": m,
                "n": n, "lda": lda, "ldc": ldc, **shown, **told,
            }  # fmt: skip
            arguments = (order, ta, tc, m, n, alpha, a, lda, beta, c, ldc)
            yield Call("geadd", dtype, arguments, None, parameters)


def _interfaces(ctx):
    """Return (sums, orders, what parameters say of all calls) of what is exported."""
    transposes = _transposes(ctx.blas)
    both = (Sums, (ROW, COLUMN), ""), (FortranSums, (COLUMN,), "fortran")
    made = [(kind(ctx.blas, transposes), orders, name) for kind, orders, name in both]
    return [
        (sums, orders, {"interface": name, "flags": transposes})
        for sums, orders, name in made
        if sums.has("geadd", "float64")
    ]


@check(
    id="exact.geadd",
    title="Sums of two matrices are exact",
    category="exact",
    routines=["?geadd"],
    oracle=(
        "C = alpha A + beta C of integers, sizes from 0 to 63, row- and column-major, leading "
        "dimensions beyond the rows: every element must be exact, what is beside must keep its "
        "bits, and C is not read where beta is zero. Through CBLAS, with the arguments that the "
        "library takes, and Fortran."
    ),
    catches="Rows for columns, padding that is written, scalars of zero that are used.",
    max_threads=1,
    once=True,
)
def geadd(ctx):
    exported = _interfaces(ctx)
    if not exported:
        ctx.unsupported("this library exports no geadd")
    for sums, orders, told in exported:
        forms = [(order, NO_TRANS, NO_TRANS) for order in orders]
        between_canaries(ctx, sums, _calls(ctx.seed, ctx.by_profile(64, 768), forms, told))


@check(
    id="exact.geadd-transposed",
    title="Sums of transposed matrices are exact",
    category="exact",
    routines=["?geadd"],
    oracle=(
        "As exact.geadd, with A transposed, conjugated, or both, and C transposed: op(C) = alpha "
        "op(A) + beta op(C). A conjugated C is not asked: what it means is told nowhere."
    ),
    catches="Conjugation that is taken for transposition (docs/found), strides of a transposed C.",
    max_threads=1,
    once=True,
)
def geadd_transposed(ctx):
    exported = [each for each in _interfaces(ctx) if each[0].transposes]
    if not exported:
        ctx.unsupported("this library's geadd takes no transpositions")
    for sums, orders, told in exported:
        forms = [
            (order, ta, tc)
            for order in orders
            for ta in (NO_TRANS, TRANS, CONJ_TRANS, CONJ_NO_TRANS)
            for tc in (NO_TRANS, TRANS)
            if (ta, tc) != (NO_TRANS, NO_TRANS)
        ]
        between_canaries(ctx, sums, _calls(ctx.seed, ctx.by_profile(64, 768), forms, told))
