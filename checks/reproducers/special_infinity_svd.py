"""Whether the SVD of a matrix with an infinity ends. Exits with 1 when it does not."""

import faulthandler
import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 1,
    "dtype": "float64", "n": 3, "at": [0, 0], "vectors": True, "seed": 1,
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import prepare  # noqa: E402

prepare()
p = PARAMETERS
if p["dtype"] not in ("float64", "complex128"):
    print("numpy.linalg computes single precision in double: this one is for LAPACK itself")
    raise SystemExit(2)
a = np.random.RandomState(p["seed"]).uniform(-1, 1, (p["n"], p["n"])).astype(p["dtype"])
a[tuple(p["at"])] = np.inf
faulthandler.dump_traceback_later(20, exit=True)  # a hang ends with status 1 and the stacks
try:
    s = np.linalg.svd(a, compute_uv=p["vectors"])
except np.linalg.LinAlgError as error:
    print("refused, by LAPACK or by a newer NumPy before it is asked: %s" % error)
print("it ends")
