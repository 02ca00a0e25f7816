"""Whether A @ x and x @ A of integers are exact. Exits with 1 when one is not."""

import ctypes
import glob
import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 1, "seed": 1, "high": 8, "pool": [133, 133],
    "dtype": "float64", "order": "C", "side": "right", "m": 100, "n": 77,
    "row": 1, "column": 2, "step": 1, "out_step": 2,
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
rows, columns = p["pool"]
stored = np.array(integers(p["seed"], rows, columns, p["high"], p["dtype"]), order=p["order"])
vector = integers(p["seed"] + 1, 1, max(rows, columns), p["high"], p["dtype"])[0]
x = spread(vector, p["step"])
if p["side"] == "right":
    a, x = stored[p["row"] : p["row"] + p["m"], : p["n"]], x[: p["n"]]
    exact = (a * x).sum(axis=1, dtype=complex)
else:
    a, x = stored[: p["m"], p["column"] : p["column"] + p["n"]], x[: p["m"]]
    exact = (a * x[:, None]).sum(axis=0, dtype=complex)
block = np.full(len(exact) * p["out_step"] + 6, np.nan, p["dtype"])
inside = slice(3, 3 + len(exact) * p["out_step"], p["out_step"])
np.matmul(*((a, x) if p["side"] == "right" else (x, a)), out=block[inside])
bad = differs("%s %d x %d" % (p["dtype"], p["m"], p["n"]), block[inside], exact)
if np.count_nonzero(np.isnan(block)) != len(block) - len(exact):
    print("wrote outside of its result, or NaN into it")
    bad = True
print("WRONG" if bad else "exact")
raise SystemExit(bad)
