"""BLAS in forked processes. Exits with 1 when a result is wrong or a process hangs."""

# reproduces: forking.lu, forking.after-blas

import faulthandler
import os

PARAMETERS = {"kernel": "Haswell", "threads": 8, "seed": 1, "where": "child"}

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import child, exact_lu, set_threads  # noqa: E402

faulthandler.dump_traceback_later(50, exit=True)  # a hang ends with status 1 and the stacks
p = PARAMETERS
set_threads(p["threads"])
random = np.random.RandomState(p["seed"])
a, (lu, determinant) = np.ones((130, 130)), exact_lu(200, random)


def compute():
    """Return 0, or 3 when a result is wrong; LU first, since a product can mend the pool for it."""
    return 0 if np.linalg.det(lu) == determinant and (a @ a == 130).all() else 3


def status_of(task):  # in a forked process
    return os.waitpid(child(task), 0)[1]


a @ a  # the parent's workers exist
tasks = {
    "child": compute,
    "child, product first": lambda: 3 if (a @ a != 130).any() else compute(),
    "grandchild": lambda: min(1, status_of(compute)),
    "child set to 2 threads": lambda: set_threads(2) or compute(),
    "child set to more threads": lambda: set_threads(p["threads"] + 2) or compute(),
}
statuses = {where: status_of(task) for where, task in tasks.items()}
print(statuses, flush=True)
statuses["parent"] = compute()
print("WRONG" if any(statuses.values()) else "exact")
raise SystemExit(any(statuses.values()))
