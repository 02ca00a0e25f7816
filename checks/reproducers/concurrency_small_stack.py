"""BLAS and LAPACK on a small stack. Exits with 1 or crashes when it is too small."""

import faulthandler
import os
import threading

PARAMETERS = {"kernel": "Haswell", "threads": 8, "seed": 1, "stack": 262144, "routine": ""}

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import set_threads  # noqa: E402

faulthandler.dump_traceback_later(50, exit=True)  # a hang ends with status 1 and the stacks
p = PARAMETERS
set_threads(p["threads"])
random = np.random.RandomState(p["seed"])
square, deep = random.randint(-8, 9, (130, 130)), random.randint(-8, 9, (12, 3000)).astype(float)
wide = random.randint(-8, 9, (680, 680)).astype(float)
n = p.get("n", 200)
dominant = np.resize(wide, (n, n)) / (16 * n) + np.eye(n)
definite = (dominant + dominant.T) / 2
calls = {
    "deep": lambda: deep @ deep[::-1].T,
    "dsyrk": lambda: deep @ deep.T,
    "dgemv": lambda: wide @ wide[0],
    "dpotrf": lambda: np.linalg.cholesky(definite),
    "dsyevd": lambda: np.linalg.eigvalsh(definite),
    "dgesdd": lambda: np.linalg.svd(definite, compute_uv=False),
    "dgetrf": lambda: np.linalg.det(dominant),
}
for dtype, routine in (("f4", "sgemm"), ("f8", "dgemm"), ("c8", "cgemm"), ("c16", "zgemm")):
    calls[routine] = lambda t=dtype: square.astype(t) @ square.astype(t)
if p["routine"] == "dgetrf":
    calls = {"dgetrf": calls["dgetrf"]}
else:
    del calls["dgetrf"]  # whose recursion takes more by intent: only where it is asked for
alone = {routine: call() for routine, call in calls.items()}
bad = []


def call_all():
    for routine, call in calls.items():
        print(routine, flush=True)  # the last one before a crash
        if not np.abs(call() - alone[routine]).max() <= 1e-11 * np.abs(alone[routine]).max():
            bad.append(routine)


threading.stack_size(p["stack"])
thread = threading.Thread(target=call_all)
thread.start()
thread.join()
print("WRONG: %s" % bad if bad else "right on a stack of %d KiB" % (p["stack"] // 1024))
raise SystemExit(len(bad) > 0)
