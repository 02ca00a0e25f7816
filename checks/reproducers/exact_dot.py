"""Whether an inner product of integers is exact and raises no flag. Exits with 1 when not."""

import ctypes
import os
import platform

PARAMETERS = {
    "kernel": "Haswell", "threads": 1, "seed": 1, "high": 8, "pool": [2, 20021],
    "dtype": "float64", "function": "dot", "n": 1000, "start": 1, "steps": [1, 2],
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import integers, prepare, spread  # noqa: E402

prepare()
p = PARAMETERS
x, y = integers(p["seed"], *p["pool"], p["high"], p["dtype"])
where = slice(p["start"], p["start"] + p["n"])
a, b = (spread(v, step)[where] for v, step in zip((x, y), p["steps"]))
# Flags of <fenv.h>: invalid, division by zero, overflow. NumPy does not look at them here.
serious = {"x86_64": 13, "aarch64": 7, "arm64": 7}.get(platform.machine(), 0)
process = ctypes.PyDLL(None) if serious else None
if process:
    process.feclearexcept(serious)
result = getattr(np, p["function"])(a, b)
raised = process.fetestexcept(serious) if process else 0
first = a.conj() if p["function"] == "vdot" else a
exact = (first.astype(complex) * b).sum()
print("%s of %d %s: %s, exactly %s" % (p["function"], p["n"], p["dtype"], result, exact))
print("flags raised, as <fenv.h> numbers them: %d" % raised)
raise SystemExit(bool(result != exact or raised))
