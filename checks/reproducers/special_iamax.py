"""Whether the place of the largest element exists, and is that of infinity. Exits with 1 if not."""

import ctypes
import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 1, "seed": 1, "dtype": "float64", "n": 9, "step": 1,
    "places": [0], "value": "nan",
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import integers, openblas, prepare  # noqa: E402

prepare()
p = PARAMETERS
n, value = p["n"], float(p["value"])
x = np.full((n, p["step"]), 99, p["dtype"])
x[:, 0] = integers(p["seed"], 1, n, 8, "float64")[0]
x[n // 3, 0] = 20  # the largest but for what follows
x[p["places"], 0] = value
letter = {"float32": "s", "float64": "d", "complex64": "c", "complex128": "z"}[p["dtype"]]
iamax = openblas()("cblas_i" + letter + "amax")
iamax.restype = ctypes.c_size_t
iamax.argtypes = [ctypes.c_ssize_t, ctypes.c_void_p, ctypes.c_ssize_t]
place = iamax(n, x.ctypes.data, p["step"])
if np.isnan(value):
    print("place %d of %d elements, NaN at %s" % (place, n, p["places"]))
    raise SystemExit(not 0 <= place < n)
exact = p["places"][0] if p["places"] else n // 3
print("place %d, exactly %d" % (place, exact))
raise SystemExit(place != exact)
