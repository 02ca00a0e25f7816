"""Whether a norm of a matrix is right, by LAPACK's function. Exits with 1 if it is not."""

import ctypes
import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 1, "routine": "dlange", "dtype": "float64", "norm": "F",
    "flags": "", "m": 4, "n": 2, "exponent": 485, "seed": 1,
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import math  # noqa: E402

import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import openblas, prepare  # noqa: E402

prepare()
p = PARAMETERS
m, n, dtype, name, flags = p["m"], p["n"], np.dtype(p["dtype"]), p["routine"], p["flags"]
random = np.random.RandomState(p["seed"])
parts = random.uniform(-1, 1, (m, n)), random.uniform(-1, 1, (m, n))
a = (parts[0] + 1j * parts[1] if dtype.kind == "c" else parts[0]).astype(dtype)
a = (a.astype(complex if dtype.kind == "c" else float) + np.where(a.real < 0, -1, 1)).astype(dtype)
real = a.real.dtype
stored = np.array(a * np.ldexp(real.type(1), p["exponent"]), dtype, order="F")
a = a.astype(complex if dtype.kind == "c" else float)
half = (np.tril(a) if flags[:1] == "L" else np.triu(a)) if flags else a
if "lan" in name and name[3:] in ("nsy", "nhe"):
    other = (half - np.diag(a.diagonal())).T
    half = half + (other.conj() if name.endswith("he") else other)
    if name.endswith("he"):
        half = half + np.diag(a.diagonal().real - a.diagonal())
elif flags[1:] == "U":
    half = half - np.diag(a.diagonal()) + np.eye(n)
size = abs(half)
lines = size.T if p["norm"] == "1" else size
exact = {
    "M": size.max(), "F": math.sqrt(math.fsum((size**2).ravel())),
}.get(p["norm"], max(map(math.fsum, lines)))  # fmt: skip
letters = [each.encode() for each in p["norm"] + flags]
sizes = [n] if name.endswith(("nsy", "nhe")) else [m, n]
numbers = [ctypes.byref(ctypes.c_int64(each)) for each in (*sizes, m)]
work = np.zeros(max(m, n), real)
function = openblas()(name + "_")
function.restype = ctypes.c_float if real == np.float32 else ctypes.c_double
pointers = [ctypes.c_void_p(each.ctypes.data) for each in (stored, work)]
lengths = [ctypes.c_size_t(1)] * len(letters)
found = function(*letters, *numbers[:-1], pointers[0], numbers[-1], pointers[1], *lengths)
wrong = abs(math.ldexp(found, -p["exponent"]) / exact - 1)
allowed = (m * n + 8) * float(np.finfo(dtype).eps) / 2
print("%s: %r, off by %.3g of it, allowed %.3g" % (name, found, wrong, allowed))
raise SystemExit(not wrong <= allowed)
