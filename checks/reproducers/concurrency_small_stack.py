"""BLAS and LAPACK on a small stack. Exits with 1 or crashes when it is too small."""

import faulthandler
import os
import threading

PARAMETERS = {"kernel": "Haswell", "threads": 8, "seed": 1, "stack": 262144, "routine": ""}

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import exact_cholesky, exact_lu, exact_product, set_threads, together  # noqa: E402

faulthandler.dump_traceback_later(50, exit=True)  # a hang ends with status 1 and the stacks
p = PARAMETERS
set_threads(p["threads"])
random = np.random.RandomState(p["seed"])
square, deep = random.randint(-8, 9, (130, 130)), random.randint(-8, 9, (12, 3000)).astype(float)
definite, factor = exact_cholesky(200, random)
wide = random.randint(-8, 9, (680, 680)).astype(float)
calls = {
    "deep": (lambda: deep @ deep[::-1].T, exact_product(deep, deep[::-1].T)),
    "dsyrk": (lambda: deep @ deep.T, exact_product(deep, deep.T)),
    "dgemv": (lambda: wide @ wide[0], np.einsum("ij,j->i", wide, wide[0])),
    "dpotrf": (lambda: np.linalg.cholesky(definite), factor),
}
for dtype, routine in (("f4", "sgemm"), ("f8", "dgemm"), ("c8", "cgemm"), ("c16", "zgemm")):
    a = square.astype(dtype)
    calls[routine] = (lambda a=a: a @ a, exact_product(square, square))
if p["routine"] == "dgetrf":
    lu, determinant = exact_lu(p["n"], random)
    calls = {"dgetrf": (lambda: np.linalg.det(lu), determinant)}
bad = []


def call_all():
    for routine, (call, exact) in calls.items():
        print(routine, flush=True)  # the last one before a crash
        if not np.array_equal(call(), exact):
            bad.append(routine)
    for solver in (np.linalg.eigvalsh, np.linalg.svd) if p["routine"] != "dgetrf" else ():
        print(solver.__name__, flush=True)
        solver(np.diag(np.arange(1.0, 131.0)))


threading.stack_size(p["stack"])
together(call_all)
print("WRONG: %s" % bad if bad else "right on a stack of %d KiB" % (p["stack"] // 1024))
raise SystemExit(len(bad) > 0)
