"""Linear systems whose factors and solutions are exact, whatever the blocking or thread count.

A = L U with L unit lower triangular, |l_ij| <= 1/2 below the diagonal, and U upper triangular with
1 and -1 on its diagonal and small integers above. The largest entry of each column that elimination
meets is the diagonal one, so partial pivoting never exchanges rows; every quotient is by 1 or -1,
and all partial sums are multiples of 1/2 with few digits. So LU gives back L and U, the determinant
is 1 or -1, and A X = B with integer X gives back X, bit by bit. Likewise Cholesky of L L^T.
"""

from typing import NamedTuple

import numpy as np

__all__ = ["exact_cholesky", "exact_product", "exact_system"]


def exact_product(a, b):
    """Return a @ b without BLAS; exact for matrices of integers."""
    return np.einsum("ij,kj->ik", a, np.ascontiguousarray(b.T), optimize=False)


class System(NamedTuple):
    """A X = B, and the determinant of A."""

    a: np.ndarray
    b: np.ndarray
    x: np.ndarray
    determinant: float


def exact_system(seed, n, columns):
    """Return a `System` in float64, A n x n, B and X n x columns: LU and A X = B are exact.

    Entries of A stay below 2 n, those of B below 6 n^2: exact for all n < 2^20.
    """
    random = np.random.RandomState(seed)
    lower = np.tril(random.randint(-1, 2, (n, n)) * 0.5, -1) + np.eye(n)
    upper = np.triu(random.randint(-2, 3, (n, n)).astype(float), 1)
    diagonal = random.choice([-1.0, 1.0], n)
    x = random.randint(-3, 4, (n, columns)).astype(float)
    a = exact_product(lower, upper + np.diag(diagonal))
    return System(a, exact_product(a, x), x, diagonal.prod())


def exact_cholesky(seed, n):
    """Return (A, L), n x n in float64: L is the exact Cholesky factor of A."""
    random = np.random.RandomState(seed)
    lower = np.tril(random.randint(-2, 3, (n, n)).astype(float), -1)
    lower += np.diag(random.choice([1.0, 2.0, 4.0], n))
    return exact_product(lower, lower.T), lower
