"""Whether geev, ggev or syevx of infinity writes beside its arrays. Exits with 1 if it does."""
# reproduces: special.infinite-eigen, special.infinite-lapack

import ctypes
import faulthandler
import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 1, "routine": "dsyevx", "dtype": "float64", "n": 4,
    "variant": "LI",
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import openblas, prepare  # noqa: E402

GUARD = 64  # elements before and behind each array, all 3


def array(count, kind, value=3):
    kept.append(np.full(count + 2 * GUARD, 3, kind))
    kept[-1][GUARD:-GUARD] = value
    return ctypes.c_void_p(kept[-1].ctypes.data + GUARD * kept[-1].itemsize)


def whole(value):
    return array(1, np.int64, value)


prepare()
p, kept = PARAMETERS, []
n, dtype, name = p["n"], np.dtype(p["dtype"]), p["routine"]
real, is_complex = np.zeros(0, dtype).real.dtype, dtype.kind == "c"
work = [array(40 * n, dtype), whole(40 * n)]
reals = [array(9 * n, real)] if is_complex else []
if name.endswith(("geev", "ggev")):
    letters = [b"N" if p["variant"] == "right" else b"V", b"V"]
    second = [array(n * n, dtype, np.inf), whole(n)] * name.endswith("ggev")
    values = [array(n, dtype)] if is_complex else [array(n, real), array(n, real)]
    values += [array(n, dtype)] * name.endswith("ggev")
    arguments = [whole(n), array(n * n, dtype, np.inf), whole(n), *second, *values]
    arguments += [array(n * n, dtype), whole(n), array(n * n, dtype), whole(n), *work, *reals]
elif name.endswith("evx"):
    uplo, selection = p["variant"]
    letters = [b"V", selection.encode(), uplo.encode()]
    arguments = [whole(n), array(n * n, dtype, np.inf), whole(n), array(1, real, 0)]
    arguments += [array(1, real, 0), whole(1), whole(n // 2 if selection == "I" else n)]
    arguments += [array(1, real, 2 * np.finfo(real).tiny), whole(0), array(n, real)]
    arguments += [array(n * n, dtype), whole(n), *work, *reals]
    arguments += [array(5 * n, np.int64), array(n, np.int64)]
else:
    print("asks geev, ggev and syevx only, not " + name)
    raise SystemExit(0)
faulthandler.dump_traceback_later(20, exit=True)  # a hang ends with status 1 and the stacks
lengths = [ctypes.c_size_t(1)] * len(letters)
openblas()(name + "_")(*letters, *arguments, whole(0), *lengths)
outside = [np.concatenate([each[:GUARD], each[-GUARD:]]) for each in kept]
wrong = [int(np.count_nonzero(each != 3)) for each in outside]
print("INFO = %d, elements written beside arrays: %d" % (kept[-1][GUARD], sum(wrong)))
raise SystemExit(sum(wrong) > 0)
