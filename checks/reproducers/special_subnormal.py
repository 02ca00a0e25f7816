"""Whether NumPy flushes subnormal numbers to zero once OpenBLAS runs. Exits with 1 if it does."""

import ctypes
import os
import threading

PARAMETERS = {"kernel": "Haswell", "threads": 1, "flushed": "after"}

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import openblas, prepare  # noqa: E402


def look(where):
    """Say of both precisions whether halves and doubles of the smallest numbers vanish."""
    for dtype in (np.float32, np.float64):
        info = np.finfo(dtype)
        smallest = np.full(9, 2.0 ** (info.minexp - info.nmant), dtype)
        halved = np.full(9, info.tiny, dtype) * dtype(0.5)
        if (smallest * dtype(2) == 0).any() or (halved == 0).any():
            bad.append("%s %s" % (dtype.__name__, where))


bad = []
prepare()
look("before any call")
for letter, dtype, real in (("s", "f4", ctypes.c_float), ("d", "f8", ctypes.c_double)):
    x, a = np.ones(100, dtype), np.ones((40, 40), dtype)
    size, address = ctypes.c_ssize_t(100), ctypes.c_void_p(x.ctypes.data)
    openblas()("cblas_" + letter + "scal")(size, real(1), address, ctypes.c_ssize_t(1))
    _ = a @ a, a @ a.T, a @ a[0], np.linalg.solve(a + np.eye(40, dtype=dtype), a)
look("after calls")
thread = threading.Thread(target=look, args=("in a new thread",))
thread.start()
thread.join()
print("flushed to zero: %s" % ", ".join(bad) if bad else "right")
raise SystemExit(len(bad) > 0)
