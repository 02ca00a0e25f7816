"""Different routines in several threads at once. Exits with 1 when a result is wrong."""

# reproduces: concurrency.mixed-routines

import concurrent.futures
import faulthandler
import os
import time

PARAMETERS = {"kernel": "Haswell", "threads": 8, "seed": 1, "callers": 3, "sizes": [100, 110, 24]}

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import exact_product, set_threads  # noqa: E402


def calls_of(caller):  # (name, call, exact result) with operands of this caller's own
    random = np.random.RandomState(p["seed"] + caller)
    n, system, _ = p["sizes"]
    a, b = random.randint(-4, 5, (2, n, n)).astype(float)
    wide = random.randint(-4, 5, (680, 680)).astype(float)
    lower = np.tril(random.randint(-2, 3, (system, system)), -1) + np.diag([2.0] * system)
    definite = exact_product(lower, lower.T)
    return [
        ("dgemm", lambda: a @ b, exact_product(a, b)),
        ("dpotrf", lambda: np.linalg.cholesky(definite), lower),
        ("dsyrk", lambda: a @ a.T, exact_product(a, a.T)),
        ("dgemv", lambda: wide @ wide[0], np.einsum("ij,j->i", wide, wide[0])),
        ("zgemm", lambda: (a + 1j * b) @ (b + 0j), exact_product(a + 1j * b, b)),
    ]


def work(caller, calls):
    turn = 2 * caller
    while time.monotonic() < end:
        name, call, exact = calls[turn % len(calls)]
        if (call() != exact).any():
            bad.append(name)
        turn += 1
    turns.append(turn)


faulthandler.dump_traceback_later(50, exit=True)  # a hang ends with status 1 and the stacks
p = PARAMETERS
set_threads(min(p["threads"], 4))
bad, turns = [], []
lists = [calls_of(caller) for caller in range(p["callers"])]
end = time.monotonic() + 6
with concurrent.futures.ThreadPoolExecutor(len(lists)) as pool:
    list(pool.map(work, *zip(*enumerate(lists))))
print("%d calls, %d wrong %s" % (sum(turns), len(bad), bad[:3]))
raise SystemExit(int(bool(bad)))
