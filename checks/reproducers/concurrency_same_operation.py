"""One routine in several threads at once. Exits with 1 when a result is wrong."""

import faulthandler
import os
import time

PARAMETERS = {
    "kernel": "Haswell", "threads": 8, "operation": "gemm", "callers": 3, "seed": 1,
    "system": 150, "spectrum": 24,
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import exact_cholesky, exact_lu, exact_product, set_threads, together  # noqa: E402

faulthandler.dump_traceback_later(50, exit=True)  # a hang ends with status 1 and the stacks
p = PARAMETERS
set_threads(p["threads"])
name, n = p["operation"], p["system"]
bad = []


def prepare():
    """Return (call, exact or nearly exact result, tolerance) with operands of its own."""
    if name in {"gemm", "syrk"}:
        a = random.randint(-8, 9, (130, 130)).astype(float)
        b = a.T if name == "syrk" else a[::-1]
        return lambda: a @ b, exact_product(a, b), 0
    if name.startswith("gemv"):
        a, x = random.randint(-8, 9, (700, 700)).astype(float), np.arange(700.0) % 17 - 8
        a = np.asarray(a, order=name[-1])
        return lambda: a @ x, np.einsum("ij,j->i", a, x), 0
    if name in {"det", "solve"}:
        a, determinant = exact_lu(n, random)
        x = random.randint(-3, 4, (n, 70)).astype(float)
        b = exact_product(a, x)
        if name == "det":
            return lambda: np.linalg.det(a), determinant, 0
        return lambda: np.linalg.solve(a, b), x, 0
    if name == "cholesky":
        a, factor = exact_cholesky(n, random)
        return lambda: np.linalg.cholesky(a), factor, 0
    a = random.standard_normal((p["spectrum"], p["spectrum"]))
    call = {
        "svd": lambda: np.linalg.svd(a, compute_uv=False),
        "eigvalsh": lambda: np.linalg.eigvalsh(a + a.T),
        "qr": lambda: np.linalg.svd(np.linalg.qr(a)[1], compute_uv=False),
        "lstsq": lambda: np.linalg.lstsq(a, a, rcond=None)[3],
    }[name]
    alone = call()
    return call, alone, 2 * 50 * len(a) * 2.0**-52 * np.abs(alone).max()


def repeated(call, expected, tolerance):
    while time.monotonic() < end and not bad:
        error = np.abs(call() - expected).max()
        if not error <= tolerance:
            bad.append(float(error))


random = np.random.RandomState(p["seed"])
prepared = [prepare() for _ in range(p["callers"])]
end = time.monotonic() + 30
together(*[lambda each=each: repeated(*each) for each in prepared])
print("%s: WRONG by %s" % (name, bad) if bad else name + ": right")
raise SystemExit(len(bad) > 0)
