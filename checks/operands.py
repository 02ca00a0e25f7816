"""Operands whose products are known exactly: integer pools, the sizes to try, the layouts to try.

A pool is one random integer matrix pair with the exact partial products of every prefix of the
inner dimension. Any smaller product is then a slice of it: thousands of shapes cost one reference.
"""

import numpy as np

__all__ = [
    "DTYPES",
    "LARGE_INNER",
    "LARGE_OUTER",
    "LAYOUTS",
    "LETTER",
    "SMALL_INNER",
    "THREADED_SQUARES",
    "ProductPool",
    "amplitude",
    "integers",
    "poison",
    "real_dtype",
    "rotate",
    "whole",
]

DTYPES = ("float64", "float32", "complex128", "complex64")

#: BLAS's letter for each precision.
LETTER = {"float32": "s", "float64": "d", "complex64": "c", "complex128": "z"}

#: Memory order of the left and of the right operand: CBLAS's four transposition combinations.
LAYOUTS = ("CC", "CF", "FC", "FF")

#: Integers up to these are exact in the format, and so is every sum that stays below.
EXACT_BELOW = {"float32": 2**24, "float64": 2**53, "complex64": 2**24, "complex128": 2**53}

#: Inner sizes for the dense sweep: tails of loops unrolled by 2, 4, 8, 16 and 32.
SMALL_INNER = (1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 24, 31, 32, 33)

#: Inner sizes astride the blocking depths (GEMM_Q) of the x86 and arm64 kernels: 128, 192, 224,
#: 256, 320, 352, 384, 448, 512, 640, 768, and their doubles up to 1024.
LARGE_INNER = (
    63, 64, 65, 100, 127, 128, 129, 165, 191, 193, 223, 225, 255, 256, 257, 300, 319, 321, 352,
    383, 384, 385, 447, 449, 500, 511, 512, 513, 639, 641, 700, 767, 769, 897, 1000, 1025,
)  # fmt: skip

#: Outer sizes astride unrolls, small-matrix permits, GEMM_P, and powers of two.
LARGE_OUTER = (
    34, 39, 41, 47, 48, 49, 55, 63, 64, 65, 71, 73, 79, 81, 95, 96, 97, 101, 111, 113, 127, 128,
    129, 143, 145, 159, 161, 191, 193, 225, 255, 256, 257, 319, 321, 383, 385, 447, 449, 511, 512,
    513, 641, 769, 1023, 1025, 1100,
)  # fmt: skip

#: Square sizes astride the points where OpenBLAS splits products over 2, 4, 8 and 16 threads
#: (interface/gemm.c: one thread per 262,144 multiplications, complex per 32,768; syrk from 76).
THREADED_SQUARES = (40, 41, 64, 75, 76, 80, 81, 82, 101, 102, 103, 127, 128, 129, 161, 162, 163)


def amplitude(dtype, terms, wanted=8):
    """Return the largest a <= `wanted` for which sums of `terms` products in [-a, a] are exact.

    A complex product has two real products in each part: 2 * terms * a^2 must stay below 2^24
    (single) or 2^53 (double). ValueError when not even a = 1 does.
    """
    parts = 2 if dtype.startswith("complex") else 1
    for a in range(wanted, 0, -1):
        if parts * max(terms, 1) * a * a < EXACT_BELOW[dtype]:
            return a
    raise ValueError("sums of %d products are not exact in %s" % (terms, dtype))


def integers(seed, rows, columns, high=8):
    """Return complex128 of that shape, both parts integers in [-high, high] without zero.

    Without zero, a product that is lost, doubled or taken from elsewhere changes the sum. The real
    part alone is the operand of the real routines. Reproducer scripts repeat these three lines.
    """
    random = np.random.RandomState(seed)
    magnitude = random.randint(1, high + 1, size=(2, rows, columns))
    sign = 2 * random.randint(0, 2, size=(2, rows, columns)) - 1
    real, imaginary = (magnitude * sign).astype(np.float64)
    return real + 1j * imaginary


def whole(seed, m, n, dtype, high=8):
    """Return an integer matrix of that precision, without zeros."""
    a = integers(seed, m, n, high)
    return (a if dtype.startswith("c") else a.real).astype(dtype)


def real_dtype(dtype):
    """Return the dtype of the parts of `dtype`."""
    return np.zeros(0, dtype).real.dtype


def poison(dtype):
    """Return the scalar that output is filled with before a call: NaN in all parts."""
    return np.dtype(dtype).type(complex(np.nan, np.nan) if dtype.startswith("c") else np.nan)


def rotate(values, *position):
    """Return one of `values`, spread evenly and deterministically over positions in a sweep."""
    step = 0
    for multiplier, coordinate in zip((7, 3, 11, 5, 13), position):
        step += multiplier * coordinate
    return values[step % len(values)]


class ProductPool:
    """Integer matrices a (m x k) and b (k x n), with exact a[:, :i] @ b[:i] for chosen i.

    seed: of `integers`, a from `seed`, b from `seed` + 1; b is a's transpose if `symmetric`;
    inner: the prefixes i that are wanted, all up to k. The leading dimensions are odd, so that
    slices start at every alignment that the element size allows.
    """

    def __init__(self, seed, m, n, inner, high=8, symmetric=False):
        self.seed = seed
        self.inner = tuple(sorted(set(inner)))
        self.m, self.n, self.k = m | 1, n | 1, self.inner[-1] | 1
        self.high = high
        for dtype in DTYPES:
            if amplitude(dtype, self.k, high) < high:
                raise ValueError("a pool of depth %d is not exact in %s" % (self.k, dtype))
        left = integers(seed, self.m, self.k, high)
        if symmetric:
            self.n = self.m
        right = left.T if symmetric else integers(seed + 1, self.k, self.n, high)
        self._stored = {}
        for dtype in DTYPES:
            if dtype.startswith("c"):
                a, b = left.astype(dtype), right.astype(dtype)
            else:
                a, b = left.real.astype(dtype), right.real.astype(dtype)
            for order in "CF":
                self._stored["a", dtype, order] = np.array(a, order=order)
                self._stored["b", dtype, order] = np.array(b, order=order)
        self._products = self._accumulate(left, right)

    def _accumulate(self, left, right):
        """Return {(dtype, i): exact product of prefix i}, from sums that use no BLAS."""
        # float32 holds these integers exactly and is what einsum's inner loop does fastest.
        rows = [np.ascontiguousarray(part, dtype=np.float32) for part in (left.real, left.imag)]
        columns = [
            np.ascontiguousarray(part.T, dtype=np.float32) for part in (right.real, right.imag)
        ]
        real = np.zeros((self.m, self.n))
        cross = np.zeros((self.m, self.n), np.complex128)
        products = {}
        start = 0
        for stop in self.inner:
            re_re, re_im, im_re, im_im = (
                np.einsum("ik,jk->ij", x[:, start:stop], y[:, start:stop], optimize=False)
                for x in rows
                for y in columns
            )
            real = real + re_re
            cross = cross + (re_re - im_im) + 1j * (re_im + im_re)
            for dtype in DTYPES:
                products[dtype, stop] = (cross if dtype.startswith("c") else real).astype(dtype)
            start = stop
        return products

    def operand(self, side, dtype, order):
        """Return the whole matrix "a" or "b" in that precision and memory order."""
        return self._stored[side, dtype, order]

    def product(self, dtype, inner):
        """Return the exact product of the first `inner` columns of a and rows of b."""
        return self._products[dtype, inner]

    def recipe(self):
        """Return what a reproducer needs to build the same pool."""
        return {"seed": self.seed, "pool": [self.m, self.n, self.k], "high": self.high}
