"""Whether an inner product of integers is exact. Exits with 1 when it is not."""

import ctypes
import glob
import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 1, "seed": 1, "high": 8, "pool": [2, 20021],
    "dtype": "float64", "function": "dot", "n": 1000, "start": 1, "steps": [1, 2],
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


def spread(vector, step):
    """Return a view with the same values, `step` elements apart, NaN between them."""
    if step < 0:
        return np.ascontiguousarray(vector[::-1])[::-1]
    stored = np.full(1 + len(vector) * step, np.nan, vector.dtype)
    view = stored[1::step][: len(vector)]
    view[...] = vector
    return view


prepare()
p = PARAMETERS
x, y = integers(p["seed"], *p["pool"], p["high"], p["dtype"])
where = slice(p["start"], p["start"] + p["n"])
a, b = (spread(v, step)[where] for v, step in zip((x, y), p["steps"]))
result = getattr(np, p["function"])(a, b)
first = a.conj() if p["function"] == "vdot" else a
exact = (first.astype(complex) * b).sum()
print("%s of %d %s: %s, exactly %s" % (p["function"], p["n"], p["dtype"], result, exact))
raise SystemExit(bool(result != exact))
