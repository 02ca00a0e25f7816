"""Thread counts that are set right after loading, and beyond bounds. Exits with 1 if wrong."""

import ctypes
import os
import re

PARAMETERS = {
    "kernel": "Haswell", "threads": 1,
    "counts": [
        ["openblas_set_num_threads", 4, True], ["openblas_set_num_threads", 12, True],
        ["openblas_set_num_threads", 0, True], ["openblas_set_num_threads", 1000, True],
        ["openblas_set_num_threads", 3, True],
    ],
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
os.environ["OPENBLAS_NUM_THREADS"] = "1"
from parts import library_path, load, wrong_ones  # noqa: E402

_, blas = load(library_path())
config = blas("openblas_get_config")
config.restype = ctypes.c_char_p
most = int(re.search(rb"MAX_THREADS=(\d+)", config())[1])
print(config().decode())
bad, before = False, None
for name, number, compute in PARAMETERS["counts"]:
    returned = blas(name)(number)
    read = blas("openblas_get_num_threads")()
    wrong = wrong_ones(blas) if compute else 0
    print("%s(%d): reads %d, %d elements wrong" % (name, number, read, wrong), flush=True)
    bad = bad or bool(wrong) or not 1 <= read <= most or (1 <= number <= most and read != number)
    bad = bad or (name.endswith("_local") and returned != before)
    before = read
raise SystemExit(bad)
