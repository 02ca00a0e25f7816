"""Products in groups, each matrix told by its address: ?gemm_batch, OpenBLAS's and MKL's own."""

import ctypes

import numpy as np

from checks.api import check
from checks.calls import Call, between_canaries
from checks.cblas import COLUMN, CONJ_NO_TRANS, FORTRAN_LETTERS, Cblas
from checks.choices import PADDINGS, choose
from checks.level3 import Pools, combinations, small_sizes
from checks.level3_general import read, scalars, written
from checks.operands import DTYPES
from checks.splitting import few_threads

__all__ = ["gemm_groups"]

#: Matrices are blocks of a pool of such an order.
ORDER = 128

#: Beyond what is left to the kernels for small matrices (m n k <= 100^3), every so many calls.
LARGE, EVERY = (109, 103, 97), 9


class Groups(Cblas):
    """`cblas_?gemm_batch`, whose arguments are lists."""

    def call(self, routine, dtype, order, groups, *addresses):
        """Make all products; addresses: those of A, B and C of each, one after the other."""
        ta, tb, m, n, k, alpha, lda, ldb, beta, ldc, members = zip(*groups)
        integer = self._library.integer

        def integers(values):
            return (integer * len(values))(*values)

        def flags(values):
            if self.fortran:
                return b"".join(FORTRAN_LETTERS[each] for each in values)
            return (ctypes.c_int * len(values))(*values)

        places = [addresses[start::3] for start in range(3)]
        a, b, c = ((ctypes.c_void_p * len(each))(*each) for each in places)
        alpha, beta = np.array(alpha, dtype), np.array(beta, dtype)
        count = integer(len(groups))
        passed = [flags(ta), flags(tb), integers(m), integers(n), integers(k)]
        passed += [ctypes.c_void_p(alpha.ctypes.data), a, integers(lda), b, integers(ldb)]
        passed += [ctypes.c_void_p(beta.ctypes.data), c, integers(ldc)]
        passed += [ctypes.byref(count) if self.fortran else count, integers(members)]
        if not self.fortran:
            passed.insert(0, ctypes.c_int(order))
        self._library.function(self._symbol(routine, dtype))(*passed)


class FortranGroups(Groups):
    """`?gemm_batch_`."""

    fortran = True


def _calls(seed, turns, interface):
    """Yield `turns` calls of one to four groups of one to three products, all flags by turns."""
    pools = Pools(seed, ORDER, ORDER, ORDER, high=3)
    for dtype in DTYPES:
        flags = combinations("gemm", dtype)
        if interface:  # which knows neither rows nor "R"
            flags = [each for each in flags if each[0] == COLUMN and CONJ_NO_TRANS not in each]
        for turn in range(turns):
            order = flags[0][0] if turn % 2 else flags[-1][0]
            same = [each[1:] for each in flags if each[0] == order]
            pool = pools.pool("general", dtype.startswith("c"))
            groups, told, operands = [], [], []
            for place in range(1 + turn % 4):
                at = 5 * turn + place
                sizes = LARGE if at % EVERY == EVERY - 1 else small_sizes(at)
                group = _group(pool, dtype, order, same[at % len(same)], sizes, at)
                groups.append(group[0])
                told.append(group[1])
                operands += group[2]
            parameters = {
                "routine": "gemm_batch", "dtype": dtype, "order": order, "groups": told,
                "interface": interface,
            }  # fmt: skip
            arguments = (order, groups, *operands)
            yield Call("gemm_batch", dtype, arguments, None, parameters)


def _group(pool, dtype, order, flags, sizes, turn):
    """Return (what is passed of a group, what parameters tell, the operands of its products)."""
    (ta, tb), (m, n, k) = flags, sizes
    members = 1 + turn % 3
    alpha, beta, shown = scalars(turn, dtype)
    pads = choose(turn, PADDINGS, PADDINGS, PADDINGS)
    operands, leading = [], []
    for at in range(members):
        start = pool.initial(m, n, dtype)
        exact = (alpha * pool.product(m, n, k, at) + beta * start).astype(dtype)
        triple = (
            read(pool.stored("left", dtype)[at : at + m, :k], ta, order, pads[0]),
            read(pool.stored("right", dtype)[:k, at : at + n], tb, order, pads[1]),
            written(start, exact, order, pads[2], beta),
        )
        operands += [operand for operand, _ in triple]
        leading = [each for _, each in triple]
    lda, ldb, ldc = leading
    passed = (ta, tb, m, n, k, alpha, lda, ldb, beta, ldc, members)
    told = [ta, tb, m, n, k, shown["alpha"], lda, ldb, shown["beta"], ldc, members]
    return passed, told, operands


@check(
    id="exact.gemm-groups",
    title="Groups of products, their matrices told by addresses, are exact",
    category="exact",
    routines=["?gemm_batch"],
    oracle=(
        "One to four groups of one to three products of integers each, sizes from 0 on, with "
        "flags, scalars and leading dimensions of their own: every C must be exact, as in "
        "exact.gemm-variants, and what is beside the matrices must keep its bits. Products within "
        "and beyond what is left to kernels for small matrices, through CBLAS and Fortran."
    ),
    catches=(
        "Kernels for small matrices looked up in the wrong table (OpenBLAS PR#5980: any such batch "
        "of a library for many CPUs crashed), groups and members mixed up, empty members."
    ),
    once=True,
)
@few_threads
def gemm_groups(ctx):
    interfaces = (Groups(ctx.blas), ""), (FortranGroups(ctx.blas), "fortran")
    exported = [each for each in interfaces if each[0].has("gemm_batch", "float64")]
    if not exported:
        ctx.unsupported("this library exports no gemm_batch")
    # A batch is always split over the threads, which costs milliseconds.
    turns = ctx.by_profile(16, 256) if ctx.threads == 1 else ctx.by_profile(4, 32)
    for groups, interface in exported:
        between_canaries(ctx, groups, _calls(ctx.seed, turns, interface))
