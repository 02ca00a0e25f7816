"""Address space of a BLAS thread. Exits with 1 when it is more than the limit."""

import faulthandler
import os

PARAMETERS = {"kernel": "Haswell", "threads": 8, "limit": 96}

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import set_threads  # noqa: E402

faulthandler.dump_traceback_later(50, exit=True)  # a hang ends with status 1 and the stacks
p = PARAMETERS
COUNT = 10  # threads to measure with, whatever the cell had


def address_space():
    """Return the size of this process's address space in MiB."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE") / 2**20


a = np.ones((130, 130))
set_threads(2)
a @ a
few = address_space()
set_threads(COUNT)
a @ a
each = (address_space() - few) / (COUNT - 2)
print("%.0f MiB in a process with 2 threads, %.1f MiB for each further one" % (few, each))
raise SystemExit(not each < p["limit"])
