"""Whether A @ x or x @ A of integers is exact and raises no flag. Exits with 1 when not."""

import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 1, "seed": 1, "high": 8, "pool": [133, 133],
    "dtype": "float64", "order": "C", "side": "right", "m": 100, "n": 77,
    "row": 1, "column": 2, "step": 1, "out_step": 2,
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import differs, integers, multiply, set_threads, spread  # noqa: E402

p = PARAMETERS
set_threads(p["threads"])
m, n, row, column = p["m"], p["n"], p["row"], p["column"]
stored = np.array(integers(p["seed"], *p["pool"], p["high"], p["dtype"]), order=p["order"])
x = spread(integers(p["seed"] + 1, 1, max(p["pool"]), p["high"], p["dtype"])[0], p["step"])
if p["side"] == "right":
    pair = stored[row : row + m, :n], x[:n]
    exact = (pair[0] * x[:n]).sum(axis=1, dtype=complex)
else:
    pair = x[:m], stored[:m, column : column + n]
    exact = (x[:m, None] * pair[1]).sum(axis=0, dtype=complex)
block = np.full(len(exact) * p["out_step"] + 6, np.nan, p["dtype"])
inside = slice(3, 3 + len(exact) * p["out_step"], p["out_step"])
multiply(*pair, block[inside])
bad = differs("%s %d x %d" % (p["dtype"], m, n), block[inside], exact)
outside = int(np.isnan(block).sum()) != len(block) - len(exact)
print("wrote outside of its result, or NaN" if outside else "wrote nowhere else")
raise SystemExit(bad or outside)
