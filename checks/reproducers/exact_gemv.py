"""Whether A @ x and x @ A of integers are exact. Exits with 1 when one is not."""

import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 1, "seed": 1, "high": 8, "pool": [133, 133],
    "dtype": "float64", "order": "C", "side": "right", "m": 100, "n": 77,
    "row": 1, "column": 2, "step": 1, "out_step": 2,
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import differs, integers, prepare, spread  # noqa: E402

prepare()
p = PARAMETERS
rows, columns = p["pool"]
stored = np.array(integers(p["seed"], rows, columns, p["high"], p["dtype"]), order=p["order"])
vector = integers(p["seed"] + 1, 1, max(rows, columns), p["high"], p["dtype"])[0]
x = spread(vector, p["step"])
if p["side"] == "right":
    a, x = stored[p["row"] : p["row"] + p["m"], : p["n"]], x[: p["n"]]
    exact = (a * x).sum(axis=1, dtype=complex)
else:
    a, x = stored[: p["m"], p["column"] : p["column"] + p["n"]], x[: p["m"]]
    exact = (a * x[:, None]).sum(axis=0, dtype=complex)
block = np.full(len(exact) * p["out_step"] + 6, np.nan, p["dtype"])
inside = slice(3, 3 + len(exact) * p["out_step"], p["out_step"])
np.matmul(*((a, x) if p["side"] == "right" else (x, a)), out=block[inside])
bad = differs("%s %d x %d" % (p["dtype"], p["m"], p["n"]), block[inside], exact)
if np.count_nonzero(np.isnan(block)) != len(block) - len(exact):
    print("wrote outside of its result, or NaN into it")
    bad = True
print("WRONG" if bad else "exact")
raise SystemExit(bad)
