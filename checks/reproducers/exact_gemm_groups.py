"""Whether products in groups are exact. Exits with 1 when not, or dies."""

import ctypes
import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 1, "dtype": "float64", "order": 101, "interface": "",
    "groups": [[111, 112, 3, 4, 5, 2, 5, 5, 1, 4, 2], [112, 111, 5, 2, 7, 1, 5, 2, 0, 3, 1]],
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import integers, openblas, set_threads  # noqa: E402


def op(x, flag):  # what BLAS makes of a matrix with that flag; undoes itself
    x = x.T if flag in (112, 113) else x
    return x.conj() if flag in (113, 114) else x


def stored(matrix, leading):  # in lines of that length, sevens behind them
    lines = matrix if p["order"] == 101 else matrix.T
    memory = np.full((max(1, len(lines)), leading), 7, p["dtype"])
    memory[: len(lines), : lines.shape[1]] = lines
    return memory


p, a, b, c, exact = PARAMETERS, [], [], [], []
groups, letter = p["groups"], "sdcz"["fdFD".index(np.dtype(p["dtype"]).char)]
scalars = [[complex(*x) if isinstance(x, list) else x for x in g[5:9:3]] for g in groups]
for (ta, tb, m, n, k, _, lda, ldb, _, ldc, members), (alpha, beta) in zip(groups, scalars):
    for _ in range(members):
        shapes = (m, k), (k, n), (m, n)
        left, right, start = (integers(len(c), *shape, 8, p["dtype"]) for shape in shapes)
        a.append(stored(op(left, ta), lda))
        b.append(stored(op(right, tb), ldb))
        c.append(stored(start if beta else np.nan * start, ldc))
        exact.append(stored(alpha * np.einsum("ik,kj->ij", left, right) + beta * start, ldc))
set_threads(p["threads"])
config = openblas()("openblas_get_config")
config.restype = ctypes.c_char_p
integer = ctypes.c_int64 if b"USE64BITINT" in config() else ctypes.c_int32
factors = np.array(scalars, p["dtype"]).T.copy()
columns = list(zip(*groups))  # what all groups have of each
sizes = [(integer * len(groups))(*columns[i]) for i in (2, 3, 4, 6, 7, 9, 10)]
m, n, k, lda, ldb, ldc, members = sizes
flags = [ctypes.c_int(p["order"]), *((ctypes.c_int * len(groups))(*x) for x in columns[:2])]
if p["interface"]:
    flags = [b"".join(b"NTC"[x - 111 : x - 110] for x in flag) for flag in columns[:2]]
routine = openblas()(("%sgemm_batch_" if p["interface"] else "cblas_%sgemm_batch") % letter)
alpha, beta = (ctypes.c_void_p(x.ctypes.data) for x in factors)
at = [(ctypes.c_void_p * len(x))(*(y.ctypes.data for y in x)) for x in (a, b, c)]
count = ctypes.byref(integer(len(groups))) if p["interface"] else integer(len(groups))
routine(*flags, m, n, k, alpha, at[0], lda, at[1], ldb, beta, at[2], ldc, count, members)
bad = [i for i, (x, y) in enumerate(zip(c, exact)) if not np.array_equal(x, y)]
print("%d of %d products wrong" % (len(bad), len(c)))
raise SystemExit(bool(bad))
