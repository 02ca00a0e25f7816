"""Integer matrices of rank two, whose products with any matrix are running sums.

With left = u v' (u: rows x 2, v: depth x 2), the product of the leading m x k block of `left` and
the leading k x n block of `right` is u[:m] times the sum of v[i] right[i, :n] over i < k. All such
sums together cost as much as one pass over `right`, so that the exact product of any block of any
size is two outer products away. Rank two does not help a wrong routine: rows, columns and elements
still differ from each other, and no element is zero.
"""

import numpy as np

from checks.operands import EXACT_BELOW, integers
from checks.storage import poisoned

__all__ = ["Products", "Triangular"]

#: Largest part of an element of `left`: 3 * 3 + 4 * (2 * 2 + 2 * 2), real 3 * 3 + 4 * 2 * 2.
LARGEST = {False: 25, True: 41}


def factor(random, count, is_complex):
    """Return count x 2 integers; u v' has an odd real part everywhere, hence no zero."""
    odd = random.choice((-3, -1, 1, 3), count)
    parts = random.choice((-2, -1, 1, 2), (2, count))
    even = 2.0 * parts[0] + (2j * parts[1] if is_complex else 0)
    return np.stack([odd + 0 * even, even], axis=1)


def lower_sums(u, sums):
    """Return what row i of u v' gives with the rows before i: rows of a strictly lower product."""
    return u[:, :1] * sums[0] + u[:, 1:] * sums[1]


class Products:
    """Matrices `left` (rows x depth) and `right` (depth x columns), and products of their blocks.

    seed: of all; is_complex: else real; form: "general", or "symmetric" or "hermitian" `left`, of
    which rows = depth; high: the largest part in `right`. ValueError when the products are not
    exact in single precision even if multiplied by 4.
    """

    def __init__(self, seed, rows, depth, columns, is_complex, form="general", high=8):
        terms = (2 if is_complex else 1) * depth * LARGEST[is_complex] * high
        if 4 * terms >= EXACT_BELOW["float32"]:
            raise ValueError("products of depth %d are not exact" % depth)
        random = np.random.RandomState(seed)
        self.u = factor(random, rows, is_complex)
        v = factor(random, depth, is_complex) if form == "general" else self.u
        self.v = v.conj() if form == "hermitian" else v
        self.left = self.u[:, :1] * self.v[:, 0] + self.u[:, 1:] * self.v[:, 1]
        right = integers(seed + 1, depth, columns, high)
        self.right = right if is_complex else right.real
        self.sums = np.zeros((2, depth + 1, columns), self.right.dtype)
        np.cumsum(self.v.T[:, :, None] * self.right, axis=1, out=self.sums[:, 1:])
        self._seed, self._high, self._is_complex = seed, high, is_complex
        self._gram = {}
        self._stored = {}

    def stored(self, which, dtype):
        """Return "left" or "right" in that precision."""
        key = which, dtype
        if key not in self._stored:
            self._stored[key] = getattr(self, which).astype(dtype)
        return self._stored[key]

    def initial(self, m, n, dtype):
        """Return an m x n matrix that products are added to."""
        key = "initial", dtype
        if key not in self._stored or len(self._stored[key]) < m * n:
            flat = integers(self._seed + 2, 1, max(4096, m * n), self._high)[0]
            self._stored[key] = (flat if self._is_complex else flat.real).astype(dtype)
        return self._stored[key][: m * n].reshape(m, n)

    def product(self, m, n, k, at=0):
        """Return left[at : at + m, :k] @ right[:k, at : at + n], in double precision."""
        sums = self.sums[:, k, at : at + n]
        u = self.u[at : at + m]
        return np.multiply.outer(u[:, 0], sums[0]) + np.multiply.outer(u[:, 1], sums[1])

    def gram(self, m, k, hermitian):
        """Return left[:m, :k] times its transpose, conjugated if `hermitian`."""
        if hermitian not in self._gram:
            other = self.v.conj() if hermitian else self.v
            sums = np.zeros((len(self.v) + 1, 2, 2), self.v.dtype)
            np.cumsum(self.v[:, :, None] * other[:, None, :], axis=0, out=sums[1:])
            self._gram[hermitian] = sums
        (a, b), (c, d) = self._gram[hermitian][k]
        u = self.u[:m]
        other = u.conj() if hermitian else u
        first, second = u[:, 0] * a + u[:, 1] * c, u[:, 0] * b + u[:, 1] * d
        return np.multiply.outer(first, other[:, 0]) + np.multiply.outer(second, other[:, 1])


class Triangular:
    """A lower and an upper triangular matrix of one order, and their products with `right`.

    Off the diagonal they are of rank two, on it powers of two (complex: times 1, i, -i or 1 + i),
    so that solving with them is exact too. Leading blocks of the lower and trailing blocks of the
    upper matrix times the same rows of `right` are rows of the whole product.
    """

    def __init__(self, seed, order, columns, is_complex):
        self.order = order
        pool = Products(seed, order, order, columns, is_complex)
        random = np.random.RandomState(seed + 3)
        diagonal = random.choice((1.0, 2.0, -1.0, -2.0, 4.0), order)
        if is_complex:
            diagonal = diagonal * random.choice((1, 1j, -1j, 1 + 1j), order)
        self._whole = pool.left.copy()
        self._whole[np.arange(order), np.arange(order)] = diagonal
        self.right = pool.right
        below = lower_sums(pool.u, pool.sums[:, :-1])
        above = lower_sums(pool.u, pool.sums[:, -1:] - pool.sums[:, 1:])
        on = diagonal[:, None] * pool.right
        self._products = {
            (False, False): below + on,
            (False, True): below + pool.right,
            (True, False): above + on,
            (True, True): above + pool.right,
        }
        self._stored = {}

    def matrix(self, size, dtype, upper, unit):
        """Return the block of order `size`, canaries where it must not be read."""
        key = dtype, upper, unit
        if key not in self._stored:
            self._stored[key] = poisoned(self._whole.astype(dtype), upper, unit)
        return self._stored[key][self._block(size, upper)][:, self._block(size, upper)]

    def product(self, size, columns, upper, unit):
        """Return (right's rows, the product of the block with them), in double precision."""
        rows = self._block(size, upper)
        return self.right[rows, :columns], self._products[upper, unit][rows, :columns]

    def _block(self, size, upper):
        return slice(self.order - size, self.order) if upper else slice(0, size)
