"""Test matrices with known properties, built without BLAS: the types of LAPACK's test drivers.

After LIN/dlatb4.f and EIG/ddrvst.f: random, prescribed spectrum, graded, nearly singular, scaled
near overflow and underflow. All from `np.random.RandomState`, whose stream NumPy keeps.
"""

import functools

import numpy as np

from checks.oracles import multiply

__all__ = [
    "KINDS",
    "NOT_FINITE",
    "SPECIAL",
    "general",
    "hadamard",
    "hermitian",
    "positive",
    "random",
    "scale",
]

#: Names of the kinds that `general`, `hermitian` and `positive` all build. `general` knows "ones",
#: "hilbert", "vandermonde" (of points in [0, 1]) and "companion" (first row and subdiagonal) as
#: well, `hermitian` "rank-one": identity with a small update of rank one, all eigenvalues but one
#: equal (OpenBLAS PR#5877). Both know the kinds of `SPECIAL`.
KINDS = ("random", "spectrum", "clustered", "graded", "near-singular", "large", "small")

#: Kinds with one element (Hermitian ones: two) that is no number.
NOT_FINITE = {"nan": np.nan, "infinite": np.inf}

#: Nothing, the identity, a diagonal of both signs over three decades, and random numbers astride
#: the smallest normal one. Their norm is above it, so that subnormal results are no more coarsely
#: rounded than the limits allow.
SPECIAL = ("zero", "identity", "diagonal", "subnormal")

RANK_ONE = 2.0**-10

#: Exponents of the exact power of two that "large" and "small" are scaled by; the square of the
#: norm overflows or underflows, the matrix itself does not.
SCALES = {"float32": 100, "float64": 900, "complex64": 100, "complex128": 900}


def random(seed, m, n, dtype):
    """Return m x n, uniform in [-1, 1), both parts for complex."""
    real, imaginary = _uniform(seed, m, n)
    if dtype.startswith("c"):
        return (real + 1j * imaginary).astype(dtype)
    return real.astype(dtype)


@functools.lru_cache(maxsize=64)
def _uniform(seed, m, n):
    """Return the real and the imaginary part of a random matrix.

    Kept, since seeding takes longer than LAPACK on a small matrix: the routines of a table and all
    precisions start from the same numbers.
    """
    stream = np.random.RandomState(seed)
    return stream.uniform(-1, 1, (m, n)), stream.uniform(-1, 1, (m, n))


def reflect(seed, matrix, sides="both"):
    """Multiply by two random Householder reflections from the left, and from the right."""
    a = matrix
    dtype = "complex128" if np.iscomplexobj(matrix) else "float64"
    for offset in (0, 1):
        v = random(seed + offset, a.shape[0], 1, dtype)
        v = v / np.sqrt((np.abs(v) ** 2).sum())
        a = a - 2 * v * (v.conj() * a).sum(axis=0)
        if sides == "both":
            v = random(seed + offset + 2, 1, a.shape[1], dtype)
            v = v / np.sqrt((np.abs(v) ** 2).sum())
            a = a - 2 * (a * v.conj()).sum(axis=1)[:, None] * v
    return a


def _congruence(seed, values, dtype):
    """Return Q diag(values) Q^H with Q of two reflections, exactly Hermitian."""
    double = "complex128" if dtype.startswith("c") else "float64"
    q = reflect(seed, np.eye(len(values), dtype=double), sides="left")
    a = multiply(q * values, q.conj().T)
    return ((a + a.conj().T) / 2).astype(dtype)


def _spectrum(kind, n, dtype):
    """Return the positive singular values of that kind, largest 1."""
    eps = float(np.finfo(dtype).eps)
    position = np.arange(n) / max(1, n - 1)
    if kind == "near-singular":
        return np.where(np.arange(n) == n - 1, 16 * eps if n > 1 else 1.0, 1.0)
    if kind == "clustered":
        return np.where(np.arange(n) < n // 2, 1.0, 1e-2)
    return 1e-3**position


def scale(kind, dtype):
    """Return the power of two that matrices of this kind are scaled by."""
    exponent = {"large": SCALES[dtype], "small": -SCALES[dtype]}.get(kind, 0)
    return np.dtype(dtype).type(2.0**exponent).real


def general(kind, seed, m, n, dtype):
    """Return an m x n matrix of that kind."""
    double = "complex128" if dtype.startswith("c") else "float64"
    if kind in NOT_FINITE:
        a = random(seed, m, n, dtype)
        a[m // 2, n // 3] = NOT_FINITE[kind]
        return a
    if kind == "ones":
        return np.ones((m, n), dtype)
    if kind in SPECIAL:
        return _plain(kind, seed, m, n, dtype)
    if kind == "hilbert":
        return (1.0 / (1 + np.arange(m)[:, None] + np.arange(n))).astype(dtype)
    if kind == "vandermonde":
        return (np.linspace(0, 1, m)[:, None] ** np.arange(n)).astype(dtype)
    if kind == "companion":
        a = np.eye(m, n, -1, dtype=dtype)
        a[0] = random(seed, 1, n, dtype)
        return a
    if kind in ("random", "large", "small"):
        return random(seed, m, n, dtype) * scale(kind, dtype)
    if kind == "graded":
        exponents = -(np.arange(m) * 20 // max(1, m - 1))
        return (random(seed, m, n, double) * 2.0 ** exponents[:, None]).astype(dtype)
    diagonal = np.zeros((m, n), double)
    values = _spectrum(kind, min(m, n), dtype)
    diagonal[np.arange(len(values)), np.arange(len(values))] = values
    return reflect(seed, diagonal).astype(dtype)


def _plain(kind, seed, m, n, dtype):
    """Return an m x n matrix of a kind of SPECIAL, Hermitian if it can be."""
    if kind == "subnormal":
        a = random(seed, m, n, dtype)
        # Away from zero, so that not even the only element has few digits.
        return ((a + np.where(a.real < 0, -1, 1) / 3) * (2 * np.finfo(dtype).tiny)).astype(dtype)
    a = np.zeros((m, n), dtype)
    k = np.arange(min(m, n))
    if kind == "identity":
        a[k, k] = 1
    elif kind == "diagonal":
        a[k, k] = np.where(k % 3, 1.0, -1.0) * 2.0 ** -(k * 10 // max(1, len(k) - 1))
    return a


def _spoilt(kind, matrix):
    """Put NaN or infinity into two mirrored elements of a Hermitian matrix."""
    i, j = len(matrix) // 2, len(matrix) // 3
    matrix[i, j] = matrix[j, i] = NOT_FINITE[kind]
    return matrix


def hermitian(kind, seed, n, dtype):
    """Return an n x n Hermitian matrix of that kind, with eigenvalues of both signs."""
    double = "complex128" if dtype.startswith("c") else "float64"
    if kind in NOT_FINITE:
        return _spoilt(kind, hermitian("random", seed, n, dtype))
    if kind in SPECIAL:
        a = np.tril(_plain(kind, seed, n, n, dtype))
        return np.tril(a, -1) + np.tril(a, -1).conj().T + np.diag(a.diagonal().real).astype(dtype)
    if kind == "rank-one":
        v = random(seed, n, 1, double)
        return (np.eye(n) + RANK_ONE * v * v.conj().T).astype(dtype)
    if kind in ("random", "large", "small", "graded"):
        a = random(seed, n, n, double)
        a = (a + a.conj().T) / 2
        if kind == "graded":
            d = 2.0 ** -(np.arange(n) * 20 // max(1, n - 1))
            a = a * d * d[:, None]
        return a.astype(dtype) * scale(kind, dtype)
    signs = np.where(np.arange(n) % 3, 1.0, -1.0)
    return _congruence(seed, _spectrum(kind, n, dtype) * signs, dtype)


def positive(kind, seed, n, dtype):
    """Return an n x n Hermitian positive definite matrix of that kind."""
    double = "complex128" if dtype.startswith("c") else "float64"
    if kind in NOT_FINITE:
        return _spoilt(kind, positive("random", seed, n, dtype))
    if kind in ("random", "large", "small", "graded"):
        a = random(seed, n, n, double)
        a = (a + a.conj().T) / 2 + 2 * n * np.eye(n)
        if kind == "graded":
            d = 2.0 ** -(np.arange(n) * 20 // max(1, n - 1))
            a = a * d * d[:, None]
        return a.astype(dtype) * scale(kind, dtype)
    values = _spectrum(kind, n, dtype)
    if kind == "near-singular":
        values = np.maximum(values, 64 * n * float(np.finfo(dtype).eps))
    return _congruence(seed, values, dtype)


def hadamard(order):
    """Return the 2^order Hadamard matrix (Sylvester): entries 1 and -1, H H^T = 2^order I."""
    h = np.ones((1, 1))
    for _ in range(order):
        h = np.block([[h, h], [h, -h]])
    return h
