"""Short-lived threads that call BLAS. Exits with 1 when they leave something behind."""

import faulthandler
import os

PARAMETERS = {"kernel": "Haswell", "threads": 8, "seed": 1, "n": 112, "generations": 150}

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import exact_product, set_threads, together  # noqa: E402

faulthandler.dump_traceback_later(50, exit=True)  # a hang ends with status 1 and the stacks
p = PARAMETERS
generations = p.get("generations", 150)
set_threads(min(p["threads"], 2))
a = np.random.RandomState(p["seed"]).randint(-8, 9, (p["n"], p["n"])).astype(float)
exact = exact_product(a, a)
bad = []


def multiply():
    if not np.array_equal(a @ a, exact):
        bad.append("wrong product")


def held():  # threads, KiB of resident memory and of address space, where that is told
    if not os.path.exists("/proc/self/status"):
        return (0, 0, 0)
    with open("/proc/self/status") as file:
        told = dict(line.split(":", 1) for line in file)
    return [int(told[name].split()[0]) for name in ("Threads", "VmRSS", "VmSize")]


for _ in range(30):
    together(multiply)
before = held()
for _ in range(generations):
    together(multiply)
gained = [now - then for now, then in zip(held(), before)]
limits = (2, 16 * generations + 6 * 1024, 1024 * generations + 256 * 1024)
print("gained %d threads, %d KiB resident, %d KiB of address space" % tuple(gained))
together(*[multiply] * 24)
bad += ["%d for %d" % pair for pair in zip(gained, limits) if pair[0] > pair[1]]
print("WRONG: %s" % bad[:3] if bad else "right")
raise SystemExit(len(bad) > 0)
