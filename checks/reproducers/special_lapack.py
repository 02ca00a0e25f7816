"""Whether NaN is refused, and nothing at all is not. Exits with 1 when wrong."""
# reproduces: special.nan-lapack, special.empty

import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 1, "seed": 1,
    "kind": "nan", "function": "solve", "dtype": "float64", "n": 2, "at": [0, 0],
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import prepare  # noqa: E402


def random(seed, n, is_complex):
    """Return n x n, uniform in [-1, 1)."""
    stream = np.random.RandomState(seed)
    real = stream.uniform(-1, 1, (n, n))
    return real + 1j * stream.uniform(-1, 1, (n, n)) if is_complex else real


P = PARAMETERS
prepare()
if P["dtype"] not in ("float64", "complex128"):
    print("numpy.linalg computes single precision in double: call LAPACK itself to see this one")
    raise SystemExit(2)
n = P["n"] if P["kind"] == "nan" else 0
a = random(P.get("seed", 0), n, P["dtype"].startswith("c"))
if n:
    a = (a + a.conj().T) / 2 + 2 * n * np.eye(n)  # positive definite
    a[tuple(P["at"])] = a[tuple(P["at"][::-1])] = np.nan
calls = {
    "solve": lambda: np.linalg.solve(a, np.ones((n, 2), a.dtype)),
    "lstsq": lambda: np.linalg.lstsq(a, np.ones((n, 2), a.dtype), rcond=None)[0],
    "svd": lambda: np.linalg.svd(a)[1],
    "eigh": lambda: np.linalg.eigh(a)[0],
    "eig": lambda: np.linalg.eig(a)[0],
    "qr": lambda: np.linalg.qr(a)[1],
}
names = [P["function"]] if "function" in P else ["inv", "solve", "cholesky", "eigh", "det"]
bad = False
for name in names:
    refused = False
    try:
        result = calls.get(name, lambda name=name: getattr(np.linalg, name)(a))()
    except np.linalg.LinAlgError as error:
        result, refused = error, True
    print("%s: %s" % (name, result))
    fine = (refused or not np.isfinite(result).all()) if n else not refused
    bad = bad or not fine
print("WRONG" if bad else "right")
raise SystemExit(bad)
