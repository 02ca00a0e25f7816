"""Signals while the library computes. Exits with 1 when a result is wrong or a call hangs."""

import ctypes
import faulthandler
import os
import signal
import threading
import time

PARAMETERS = {"kernel": "Haswell", "threads": 2, "seed": 1, "restart": False}

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import exact_lu, exact_product, set_threads  # noqa: E402

faulthandler.dump_traceback_later(50, exit=True)  # a hang ends with status 1 and the stacks
p = PARAMETERS
set_threads(p["threads"])
random = np.random.RandomState(p["seed"])
a = random.randint(-8, 9, (130, 130)).astype(float)
lu, determinant = exact_lu(150, random)
calls = [
    ("gemm", lambda: a @ a, exact_product(a, a)),
    ("syrk", lambda: a @ a.T, exact_product(a, a.T)),
    ("getrf", lambda: np.linalg.det(lu), determinant),
]


def send():
    """Send SIGALRM to all other threads of the process, the library's workers included."""
    while time.monotonic() < end:
        for task in os.listdir("/proc/self/task"):
            if int(task) != threading.get_native_id():
                ctypes.CDLL(None).tgkill(os.getpid(), int(task), signal.SIGALRM)
        time.sleep(0.001)


signal.signal(signal.SIGALRM, lambda *_: None)
signal.siginterrupt(signal.SIGALRM, not p["restart"])
bad, end = set(), time.monotonic() + 8
sender = threading.Thread(target=send)
sender.start()
while time.monotonic() < end:
    bad.update(name for name, call, exact in calls if not np.array_equal(call(), exact))
sender.join()
signal.signal(signal.SIGALRM, signal.SIG_IGN)  # for what is still under way
print("wrong: %s" % sorted(bad) if bad else "exact")
raise SystemExit(len(bad) > 0)
