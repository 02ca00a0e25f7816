"""Whether NaN or infinity in A reaches just its part of a product. Exits with 1 when not."""

import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 1, "seed": 1, "routine": "gemm", "dtype": "float64",
    "m": 17, "n": 15, "k": 16, "at": [8, 8], "value": "nan",
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import exact_product, integers, prepare  # noqa: E402

prepare()
p = PARAMETERS
(i, j), name = p["at"], p["routine"]
a = integers(p["seed"], p["m"], p["k"], 8, p["dtype"])
b = integers(p["seed"] + 1, p["k"], p["n"], 8, p["dtype"])
exact = exact_product(a, a.T if name == "syrk" else b)
row = np.arange(p["m"])[:, None] == i
within = row | row.T if name == "syrk" else row | np.zeros(exact.shape, bool)
a[i, j] = float(p["value"])
results = []
for left in (a, np.array(a, order="F")):
    if name == "gemv":
        results.append((left @ b[:, 0], exact[:, 0], within[:, 0]))
    elif name == "dot":
        results.append((np.dot(left[i], b[:, 0])[None], exact[i, :1], within[i, :1]))
    elif name == "syrk":
        results.append((left @ left.T, exact, within))
    else:
        results += [(left @ b, exact, within), (b.T @ left.T, exact.T, within.T)]
bad = False
for result, expected, where in results:
    reached = np.isnan(result) if p["value"] == "nan" else ~np.isfinite(result)
    lost, strayed = where & ~reached, ~where & (result != expected)
    print("lost in %d elements, strayed to %d" % (lost.sum(), strayed.sum()))
    bad = bad or bool(lost.any() or strayed.any())
raise SystemExit(bad)
