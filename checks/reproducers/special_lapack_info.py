"""Whether INFO names the pivot that is zero or not positive. Exits with 1 when it does not."""
# reproduces: special.lapack-info

import ctypes
import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 1, "seed": 1,
    "kind": "pivot", "routine": "dgetrf", "dtype": "float64", "n": 33, "at": 11,
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import openblas, prepare  # noqa: E402

P = PARAMETERS
prepare()
routine, n = P["routine"][1:], P.get("n", 0)
if P["kind"] != "pivot" or routine not in ("getrf", "gesv", "potrf", "posv"):
    print("this script does not call %s so" % P["routine"])
    raise SystemExit(2)
text = openblas()("openblas_get_config")
text.restype = ctypes.c_char_p
integer = ctypes.c_int64 if b"USE64BITINT" in text() else ctypes.c_int32
a = np.random.RandomState(P["seed"]).uniform(-1, 1, (n, n))
if routine in ("getrf", "gesv"):
    a[:, P["at"]] = 0  # stays zero in every step of elimination
else:
    a = (a + a.T) / 2 + 2 * n * np.eye(n)
    a[P["at"], P["at"]] = -1  # the first pivot that is not positive
a, b = np.array(a, P["dtype"], order="F"), np.ones((n, 2), P["dtype"], order="F")
pivots, info = np.zeros(n, integer), integer(0)
N, two, uplo = ctypes.byref(integer(n)), ctypes.byref(integer(2)), ctypes.c_char_p(b"L")
A, B, ipiv = (ctypes.c_void_p(array.ctypes.data) for array in (a, b, pivots))
arguments = {
    "getrf": (N, N, A, N, ipiv),
    "gesv": (N, two, A, N, ipiv, B, N),
    "potrf": (uplo, N, A, N),
    "posv": (uplo, N, two, A, N, B, N),
}[routine]
openblas()(P["routine"] + "_")(*arguments, ctypes.byref(info), ctypes.c_size_t(1))
print("%s: INFO = %d, must be %d" % (P["routine"], info.value, P["at"] + 1))
raise SystemExit(info.value != P["at"] + 1)
