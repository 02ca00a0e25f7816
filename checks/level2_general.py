"""Calls of level 2 with matrices of any shape: gemv, gbmv, ger, geru, gerc."""

import numpy as np

from checks.calls import Call, Operand, as_parameter, fixed
from checks.cblas import ROW, op
from checks.choices import INCREMENTS, PADDINGS, choose
from checks.level2_operands import (
    ORDERS,
    matrix_of,
    pool_of,
    product,
    scalars,
    transpositions,
    updated,
    vectors_of,
)
from checks.storage import band, dense, vector

__all__ = ["gbmv", "gemv", "ger"]

#: Diagonals beside the main one: none, few, one cache line, more than a small matrix has.
WIDTHS = (0, 1, 2, 3, 8, 19)


def gemv(routine, seed, dtype, m, n, turn):
    """y := alpha op(A) x + beta y."""
    order, trans, padding = choose(turn, ORDERS, transpositions(dtype), PADDINGS)
    a = matrix_of(seed, dtype, m, n)
    image, ld = dense(a.astype(dtype), order == ROW, padding)
    facts = {"order": order, "trans": trans, "ld": ld}
    return _product(routine, seed, dtype, a, (image, ld), (), facts, turn)


def gbmv(routine, seed, dtype, m, n, turn):
    """y := alpha op(A) x + beta y, A with few diagonals."""
    order, trans, padding = choose(turn, ORDERS, transpositions(dtype), PADDINGS)
    lower, upper = choose(turn + 1, WIDTHS, WIDTHS)
    distance = np.arange(n) - np.arange(m)[:, None]
    a = np.where((distance <= upper) & (-distance <= lower), matrix_of(seed, dtype, m, n), 0)
    image, ld = band(a.astype(dtype), lower, upper, order == ROW, padding)
    facts = {"order": order, "trans": trans, "lower": lower, "upper": upper, "ld": ld}
    return _product(routine, seed, dtype, a, (image, ld), (lower, upper), facts, turn)


def _product(routine, seed, dtype, a, stored, widths, facts, turn):
    alpha, beta, incx, incy = choose(turn + 2, *scalars(dtype), INCREMENTS, INCREMENTS)
    image, ld = stored
    m, n = a.shape
    turned = op(a, facts["trans"])
    x, y = vectors_of(seed, dtype, turned.shape[1], turned.shape[0])
    # Reference BLAS returns at once when either size is 0, and leaves y even where beta is 0.
    result = alpha * product(turned, x) + beta * y if m and n else y
    arguments = (
        facts["order"], facts["trans"], m, n, *widths, alpha, fixed(image), ld,
        fixed(vector(x.astype(dtype), incx)), incx,
        beta, updated(y, result, dtype, incy, read=beta != 0 or not (m and n)), incy,
    )  # fmt: skip
    facts = {
        "routine": routine, "dtype": dtype, "seed": seed, "pool": pool_of(m, n), "m": m, "n": n,
        **facts, "alpha": as_parameter(alpha), "beta": as_parameter(beta), "incx": incx,
        "incy": incy,
    }  # fmt: skip
    return Call(routine, dtype, arguments, None, facts)


def ger(routine, seed, dtype, m, n, turn):
    """A := alpha x y^T + A; gerc: y^H."""
    alphas, _ = scalars(dtype)
    order, alpha, incx, incy, padding = choose(
        turn, ORDERS, alphas, INCREMENTS, INCREMENTS, PADDINGS
    )
    a = matrix_of(seed, dtype, m, n)
    x, y = vectors_of(seed, dtype, m, n)
    result = a + alpha * np.outer(x, y.conj() if routine == "gerc" else y)
    before, ld = dense(a.astype(dtype), order == ROW, padding)
    after, _ = dense(result.astype(dtype), order == ROW, padding)
    arguments = (
        order, m, n, alpha, fixed(vector(x.astype(dtype), incx)), incx,
        fixed(vector(y.astype(dtype), incy)), incy, Operand(before, after), ld,
    )  # fmt: skip
    facts = {
        "routine": routine, "dtype": dtype, "seed": seed, "pool": pool_of(m, n), "m": m, "n": n,
        "order": order, "alpha": as_parameter(alpha), "incx": incx, "incy": incy, "ld": ld,
    }  # fmt: skip
    return Call(routine, dtype, arguments, None, facts)
