"""Loading, computing and unloading, over and over. Exits with 1, or crashes, if that goes wrong."""

import _ctypes
import os
import threading

PARAMETERS = {"kernel": "Haswell", "threads": 1, "cycles": 10}

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
from parts import held, library_path, load, wrong_ones  # noqa: E402


def outlive(blas, computed, unloaded):
    wrong.append(wrong_ones(blas))
    computed.set()
    unloaded.wait()


wrong, sizes = [], []
for _ in range(PARAMETERS["cycles"]):
    library, blas = load(library_path())
    blas("openblas_set_num_threads")(3)
    computed, unloaded = threading.Event(), threading.Event()
    thread = threading.Thread(target=outlive, args=(blas, computed, unloaded))
    thread.start()
    computed.wait()
    wrong.append(wrong_ones(blas))
    _ctypes.dlclose(library._handle)  # noqa: SLF001
    unloaded.set()
    thread.join()
    sizes.append(held("VmSize") // 1024)
kept = (sizes[-1] - sizes[0]) / (len(sizes) - 1)
with open("/proc/self/maps") as file:
    stays = library_path() in file.read()
print("%d wrong, %.1f MiB left by each cycle, still loaded: %s" % (sum(wrong), kept, stays))
raise SystemExit(sum(wrong) > 0 or (not stays and (kept > 16 or held("Threads") > 1)))
