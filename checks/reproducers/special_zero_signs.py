"""Whether zeros keep their sign and NaN their bits where nothing is computed. Exits with 1 if not.

Both operands are patterns of bits, repeated; `arguments` are those of the C function.
"""

import ctypes
import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 1, "name": "daxpy", "dtype": "float64",
    "arguments": ["n", 1, "x", "incx", "y", "incy"], "n": 7, "incx": 1, "incy": 2, "lines": 1,
    "patterns": [[9223372036854775808], [9223372036854775808, 0, 4607182418800017408]],
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import openblas, prepare  # noqa: E402

prepare()
p = PARAMETERS
name, dtype, given = p["name"], np.dtype(p["dtype"]), p["arguments"]
real = np.zeros(1, dtype).real.dtype
parts = dtype.itemsize // real.itemsize
unsigned = np.dtype("u%d" % real.itemsize)
x, y = (
    np.resize(np.array(pattern, unsigned), p["n"] * p["lines"] * parts).view(dtype).repeat(step)
    for pattern, step in zip(p["patterns"], (p["incx"], p["incy"]))
)
after = [x.copy(), y.copy()]
if name[1:] in ("copy", "swap"):
    after[1][:: p["incy"]] = x[:: p["incx"]]
if name[1:] == "swap":
    after[0][:: p["incx"]] = y[:: p["incy"]]

# Numbers after the first size are alpha, beta, c, s, but an increment of 1 behind an array.
known = {"n": p["n"], "incx": p["incx"], "incy": p["incy"], "x": x, "y": y}
passed, scalars = [], []
for before, each in zip([None, *given], given):
    value = known.get(each, each)
    if isinstance(value, np.ndarray):
        passed.append(ctypes.c_void_p(value.ctypes.data))
    elif each in (0, 1) and before not in ("x", "y"):
        scalars.append(np.array(each, dtype))  # complex ones are passed by address
        kind = ctypes.c_float if real.itemsize == 4 else ctypes.c_double
        passed.append(ctypes.c_void_p(scalars[-1].ctypes.data) if parts == 2 else kind(each))
    else:
        passed.append(ctypes.c_ssize_t(value))
openblas()("cblas_" + name)(*passed)
bad = any(a.tobytes() != b.tobytes() for a, b in zip((x, y), after))
print("x", x[:12], "y", y[:12])
print("WRONG" if bad else "right")
raise SystemExit(bad)
