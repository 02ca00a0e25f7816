"""Whether A @ A.T of integers is exact. Exits with 1 when it is not."""

import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 1, "seed": 1, "high": 8, "pool": [83, 83, 1025],
    "shapes": [[55, 165], [64, 300], [65, 513], [80, 1000], [31, 33]],
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import differs, integers, prepare  # noqa: E402


def product(dtype, order, n, k):
    """Multiply a slice with its transpose, for which NumPy calls syrk; whether that is wrong."""
    rows, _, depth = PARAMETERS["pool"]
    i = PARAMETERS.get("row", 0)
    pool = integers(PARAMETERS["seed"], rows, depth, PARAMETERS["high"], dtype)
    a = np.array(pool, order=order)[i : i + n, :k]
    result = np.full((n + 6, n + 6), np.nan, dtype)
    outside = np.ones(result.shape, bool)
    outside[3:-3, 3:-3] = False
    np.matmul(a, a.T, out=result[3:-3, 3:-3])
    wide = a.astype(np.complex128 if dtype.startswith("c") else np.float64)
    exact = np.einsum("ik,jk->ij", wide, wide, optimize=False)  # sums without BLAS
    what = "%s, order %s, %d x %d" % (dtype, order, n, k)
    if not np.isnan(result[outside]).all():
        print(what + ": wrote outside of its result")
        return True
    return differs(what, result[3:-3, 3:-3], exact)


prepare()
shapes = PARAMETERS.get("shapes") or [[PARAMETERS["n"], PARAMETERS["k"]]]
dtypes = [PARAMETERS["dtype"]] if "dtype" in PARAMETERS else ["float64", "float32", "complex128"]
orders = [PARAMETERS["order"]] if "order" in PARAMETERS else ["C", "F"]
bad = [product(d, o, n, k) for n, k in shapes for d in dtypes for o in orders]
print("WRONG" if any(bad) else "all %d products are exact" % len(bad))
raise SystemExit(any(bad))
