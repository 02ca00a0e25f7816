"""Products beside an eigenvalue solver. Exits with 1 when one is wrong."""

import ctypes
import faulthandler
import glob
import os
import threading
import time

PARAMETERS = {"kernel": "Haswell", "threads": 8, "n": 100, "seed": 1}

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
symmetric = random.standard_normal((p["n"], p["n"]))
symmetric += symmetric.T
alone = np.linalg.eigvalsh(symmetric)
factors = [random.randint(-8, 9, (2, n, n)).astype(float) for n in (64, 128)]
products = [(a, b, exact_product(a, b)) for a, b in factors]
limit = 2 * 50 * p["n"] * 2.0**-52 * np.abs(alone).max()  # LAPACK's limit, for both runs
end = time.monotonic() + 30
bad = []


def solve():
    while time.monotonic() < end and not bad:
        if not np.abs(np.linalg.eigh(symmetric)[0] - alone).max() <= limit:
            bad.append("eigenvalues")


def multiply():
    while time.monotonic() < end and not bad:
        for a, b, exact in products:
            if not np.array_equal(a @ b, exact):
                bad.append("product of %d" % len(a))


together(solve, multiply)
print("WRONG: %s" % bad if bad else "exact")
raise SystemExit(len(bad) > 0)
