"""Calls with several numbers of BLAS threads. Exits with 1 when a result is wrong."""

# reproduces: concurrency.thread-sweep, concurrency.count-changes

import faulthandler
import os
import time

PARAMETERS = {
    "kernel": "Haswell", "threads": 8, "count": 3, "seed": 1, "operation": "gemm", "beside": False,
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import exact_cholesky, exact_lu, exact_product, set_threads, together  # noqa: E402

faulthandler.dump_traceback_later(50, exit=True)  # a hang ends with status 1 and the stacks
p = PARAMETERS
random = np.random.RandomState(p["seed"])
a = random.randint(-8, 9, (130, 130)).astype(float)
wide, x = random.randint(-8, 9, (680, 680)).astype(float), np.arange(680.0) % 13 - 6
(lu, determinant), (definite, factor) = exact_lu(150, random), exact_cholesky(150, random)
rounded = random.standard_normal((130, 130))
set_threads(1)
calls = {
    "gemm": (lambda: a @ a[::-1], exact_product(a, a[::-1])),
    "syrk": (lambda: a @ a.T, exact_product(a, a.T)),
    "gemv": (lambda: wide @ x, np.einsum("ij,j->i", wide, x)),
    "gemv-t": (lambda: wide.T @ x, np.einsum("ji,j->i", wide, x)),
    "cholesky": (lambda: np.linalg.cholesky(definite), factor),
    "lu": (lambda: np.linalg.det(lu), determinant),
}
calls = {p["operation"]: calls[p["operation"]]} if p.get("operation") in calls else calls
end = time.monotonic() + 20
bad = set()


def compute():
    for name, (call, exact) in calls.items():
        if not np.array_equal(call(), exact):
            bad.add(name)


def compute_on():
    while time.monotonic() < end and not bad:
        compute()


def change():
    turn = 0
    while time.monotonic() < end and not bad:
        turn += 1
        set_threads((1, 2, p["threads"], 3)[turn % 4])
        time.sleep(0.002)


for count in (1, p["threads"], 2, p["threads"] + 2, 1, p["count"]):
    set_threads(count)
    compute()
    one, two = rounded @ rounded[::-1], rounded @ rounded[::-1]
    if not np.array_equal(one, two):
        bad.add("two equal products with %d threads differ" % count)
if p.get("beside"):
    together(compute_on, compute_on, change)
print("WRONG: %s" % sorted(bad) if bad else "exact")
raise SystemExit(len(bad) > 0)
