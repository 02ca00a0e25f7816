"""Whether 0 * NaN is NaN in scal, NaN * 1 too, and 0 * 1 zero. Exits with 1 when it is not.

Of complex numbers only the last: whether NaN survives 0 there differs from release to release.
"""
# reproduces: special.scal-nan, special.complex-scal

import ctypes
import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 1,
    "dtype": "float64", "n": 7, "step": 1, "at": 0, "value": "nan",
    "alpha": "0.0",
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import openblas, prepare  # noqa: E402

P = PARAMETERS
prepare()
alpha = float(P["alpha"])
x = np.ones(P["n"] * P["step"], P["dtype"])
x[P["at"] * P["step"]] = float(P["value"])
letter = {"float32": "s", "float64": "d", "complex64": "c", "complex128": "z"}[P["dtype"]]
scal = openblas()("cblas_" + letter + "scal")
factor = np.array(alpha, P["dtype"])
real = {"s": ctypes.c_float, "d": ctypes.c_double}.get(letter)
scal.argtypes = [ctypes.c_ssize_t, real or ctypes.c_void_p, ctypes.c_void_p, ctypes.c_ssize_t]
alpha = alpha if real else factor.ctypes.data
scal.restype = None
scal(P["n"], alpha, x.ctypes.data, P["step"])
result = x[:: P["step"]]
others = np.delete(result, P["at"])
print("%s * %s = %s" % (P["alpha"], P["value"], result[P["at"]]))
print("%s * 1 = %s" % (P["alpha"], others))
if P["alpha"] == "nan":
    bad = not np.isnan(result).all()
else:
    bad = bool(others.any()) or (letter in "sd" and not np.isnan(result[P["at"]]))
print("WRONG" if bad else "right")
raise SystemExit(bad)
