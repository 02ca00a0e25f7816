"""Products beside an eigenvalue solver. Exits with 1 when one is wrong."""

import faulthandler
import os
import time

PARAMETERS = {"kernel": "Haswell", "threads": 8, "n": 100, "seed": 1}

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import exact_product, set_threads, together  # noqa: E402

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
