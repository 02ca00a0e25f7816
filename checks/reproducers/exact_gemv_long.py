"""Whether a product with very long columns is exact. Exits with 1 if it is not."""

import ctypes
import os

PARAMETERS = {
    "kernel": "Core2", "threads": 1, "dtype": "float64", "m": 2097253, "n": 3, "trans": 112,
    "shift": 1, "padding": 0,
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import differs, openblas, prepare  # noqa: E402

prepare()
p = PARAMETERS
m, n, dtype = p["m"], p["n"], p["dtype"]
leading = m + p["padding"]
memory = np.empty(leading * n + 32, dtype)
start = -memory.ctypes.data % 16 // memory.itemsize + p["shift"]
a = memory[start : start + leading * n].reshape(n, leading)  # stored by columns: A^T
a[...] = np.resize([1, -2, 3, -1, 2, -3], leading * n).reshape(n, leading)
turned = p["trans"] == 112
x = np.resize(np.array([1, 1, -1, 1, -1, -1, 2], dtype), m) if turned else np.arange(1.0, n + 1)
x, y = x.astype(dtype), np.zeros(n if turned else m, dtype)
exact = np.einsum("ji,i->j" if turned else "ji,j->i", a[:, :m], x, dtype=float)
integer, real = ctypes.c_int64, ctypes.c_float if dtype == "float32" else ctypes.c_double
pointer = [ctypes.c_void_p(each.ctypes.data) for each in (a, x, y)]
gemv = openblas()("cblas_%sgemv" % ("s" if dtype == "float32" else "d"))
sizes = integer(m), integer(n), real(1.0), pointer[0], integer(leading)
gemv(102, p["trans"], *sizes, pointer[1], integer(1), real(0.0), pointer[2], integer(1))
wrong = differs("A^T x" if turned else "A x", y, exact)
print("WRONG" if wrong else "right")
raise SystemExit(wrong)
