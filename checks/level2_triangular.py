"""Calls of level 2 with triangles: products and solves, full, banded and packed."""

import numpy as np

from checks.calls import Call, fixed
from checks.cblas import LOWER, NON_UNIT, ROW, UNIT, UPPER, op
from checks.choices import INCREMENTS, PADDINGS, choose
from checks.level2_operands import (
    ORDERS,
    half,
    matrix_of,
    pool_of,
    product,
    transpositions,
    updated,
    vectors_of,
)

__all__ = ["DIAGONALS", "triangular"]

WIDTHS = (0, 1, 2, 5, 16, 33)
STORAGES = {"r": "full", "b": "band", "p": "packed"}

#: Diagonal elements, again and again: their reciprocals are exact, so that solves are.
DIAGONALS = {False: (1, -1, 2, 0.5), True: (1, -1j, 2, 0.5j, 1 + 1j)}


def triangular(routine, seed, dtype, n, _, turn):
    """x := op(T) x, or x := op(T)^-1 x for trsv, tbsv and tpsv."""
    order, uplo, trans, diag, incx, padding, width = choose(
        turn, ORDERS, (UPPER, LOWER), transpositions(dtype), (NON_UNIT, UNIT), INCREMENTS,
        PADDINGS, WIDTHS,
    )  # fmt: skip
    storage, unit = STORAGES[routine[1]], diag == UNIT
    t = matrix_of(seed, dtype, n, n)
    t = np.triu(t) if uplo == UPPER else np.tril(t)
    if storage == "band":
        t = np.where(abs(np.arange(n) - np.arange(n)[:, None]) <= width, t, 0)
    t[np.arange(n), np.arange(n)] = 1 if unit else np.resize(DIAGONALS[t.dtype.kind == "c"], n)
    image, ld = half(storage, t.astype(dtype), uplo == UPPER, order == ROW, padding, width, unit)
    (x,) = vectors_of(seed, dtype, n)
    before, after = x, product(op(t, trans), x)
    if routine.endswith("sv"):
        before, after = after, before
    arguments = (
        order, uplo, trans, diag, n, *((width,) if storage == "band" else ()), fixed(image), *ld,
        updated(before, after, dtype, incx), incx,
    )  # fmt: skip
    facts = {
        "routine": routine, "dtype": dtype, "seed": seed, "pool": pool_of(n, n), "n": n,
        "order": order, "uplo": uplo, "trans": trans, "diag": diag, "width": width,
        "ld": sum(ld), "incx": incx,
    }  # fmt: skip
    return Call(routine, dtype, arguments, None, facts)
