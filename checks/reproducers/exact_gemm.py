"""Whether A @ B of integers is exact. Exits with 1 when it is not."""

import ctypes
import glob
import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 1, "seed": 1, "high": 8, "pool": [71, 71, 1025],
    "shapes": [[55, 55, 165], [64, 64, 300], [33, 65, 513], [64, 64, 1000], [17, 31, 33]],
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)


def openblas():
    """Return NumPy's own OpenBLAS, with the prefix and suffix of its names."""
    folder = os.path.dirname(np.__file__)
    for place in ("/../numpy.libs/", "/.dylibs/", "/.libs/"):
        for path in glob.glob(folder + place + "*openblas*"):
            library = ctypes.CDLL(path)
            for prefix, suffix in (("scipy_", "64_"), ("scipy_", ""), ("", "64_"), ("", "")):
                if hasattr(library, prefix + "openblas_get_config" + suffix):
                    return lambda name: library[prefix + name + suffix]
    print("NumPy has loaded no OpenBLAS")
    raise SystemExit(2)


def prepare():
    """Set the threads and say which OpenBLAS this is."""
    routine = openblas()
    for name in ("openblas_get_config", "openblas_get_corename"):
        text = routine(name)
        text.restype = ctypes.c_char_p
        print(text().decode())
    routine("openblas_set_num_threads")(PARAMETERS["threads"])
    print(PARAMETERS["threads"], "threads")


def integers(seed, rows, columns, high, dtype):
    """Return integers in [-high, high] without zero, whose products and sums are exact."""
    random = np.random.RandomState(seed)
    magnitude = random.randint(1, high + 1, size=(2, rows, columns))
    sign = 2 * random.randint(0, 2, size=(2, rows, columns)) - 1
    real, imaginary = (magnitude * sign).astype(np.float64)
    return (real + 1j * imaginary if dtype.startswith("c") else real).astype(dtype)


def differs(what, result, exact):
    """Say where `result` is not `exact`; whether it is somewhere."""
    wrong = np.argwhere(result != exact)
    if len(wrong):
        at = tuple(wrong[0])
        print(
            "%s: %d of %d wrong, first at %s" % (what, len(wrong), exact.size, list(map(int, at)))
        )
        print("    is %s, exactly %s" % (result[at], exact[at]))
    return len(wrong) > 0


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
