"""BLAS in forked processes. Exits with 1 when a result is wrong or a process hangs."""

# reproduces: forking.lu, forking.after-blas

import faulthandler
import os
import signal
import time

PARAMETERS = {"kernel": "Haswell", "threads": 8, "seed": 1, "where": "child"}

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import exact_cholesky, exact_lu, exact_product, set_threads  # noqa: E402

faulthandler.dump_traceback_later(50, exit=True)  # a hang ends with status 1 and the stacks
p = PARAMETERS
set_threads(p["threads"])
random = np.random.RandomState(p["seed"])
a = random.randint(-8, 9, (130, 130)).astype(float)
product = exact_product(a, a)
(lu, determinant), (definite, factor) = exact_lu(200, random), exact_cholesky(200, random)


def compute():
    """Return 0, or 3 when a result is wrong."""
    right = np.linalg.det(lu) == determinant  # first: a product can mend the pool for LU
    right = right and np.array_equal(np.linalg.cholesky(definite), factor)
    return 0 if right and np.array_equal(a @ a, product) else 3


def product_first():
    return compute() if np.array_equal(a @ a, product) else 3


def in_child(task, seconds=10):
    """Run `task` in a forked process; return its status, or 4 when it hangs or crashes."""
    pid = os.fork()
    if pid == 0:
        status = 5
        try:
            status = task()
        finally:
            os._exit(status)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 4
        time.sleep(0.01)
    print("the forked process %d hangs" % pid)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return 4


def with_threads(count):
    set_threads(count)
    return compute()


a @ a  # the parent's workers exist
statuses = {
    "child": in_child(compute),
    "child, product first": in_child(product_first),
    "grandchild": in_child(lambda: in_child(compute, 5)),
    "child set to 2 threads": in_child(lambda: with_threads(2)),
    "child set to more threads": in_child(lambda: with_threads(p["threads"] + 2)),
}
print(statuses, flush=True)
statuses["parent"] = compute()  # when this hangs, the stacks are written and the status is 1
bad = sum(statuses.values())
print("WRONG" if bad else "exact")
raise SystemExit(int(bad > 0))
