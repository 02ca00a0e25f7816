"""Whether every element of A @ B is accurate. Exits with 1 when one is not."""
# reproduces: accuracy.gemm

import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 1, "seed": 1,
    "dtype": "float64", "size": [40, 41, 100], "bits": 25, "layout": "CF",
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import prepare  # noqa: E402


def wide_integers(seed, rows, columns, bits, parts):
    """Return one matrix of integers below 2^bits, or two: real and imaginary part."""
    stream = np.random.RandomState(seed)
    magnitude = stream.randint(1, 2**bits, size=(parts, rows, columns))
    sign = 2 * stream.randint(0, 2, size=(parts, rows, columns)) - 1
    return [part.astype(object) for part in (magnitude * sign).astype(np.int64)]


def joined(parts, dtype, order):
    """Return the parts as one matrix of that precision."""
    real = [part.astype(np.float64) for part in parts]
    return np.array(real[0] + 1j * real[1] if len(real) == 2 else real[0], dtype, order=order)


P = PARAMETERS
prepare()
m, n, k = P["size"]
count = 2 if P["dtype"].startswith("c") else 1
a = wide_integers(P["seed"], m, k, P["bits"], count)
left = joined(a, P["dtype"], P["layout"][0])
if P.get("routine") == "syrk":  # which NumPy calls for A @ A.T
    b, right = [part.T for part in a], left.T
else:
    b = wide_integers(P["seed"] + 1, k, n, P["bits"], count)
    right = joined(b, P["dtype"], P["layout"][1])
result = left @ right
exact = [a[0].dot(b[0])]  # Python's integers
if count == 2:
    exact = [exact[0] - a[1].dot(b[1]), a[0].dot(b[1]) + a[1].dot(b[0])]
bound = sum(map(abs, a)).dot(sum(map(abs, b))).astype(float) * float(np.finfo(P["dtype"]).eps)
worst = 0.0
if np.isfinite(result).all():
    for part, whole in zip((result.real, result.imag), exact):
        error = np.array([int(x) for x in part.ravel()], object) - whole.ravel()
        worst = max(worst, float((abs(error).astype(float) / bound.ravel()).max()))
limit = 16 * max(1, k / 100)
bad = not np.isfinite(result).all() or worst >= limit
print("largest error: %.3g units in the last place of |A||B|, limit %g" % (worst, limit))
print("WRONG" if bad else "accurate")
raise SystemExit(bad)
