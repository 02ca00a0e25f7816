"""More threads inside gemm at once than OpenBLAS has buffers. A crash shows the fault."""

# reproduces: concurrency.many-callers, concurrency.buffers-again

import os
import threading
import time

PARAMETERS = {"kernel": "Haswell", "threads": 1, "callers": 150, "rounds": 2}

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import set_threads  # noqa: E402


def address_space():
    """Return the size of this process's address space in MiB."""
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) // 1024 for line in file if line.startswith("VmSize"))


def call(index, barrier):
    barrier.wait()
    if index == 0:
        bad.append((long @ long != 1000).any())
    else:  # the others wait until the long product is done, each with a buffer
        time.sleep(0.005)
        bad.append((a @ a != 104).any())


set_threads(2)
threading.stack_size(512 * 1024)
a, long, bad, sizes = np.ones((104, 104)), np.ones((1000, 1000)), [], []
for turn in range(PARAMETERS["rounds"]):
    barrier = threading.Barrier(PARAMETERS["callers"] + 1)
    threads = [
        threading.Thread(target=call, args=(i, barrier)) for i in range(PARAMETERS["callers"] + 1)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sizes.append(address_space())
    print("round %d: %d MiB of address space" % (turn + 1, sizes[-1]), flush=True)
leaks = sizes[-1] - sizes[0] > 2048  # 64 buffers
print("WRONG" if any(bad) or leaks else "right")
raise SystemExit(int(any(bad) or leaks))
