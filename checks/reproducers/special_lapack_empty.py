"""Whether LAPACK leaves B as it is when it has no columns. Exits with 1 if it does not."""

import ctypes
import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 1, "routine": "dgelss", "dtype": "float64",
    "without": "columns", "arguments": [5, 5, 0, 5, 5],
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import openblas, prepare  # noqa: E402


def address(count, kind, value=0):
    kept.append(np.full(count, value, kind))
    return ctypes.c_void_p(kept[-1].ctypes.data)


def whole(value):
    return address(1, np.int64, value)


prepare()
p, kept = PARAMETERS, []
dtype, name, given = np.dtype(p["dtype"]), p["routine"][1:], p["arguments"]
real, is_complex = np.zeros(0, dtype).real.dtype, dtype.kind == "c"
n, pivots = 5, address(5, np.int64, [1, 2, 3, 4, 5])
matrix = ctypes.c_void_p((a := np.asfortranarray(np.eye(n, dtype=dtype))).ctypes.data)
b = np.arange(1, n + 1).astype(dtype)
right = [ctypes.c_void_p(b.ctypes.data), whole(n)]
letters = [each.encode() for each in given if isinstance(each, str)]
m = next(each for each in given if not isinstance(each, str))
work = [address(4000, dtype), whole(4000)]
least = [whole(m), whole(n), whole(0), matrix, whole(n), *right]
rank = [address(1, real, 1e-3), whole(0)]
reals = [address(4000, real)] if is_complex else []
calls = {
    "gesv": [whole(n), whole(0), matrix, whole(n), pivots, *right],
    "posv": [whole(n), whole(0), matrix, whole(n), *right],
    "potrs": [whole(n), whole(0), matrix, whole(n), *right],
    "trtrs": [whole(n), whole(0), matrix, whole(n), *right],
    "getrs": [whole(n), whole(0), matrix, whole(n), pivots, *right],
    "sysv": [whole(n), whole(0), matrix, whole(n), pivots, *right, *work],
    "gels": [*least, *work],
    "gelss": [*least, address(n, real), *rank, *work, *reals],
    "gelsy": [*least, pivots, *rank, *work, *reals],
}
if p["without"] != "columns" or name not in calls:
    print("asks %s without right-hand sides only" % ", ".join(calls))
    raise SystemExit(0)
info = whole(0)
arguments, lengths = [*letters, *calls[name], info], [ctypes.c_size_t(1)] * len(letters)
openblas()(p["routine"] + "_")(*arguments, *lengths)
changed = np.count_nonzero(b != np.arange(1, n + 1))
print("INFO = %d, elements of B that changed: %d" % (kept[-1][0], changed))
raise SystemExit(bool(changed or kept[-1][0]))
