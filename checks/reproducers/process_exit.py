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


def subject():  # computes in threads, brings the scenario about, ends as any program does
    set_threads(p["threads"])
    a = np.ones((130, 130))
    a @ a

    def work():
        a @ a
        begun.wait()
        while p["scenario"].endswith("busy_threads"):
            a @ a
        threading.Event().wait()

    if p["scenario"].startswith("forked_child"):
        if os.fork() == 0:
            sys.exit(0 if (a @ a == 130).all() else 3)
        assert os.wait()[1] == 0, "the forked child did not end cleanly"
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
    command = [sys.executable, __file__, "subject"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
    try:
        output = process.communicate(timeout=10)[0]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # with what it has forked
        output = process.communicate()[0] + b"hangs"
    print("status %s, %s" % (process.returncode, output.decode().strip()))
    bad += process.returncode != 0 or b"last statement" not in output
raise SystemExit(bad > 0)
