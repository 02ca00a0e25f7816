"""Forks over and over. Exits with 1 when a result is wrong or something stays behind."""

import faulthandler
import os

PARAMETERS = {"kernel": "Haswell", "threads": 2, "seed": 1, "forks": 10, "generations": 8}

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import child, held, set_threads  # noqa: E402


def figures():
    """Return what a process has after a product: (MiB of address space, threads)."""
    assert (a @ a == 130).all(), "wrong product"
    return held("VmSize") // 1024, held("Threads")


def gains(last, count):
    """Whether more than 16 MiB is left of each fork (a buffer has 32), or a thread."""
    print("%s after the second fork, %s after %d more" % (seen[1], last, count), flush=True)
    return last[0] - seen[1][0] > 16 * count or last[1] > seen[1][1]


def generation(left):
    """Compute and fork, so often; return 1 when something is wrong in the last process."""
    last = figures()
    if left == 0:
        return int(gains(last, p.get("generations", 8)))
    return int(os.waitpid(child(lambda: generation(left - 1)), 0)[1] != 0)


faulthandler.dump_traceback_later(50, exit=True)  # a hang ends with status 1 and the stacks
p = PARAMETERS
set_threads(p["threads"])
a = np.ones((130, 130))
statuses, seen = [], []
for _ in range(p.get("forks", 10)):
    statuses.append(os.waitpid(child(lambda: 0 * len(figures())), 0)[1])
    seen.append(figures())
bad = any(statuses) or gains(seen[-1], len(seen) - 2) or generation(p.get("generations", 8)) > 0
print("WRONG" if bad else "right")
raise SystemExit(bad)
