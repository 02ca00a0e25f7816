"""Whether a routine that scales numbers until they fit ends. Exits with 1 if it does not."""
# reproduces: special.scaling, special.scaling-extremes

import ctypes
import faulthandler
import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 1, "routine": "drotmg", "dtype": "float64",
    "d1": 1.0, "d2": -0.14792899408284022, "x": 5.0, "y": 13.0,
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import openblas, prepare  # noqa: E402


def address(*values, kind=None):
    kept.append(np.array(values, kind or dtype))
    return ctypes.c_void_p(kept[-1].ctypes.data)


def whole(value):
    return address(value, kind=np.int64)


prepare()
p, kept = PARAMETERS, []
name, dtype = p["routine"], np.dtype(p["dtype"])
real = np.zeros(0, dtype).real.dtype
first, second = (float(p.get(each, 0)) for each in ("first", "second"))
letters = []
if name.endswith("rotmg"):
    arguments = [address(float(p[each])) for each in ("d1", "d2", "x")]
    number = ctypes.c_float if name.startswith("s") else ctypes.c_double
    arguments += [number(float(p["y"])), address(0, 0, 0, 0, 0)]
elif name.endswith("scl") and not name.endswith("lascl"):
    arguments = [whole(3), address(first, kind=real), address(1, 2, 3), whole(1)]
elif name.endswith("lascl"):
    letters = [b"G"]
    ends = [address(each, kind=real) for each in (first, second)]
    arguments = [*letters, whole(0), whole(0), *ends, whole(3), whole(3), address(*[1] * 9)]
    arguments += [whole(3), whole(0)]
elif name.endswith("lartg"):
    arguments = [address(first), address(second), address(0, kind=real), address(0), address(0)]
else:  # larfg, larfgp
    arguments = [whole(4), address(first), address(second, second, 0), whole(1), address(0)]
faulthandler.dump_traceback_later(20, exit=True)  # a loop ends with status 1 and the stacks
symbol = "cblas_" + name if name.endswith("rotmg") else name + "_"
openblas()(symbol)(*arguments, *[ctypes.c_size_t(1)] * len(letters))
print("it ends")
