"""Whether a factorization by numpy.linalg is right. Exits with 1 when it is not."""
# reproduces: accuracy.solve, accuracy.inv, accuracy.cholesky, accuracy.qr, accuracy.eigh, accuracy.eig, accuracy.svd, accuracy.lstsq

import ctypes
import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 1, "seed": 1,
    "function": "solve", "dtype": "float64", "kind": "random", "size": 129,
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import openblas, prepare  # noqa: E402


def random(seed, m, n):
    """Return m x n, uniform in [-1, 1)."""
    stream = np.random.RandomState(seed)
    real = stream.uniform(-1, 1, (m, n))
    return real + 1j * stream.uniform(-1, 1, (m, n)) if IS_COMPLEX else real


def product(*factors):
    """Multiply matrices without BLAS."""
    result = factors[0]
    for factor in factors[1:]:
        result = np.einsum("ik,kj->ij", result, factor, optimize=False)
    return result


def reflected(a, both):
    """Return a times two random Householder reflections from the left, and from the right."""
    for offset in (0, 1):
        v = random(P["seed"] + offset, a.shape[0], 1)
        v = v / np.sqrt((np.abs(v) ** 2).sum())
        a = a - 2 * v * (v.conj() * a).sum(axis=0)
        if both:
            v = random(P["seed"] + offset + 2, 1, a.shape[1])
            v = v / np.sqrt((np.abs(v) ** 2).sum())
            a = a - 2 * (a * v.conj()).sum(axis=1)[:, None] * v
    return a


def matrix(kind, m, n, function):
    """Return the check's matrix: Hermitian for eigh, positive definite for cholesky."""
    hermitian, k = function in ("eigh", "cholesky"), min(m, n)
    if kind == "subnormal-pivot":
        a = np.eye(n, dtype=P["dtype"])
        a[P["at"], P["at"]] = np.finfo(float).tiny / P["divisor"]
        return a
    if kind == "elementary":
        a = np.eye(n)
        a[tuple(P["at"])] = 10
        return a
    special = {
        "ones": lambda: np.ones((m, n)),
        "hilbert": lambda: 1.0 / (1 + np.arange(m)[:, None] + np.arange(n)),
        "vandermonde": lambda: np.linspace(0, 1, m)[:, None] ** np.arange(n),
        "companion": lambda: np.vstack([random(P["seed"], 1, n), np.eye(n)[:-1]]),
        "rank-one": lambda: np.eye(n) + 2.0**-10 * (v := random(P["seed"], n, 1)) * v.conj().T,
    }
    if kind in special:
        return special[kind]()
    if kind in ("random", "large", "small", "graded"):
        a = random(P["seed"], m, n)
        if hermitian:
            a = (a + a.conj().T) / 2 + (2 * n * np.eye(n) if function == "cholesky" else 0)
        if kind == "graded":
            d = 2.0 ** -(np.arange(m) * 20 // max(1, m - 1))
            a = a * d * d[:, None] if hermitian else a * d[:, None]
        return a * 2.0 ** {"large": 900, "small": -900}.get(kind, 0)
    values = 1e-3 ** (np.arange(k) / max(1, k - 1))
    if kind == "clustered":
        values = np.where(np.arange(k) < k // 2, 1.0, 1e-2)
    if kind == "near-singular":
        values = np.where(np.arange(k) == k - 1, 16 * EPS if k > 1 else 1.0, 1.0)
        values = np.maximum(values, 64 * k * EPS) if function == "cholesky" else values
    if not hermitian:
        a = np.zeros((m, n), complex if IS_COMPLEX else float)
        a[np.arange(k), np.arange(k)] = values
        return reflected(a, both=True)
    values = values * np.where(np.arange(k) % 3, 1, -1) if function == "eigh" else values
    q = reflected(np.eye(k, dtype=complex if IS_COMPLEX else float), both=False)
    a = product(q * values, q.conj().T)
    return (a + a.conj().T) / 2


def rounded(a):
    """Return `a` as the precision in question holds it."""
    return a.astype(DTYPE).astype(a.dtype)


def norm(a):
    """Return the largest column sum."""
    return float(np.abs(a).sum(axis=0).max())


def solve(a, b):
    """Solve A X = B; in single precision by gesv itself, since NumPy would compute in double."""
    if DTYPE in (np.float64, np.complex128):
        return np.linalg.solve(a, b)
    routine = openblas()
    config = routine("openblas_get_config")
    config.restype = ctypes.c_char_p
    integer = ctypes.c_int64 if b"USE64BITINT" in config() else ctypes.c_int32
    lu, x = np.array(a, DTYPE, order="F"), np.array(b, DTYPE, order="F")
    n, columns, info = integer(len(a)), integer(b.shape[1]), integer(0)
    pivots = (integer * max(1, len(a)))()
    arrays = [ctypes.c_void_p(array.ctypes.data) for array in (lu, x)]
    routine("cgesv_" if IS_COMPLEX else "sgesv_")(
        *(ctypes.byref(n), ctypes.byref(columns), arrays[0], ctypes.byref(n)),
        *(pivots, arrays[1], ctypes.byref(n), ctypes.byref(info)),
    )
    if info.value > 0:
        raise np.linalg.LinAlgError("Singular matrix")
    return x.astype(a.dtype)


def errors(function, a):
    """Yield (name, size of the residual, size of what it is compared with)."""
    m, n = a.shape
    if function in ("solve", "lstsq"):
        columns = (1, 2, 5, 70)[n % 4] if function == "solve" else (1, 2, 5)[m % 3]
        b = random(P["seed"] + 1000, n, columns).astype(DTYPE).astype(a.dtype)
        if P["kind"] == "subnormal-pivot":
            b = a.diagonal()[:, None]
        elif function == "lstsq":
            b = product(a, b)
        x = solve(a, b) if function == "solve" else np.linalg.lstsq(a, b, rcond=None)[0]
        for j in range(x.shape[1]):
            yield (
                "A x - b",
                norm(b[:, j:][:, :1] - product(a, x[:, j:][:, :1])),
                (norm(a) * norm(x[:, j:][:, :1])),
            )
        if P["kind"] == "subnormal-pivot":
            yield "x - 1", norm(x - 1), 1
    elif function == "inv":
        x = np.linalg.inv(a)
        yield "I - A^-1 A", norm(np.eye(n) - product(x, a)), norm(a) * norm(x)
    elif function == "cholesky":
        x = np.linalg.cholesky(a)
        yield "L L^H - A", norm(product(x, x.conj().T) - a), norm(a)
    elif function == "qr":
        q, r = np.linalg.qr(a)
        yield "Q R - A", norm(product(q, r) - a), norm(a)
        yield "Q^H Q - I", norm(product(q.conj().T, q) - np.eye(q.shape[1])), 1
    elif function == "eigh":
        w, v = np.linalg.eigh(a)
        yield "V w V^H - A", norm(product(v * w, v.conj().T) - a), norm(a)
        yield "V^H V - I", norm(product(v.conj().T, v) - np.eye(n)), 1
        yield "w alone", np.abs(np.linalg.eigvalsh(a) - w).max(), np.abs(w).max()
    elif function == "eig":
        w, v = np.linalg.eig(a)
        yield "A V - V w", norm(product(a, v) - v * w), norm(a) * norm(v)
    elif function == "svd":
        u, s, vh = np.linalg.svd(a, full_matrices=False)
        yield "U s V^H - A", norm(product(u * s, vh) - a), norm(a)
        yield "U^H U - I", norm(product(u.conj().T, u) - np.eye(len(s))), 1
        yield "V^H V - I", norm(product(vh, vh.conj().T) - np.eye(len(s))), 1
        yield "s alone", np.abs(np.linalg.svd(a, compute_uv=False) - s).max(), s[0]


P, DTYPE = PARAMETERS, np.dtype(PARAMETERS["dtype"])
IS_COMPLEX, EPS = DTYPE.kind == "c", np.finfo(DTYPE).eps
prepare()
if DTYPE not in (np.float64, np.complex128) and P["function"] != "solve":
    print("numpy.linalg computes single precision in double: call LAPACK itself to see this one")
    raise SystemExit(2)
shape = P["size"] if isinstance(P["size"], list) else [P["size"]] * 2
bad = False
try:
    for name, size, scale in errors(
        P["function"], rounded(matrix(P["kind"], *shape, P["function"]))
    ):
        # LAPACK's tests allow 20 to 50 units of rounding, of columns summed up.
        limit = 25 * EPS * scale * (1 if name == "A x - b" or name == "A V - V w" else max(shape))
        wrong = not size < max(limit, 5e-324)
        bad = bad or wrong
        if wrong:
            print("%s: %.3g, allowed %.3g" % (name, size, limit))
except np.linalg.LinAlgError as error:
    print("%s, on input that has an answer" % error)
    bad = True
print("WRONG" if bad else "right")
raise SystemExit(bad)
