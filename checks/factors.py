"""Linear systems whose factors and solutions are exact, whatever the blocking or thread count.

A = L U with L unit lower triangular, |l_ij| <= 1/2 below the diagonal, and U upper triangular with
1 and -1 on its diagonal and small integers above. The largest entry of each column that elimination
meets is the diagonal one, so partial pivoting never exchanges rows; every quotient is by 1 or -1,
and all partial sums are multiples of 1/2 with few digits. So LU gives back L and U, the determinant
is 1 or -1, and A X = B with integer X gives back X, bit by bit. Likewise Cholesky of L L^T.
"""

import functools
from typing import NamedTuple

import numpy as np

__all__ = [
    "FactorPool",
    "LargeFactorPool",
    "ThinFactors",
    "eliminated_order",
    "exact_cholesky",
    "exact_product",
    "exact_system",
    "small_product",
]


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


class FactorPool:
    """Triangular n x n matrices with their products and inverses, all exact in single precision.

    seed: of `np.random.RandomState`; is_complex: with imaginary parts, else real. Leading blocks of
    every pair are pairs again, so that one pool serves all smaller sizes:
    ``product[:m, :n] == lower[:m, :k] @ upper[:k, :n]`` (k = min(m, n)), ``square[:n, :n] ==
    root[:n, :n] @ root[:n, :n]^H``, ``inverse(unit)[:n, :n]`` inverts ``triangle(unit)[:n, :n]``.
    Trailing blocks are for what multiplies the other way round: ``gram[n:, n:] == root[n:, n:]^H @
    root[n:, n:]``.
    """

    def __init__(self, seed, n, is_complex):
        self.seed = seed
        self.n = n
        self.is_complex = is_complex
        random = np.random.RandomState(seed)
        phases = (1, -1, 1j, -1j) if is_complex else (1.0, -1.0)
        #: Unit lower triangular, below the diagonal 0 or of magnitude 1/2: elimination of `product`
        #: meets no other largest entry in a column than the diagonal one.
        self.lower = np.tril(random.choice((0, *phases), (n, n)) * 0.5, -1) + np.eye(n)
        self.upper = np.triu(self._integers(random), 1) + np.diag(random.choice(phases, n))
        self.root = np.tril(self._integers(random), -1) + np.diag(random.choice((1.0, 2.0, 4.0), n))
        self._nilpotent = [self._square_zero(random, phases) for _ in range(2)]
        self._scales = random.choice((0.5, 1.0, 2.0), n)

    def _integers(self, random):
        real = random.randint(-2, 3, (self.n, self.n)).astype(float)
        return real + 1j * random.randint(-2, 3, (self.n, self.n)) if self.is_complex else real

    def _square_zero(self, random, phases):
        """Return a strictly lower triangular N with N N = 0: rows and columns in other classes."""
        rows = random.randint(0, 2, self.n).astype(bool)
        return np.tril(random.choice((0, 0, *phases), (self.n, self.n)), -1) * np.outer(rows, ~rows)

    @functools.cached_property
    def product(self):
        """lower @ upper."""
        return small_product(self.lower, self.upper)

    @functools.cached_property
    def square(self):
        """root @ root^H."""
        return small_product(self.root, self.root.conj().T)

    @functools.cached_property
    def gram(self):
        """root^H @ root."""
        return small_product(self.root.conj().T, self.root)

    @functools.cached_property
    def _triangles(self):
        one, other = self._nilpotent
        identity = np.eye(self.n)
        return (
            small_product(identity + one, identity + other),
            small_product(identity - other, identity - one),
        )

    def triangle(self, unit):
        """Return a lower triangular matrix, unit or with powers of two on its diagonal."""
        return self._triangles[0] if unit else self._triangles[0] * self._scales

    def inverse(self, unit):
        """Return the inverse of `triangle`."""
        return self._triangles[1] if unit else self._triangles[1] / self._scales[:, None]

    def inverses_product(self, n, unit):
        """Return inverse(False)^H inverse(unit), of leading blocks of n rows."""
        return small_product(self.inverse(unit=False)[:n, :n].conj().T, self.inverse(unit)[:n, :n])


class LargeFactorPool:
    """The same for large n: Kronecker products of the members of two pools.

    (A x B) (C x D) = AC x BD, and Kronecker products of triangular matrices are triangular, so that
    products and inverses cost n^2, not n^3. Off the diagonal of `lower` nothing exceeds 1/2, as
    `FactorPool` demands it. n is the product of `factors`, and only whole matrices are to be had of
    what is not a leading block of every pair.
    """

    def __init__(self, seed, factors, is_complex):
        first, second = (FactorPool(seed + place, n, is_complex) for place, n in enumerate(factors))
        self._pools = first, second
        self.seed = seed
        self.n = first.n * second.n
        self.is_complex = is_complex
        for name in ("lower", "upper", "root", "product", "square", "gram"):
            setattr(self, name, np.kron(getattr(first, name), getattr(second, name)))
        self._triangles = {unit: self._kron(FactorPool.triangle, unit) for unit in (False, True)}
        self._inverses = {unit: self._kron(FactorPool.inverse, unit) for unit in (False, True)}

    def _kron(self, method, *arguments):
        return np.kron(*(method(pool, *arguments) for pool in self._pools))

    def triangle(self, unit):
        return self._triangles[unit]

    def inverse(self, unit):
        return self._inverses[unit]

    def inverses_product(self, n, unit):
        if n != self.n:
            raise ValueError("only of all %d rows, not of %d" % (self.n, n))
        return np.kron(*(pool.inverses_product(pool.n, unit) for pool in self._pools))


class ThinFactors:
    """Factors of an m x n matrix of which one dimension is small; as in `FactorPool`.

    lower, upper: m x n, zero beyond their k = min(m, n) columns or rows.
    """

    def __init__(self, seed, m, n, is_complex):
        k = min(m, n)
        random = np.random.RandomState(seed)
        phases = (1, -1, 1j, -1j) if is_complex else (1.0, -1.0)
        dtype = complex if is_complex else float
        self.seed = seed
        self.is_complex = is_complex
        self.lower, self.upper = np.zeros((m, n), dtype), np.zeros((m, n), dtype)
        self.lower[:, :k] = np.tril(random.choice((0, *phases), (m, k)) * 0.5, -1) + np.eye(m, k)
        self.upper[:k] = np.triu(random.randint(-2, 3, (k, n)), 1)
        self.upper[:k, :k] += np.diag(random.choice(phases, k))
        self.product = small_product(self.lower[:, :k], self.upper[:k])


def small_product(a, b):
    """Return a @ b without BLAS, for multiples of 1/2 that single precision holds with all sums."""
    left = [np.ascontiguousarray(part, np.float32) for part in _parts(a)]
    right = [np.ascontiguousarray(part.T, np.float32) for part in _parts(b)]
    products = [[np.einsum("ik,jk->ij", x, y, optimize=False) for y in right] for x in left]
    if len(left) == len(right) == 1:
        return products[0][0].astype(np.float64)
    real = products[0][0].astype(np.float64) - products[1][1]
    return real + 1j * (products[0][1].astype(np.float64) + products[1][0])


def _parts(a):
    return (a.real, a.imag) if np.iscomplexobj(a) else (a,)


def eliminated_order(permutation, steps):
    """Return (order, pivots): what `steps` of partial pivoting do to rows that were permuted.

    Row i of the permuted matrix is row permutation[i] of one whose elimination exchanges nothing.
    pivots: as LAPACK counts, from 1. After the steps, row i is row order[i] of that one.
    """
    order, pivots = permutation.tolist(), []
    places = np.argsort(permutation).tolist()
    for step in range(steps):
        at, moved = places[step], order[step]
        order[step], order[at] = step, moved
        places[step], places[moved] = step, at
        pivots.append(at + 1)
    return np.array(order), np.array(pivots)
