"""Whether dsdot and sdsdot sum in double precision. Exits with 1 when not."""

import ctypes
import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 1, "routine": "dsdot", "seed": 1, "n": 1025, "incx": 1,
    "incy": 1,
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import integers, openblas, prepare  # noqa: E402


def stored(values, increment):
    """Return the memory of a vector at that increment; BLAS walks backwards for a negative one."""
    memory = np.full(len(values) * abs(increment), np.nan, np.float32)
    memory[:: abs(increment)] = values if increment > 0 else values[::-1]
    return memory


prepare()
p, n = PARAMETERS, PARAMETERS["n"]
single = p["routine"] == "sdsdot"
x, y = np.abs(integers(p["seed"], 2, n, 722, "float64")).astype(int) // 2 * 2 + 1
if single:  # its result is rounded: a small one, of large sums
    half = n // 2
    x[half : 2 * half], y[half : 2 * half] = x[:half], -y[:half]
exact = (x * y).sum() + (3 if single else 0)
routine = openblas()("cblas_" + p["routine"])
routine.restype = ctypes.c_float if single else ctypes.c_double
size, address = ctypes.c_ssize_t, ctypes.c_void_p
routine.argtypes = [size, *[ctypes.c_float] * single, address, size, address, size]
first, second = stored(x, p["incx"]), stored(y, p["incy"])
added = [3.0] * single
result = routine(n, *added, first.ctypes.data, p["incx"], second.ctypes.data, p["incy"])
print("%s of %d elements: %r, exactly %d" % (p["routine"], n, result, exact))
raise SystemExit(bool(result != exact))
