"""Whether a product that fills the library's buffers is exact. Exits with 1 when not, or dies."""

import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 2, "seed": 1, "dtype": "float64", "m": 7, "n": 36000, "k": 512,
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import differs, integers, prepare, set_threads  # noqa: E402

prepare()
set_threads(2)  # as the check does, so that a thread packs half of the columns
p = PARAMETERS
values = integers(p["seed"], p["m"] + 61, p["k"], 3, p["dtype"])
short, long = values[: p["m"]], values[p["m"] :]
exact = np.einsum("jk,ik->ji", long, short, optimize=False)  # sums without BLAS
place = np.arange(p["n"]) % 61  # columns repeat
result = np.matmul(long[place], short.T)
bad = differs("%(dtype)s %(m)d x %(k)d x %(n)d, transposed" % p, result, exact[place])
print("WRONG" if bad else "exact")
raise SystemExit(bad)
