"""A band of ones times a long vector of ones. Exits with 1 when wrong, or dies."""

import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 8, "count": 8, "routine": "gbmv", "dtype": "float64",
    "n": 576716,
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import cblas, set_threads  # noqa: E402

p, width = PARAMETERS, 8  # diagonals on each side
n, dtype, bad = p["n"], p["dtype"], 0
set_threads(p["count"])
for form in (111, 112):
    x, y = np.ones(n, dtype), np.full(n, np.nan, dtype)
    if p["routine"] == "gbmv":
        diagonals, result = 2 * width + 1, y
        a = np.ones(n * diagonals, dtype)
        cblas("gbmv", dtype, 102, form, n, n, width, width, 1.0, a, diagonals, x, 1, 0.0, y, 1)
    else:  # tbmv, upper
        diagonals, result = width + 1, x
        a = np.ones(n * diagonals, dtype)
        cblas("tbmv", dtype, 102, 121, form, 131, n, width, a, diagonals, x, 1)
    bad += np.count_nonzero(result[width:-width] != diagonals)
print("%d elements are WRONG" % bad if bad else "right")
raise SystemExit(bool(bad))
