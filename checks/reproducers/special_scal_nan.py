"""Whether 0 * NaN is NaN in scal, 0 * 1 zero. Exits with 1 when it is not."""
# reproduces: special.scal-nan

import ctypes
import glob
import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 1,
    "dtype": "float64", "n": 7, "step": 1, "at": 0, "value": "nan",
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


P = PARAMETERS
prepare()
x = np.ones(P["n"] * P["step"], P["dtype"])
x[P["at"] * P["step"]] = float(P["value"])
double = P["dtype"] == "float64"
scal = openblas()("cblas_dscal" if double else "cblas_sscal")
real = ctypes.c_double if double else ctypes.c_float
scal.argtypes = [ctypes.c_ssize_t, real, ctypes.c_void_p, ctypes.c_ssize_t]
scal.restype = None
scal(P["n"], 0.0, x.ctypes.data, P["step"])
result = x[:: P["step"]]
print("0 * %s = %s" % (P["value"], result[P["at"]]))
bad = not np.isnan(result[P["at"]]) or bool(np.delete(result, P["at"]).any())
print("WRONG" if bad else "right")
raise SystemExit(bad)
