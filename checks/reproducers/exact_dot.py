"""Whether an inner product of integers is exact. Exits with 1 when it is not."""

import os

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
result = getattr(np, p["function"])(a, b)
first = a.conj() if p["function"] == "vdot" else a
exact = (first.astype(complex) * b).sum()
print("%s of %d %s: %s, exactly %s" % (p["function"], p["n"], p["dtype"], result, exact))
raise SystemExit(bool(result != exact))
