"""Whether processes that used threaded BLAS end cleanly. Exits with 1 when one does not."""

# reproduces: process.exit, process.exit-busy

import os
import signal
import subprocess
import sys
import threading
import time

PARAMETERS = {"kernel": "Haswell", "threads": 8, "scenario": "forked_child_then_waiting_threads"}

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import set_threads  # noqa: E402

p = PARAMETERS


def subject():
    """Compute in threads, bring the scenario about, and end as any program does."""
    set_threads(p["threads"])
    a = (np.arange(130 * 130) % 7 - 3.0).reshape(130, 130)
    product = a @ a
    busy = p["scenario"].endswith("busy_threads")

    def work():
        a @ a
        begun.wait()
        while busy:
            a @ a
        threading.Event().wait()

    if p["scenario"].startswith("forked_child"):
        pid = os.fork()
        if pid == 0:
            sys.exit(0 if (a @ a == product).all() else 3)
        if os.waitpid(pid, 0)[1]:
            sys.exit("the forked child did not end cleanly")
    if p["scenario"].endswith("threads"):
        begun = threading.Barrier(3)
        for _ in range(2):
            threading.Thread(target=work, daemon=True).start()
        begun.wait()
        time.sleep(0.02)
    print("last statement", flush=True)


if sys.argv[1:] == ["subject"]:
    subject()
    sys.exit()
bad = 0
for _ in range(5):
    command = [sys.executable, os.path.abspath(__file__), "subject"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
    try:
        output, _ = process.communicate(timeout=10)
    except subprocess.TimeoutExpired:
        print("hangs")
        os.killpg(process.pid, signal.SIGKILL)  # with what it has forked
        output, _ = process.communicate()
    clean = process.returncode == 0 and b"last statement" in output
    print("status %s, %s" % (process.returncode, output.decode().strip()))
    bad += not clean
print("WRONG" if bad else "clean")
raise SystemExit(int(bad > 0))
