"""Whether a product is exact after one of NaN. Exits with 1 when it is not."""

import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 1, "seed": 1, "routine": "gemm", "dtype": "float64",
    "order": "C", "m": 31, "n": 15, "k": 33,
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import differs, exact_product, integers, prepare  # noqa: E402

prepare()
p = PARAMETERS
a = integers(p["seed"], p["m"], p["k"], 8, p["dtype"])
b = integers(p["seed"] + 1, p["k"], p["n"], 8, p["dtype"])
left = np.array(a, order=p["order"])
spoil = np.full((75, 140) if p["threads"] == 1 else (30, 30), np.nan, p["dtype"])
_ = spoil @ spoil.T, spoil[:60] @ np.full((spoil.shape[1], 60), np.nan, p["dtype"])
if p["routine"] == "gemv":
    bad = differs("after NaN", left @ b[:, 0], exact_product(a, b)[:, 0])
elif p["routine"] == "syrk":
    bad = differs("after NaN", left @ left.T, exact_product(a, a.T))
else:
    bad = differs("after NaN", left @ b, exact_product(a, b))
print("WRONG" if bad else "exact")
raise SystemExit(bad)
