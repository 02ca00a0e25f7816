"""A packed matrix of zeros (tpmv: and a unit diagonal) times a long vector. Exits with 1 if it hangs."""

import ctypes
import faulthandler
import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 2, "count": 2, "routine": "tpmv", "dtype": "float64",
    "n": 15000,
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import openblas, set_threads  # noqa: E402

faulthandler.dump_traceback_later(20, exit=True)  # a hang ends with status 1 and the stacks
p = PARAMETERS
n, dtype = p["n"], np.dtype(p["dtype"])
set_threads(p["count"])
call = openblas()("cblas_" + "sdcz"["fdFD".index(dtype.char)] + p["routine"])


def pointer(array):
    return ctypes.c_void_p(array.ctypes.data)


def scalar(value):  # complex ones are passed by their address
    real = {"f": ctypes.c_float, "d": ctypes.c_double}.get(dtype.char)
    return real(value) if real else pointer(scalars[value])


scalars = np.arange(3).astype(dtype)[:, None]
a = np.zeros(n * (n + 1) // 2, dtype)  # takes no memory, since nothing is written
order, one, bad = ctypes.c_int64(n), ctypes.c_int64(1), 0
for uplo in (121, 122):
    for form in (111, 112):
        x, y = np.ones(n, dtype), np.ones(n, dtype)
        if p["routine"] == "tpmv":
            call(102, uplo, form, 132, order, pointer(a), pointer(x), one)
            bad += np.count_nonzero(x != 1)
        else:  # y becomes A x + 2 y
            vectors = pointer(x), one, scalar(2), pointer(y), one
            call(102, uplo, order, scalar(1), pointer(a), *vectors)
            bad += np.count_nonzero(y != 2)
print("%d elements are WRONG" % bad if bad else "right")
raise SystemExit(bool(bad))
