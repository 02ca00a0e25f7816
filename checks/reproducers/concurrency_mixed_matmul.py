"""Transposed and plain products at the same time. Exits with 1 when one is wrong."""

import faulthandler
import os
import time

PARAMETERS = {
    "kernel": "Haswell",
    "threads": 8,
    "m": 400000,
    "k": 4,
    "n": 4,
    "callers": 3,
    "seed": 1,
}

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import exact_product, set_threads, together  # noqa: E402

faulthandler.dump_traceback_later(50, exit=True)  # a hang ends with status 1 and the stacks
p = PARAMETERS
set_threads(p["threads"])
random = np.random.RandomState(p["seed"])
b = random.randint(-8, 9, (p["k"], p["n"])).astype(float)
operands = []
for order in "CF":
    a = np.asarray(random.randint(-8, 9, (p["m"], p["k"])), dtype=float, order=order)
    operands.append((a, exact_product(a, b)))
results = [None] * p["callers"]


def multiply(caller):
    results[caller] = operands[caller % 2][0] @ b


begin, rounds, bad = time.monotonic(), 0, 0
while time.monotonic() - begin < 40 and not bad:
    rounds += 1
    together(*[lambda caller=caller: multiply(caller) for caller in range(p["callers"])])
    for caller, result in enumerate(results):
        bad += np.count_nonzero(result != operands[caller % 2][1])
print("round %d: %d elements wrong" % (rounds, bad))
print("WRONG" if bad else "exact")
raise SystemExit(int(bad > 0))
