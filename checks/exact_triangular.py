"""Cholesky, triangular inverses, products and solutions on input whose results are exact."""

import numpy as np

from checks.api import check
from checks.exact_bench import (
    DENSE,
    LARGE,
    RIGHT_HAND_SIDES,
    ROWS_BEYOND,
    Bench,
    half,
    integer_columns,
    of_uplo,
    placed,
    triangle_of,
)
from checks.factors import small_product
from checks.operands import DTYPES, poison, rotate
from checks.splitting import two_threads

__all__ = ["cholesky", "triangular"]


@check(
    id="exact.cholesky",
    title="Cholesky factors, solutions and inverses are exact where they can be",
    category="exact",
    routines=["?potrf", "?potf2", "?potrs", "?posv", "?potri", "?syrk", "?herk", "?trsm"],
    oracle=(
        "A = L L^H with 1, 2 or 4 on the diagonal of L and small integers below: nothing rounds, "
        "so that the factor, solutions and the inverse must be equal; upper and lower, the other "
        "triangle and all beyond the rows stay NaN. Sizes 1..322 in four precisions."
    ),
    catches=(
        "Recursive and threaded Cholesky with wrong tiles or a wrong INFO, one uplo alone: "
        "OpenBLAS#2986, #6013, #2821, #2168."
    ),
    budget=120.0,
)
@two_threads
def cholesky(ctx):
    bench = Bench(ctx)
    for dtype in DTYPES:
        for index, n in bench.each_size(dtype):
            for uplo in bench.uplos(index + DTYPES.index(dtype)):
                _definite(bench, dtype, "potrf", n, uplo)
            uplo = "LU"[index % 2]
            if n <= DENSE:
                _definite(bench, dtype, "potf2", n, uplo)
            if n <= DENSE or n == LARGE:
                _definite_inverse(bench, dtype, n, "UL"[index % 2])
            columns = rotate(RIGHT_HAND_SIDES, n)
            _definite_solution(bench, dtype, "potrs", n, columns, uplo)
            _definite_solution(bench, dtype, "posv", n, columns, "UL"[index % 2])
    bench.end()


def _definite(bench, dtype, routine, n, uplo):
    pool, beyond = bench.pool(dtype, n), rotate(ROWS_BEYOND, n)
    parameters = {
        "routine": routine, "dtype": dtype, "n": n, "uplo": uplo, "beyond": beyond,
        "seed": bench.ctx.seed,
    }  # fmt: skip
    block, leading = half(pool.square[:n, :n], uplo, dtype, beyond)
    if bench.call(routine, dtype, parameters, uplo, n, block, leading):
        expected = of_uplo(pool.root[:n, :n], uplo)
        result = triangle_of(block, n, uplo)
        bench.judge(routine, dtype, parameters, block, result, expected, n * (n + 1) // 2)


def _definite_solution(bench, dtype, routine, n, columns, uplo):
    pool, seed, beyond = bench.pool(dtype, n), bench.ctx.seed, rotate(ROWS_BEYOND, n, columns)
    parameters = {
        "routine": routine, "dtype": dtype, "n": n, "columns": columns, "uplo": uplo,
        "beyond": beyond, "seed": seed,
    }  # fmt: skip
    x = integer_columns(np.random.RandomState(seed + n), n, columns, pool.is_complex)
    square = pool.square[:n, :n]
    right, leading = placed(small_product(square, x), dtype, beyond)
    a = of_uplo(pool.root[:n, :n], uplo) if routine == "potrs" else square
    block, leading_a = half(a, uplo, dtype, beyond)
    arguments = (uplo, n, columns, block, leading_a, right, leading)
    if bench.call(routine, dtype, parameters, *arguments):
        bench.judge(routine, dtype, parameters, right, right[:n, :columns], x, n * columns)


def _definite_inverse(bench, dtype, n, uplo):
    """potri of a factor T whose inverse is exact: (T T^H)^-1 = T^-H T^-1."""
    pool, beyond = bench.pool(dtype, n), rotate(ROWS_BEYOND, n)
    parameters = {
        "routine": "potri", "dtype": dtype, "n": n, "uplo": uplo, "beyond": beyond,
        "seed": bench.ctx.seed,
    }  # fmt: skip
    whole = pool.inverses_product(n, unit=False)
    factor = of_uplo(pool.triangle(unit=False)[:n, :n], uplo)
    block, leading = half(factor, uplo, dtype, beyond)
    if bench.call("potri", dtype, parameters, uplo, n, block, leading):
        expected = np.tril(whole) if uplo == "L" else np.triu(whole)
        result = triangle_of(block, n, uplo)
        bench.judge("potri", dtype, parameters, block, result, expected, n * (n + 1) // 2)


@check(
    id="exact.triangular-factors",
    title="Triangular inverses, products and solutions are exact where they can be",
    category="exact",
    routines=["?trtri", "?trti2", "?lauum", "?lauu2", "?trtrs", "?trmm", "?trsm"],
    oracle=(
        "T = (I + M)(I + N) D with M M = N N = 0 and powers of two in D has the exact inverse "
        "D^-1 (I - N)(I - M); U U^H and L^H L of small integers are exact; T X = B with integer X "
        "too, and so are all sums on the way. Upper and lower, unit and not, all transpositions; "
        "the other triangle and all beyond the rows stay NaN. Sizes 1..322 in four precisions."
    ),
    catches=(
        "Blocked and threaded trtri and lauum, which potri and getri are made of, and the "
        "triangular kernels below them: OpenBLAS#1743, PR#2010, PR#2797, #1886."
    ),
    budget=120.0,
)
@two_threads
def triangular(ctx):
    bench = Bench(ctx)
    for dtype in DTYPES:
        for index, n in bench.each_size(dtype):
            for uplo in bench.uplos(index + DTYPES.index(dtype)):
                unit = bool((index + (uplo == "U")) % 2)
                _triangular_inverse(bench, dtype, "trtri", n, uplo, unit)
                _triangular_product(bench, dtype, "lauum", n, uplo)
                if n <= DENSE:
                    _triangular_inverse(bench, dtype, "trti2", n, uplo, not unit)
                    _triangular_product(bench, dtype, "lauu2", n, uplo)
                every = ("N", "T", "C")
                for trans in every if ctx.profile != "smoke" else (rotate(every, n),):
                    _triangular_solution(bench, dtype, n, uplo, trans, unit)
    bench.end()


def _triangular_inverse(bench, dtype, routine, n, uplo, unit):
    pool, beyond = bench.pool(dtype, n), rotate(ROWS_BEYOND, n)
    parameters = {
        "routine": routine, "dtype": dtype, "n": n, "uplo": uplo, "unit": unit, "beyond": beyond,
        "seed": bench.ctx.seed,
    }  # fmt: skip
    block, leading = half(of_uplo(pool.triangle(unit)[:n, :n], uplo), uplo, dtype, beyond)
    diagonal = np.arange(n)
    if unit:
        block[diagonal, diagonal] = poison(dtype)
    if bench.call(routine, dtype, parameters, uplo, "NU"[unit], n, block, leading):
        result = triangle_of(block, n, uplo)
        expected = of_uplo(pool.inverse(unit)[:n, :n], uplo)
        if unit:
            result[diagonal, diagonal] = 1
        written = n * (n - 1) // 2 if unit else n * (n + 1) // 2
        bench.judge(routine, dtype, parameters, block, result, expected, written)


def _triangular_product(bench, dtype, routine, n, uplo):
    """L^H L or U U^H, of trailing blocks."""
    pool, beyond = bench.pool(dtype, n), rotate(ROWS_BEYOND, n)
    parameters = {
        "routine": routine, "dtype": dtype, "n": n, "uplo": uplo, "beyond": beyond,
        "seed": bench.ctx.seed,
    }  # fmt: skip
    block, leading = half(of_uplo(pool.root[-n:, -n:], uplo), uplo, dtype, beyond)
    if bench.call(routine, dtype, parameters, uplo, n, block, leading):
        whole = pool.gram[-n:, -n:]
        expected = np.tril(whole) if uplo == "L" else np.triu(whole)
        result = triangle_of(block, n, uplo)
        bench.judge(routine, dtype, parameters, block, result, expected, n * (n + 1) // 2)


def _triangular_solution(bench, dtype, n, uplo, trans, unit):
    pool, seed, beyond = bench.pool(dtype, n), bench.ctx.seed, rotate(ROWS_BEYOND, n)
    columns = rotate(RIGHT_HAND_SIDES, n)
    parameters = {
        "routine": "trtrs", "dtype": dtype, "n": n, "columns": columns, "uplo": uplo,
        "trans": trans, "unit": unit, "beyond": beyond, "seed": seed,
    }  # fmt: skip
    x = integer_columns(np.random.RandomState(seed + n), n, columns, pool.is_complex)
    triangle = of_uplo(pool.triangle(unit)[:n, :n], uplo)
    operator = {"N": triangle, "T": triangle.T, "C": triangle.conj().T}[trans]
    right, leading = placed(small_product(operator, x), dtype, beyond)
    block, leading_a = half(triangle, uplo, dtype, beyond)
    if unit:
        block[np.arange(n), np.arange(n)] = poison(dtype)
    arguments = (uplo, trans, "NU"[unit], n, columns, block, leading_a, right, leading)
    if bench.call("trtrs", dtype, parameters, *arguments):
        bench.judge("trtrs", dtype, parameters, right, right[:n, :columns], x, n * columns)
