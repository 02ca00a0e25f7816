"""Transposed and plain products at the same time. Exits with 1 when one is wrong."""

import ctypes
import faulthandler
import glob
import os
import threading
import time

PARAMETERS = {
    "kernel": "Haswell",
    "threads": 8,
    "m": 400000,
    "k": 4,
    "n": 4,
    "callers": 2,
    "seed": 1,
}

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)


def set_threads(count):
    """Set the threads, by call: the environment variable is capped at the number of cores."""
    folder = os.path.dirname(np.__file__)
    for place in ("/../numpy.libs/", "/.dylibs/", "/.libs/"):
        for path in glob.glob(folder + place + "*openblas*"):
            library = ctypes.CDLL(path)
            for prefix, suffix in (("scipy_", "64_"), ("scipy_", ""), ("", "64_"), ("", "")):
                if hasattr(library, prefix + "openblas_get_config" + suffix):
                    library[prefix + "openblas_set_num_threads" + suffix](count)
                    return
    print("NumPy has loaded no OpenBLAS")
    raise SystemExit(2)


def exact_product(a, b):
    """Multiply without BLAS; exact for integers."""
    return np.einsum("ij,kj->ik", a, np.ascontiguousarray(b.T), optimize=False)


def together(*tasks):
    """Run each task in a thread, all released at once."""
    barrier = threading.Barrier(len(tasks))
    threads = [threading.Thread(target=lambda t=t: (barrier.wait(), t())) for t in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


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
