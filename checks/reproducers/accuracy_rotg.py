"""Whether rotg rotates: c a + s b = r, c b = conj(s) a, c^2 + |s|^2 = 1. Exits with 1 if not."""
# reproduces: accuracy.rotg, accuracy.complex-rotg, accuracy.complex-rotg-ordinary

import ctypes
import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 1, "dtype": "complex128", "a": "(1e154+2e154j)", "b": "1e154j",
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import openblas, prepare  # noqa: E402

P = PARAMETERS
prepare()
dtype = np.dtype(P["dtype"])
letter = {"float32": "s", "float64": "d", "complex64": "c", "complex128": "z"}[P["dtype"]]
a, b = (np.array([complex(P[name])]) for name in "ab")
r, other, s = (x.astype(dtype) if letter in "cz" else x.real.astype(dtype) for x in (a, b, 0 * a))
c = np.full(2, np.nan, r.real.dtype)  # NaN behind it
given = [ctypes.c_void_p(x.ctypes.data) for x in (r, other, c, s)]
a, b = r.astype(complex), other.astype(complex)  # as rounded to that precision
try:
    rotg = openblas()("cblas_" + letter + "rotg")
except AttributeError:  # older ones have the complex routines for Fortran only
    rotg = openblas()(letter + "rotg_")
rotg(*given)
r, s, c = (x.astype(complex) for x in (r, s, c[:1]))
exponent = int(np.frexp(max(abs(np.concatenate([a, b]).view(float)).max(), 5e-324))[1])
a, b, r = (np.ldexp(x.view(float), -exponent).view(complex) for x in (a, b, r))
size = np.hypot(abs(a), abs(b))
size = np.where(size > 0, size, 1)
errors = [(c * a + s * b - r) / size, (c * b - s.conj() * a) / size, c**2 + abs(s) ** 2 - 1]
worst = max(float(abs(each[0])) for each in errors) / float(np.finfo(dtype).eps)
print("c = %s, s = %s: wrong by %.3g units in the last place, limit 8" % (c[0], s[0], worst))
print("right" if worst < 8 else "WRONG")
raise SystemExit(not worst < 8)
