"""Loading the library under limits of address space. Exits with 1 when a limit ends in a fault."""

# reproduces: process.address-limit

import os
import resource
import signal
import subprocess
import sys

PARAMETERS = {"kernel": "Haswell", "threads": 1, "limits": [340, 290, 240, 190, 140, 90, 40]}

#: In MiB, beyond what the interpreter has before it imports NumPy.
SUBJECT = """
import resource, sys
with open("/proc/self/status") as file:
    size = next(int(line.split()[1]) for line in file if line.startswith("VmSize"))
limit = (size << 10) + (int(sys.argv[1]) << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
import numpy as np
a = np.ones((104, 104))
assert (a @ a == 104).all()
"""
NUMPY = 60  # MiB that NumPy takes beside its OpenBLAS

resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
environment = dict(os.environ, OPENBLAS_CORETYPE=PARAMETERS["kernel"], OPENBLAS_NUM_THREADS="2")
bad = 0
for mib in PARAMETERS["limits"]:
    command = [sys.executable, "-c", SUBJECT, str(mib + NUMPY)]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        status = process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        status = "does not end"
    fault = status == "does not end" or status in {-signal.SIGSEGV, -signal.SIGBUS, -signal.SIGABRT}
    print("%d MiB: %s%s" % (mib, status, "  WRONG" if fault else ""), flush=True)
    bad += fault
raise SystemExit(int(bad > 0))
