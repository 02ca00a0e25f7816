"""A packed matrix of zeros (tpmv: and a unit diagonal) times a long vector. Exits with 1 if it hangs."""

import faulthandler
import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 2, "count": 2, "routine": "tpmv", "dtype": "float64",
    "n": 15000,
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import cblas, set_threads  # noqa: E402

faulthandler.dump_traceback_later(20, exit=True)  # a hang ends with status 1 and the stacks
p = PARAMETERS
n, dtype, bad = p["n"], p["dtype"], 0
set_threads(p["count"])
a = np.zeros(n * (n + 1) // 2, dtype)  # takes no memory, since nothing is written
for uplo in (121, 122):
    for form in (111, 112):
        x, y = np.ones(n, dtype), np.ones(n, dtype)
        if p["routine"] == "tpmv":
            cblas("tpmv", dtype, 102, uplo, form, 132, n, a, x, 1)
            bad += np.count_nonzero(x != 1)
        else:  # y becomes A x + 2 y
            cblas(p["routine"], dtype, 102, uplo, n, 1.0, a, x, 1, 2.0, y, 1)
            bad += np.count_nonzero(y != 2)
print("%d elements are WRONG" % bad if bad else "right")
raise SystemExit(bool(bad))
