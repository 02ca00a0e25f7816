"""Whether A @ A.T of integers is exact. Exits with 1 when it is not."""

import ctypes
import glob
import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 1, "seed": 1, "high": 8, "pool": [83, 83, 1025],
    "shapes": [[55, 165], [64, 300], [65, 513], [80, 1000], [31, 33]],
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
