"""Calls of level 2 with symmetric and Hermitian matrices: products and updates of rank 1 and 2."""

import numpy as np

from checks.calls import Call, Operand, as_parameter, fixed
from checks.cblas import LOWER, ROW, UPPER
from checks.choices import INCREMENTS, PADDINGS, choose
from checks.level2_operands import (
    ORDERS,
    half,
    matrix_of,
    pool_of,
    product,
    scalars,
    updated,
    vectors_of,
)
from checks.storage import vector

__all__ = ["rank_update", "symmetric_product"]

WIDTHS = (0, 1, 2, 5, 16, 33)
TRIANGLES = (UPPER, LOWER)

#: How each routine's second letter stores its matrix.
STORAGES = {"y": "full", "e": "full", "b": "band", "p": "packed"}


def symmetric_product(routine, seed, dtype, n, _, turn):
    """y := alpha A x + beta y; of the diagonal of a Hermitian A only the real part counts."""
    order, uplo, padding, width = choose(turn, ORDERS, TRIANGLES, PADDINGS, WIDTHS)
    alpha, beta, incx, incy = choose(turn + 2, *scalars(dtype), INCREMENTS, INCREMENTS)
    storage = STORAGES[routine[1]]
    a = _symmetric(matrix_of(seed, dtype, n, n), routine)
    if storage == "band":
        a = np.where(abs(np.arange(n) - np.arange(n)[:, None]) <= width, a, 0)
    stored = _with_garbage(a, routine).astype(dtype)
    image, ld = half(storage, stored, uplo == UPPER, order == ROW, padding, width)
    x, y = vectors_of(seed, dtype, n, n)
    arguments = (
        order, uplo, n, *((width,) if storage == "band" else ()), alpha, fixed(image), *ld,
        fixed(vector(x.astype(dtype), incx)), incx,
        beta, updated(y, alpha * product(a, x) + beta * y, dtype, incy, read=beta != 0), incy,
    )  # fmt: skip
    facts = {
        "routine": routine, "dtype": dtype, "seed": seed, "pool": pool_of(n, n), "n": n,
        "order": order, "uplo": uplo, "width": width, "ld": sum(ld),
        "alpha": as_parameter(alpha), "beta": as_parameter(beta), "incx": incx, "incy": incy,
    }  # fmt: skip
    return Call(routine, dtype, arguments, None, facts)


def rank_update(routine, seed, dtype, n, _, turn):
    """A := alpha x x^T + A or alpha x y^T + alpha y x^T + A; Hermitian: conjugated, real diagonal.

    The Hermitian routines take the diagonal's imaginary part as zero, and must set it to zero.
    """
    hermitian, two = routine[0] == "h", routine.endswith("2")
    # An update with alpha = 0 may leave the imaginary parts of the diagonal as they are.
    alphas = tuple(alpha for alpha in scalars(dtype)[0] if alpha or not hermitian)
    if hermitian and not two:
        alphas = (1, -1, 2)
    order, uplo, alpha, incx, incy, padding = choose(
        turn, ORDERS, TRIANGLES, alphas, INCREMENTS, INCREMENTS, PADDINGS
    )
    storage = STORAGES[routine[1]]
    a = _symmetric(matrix_of(seed, dtype, n, n), routine)
    x, y = vectors_of(seed, dtype, n, n)
    left, right = (x, y) if two else (x, x)
    update = alpha * np.outer(left, right.conj() if hermitian else right)
    if two:
        update = update + (update.conj().T if hermitian else update.T)
    before, after = (
        half(storage, matrix.astype(dtype), uplo == UPPER, order == ROW, padding)
        for matrix in (_with_garbage(a, routine), a + update)
    )
    vectors = [(x, incx), (y, incy)] if two else [(x, incx)]
    arguments = (order, uplo, n, alpha)
    for values, increment in vectors:
        arguments += (fixed(vector(values.astype(dtype), increment)), increment)
    arguments += (Operand(before[0], after[0]), *before[1])
    facts = {
        "routine": routine, "dtype": dtype, "seed": seed, "pool": pool_of(n, n), "n": n,
        "order": order, "uplo": uplo, "width": 0, "ld": sum(before[1]),
        "alpha": as_parameter(alpha), "incx": incx, "incy": incy,
    }  # fmt: skip
    return Call(routine, dtype, arguments, None, facts)


def _symmetric(matrix, routine):
    """Return the symmetric or Hermitian matrix with the lower triangle of `matrix`."""
    strict = np.tril(matrix, -1)
    if routine[0] == "h":
        return strict + strict.conj().T + np.diag(matrix.diagonal().real)
    return strict + strict.T + np.diag(matrix.diagonal())


def _with_garbage(matrix, routine):
    """Return a Hermitian matrix with NaN for the imaginary parts of its diagonal."""
    if routine[0] != "h":
        return matrix
    spoilt = matrix.copy()
    diagonal = np.arange(len(matrix))
    spoilt[diagonal, diagonal] += complex(0, np.nan)
    return spoilt
