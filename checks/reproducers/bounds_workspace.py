"""A band of ones times a long vector of ones. Exits with 1 when wrong, or dies."""

import ctypes
import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 8, "count": 8, "routine": "gbmv", "dtype": "float64",
    "n": 576716,
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import openblas, set_threads  # noqa: E402

WIDTH = 8  # diagonals on each side
p = PARAMETERS
n, dtype = p["n"], np.dtype(p["dtype"])
set_threads(p["count"])
call = openblas()("cblas_" + "sdcz"["fdFD".index(dtype.char)] + p["routine"])


def pointer(array):
    return ctypes.c_void_p(array.ctypes.data)


def integers(*values):
    return [ctypes.c_int64(value) for value in values]


def scalar(value):  # complex ones are passed by their address
    real = {"f": ctypes.c_float, "d": ctypes.c_double}.get(dtype.char)
    return real(value) if real else pointer(scalars[value])


scalars = np.array([0, 1], dtype)[:, None]
bad = 0
for form in (111, 112):
    x, y = np.ones(n, dtype), np.full(n, np.nan, dtype)
    ones, one = [pointer(x), *integers(1)], integers(1)
    if p["routine"] == "gbmv":
        a = np.ones(n * (2 * WIDTH + 1), dtype)
        band = [*integers(n, n, WIDTH, WIDTH), scalar(1), pointer(a), *integers(2 * WIDTH + 1)]
        call(102, form, *band, *ones, scalar(0), pointer(y), *one)
        bad += np.count_nonzero(y[WIDTH:-WIDTH] != 2 * WIDTH + 1)
    else:  # tbmv, upper
        a = np.ones(n * (WIDTH + 1), dtype)
        call(102, 121, form, 131, *integers(n, WIDTH), pointer(a), *integers(WIDTH + 1), *ones)
        bad += np.count_nonzero(x[WIDTH:-WIDTH] != WIDTH + 1)
print("%d elements are WRONG" % bad if bad else "right")
raise SystemExit(bool(bad))
