"""Whether A @ A.T of integers is exact and raises no flag. Exits with 1 when not."""

import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 1, "seed": 1, "high": 8, "pool": [83, 83, 1025],
    "dtype": "float64", "order": "C", "n": 65, "k": 513, "row": 0,
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import differs, integers, multiply, prepare  # noqa: E402

prepare()
p = PARAMETERS
n, k, i = p["n"], p["k"], p.get("row", 0)
pool = integers(p["seed"], p["pool"][0], p["pool"][2], p["high"], p["dtype"])
a = np.array(pool, order=p["order"])[i : i + n, :k]  # a slice, as the check had it
block = np.full((n + 6, n + 6), np.nan, p["dtype"])
outside = np.ones(block.shape, bool)
outside[3:-3, 3:-3] = False
multiply(a, a.T, block[3:-3, 3:-3])  # for which NumPy calls syrk
wide = a.astype(complex)
exact = np.einsum("ik,jk->ij", wide, wide, optimize=False)  # sums without BLAS
bad = differs("%s, %d x %d" % (p["dtype"], n, k), block[3:-3, 3:-3], exact)
if not np.isnan(block[outside]).all():
    print("wrote outside of its result")
    bad = True
print("WRONG" if bad else "exact")
raise SystemExit(bad)
