"""Whether CBLAS updates of integers are exact, and C is not read for beta = 0.

Exits with 1 when one is wrong.
"""
# reproduces: special.beta-zero

import ctypes
import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 1, "seed": 1, "routine": "gemm", "dtype": "float64",
    "m": 33, "n": 31, "k": 34, "alpha": -2, "beta": 0, "ta": 111, "tb": 112,
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import differs, integers, openblas, prepare  # noqa: E402


def call(name, *arguments):
    """Call a CBLAS routine; arrays by address, (x,) as a scalar of the routine's type."""
    letter = {"float32": "s", "float64": "d", "complex64": "c", "complex128": "z"}[P["dtype"]]
    real = ctypes.c_float if letter in "sc" else ctypes.c_double
    passed = []
    for x in arguments:
        if isinstance(x, np.ndarray):
            passed.append(ctypes.c_void_p(x.ctypes.data))
        elif isinstance(x, tuple) and letter in "cz" and name != "herk":
            keep.append(np.array(x, P["dtype"]))
            passed.append(ctypes.c_void_p(keep[-1].ctypes.data))
        else:
            passed.append(real(x[0]) if isinstance(x, tuple) else ctypes.c_ssize_t(x))
    routine = openblas()("cblas_" + letter + name)
    routine.restype = None
    routine(*passed)


def multiply(x, y):
    """Return x @ y without BLAS."""
    return np.einsum("ik,kj->ij", x, y, optimize=False)


P, keep = PARAMETERS, []
prepare()
name, dtype, seed, m, n, k = (P[x] for x in ("routine", "dtype", "seed", "m", "n", "k"))
alpha, beta, uplo, row = (P["alpha"],), (P["beta"],), P.get("uplo", 121), 101
hermitian = name.startswith("he")
rank = name in ("syrk", "herk", "syr2k")
shape = (m, m) if rank else (m, n)
c = integers(seed + 3, *shape, 8, dtype) if P["beta"] else np.full(shape, np.nan, dtype)
if hermitian and rank and P["beta"]:
    c[np.arange(m), np.arange(m)] = c.diagonal().real
if name in ("symv", "hemv", "gemv"):
    c = c[:, :1].copy()
start = c.copy()
written = np.ones(c.shape, bool)
a = integers(seed, m, k, 8, dtype)
if rank:
    b = integers(seed + 1, m, k, 8, dtype)
    written = np.triu(written) if uplo == 121 else np.tril(written)
    other = [a, k, b, k] if name == "syr2k" else [a, k]
    call(name, row, uplo, 111, m, k, alpha, *other, beta, c, m)
    exact = multiply(a, a.conj().T if hermitian else a.T)
    exact = multiply(a, b.T) + multiply(b, a.T) if name == "syr2k" else exact
elif name == "gemm":
    b = integers(seed + 1, k, n, 8, dtype)
    left, right = a if P["ta"] == 111 else a.T.copy(), b if P["tb"] == 111 else b.T.copy()
    lda, ldb = left.shape[1], right.shape[1]
    call(name, row, P["ta"], P["tb"], m, n, k, alpha, left, lda, right, ldb, beta, c, n)
    exact = multiply(a, b)
elif name == "gemv":
    x = integers(seed + 1, k, n, 8, dtype)[:, :1].copy()
    stored, lda = (a, k) if P["order"] == row else (np.array(a, order="F"), m)
    call(name, P["order"], 111, m, k, alpha, stored, lda, x, 1, beta, c, 1)
    exact = multiply(a, x)
else:
    s = integers(seed + 5, m, m, 8, dtype)
    s = np.tril(s) + (np.tril(s, -1).conj().T if hermitian else np.tril(s, -1).T)
    if hermitian:
        s[np.arange(m), np.arange(m)] = s.diagonal().real
    half = s.copy()
    half[np.tril_indices(m, -1) if uplo == 121 else np.triu_indices(m, 1)] = np.nan
    b = integers(seed + 6, m, n, 8, dtype)
    if name in ("symv", "hemv"):
        b = b[:, :1].copy()
        call(name, row, uplo, m, alpha, half, m, b, 1, beta, c, 1)
    else:
        call(name, row, 141, uplo, m, n, alpha, half, m, b, n, beta, c, n)
    exact = multiply(s, b)
exact = P["alpha"] * exact + (P["beta"] * start if P["beta"] else 0)
bad = differs(name, np.where(written, c, 0), np.where(written, exact, 0))
if c[~written].tobytes() != start[~written].tobytes():
    print("the other triangle was written")
    bad = True
print("WRONG" if bad else "exact")
raise SystemExit(bad)
