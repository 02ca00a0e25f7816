"""Whether 2-norms are accurate, and infinity and NaN where they must be. Exits with 1 if not."""

import ctypes
import math
import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 1, "seed": 1, "kind": "huge beside tiny", "dtype": "float64",
    "n": 9, "step": 1, "at": 0, "value": "nan",
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import openblas, set_threads  # noqa: E402


def norm(x):
    """Return the norm by OpenBLAS of rows of one or two parts, with NaN between them."""
    stored = np.full((len(x), p["step"] * parts), np.nan, real)
    stored[:, :parts] = x
    return nrm2(len(x), stored.ctypes.data, p["step"])


def drawn(kind, random, n):
    """Return numbers of that kind, in the whole range of the format."""
    x = random.uniform(0.5, 1, n) * random.choice([-1.0, 1.0], n)
    high, low, digits = info.maxexp - 2 - math.ceil(math.log2(n + 1) / 2), info.minexp, info.nmant
    line = np.linspace(-digits, digits, n).astype(int)
    exponents = {
        "huge": high, "tiny": low + 3, "subnormal": low - digits // 2, "growing": line,
        "falling": -line, "tiny beside one": np.where(np.arange(n) == n // 2, 0, low + 3),
        "huge beside tiny": random.choice([high, low + 3], n),
    }  # fmt: skip
    return np.ldexp(x, exponents.get(kind, 0)).astype(real).reshape(-1, parts)


p, info = PARAMETERS, np.finfo(PARAMETERS["dtype"])
set_threads(p["threads"])
real, parts = info.dtype, 2 if p["dtype"].startswith("c") else 1
kinds = {"float32": "s", "float64": "d", "complex64": "sc", "complex128": "dz"}
nrm2 = openblas()("cblas_" + kinds[p["dtype"]] + "nrm2")
nrm2.restype = ctypes.c_float if real == np.float32 else ctypes.c_double
nrm2.argtypes = [ctypes.c_ssize_t, ctypes.c_void_p, ctypes.c_ssize_t]
if p["kind"] == "not finite":
    x, value = np.ones((p["n"], parts), real), float(p["value"])
    x[p["at"], 0] = value
    print("of ones and %s: %s" % (value, norm(x)))
    raise SystemExit(not (np.isnan(norm(x)) if np.isnan(value) else norm(x) == np.inf))
worst = 0.0
for turn in range(100):
    x = drawn(p["kind"], np.random.RandomState(p["seed"] + turn), p["n"] * parts)
    e = math.frexp(float(abs(x).max()))[1]
    exact = math.ldexp(math.sqrt(math.fsum(np.ldexp(x.astype(float), -e).ravel() ** 2)), e)
    scale = exact * float(info.eps) / 2 + 2.0 ** (info.minexp - info.nmant)
    worst = max(worst, abs(norm(x) - exact) / scale)
limit = 2 * p["n"] * parts + 5
print("wrong by %.3g roundings, allowed %d" % (worst, limit))
raise SystemExit(not worst < limit)
