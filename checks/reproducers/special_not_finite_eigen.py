"""Whether an eigenvalue problem with NaN or infinity in its matrix ends. Exits with 1 if not."""

import ctypes
import faulthandler
import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 1, "seed": 1, "routine": "dsyevr", "dtype": "float64",
    "kind": "nan", "n": 3, "at": [0, 0], "variant": "LA",
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import openblas, prepare  # noqa: E402


def address(array):
    kept.append(array)
    return ctypes.c_void_p(array.ctypes.data)


def whole(value):
    return address(np.full(1, value, np.int64))


def band(a, uplo, width):  # LAPACK's band storage, by columns
    columns = np.zeros((n, width + 1), a.dtype)
    for k in range(width + 1):
        place = (slice(n - k), k) if uplo == "L" else (slice(k, None), width - k)
        columns[place] = a.diagonal(-k if uplo == "L" else k)
    return address(columns)


prepare()
p, kept = PARAMETERS, []
n, dtype, (uplo, more) = p["n"], p["dtype"], p["variant"]
is_complex = dtype.startswith("c")
random = np.random.RandomState(p["seed"])
a = random.uniform(-1, 1, (n, n)) + 1j * random.uniform(-1, 1, (n, n)) * is_complex
a = (a + a.conj().T).astype(dtype) if is_complex else (a + a.T).real.astype(dtype)
a[tuple(p["at"])] = a[tuple(p["at"][::-1])] = {"nan": np.nan, "infinite": np.inf}[p["kind"]]
real = a.real.dtype
work = [address(np.zeros(9999, dtype)), whole(9999)]
reals = [address(np.zeros(9999, real)), whole(9999)] if is_complex else []
integers = [address(np.zeros(9999, np.int64)), whole(9999)]
results = [address(np.zeros(n, real)), address(np.zeros((n, n), dtype)), whole(n)]
flags, info = [b"V", uplo.encode()], whole(0)
if "bevd" in p["routine"]:
    width = min(more, n - 1)
    arguments = [*flags, whole(n), whole(width), band(a, uplo, width), whole(width + 1), *results]
    arguments += [*work, *reals, *integers, info]
else:
    bounds, tolerance = [address(np.zeros(1, real))] * 2, np.full(1, 2 * np.finfo(real).tiny, real)
    flags.insert(1, more.encode())
    arguments = [*flags, whole(n), address(a), whole(n), *bounds, whole(1), whole(max(1, n // 2))]
    arguments += [address(tolerance), whole(0), *results]
    more = address(np.zeros(2 * n, np.int64))
    robust, bisection = [more, *work, *reals, *integers], [*work, *reals[:1], integers[0], more]
    arguments += [*(robust if p["routine"].endswith("evr") else bisection), info]
lengths = [ctypes.c_size_t(1)] * len(flags)
faulthandler.dump_traceback_later(20, exit=True)  # a hang ends with status 1 and the stacks
openblas()(p["routine"] + "_")(*arguments, *lengths)
print("it ends")
