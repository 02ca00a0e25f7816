"""Calls with several numbers of BLAS threads. Exits with 1 when a result is wrong."""

# reproduces: concurrency.thread-sweep, concurrency.count-changes

import concurrent.futures
import faulthandler
import os
import time

PARAMETERS = {
    "kernel": "Haswell", "threads": 8, "count": 3, "seed": 1, "operation": "gemm", "beside": False,
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import set_threads  # noqa: E402

faulthandler.dump_traceback_later(50, exit=True)  # a hang ends with status 1 and the stacks
p = PARAMETERS
random = np.random.RandomState(p["seed"])
a, wide = (random.randint(-8, 9, (n, n)).astype(float) for n in (130, 680))
dominant = (wide + wide.T)[:150, :150] / 4096 + np.eye(150)
calls = {
    "gemm": lambda: a @ a[::-1],
    "syrk": lambda: a @ a.T,
    "gemv": lambda: wide @ wide[0],
    "gemv-t": lambda: wide.T @ wide[0],
    "cholesky": lambda: np.linalg.cholesky(dominant),
    "lu": lambda: np.linalg.det(dominant),
}
calls = {p["operation"]: calls[p["operation"]]} if p.get("operation") in calls else calls
set_threads(1)
alone = {name: call() for name, call in calls.items()}  # products of integers are exact
end, bad = time.monotonic() + 20, set()


def compute(where):  # and compare with one thread, but for roundings of the factorizations
    for name, call in calls.items():
        if not np.abs(call() - alone[name]).max() <= 1e-11 * np.abs(alone[name]).max():
            bad.add("%s, %s" % (name, where))


def compute_on():
    while time.monotonic() < end and not bad:
        compute("while the count changes")


def change():
    while time.monotonic() < end and not bad:
        set_threads(int(random.choice([1, 2, 3, p["threads"]])))
        time.sleep(0.002)


for count in (1, p["threads"], 2, p["threads"] + 2, 1, p["count"]):
    set_threads(count)
    compute("%d threads" % count)
    if "gemm" in calls and not np.array_equal(np.sqrt(wide + 9) @ wide, np.sqrt(wide + 9) @ wide):
        bad.add("two equal products with %d threads differ" % count)
if p.get("beside"):
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda task: task(), (compute_on, compute_on, change)))
print("WRONG: %s" % sorted(bad) if bad else "right")
raise SystemExit(len(bad) > 0)
