"""What the matrices and vectors of level 2 hold, and how the triangles among them are stored.

All values are integers (diagonals of triangles that are solved with: powers of two), computed with
in double precision, so that every result is exact in single precision too.
"""

import functools

import numpy as np

from checks.calls import Operand
from checks.cblas import COLUMN, CONJ_NO_TRANS, CONJ_TRANS, NO_TRANS, ROW, TRANS
from checks.operands import integers
from checks.storage import band, canary, packed, triangle, vector

__all__ = [
    "HIGH",
    "ORDERS",
    "half",
    "matrix_of",
    "pool_of",
    "product",
    "scalars",
    "transpositions",
    "updated",
    "vectors_of",
]

ORDERS = (ROW, COLUMN)

#: Largest element: 4,200 products of two of them, times a scalar, are exact in single precision.
HIGH = 4

#: Sides of what smaller matrices are cut from, and length of what vectors are.
SIDES = (71, 300, 700, 4200)
LONGEST = SIDES[-1]


@functools.lru_cache(maxsize=48)
def _pool(seed, rows, columns, is_complex):
    values = integers(seed, rows, columns, HIGH)
    return values if is_complex else np.ascontiguousarray(values.real)


def pool_of(*sizes):
    """Return the shape of the pool that a matrix of that shape is cut from."""
    return [min(side for side in SIDES if side >= size) for size in sizes]


def matrix_of(seed, dtype, m, n):
    """Return an m x n matrix of integers without zero."""
    return _pool(seed, *pool_of(m, n), dtype.startswith("c"))[:m, :n]


def vectors_of(seed, dtype, *lengths):
    """Return up to two vectors of integers without zero."""
    values = _pool(seed + 1, 2, LONGEST, dtype.startswith("c"))
    return [row[:length] for row, length in zip(values, lengths)]


def product(matrix, x):
    """Return matrix @ x, summed by einsum, which calls no BLAS."""
    return np.einsum("ij,j->i", matrix, x, optimize=False)


def transpositions(dtype):
    """Return the flags to choose from; OpenBLAS adds conjugation alone to the three of BLAS."""
    return (NO_TRANS, TRANS, CONJ_TRANS) + ((CONJ_NO_TRANS,) if dtype.startswith("c") else ())


def scalars(dtype):
    """Return (alphas, betas) to choose from."""
    if dtype.startswith("c"):
        return (1, -1, 2 - 1j, 1j, 0), (0, 1, -1, 2 + 1j, 0.5)
    return (1, -1, 2, 0), (0, 1, -1, 2, -0.5)


def updated(before, after, dtype, increment, read=True):
    """Return the operand of a vector that is overwritten; canaries on entry unless it is `read`."""
    result = vector(after.astype(dtype), increment)
    if read:
        return Operand(vector(before.astype(dtype), increment), result)
    return Operand(canary(dtype, len(result)), result)


def half(storage, matrix, upper, row_major, padding, width=0, unit=False):
    """Return (image, (leading dimension,) or ()) of one triangle: "full", "band" or "packed".

    width: diagonals of a band beside the main one.
    """
    if storage == "packed":
        return packed(matrix, upper, row_major, unit and matrix.size > 0), ()
    if storage == "band":
        lower_width, upper_width = (0, width) if upper else (width, 0)
        image, ld = band(matrix, lower_width, upper_width, row_major, padding, unit)
    else:
        image, ld = triangle(matrix, upper, row_major, padding, unit)
    return image, (ld,)
