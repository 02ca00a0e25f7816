"""Row exchanges by pivots that lie apart, forwards and backwards."""

import numpy as np

from checks.api import check
from checks.exact_bench import Bench, integer_columns, placed
from checks.operands import DTYPES
from checks.splitting import few_threads

__all__ = ["row_exchanges"]

#: Between the pivots; negative: the last exchange first.
STEPS = (2, -2, 3, -3, 1, -1)

SIZES, MORE_SIZES = (1, 2, 3, 5, 8, 13, 30, 67), (*range(6, 12), 40, 129, 200)


@check(
    id="exact.row-exchanges",
    title="Rows are exchanged by the pivots that laswp is told",
    category="exact",
    routines=["?laswp"],
    oracle=(
        "IPIV(K1 + (K - K1) |INCX|) says what row K is exchanged with, for K from K1 to K2, in "
        "reverse order for INCX < 0 (the routine's own description): rows of integers must lie as "
        "these exchanges leave them, K1 from 1 on, INCX of 1, 2, 3 and their negatives. What lies "
        "between the pivots are other rows' numbers."
    ),
    catches="The last pivot looked for elsewhere when INCX < -1 and K1 > 1: OpenBLAS#3513.",
)
@few_threads
def row_exchanges(ctx):
    bench = Bench(ctx)
    sizes = sorted({*SIZES, *ctx.by_profile((), MORE_SIZES)}) if ctx.threads == 1 else SIZES[-2:]
    for index, m in enumerate(sizes):
        for position, dtype in enumerate(DTYPES):
            for place, step in enumerate(STEPS):
                turn = index + position + place
                first = 1 if turn % 5 == 4 else 1 + m // (2, 3, 5, 4)[turn % 4]
                _exchange(bench, dtype, m, 1 + 5 * turn % 7, min(first, m), step)


def _exchange(bench, dtype, m, n, first, step):
    seed = bench.ctx.seed
    stream = np.random.RandomState(seed + m)
    pivots = np.array([stream.randint(i, m + 1) for i in range(1, m + 1)], bench.lapack.integers)
    matrix = integer_columns(stream, m, n, dtype.startswith("c"))
    apart = np.ones(first + (m - first) * abs(step), bench.lapack.integers)
    apart[first - 1 :: abs(step)] = pivots[first - 1 :]
    rows = np.arange(m)
    for i in range(first - 1, m)[:: 1 if step > 0 else -1]:
        rows[[i, pivots[i] - 1]] = rows[[pivots[i] - 1, i]]
    parameters = {
        "routine": "laswp", "dtype": dtype, "m": m, "n": n, "first": first, "step": step,
        "seed": seed,
    }  # fmt: skip
    block, leading = placed(matrix, dtype, 1)
    asked = (n, block, leading, first, m, apart, step)
    if bench.call("laswp", dtype, parameters, *asked, info=False):
        bench.judge("laswp", dtype, parameters, block, block[:m, :n], matrix[rows], m * n)
