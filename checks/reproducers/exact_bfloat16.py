"""Whether bfloat16 products and conversions of integers are exact. Exits with 1 if not."""

import ctypes
import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 1, "routine": "sbgemm", "seed": 1, "order": 101, "ta": 111,
    "tb": 112, "m": 33, "n": 17, "k": 65, "lda": 65, "alpha": 2, "beta": 1,
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import openblas, set_threads  # noqa: E402


def half(x):
    """Return bfloat16: the upper halves of single-precision numbers, exact for small integers."""
    return (x.astype(np.float32).view(np.uint32) >> np.uint32(16)).astype(np.uint16)


def stored(matrix, leading=0):
    """Return a matrix as bfloat16 in lines of that length at least, NaN between them."""
    lines = np.ascontiguousarray(matrix if p["order"] == 101 else matrix.T)
    memory = np.full((lines.shape[0], max(1, leading, lines.shape[1])), 0x7FE5, np.uint16)
    memory[:, : lines.shape[1]] = half(lines)
    return memory


def call(*arguments):
    """Call the routine: arrays by address, integers as this build has them."""
    kinds = {np.ndarray: lambda x: ctypes.c_void_p(x.ctypes.data), int: integer}
    return routine(*(kinds.get(type(x), ctypes.c_float)(x) for x in arguments))


p = PARAMETERS
set_threads(p["threads"])
name, n, random = p["routine"], p["n"], np.random.RandomState(p["seed"])
routine, config = openblas()("cblas_" + name), openblas()("openblas_get_config")
routine.restype, config.restype = ctypes.c_float if name == "sbdot" else None, ctypes.c_char_p
integer = ctypes.c_int64 if b"USE64BITINT" in config() else ctypes.c_int32
if "order" in p:
    m, k, alpha, beta = p["m"], p["k"], float(p["alpha"]), float(p["beta"])
    shapes = (m, k), (k, n), (m, n)
    a, b, c = (random.randint(-8, 9, shape).astype(np.float32) for shape in shapes)
    exact = alpha * np.einsum("ik,kj->ij", a, b) + beta * c
    result = np.array(c if beta else c * np.nan, order="FC"[p["order"] == 101])
    a = stored(a if p["ta"] == 111 else a.T, p["lda"])
    b = stored(b if p["tb"] == 111 else b.T)
    sizes = (m, n, k) if name == "sbgemm" else (m, k) if p["ta"] == 111 else (k, m)
    flags = (p["order"], p["ta"], p["tb"])[: len(sizes)]
    steps = (b.shape[1], m if p["order"] == 102 else n) if name == "sbgemm" else (1, 1)
    call(*flags, *sizes, alpha, a, a.shape[1], b, steps[0], beta, result, steps[1])
else:
    x, y = random.randint(-100, 101, (2, n)).astype(np.float32)
    given, exact = (x, half(x)) if name == "sbstobf16" else (half(x), x)
    result = half(y) if name == "sbdot" else np.zeros_like(exact)
    returned = call(n, given, 1, result, 1)
    if name == "sbdot":
        result, exact = returned, (x * y).sum(dtype=float)
print("%s: %d elements wrong" % (name, np.sum(result != exact)))
raise SystemExit(not np.array_equal(result, exact))
