"""Exact calls of level 3 with symmetric and Hermitian matrices: products and rank-k updates."""

import numpy as np

from checks.calls import Call, fixed
from checks.cblas import NO_TRANS, RIGHT, ROW, UPPER
from checks.choices import PADDINGS, choose
from checks.level3_general import read, scalars, triangle_mask, triangle_written, written
from checks.storage import canary, dense

__all__ = ["rank_2k", "rank_k", "symmetric_product"]


def symmetric_product(pool, routine, dtype, flags, sizes, turn):
    """C = alpha A B + beta C, or B A, with a symmetric or Hermitian A of `pool`'s form."""
    order, side, uplo = flags
    t, w, _ = sizes  # order of A, the other size of B
    alpha, beta, shown = scalars(turn, dtype)
    pads = choose(turn, PADDINGS, PADDINGS, PADDINGS)
    symmetric, other = pool.stored("left", dtype)[:t, :t], pool.stored("right", dtype)[:t, :w]
    product = pool.product(t, w, t)
    if side == RIGHT:
        # B A = (A^T B^T)^T, and a Hermitian A^T is conj(A).
        symmetric, other, product = symmetric.T, other.T, product.T
    m, n = other.shape
    start = pool.initial(m, n, dtype)
    exact = (alpha * product + beta * start).astype(dtype)
    a, lda = _half(symmetric, routine == "hemm", uplo, order, pads[0])
    b, ldb = read(other, NO_TRANS, order, pads[1])
    c, ldc = written(start, exact, order, pads[2], beta)
    parameters = {
        "routine": routine, "dtype": dtype, "order": order, "side": side, "uplo": uplo,
        "m": m, "n": n, "lda": lda, "ldb": ldb, "ldc": ldc, **shown,
    }  # fmt: skip
    arguments = (order, side, uplo, m, n, alpha, a, lda, b, ldb, beta, c, ldc)
    return Call(routine, dtype, arguments, None, parameters)


def _half(matrix, hermitian, uplo, order, padding):
    """Return (operand, ld) of one triangle; imaginary parts of a Hermitian diagonal: NaN."""
    n = len(matrix)
    half = canary(matrix.dtype.name, n * n).reshape(n, n)
    np.copyto(half, matrix, where=triangle_mask(n, uplo == UPPER))
    if hermitian:
        _spoil_diagonal(half)
    image, ld = dense(half, order == ROW, padding)
    return fixed(image), ld


def _spoil_diagonal(matrix):
    """Make the imaginary parts of the diagonal NaN."""
    matrix.imag[np.arange(len(matrix)), np.arange(len(matrix))] = np.nan


def _update(start, exact, routine, uplo, order, padding, alpha, beta, k):
    """Return (operand, leading dimension) of the triangle that a rank-k or rank-2k update changes.

    Of a Hermitian one the diagonal's imaginary parts must not be read and are set to zero, except
    when there is nothing to do (alpha or k zero, beta one: reference herk returns at once).
    """
    if routine.startswith("sy"):
        return triangle_written(start, exact, uplo, order, padding, beta)
    start = start.copy()
    diagonal = np.arange(len(exact)), np.arange(len(exact))
    if (alpha == 0 or k == 0) and beta == 1:
        exact = start
    else:
        exact.imag[diagonal] = 0
        start.imag[diagonal] = np.nan
    return triangle_written(start, exact, uplo, order, padding, beta)


def rank_k(pool, routine, dtype, flags, sizes, turn):
    """syrk and herk: a triangle of C = alpha A A' + beta C, or A' A."""
    order, uplo, trans = flags
    n, _, k = sizes
    hermitian = routine == "herk"
    alpha, beta, shown = scalars(turn, dtype, real=hermitian)
    pads = choose(turn, PADDINGS, PADDINGS)
    start = pool.initial(n, n, dtype)
    exact = alpha * pool.gram(n, k, hermitian) + beta * _real_diagonal(start, hermitian)
    a, lda = read(pool.stored("left", dtype)[:n, :k], trans, order, pads[0])
    c, ldc = _update(start, exact.astype(dtype), routine, uplo, order, pads[1], alpha, beta, k)
    parameters = {
        "routine": routine, "dtype": dtype, "order": order, "uplo": uplo, "trans": trans,
        "n": n, "k": k, "lda": lda, "ldc": ldc, **shown,
    }  # fmt: skip
    return Call(
        routine, dtype, (order, uplo, trans, n, k, alpha, a, lda, beta, c, ldc), None, parameters
    )


def rank_2k(pool, routine, dtype, flags, sizes, turn):
    """syr2k and her2k: a triangle of C = alpha A B' + alpha' B A' + beta C, or A' B and B' A."""
    order, uplo, trans = flags
    n, _, k = sizes
    hermitian = routine == "her2k"
    alpha, beta, shown = scalars(turn, dtype)
    if hermitian:
        beta = int(beta.real)
        shown["beta"] = beta
    pads = choose(turn, PADDINGS, PADDINGS, PADDINGS)
    start = pool.initial(n, n, dtype)
    once = alpha * pool.product(n, n, k)  # B' is `right`
    other = once.conj().T if hermitian else once.T
    exact = once + other + beta * _real_diagonal(start, hermitian)
    a, lda = read(pool.stored("left", dtype)[:n, :k], trans, order, pads[0])
    factor = pool.stored("right", dtype)[:k, :n].T
    b, ldb = read(factor.conj() if hermitian else factor, trans, order, pads[1])
    c, ldc = _update(start, exact.astype(dtype), routine, uplo, order, pads[2], alpha, beta, k)
    parameters = {
        "routine": routine, "dtype": dtype, "order": order, "uplo": uplo, "trans": trans,
        "n": n, "k": k, "lda": lda, "ldb": ldb, "ldc": ldc, **shown,
    }  # fmt: skip
    arguments = (order, uplo, trans, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
    return Call(routine, dtype, arguments, None, parameters)


def _real_diagonal(start, hermitian):
    if not hermitian:
        return start
    start = start.copy()
    start.imag[np.arange(len(start)), np.arange(len(start))] = 0
    return start
