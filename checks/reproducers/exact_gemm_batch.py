"""Whether gemm_batch_strided multiplies every member of a batch. Exits with 1 when not."""

import ctypes
import glob
import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 1, "dtype": "complex128", "order": 101, "ta": 111, "tb": 111,
    "m": 3, "n": 3, "k": 3, "alpha": 1, "beta": 0, "count": 4,
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)

P = PARAMETERS
LETTER = {"float32": "s", "float64": "d", "complex64": "c", "complex128": "z"}[P["dtype"]]
TRANS, CONJ = (112, 113), (113, 114)
random = np.random.RandomState(1)


def integers(*shape):
    part = random.randint(1, 9, (2, P["count"], *shape))
    return (part[0] + (1j * part[1] if LETTER in "cz" else 0)).astype(P["dtype"])


def op(stored, trans):
    stored = stored.swapaxes(1, 2) if trans in TRANS else stored
    return stored.conj() if trans in CONJ else stored


def in_memory(stack):
    """Return the stack as C has it, leading dimension and distance of its members."""
    lines = np.ascontiguousarray(stack if P["order"] == 101 else stack.swapaxes(1, 2))
    return lines, lines.shape[2], lines[0].size


(path,) = glob.glob(os.path.dirname(np.__file__) + "/../numpy.libs/*openblas*")
library = ctypes.CDLL(path)
prefix = "scipy_" if hasattr(library, "scipy_openblas_get_config64_") else ""
for name in ("openblas_get_config", "openblas_get_corename"):
    text = library[prefix + name + "64_"]
    text.restype = ctypes.c_char_p
    print(text().decode())
library[prefix + "openblas_set_num_threads64_"](P["threads"])

integer = ctypes.c_int64
real = ctypes.c_float if LETTER in "sc" else ctypes.c_double
numbers = [complex(*z) if isinstance(z, list) else z for z in (P["alpha"], P["beta"])]
scalars = [np.array([z], P["dtype"]) for z in numbers]
given = [real(z) for z in numbers] if LETTER in "sd" else [
    ctypes.c_void_p(z.ctypes.data) for z in scalars
]  # fmt: skip
m, n, k = P["m"], P["n"], P["k"]
a = integers(*((k, m) if P["ta"] in TRANS else (m, k)))
b = integers(*((n, k) if P["tb"] in TRANS else (k, n)))
c = integers(m, n)
exact = np.einsum("xik,xkj->xij", op(a, P["ta"]), op(b, P["tb"]), optimize=False)
exact = numbers[0] * exact + numbers[1] * c
arguments = [ctypes.c_int(P[flag]) for flag in ("order", "ta", "tb")] + [
    integer(size) for size in (m, n, k)
]
kept = [in_memory(stack) for stack in (a, b, c)]
for scalar, group in zip([given[0], None, given[1]], kept):
    arguments += [] if scalar is None else [scalar]
    memory, ld, distance = group
    arguments += [ctypes.c_void_p(memory.ctypes.data), integer(ld), integer(distance)]
library[prefix + "cblas_" + LETTER + "gemm_batch_strided64_"](*arguments, integer(P["count"]))
result = kept[2][0] if P["order"] == 101 else kept[2][0].swapaxes(1, 2)
wrong = [i for i in range(P["count"]) if (result[i] != exact[i]).any()]
print("wrong members:", wrong)
raise SystemExit(len(wrong) > 0)
