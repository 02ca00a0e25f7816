"""Whether a routine of level 1 is exact on integers. Exits with 1 when it is not.

All memory that the routine must not use or change holds NaN.
"""
# reproduces: exact.level1, exact.extensions, exact.sum

import ctypes
import glob
import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 1, "routine": "axpy", "dtype": "float64", "seed": 1, "n": 7,
    "incx": 2, "incy": -1, "alpha": 2,
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


def spread(values, increment):
    """Return the values with NaN between them, backwards for a negative increment."""
    memory = np.full(abs(increment or 1) * len(values) + 8, np.nan, dtype)
    values = values if letter in "cz" else values.real
    if increment == 0:
        memory[: min(1, len(values))] = values[:1]
    elif len(values):
        memory[: abs(increment) * len(values) : abs(increment)] = values[:: np.sign(increment)]
    return memory


def call(*arguments, result=None):
    """Call the routine; arrays by address, complex scalars too."""
    real = ctypes.c_float if letter in "sc" else ctypes.c_double
    passed = []
    for argument in arguments:
        if isinstance(argument, complex) and letter in "cz":
            keep.append(np.array(argument, dtype))
            passed.append(ctypes.c_void_p(keep[-1].ctypes.data))
        elif isinstance(argument, np.ndarray):
            passed.append(ctypes.c_void_p(argument.ctypes.data))
        elif isinstance(argument, (float, complex)):
            passed.append(real(argument.real))
        else:
            passed.append(ctypes.c_ssize_t(argument))
    routine = openblas()("cblas_" + full)
    routine.restype = real if result == "real" else result
    return routine(*passed)


P, keep = PARAMETERS, []
prepare()
name, dtype, n = P["routine"], P["dtype"], P["n"]
letter = {"float32": "s", "float64": "d", "complex64": "c", "complex128": "z"}[dtype]
mixed = {"s": "s", "d": "d", "c": "sc", "z": "dz"}[letter]
full = {
    "dotu": letter + "dotu_sub", "dotc": letter + "dotc_sub", "dsdot": "dsdot", "sdsdot": "sdsdot",
    "rscal": mixed[::-1] + "scal", "rot": mixed[::-1] + "rot", "iamax": "i%samax" % letter,
    "iamin": "i%samin" % letter, "imax": "i%smax" % letter, "imin": "i%smin" % letter,
}.get(name, (mixed if name in ("asum", "sum", "amax", "amin") else letter) + name)  # fmt: skip
incx, incy = P.get("incx", 1), P.get("incy", 1)
alpha, beta = (complex(*np.ravel(P.get(scalar, 1))) for scalar in ("alpha", "beta"))
size = 3 if P.get("idle") else n
x, y = (np.resize(row, size).astype(complex) for row in integers(P["seed"], 2, 4999, 4, dtype))
for place, sign in zip(P.get("places", ()), (1, -1 if name in ("iamax", "amax") else 1)):
    x[place] = sign * P["extreme"]
seen, seen_y = (v if inc else np.repeat(v[:1], size) for v, inc in ((x, incx), (y, incy)))
given_x, given_y = spread(x, incx), spread(y, incy)
new_x, new_y, exact = x, y, None
ends = [given_x, incx, given_y, incy]
if "dot" in name:
    first = [3.0] if name == "sdsdot" else []
    exact = ((seen.conj() if name == "dotc" else seen) * seen_y).sum() + sum(first)
    if name in ("dotu", "dotc"):
        found = np.zeros(1, dtype)
        call(n, *ends, found)
        found = found[0]
    else:
        found = call(n, *first, *ends, result=ctypes.c_double if name == "dsdot" else "real")
elif name in ("axpy", "axpyc"):
    new_y = alpha * (seen.conj() if name == "axpyc" else seen) + y
    call(n, alpha, *ends)
elif name == "axpby":
    new_y = alpha * seen + beta * y
    call(n, alpha, given_x, incx, beta, given_y, incy)
elif name in ("scal", "rscal"):
    new_x = alpha * x
    call(n, alpha.real if name == "rscal" else alpha, given_x, incx)
elif name in ("copy", "swap"):
    new_x, new_y = (y if name == "swap" else x), seen
    call(n, *ends)
elif name == "rot":
    c, s = float(P["c"]), float(P["s"])
    new_x, new_y = c * x + s * y, c * y - s * x
    call(n, *ends, c, s)
elif name == "rotm":
    h11, h21, h12, h22 = h = P["h"]
    h11, h22 = (1 if P["flag"] in (-2, 0) else v for v in (h11, h22))
    h21, h12 = {-2: (0, 0), 1: (-1, 1)}.get(P["flag"], (h21, h12))
    new_x, new_y = h11 * x + h12 * y, h21 * x + h22 * y
    call(n, *ends, np.array([P["flag"], *(np.nan if v is None else v for v in h)], dtype))
else:
    parts = np.array([x.real, x.imag])
    if name in ("asum", "sum"):
        exact = (abs(parts) if name == "asum" else parts).sum()
    elif n:
        exact = P["places"][0] if name[0] == "i" else abs(P["extreme"])
    else:
        exact = 0
    found = call(n, given_x, incx, result=ctypes.c_size_t if name[0] == "i" else "real")
if P.get("idle"):
    new_x, new_y, exact = x, y, None if exact is None else 3 * (name == "sdsdot")
bad = exact is not None and found != exact
if bad:
    print("returned %s, exactly %s" % (found, exact))
for what, memory, values, increment in (("x", given_x, new_x, incx), ("y", given_y, new_y, incy)):
    expected = spread(values, increment)
    wrong = np.flatnonzero((memory != expected) & ~(np.isnan(memory) & np.isnan(expected)))
    if len(wrong):
        print("%s: %d wrong, first at %d of its memory" % (what, len(wrong), wrong[0]))
        print("    is %s, exactly %s" % (memory[wrong[0]], expected[wrong[0]]))
        bad = True
print("WRONG" if bad else "exact")
raise SystemExit(bool(bad))
