"""Whether a modified rotation rotates: H (x, y) = (x', 0). Exits with 1 when it does not."""

import ctypes
import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 1,
    "dtype": "float64", "d1": 1.5, "d2": 0.5, "x": 0.75, "y": -0.25,
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import openblas  # noqa: E402

P = PARAMETERS
d1, d2, x, y = (float(P[name]) for name in ("d1", "d2", "x", "y"))
real = ctypes.c_float if P["dtype"] == "float32" else ctypes.c_double
first, second, kept = real(d1), real(d2), real(x)
h = (real * 5)()
rotmg = openblas()("cblas_%srotmg" % P["dtype"].replace("float32", "s").replace("float64", "d"))
rotmg(*map(ctypes.byref, (first, second, kept)), real(y), h)
flag, h11, h21, h12, h22 = h
if flag in (-2, 0):  # what each flag leaves out
    h11 = h22 = 1.0
if flag == -2:
    h21 = h12 = 0.0
if flag == 1:
    h21, h12 = -1.0, 1.0
new, kept = first.value, kept.value
energy = d1 * x * x + d2 * y * y
residual = max(
    abs(h21 * x + h22 * y) / (abs(h21 * x) + abs(h22 * y) or 1),
    abs(h11 * x + h12 * y - kept) / (abs(h11 * x) + abs(h12 * y) or 1),
    abs(new * kept * kept - energy) / (energy or 1),
)
limit = 16 * np.finfo(P["dtype"]).eps / 2  # dblat2.f's limit for a few operations
print("off by %.3g of the size, allowed %.3g (flag %d)" % (residual, limit, flag))
raise SystemExit(not residual < limit)
