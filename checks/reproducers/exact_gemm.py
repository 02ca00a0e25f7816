"""Whether A @ B of integers is exact. Exits with 1 when it is not."""

import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 1, "seed": 1, "high": 8, "pool": [71, 71, 1025],
    "shapes": [[55, 55, 165], [64, 64, 300], [33, 65, 513], [64, 64, 1000], [17, 31, 33]],
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import differs, integers, prepare  # noqa: E402


def product(dtype, layout, m, n, k):
    """Multiply slices of two stored matrices, as the check did; whether the result is wrong."""
    rows, columns, depth = PARAMETERS["pool"]
    i, j = PARAMETERS.get("row", 0), PARAMETERS.get("column", 0)
    seed, high = PARAMETERS["seed"], PARAMETERS["high"]
    a = np.array(integers(seed, rows, depth, high, dtype), order=layout[0])[i : i + m, :k]
    b = np.array(integers(seed + 1, depth, columns, high, dtype), order=layout[1])[:k, j : j + n]
    result = np.full((m + 6, n + 6), np.nan, dtype, order=PARAMETERS.get("order", "C"))
    outside = np.ones(result.shape, bool)
    outside[3:-3, 3:-3] = False
    np.matmul(a, b, out=result[3:-3, 3:-3])
    wide = [x.astype(np.complex128 if dtype.startswith("c") else np.float64) for x in (a, b)]
    exact = np.einsum("ik,kj->ij", *wide, optimize=False)  # sums without BLAS
    what = "%s, layouts %s, %d x %d x %d" % (dtype, layout, m, k, n)
    if not np.isnan(result[outside]).all():
        print(what + ": wrote outside of its result")
        return True
    return differs(what, result[3:-3, 3:-3], exact)


prepare()
shapes = PARAMETERS.get("shapes") or [[PARAMETERS[name] for name in "mnk"]]
dtypes = [PARAMETERS["dtype"]] if "dtype" in PARAMETERS else ["float64", "float32", "complex128"]
layouts = [PARAMETERS["layout"]] if "layout" in PARAMETERS else ["CC", "CF", "FC", "FF"]
bad = [product(d, o, m, n, k) for m, n, k in shapes for d in dtypes for o in layouts]
print("WRONG" if any(bad) else "all %d products are exact" % len(bad))
raise SystemExit(any(bad))
