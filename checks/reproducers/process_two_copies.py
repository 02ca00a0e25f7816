"""Two copies of the library in one process. Exits with 1 when they disturb each other."""

import concurrent.futures
import ctypes
import faulthandler
import importlib
import os
import shutil
import tempfile

PARAMETERS = {"kernel": "Haswell", "threads": 8, "global_first": False, "rounds": 20}

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
from parts import library_path, load, wrong_ones  # noqa: E402


def compute(rounds):
    """Compute in both at once; return how many elements were wrong."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return sum(pool.map(lambda blas: sum(wrong_ones(blas) for _ in range(rounds)), copies))


faulthandler.dump_traceback_later(50, exit=True)  # a hang ends with status 1 and the stacks
with tempfile.TemporaryDirectory() as folder:
    path = shutil.copyfile(library_path(), os.path.join(folder, "libanother.so"))
    if PARAMETERS["global_first"]:
        load(path, mode=ctypes.RTLD_GLOBAL)
    importlib.import_module("numpy")
    copies = [load(library_path())[1], load(path)[1]]
for blas, count in zip(copies, (3, 2)):
    blas("openblas_set_num_threads")(count)
wrong = compute(PARAMETERS["rounds"])
pid = os.fork()
if pid == 0:
    os._exit(3 * bool(compute(1)))
status = os.waitpid(pid, 0)[1]
wrong += compute(1)
print("%d elements wrong; wait status of the forked process %d" % (wrong, status))
raise SystemExit(wrong > 0 or status != 0)
