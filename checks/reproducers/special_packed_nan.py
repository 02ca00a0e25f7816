"""Whether packed symmetric factorization keeps to its memory on NaN. Exits with 1, or dies, if not."""

import ctypes
import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 1, "seed": 1,
    "routine": "dspsv", "dtype": "float64", "uplo": "L", "n": 5, "at": [4, 4], "value": "nan",
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import openblas, prepare  # noqa: E402


def between(values):  # a copy with 64 elements of padding on both sides, and the place of the copy
    memory = np.full(len(values) + 128, 7, values.dtype)
    memory[64:-64] = values
    kept.append(memory)
    return ctypes.c_void_p(memory[64:].ctypes.data)


prepare()
p, kept = PARAMETERS, []
n, lower = p.get("n", 5), p["uplo"] == "L"
places = [p["at"]] if "at" in p else [(i, j) for i in range(n) for j in range(i + 1)]
a = np.random.RandomState(p["seed"]).uniform(-1, 1, (n, n)).astype(p["dtype"])
a = a + a.T
bad = 0
for i, j in places:
    spoilt = a.copy()
    spoilt[i, j] = spoilt[j, i] = float(p.get("value", "nan"))
    columns = [spoilt[k:, k] if lower else spoilt[: k + 1, k] for k in range(n)]
    sizes = [np.full(1, size, np.int64) for size in (n, 1, n, 0)]
    order, columns_of_b, leading, info = (each.ctypes.data_as(ctypes.c_void_p) for each in sizes)
    arrays = (np.concatenate(columns), np.zeros(n, np.int64), np.ones(n, a.dtype))
    packed, pivots, b = map(between, arrays)
    routine = openblas()(p["routine"] + "_")
    uplo = p["uplo"].encode()
    routine(uplo, order, columns_of_b, packed, pivots, b, leading, info, ctypes.c_size_t(1))
    for name, memory in zip(("the matrix", "the pivots", "B"), kept[-3:]):
        changed = np.count_nonzero(memory[:64] != 7) + np.count_nonzero(memory[-64:] != 7)
        if changed:
            print("NaN at %d, %d: %d elements beside %s have changed" % (i, j, changed, name))
            bad += 1
print("WRONG" if bad else "right")
raise SystemExit(bad > 0)
