"""LU with its solutions, and reflectors, on input whose results are exact."""

import numpy as np

from checks.api import check
from checks.exact_bench import (
    DENSE,
    LARGE,
    RIGHT_HAND_SIDES,
    ROWS_BEYOND,
    Bench,
    integer_columns,
    placed,
)
from checks.factors import ThinFactors, eliminated_order, small_product
from checks.operands import DTYPES, poison, rotate
from checks.splitting import two_threads

__all__ = ["lu", "lu_wide", "reflectors"]

#: More than 10^5 elements at little cost. Wider ones are asked by `exact.lu-wide`.
THIN = ((20_011, 6), (31, 3_307))

#: Rows and columns of what reflectors are applied to; their number has no divisor of 3.
REFLECTED = (
    *range(1, 13), 15, 16, 17, 23, 24, 25, 31, 32, 33, 47, 48, 49, 63, 64, 65, 96, 97, 127, 128,
    129,
)  # fmt: skip

#: Rows and columns with which no thread's share fits into 32 MiB, the buffer of a thread.
WIDE = (31, 60_013)


@check(
    id="exact.lu",
    title="LU factors, solutions and inverses are exact where they can be",
    category="exact",
    routines=["?getrf", "?getf2", "?getrs", "?gesv", "?getri", "?trsm", "?gemm"],
    oracle=(
        "A = P L U with entries of L at most 1/2, pivots 1, -1, i, -i and small integers in U: no "
        "sum or quotient rounds and each pivot is the only largest entry, so that factors, pivots, "
        "solutions and inverses must be equal. Sizes 1..322 in four precisions, m x n both ways, "
        "all transpositions, 1..70 right-hand sides, leading dimensions beyond the rows; what lies "
        "between and beyond stays NaN."
    ),
    catches=(
        "Recursive, panelled and threaded LU with lost tiles, wrong row exchanges or wrong solves: "
        "numpy#22502, OpenBLAS#2168, #2396, #2066, PR#2797, #5520."
    ),
    budget=120.0,
)
@two_threads
def lu(ctx):
    bench = Bench(ctx)
    for dtype in DTYPES:
        for index, n in bench.each_size(dtype):
            other = max(1, n * (3, 5, 4)[index % 3] // (4, 6, 7)[index % 3])
            _factor(bench, dtype, "getrf", n, n)
            if not bench.few:
                _factor(bench, dtype, "getrf", *((n, other) if index % 2 else (other, n)))
            if n <= DENSE:
                _factor(bench, dtype, "getf2", n, other)
            if n <= DENSE or (n == LARGE and not bench.few):  # it splits each of its steps
                _inverse_from_lu(bench, dtype, n)
            columns = rotate(RIGHT_HAND_SIDES, n)
            _solve_lu(bench, dtype, "gesv", n, columns, "N")
            every = ("N", "T", "C", "R")[: 4 if dtype.startswith("c") else 3]
            for trans in (
                every if ctx.profile != "smoke" else (rotate(every, n), rotate(every, n + 1))
            ):
                _solve_lu(bench, dtype, "getrs", n, columns, trans)
        for m, n in THIN:
            factors = ThinFactors(ctx.seed, m, n, dtype.startswith("c"))
            _factor(bench, dtype, "getrf", m, n, factors)
    bench.end()


def _factor(bench, dtype, routine, m, n, pool=None):
    pool = pool or bench.pool(dtype, max(m, n))
    seed, beyond = bench.ctx.seed, rotate(ROWS_BEYOND, m, n)
    parameters = {
        "routine": routine, "dtype": dtype, "m": m, "n": n, "beyond": beyond, "seed": seed,
    }  # fmt: skip
    permutation = np.random.RandomState(seed + m + n).permutation(m)
    order, pivots = eliminated_order(permutation, min(m, n))
    block, leading = placed(pool.product[:m, :n][permutation], dtype, beyond)
    found = np.zeros(min(m, n), bench.lapack.integers)
    if bench.call(routine, dtype, parameters, m, n, block, leading, found):
        below = np.arange(m)[:, None] > np.arange(n)
        expected = np.where(below, pool.lower[order, :n], pool.upper[:m, :n])
        bench.judge(routine, dtype, parameters, block, block[:m, :n], expected, m * n)
        bench.judge(routine, dtype, dict(parameters, test="pivots"), None, found, pivots, 0)


def _solve_lu(bench, dtype, routine, n, columns, trans):
    pool, seed, beyond = bench.pool(dtype, n), bench.ctx.seed, rotate(ROWS_BEYOND, n, columns)
    parameters = {
        "routine": routine, "dtype": dtype, "n": n, "columns": columns, "trans": trans,
        "beyond": beyond, "seed": seed,
    }  # fmt: skip
    stream = np.random.RandomState(seed + n)
    permutation = stream.permutation(n)
    _, pivots = eliminated_order(permutation, n)
    a = pool.product[:n, :n][permutation]
    x = integer_columns(stream, n, columns, pool.is_complex)
    operator = {"N": a, "T": a.T, "C": a.conj().T, "R": a.conj()}[trans]
    right, leading = placed(small_product(operator, x), dtype, beyond)
    if routine == "gesv":
        block, leading_a = placed(a, dtype, beyond)
        found = np.zeros(n, bench.lapack.integers)
        arguments = (n, columns, block, leading_a, found, right, leading)
    else:
        packed = (np.tril(pool.lower, -1) + pool.upper)[:n, :n]
        block, leading_a = placed(packed, dtype, beyond)
        found = pivots.astype(bench.lapack.integers)
        arguments = (trans, n, columns, block, leading_a, found, right, leading)
    if bench.call(routine, dtype, parameters, *arguments):
        bench.judge(routine, dtype, parameters, right, right[:n, :columns], x, n * columns)


def _inverse_from_lu(bench, dtype, n):
    """getri of factors whose inverses are exact: A^-1 = U^-1 L^-1 P."""
    pool, seed, beyond = bench.pool(dtype, n), bench.ctx.seed, rotate(ROWS_BEYOND, n)
    parameters = {"routine": "getri", "dtype": dtype, "n": n, "beyond": beyond, "seed": seed}
    permutation = np.random.RandomState(seed + n).permutation(n)
    _, pivots = eliminated_order(permutation, n)
    upper = pool.triangle(unit=False)[:n, :n].conj().T
    block, leading = placed(np.tril(pool.triangle(unit=True)[:n, :n], -1) + upper, dtype, beyond)
    work = np.zeros(64 * n, dtype)
    arguments = (n, block, leading, pivots.astype(bench.lapack.integers), work, len(work))
    if bench.call("getri", dtype, parameters, *arguments):
        inverse = pool.inverses_product(n, unit=True)
        expected = np.empty_like(inverse)
        expected[:, np.arange(n)] = inverse[:, permutation]
        bench.judge("getri", dtype, parameters, block, block[:n, :n], expected, n * n)


@check(
    id="exact.lu-wide",
    title="Threaded LU of very wide matrices is exact, and ends",
    category="exact",
    routines=["?getrf"],
    oracle=(
        "A = P L U of 31 x 60,013 with factors as in exact.lu: equal. Not in the smoke profile: "
        "all releases of OpenBLAS that were tried, 0.3.24 to 0.3.34, write behind the buffer of a "
        "worker there (docs/found/getrf-wide.md), so that the process ends."
    ),
    catches="Buffers of a fixed size for shares of the work that grow with the matrix.",
    min_threads=2,
    profiles=("full", "stress"),
)
@two_threads
def lu_wide(ctx):
    bench = Bench(ctx)
    for dtype in DTYPES:
        factors = ThinFactors(ctx.seed, *WIDE, dtype.startswith("c"))
        _factor(bench, dtype, "getrf", *WIDE, factors)
    bench.end()


@check(
    id="exact.reflectors",
    title="Elementary reflectors of integers are applied exactly",
    category="exact",
    routines=["?larf", "?gemv", "?ger", "?geru", "?gerc"],
    oracle=(
        "C - tau v (v^H C), or C - tau (C v) v^H, of small integers: equal. From the left and the "
        "right, v of increment 1, 2 and -1, trailing zeros in v, tau = 0."
    ),
    catches=(
        "OpenBLAS's own larf, on which QR, Hessenberg and bidiagonal reduction stand, and gemv and "
        "ger below it: OpenBLAS#3318, #2187."
    ),
    max_threads=1,
)
def reflectors(ctx):
    bench = Bench(ctx)
    for dtype in DTYPES:
        is_complex = dtype.startswith("c")
        for index, m in enumerate(REFLECTED):
            n = REFLECTED[(3 * index + 5) % len(REFLECTED)]
            for side in "LR":
                seed = ctx.seed + m
                stream = np.random.RandomState(seed)
                step, tau = rotate((1, 2, -1), index), rotate((2, -1, 1, 0), index)
                zeros = rotate((0, 0, 1, 3), index + 1)
                parameters = {
                    "routine": "larf", "dtype": dtype, "m": m, "n": n, "side": side, "step": step,
                    "tau": tau, "zeros": zeros, "seed": seed,
                }  # fmt: skip
                length = m if side == "L" else n
                v = integer_columns(stream, length, 1, is_complex)
                v[max(1, length - zeros) :] = 0
                if step < 0:  # reference larf drops zeros at the end of v and then starts too early
                    v[-1] = 1
                c = integer_columns(stream, m, n, is_complex)
                stored = np.full(abs(step) * length + 1, poison(dtype), dtype)
                stored[: abs(step) * length : abs(step)] = v[::-1, 0] if step < 0 else v[:, 0]
                block, leading = placed(c, dtype, rotate(ROWS_BEYOND, m))
                scale, work = np.array([tau], dtype), np.zeros(max(m, n), dtype)
                arguments = (side, m, n, stored, step, scale, block, leading, work)
                if not bench.call("larf", dtype, parameters, *arguments, info=False):
                    continue
                if side == "L":
                    change = small_product(v, small_product(v.conj().T, c))
                else:
                    change = small_product(small_product(c, v), v.conj().T)
                expected = c - tau * change
                bench.judge("larf", dtype, parameters, block, block[:m, :n], expected, m * n)
    bench.end()
