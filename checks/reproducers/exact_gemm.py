"""Whether A @ B of integers is exact and raises no flag. Exits with 1 when not."""

import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 1, "seed": 1, "high": 8, "pool": [71, 71, 1025],
    "dtype": "float64", "layout": "CF", "order": "C", "m": 65, "n": 63, "k": 513, "row": 0,
    "column": 0,
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import differs, integers, multiply, prepare  # noqa: E402

prepare()
p = {"seed": 1, "high": 8, "layout": "CC", "row": 0, "column": 0, **PARAMETERS}
m, n, k, i, j = (p[name] for name in ("m", "n", "k", "row", "column"))
rows, columns, depth = p.get("pool", (m, n, k))
left = integers(p["seed"], rows, depth, p["high"], p["dtype"])
right = integers(p["seed"] + 1, depth, columns, p["high"], p["dtype"])
a = np.array(left, order=p["layout"][0])[i : i + m, :k]  # slices, as the check had them
b = np.array(right, order=p["layout"][1])[:k, j : j + n]
block = np.full((m + 6, n + 6), np.nan, p["dtype"], order=p.get("order", "C"))
outside = np.ones(block.shape, bool)
outside[3:-3, 3:-3] = False
multiply(a, b, block[3:-3, 3:-3])
wide = [x.astype(complex) for x in (a, b)]
exact = np.einsum("ik,kj->ij", *wide, optimize=False)  # sums without BLAS
bad = differs("%s %d x %d x %d" % (p["dtype"], m, k, n), block[3:-3, 3:-3], exact)
if not np.isnan(block[outside]).all():
    print("wrote outside of its result")
    bad = True
print("WRONG" if bad else "exact")
raise SystemExit(bad)
