"""Processes forked before any call of BLAS. Exits with 1 when a result is wrong or one hangs."""

import faulthandler
import os

PARAMETERS = {"kernel": "Haswell", "threads": 8, "seed": 1, "counts": [3, 1, 2, 4], "rounds": 2}

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import child, exact_lu, exact_product, set_threads  # noqa: E402

faulthandler.dump_traceback_later(50, exit=True)  # a hang ends with status 1 and the stacks
p = PARAMETERS
random = np.random.RandomState(p["seed"])
a = random.randint(-8, 9, (130, 130)).astype(float)
product, (lu, determinant) = exact_product(a, a), exact_lu(200, random)


def compute(count, product_first):
    """Return 3 when a result is wrong that is computed with so many threads."""
    set_threads(count)
    right = not product_first or np.array_equal(a @ a, product)
    right = np.linalg.det(lu) == determinant and np.array_equal(a @ a, product) and right
    return 0 if right else 3


bad = 0
for turn in range(p["rounds"]):
    tasks = [(count, (index + turn) % 2) for index, count in enumerate(p["counts"])]
    children = [child(lambda task=task: compute(*task)) for task in tasks]
    parent = compute(2, product_first=False)
    statuses = [os.waitpid(pid, 0)[1] for pid in children]
    print("round %d: parent %d, children %s" % (turn + 1, parent, statuses), flush=True)
    bad += parent + sum(statuses)
raise SystemExit(bad > 0)
