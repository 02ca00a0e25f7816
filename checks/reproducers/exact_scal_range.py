"""Whether scaling by a power of two or by i is exact. Exits with 1 if it is not."""

import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 1, "dtype": "complex128", "n": 3, "step": 1, "alpha": "1j",
    "exponent": 1020, "seed": 1,
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import cblas, differs, prepare  # noqa: E402

prepare()
p = PARAMETERS
dtype, n, step, alpha = p["dtype"], p["n"], p["step"], complex(p["alpha"])
random = np.random.RandomState(p["seed"] + n)
count = n * step
x = random.randint(1, 8, count) * random.choice([-1, 1], count)
if dtype.startswith("c"):
    x = x + 1j * random.randint(1, 8, count) * random.choice([-1, 1], count)
x = (x * 2.0 ** p["exponent"]).astype(dtype)
exact = x.copy()
exact[::step] *= alpha if dtype.startswith("c") else alpha.real  # no product of parts rounds
scalar = np.array([alpha], dtype) if dtype.startswith("c") else alpha.real
cblas("scal", dtype, n, scalar, x, step)
wrong = differs("scal by %s" % alpha, x, exact)
print("WRONG" if wrong else "right")
raise SystemExit(wrong)
