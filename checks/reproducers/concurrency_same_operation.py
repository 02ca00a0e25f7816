"""One routine in several threads at once. Exits with 1 when a result is not as when alone."""

import faulthandler
import os
import time

PARAMETERS = {
    "kernel": "Haswell", "threads": 8, "operation": "gemm", "callers": 3, "seed": 1,
    "system": 150,
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import set_threads, together  # noqa: E402

faulthandler.dump_traceback_later(50, exit=True)  # a hang ends with status 1 and the stacks
p = PARAMETERS
name, bad = p["operation"], []
set_threads(p["threads"])
random = np.random.RandomState(p["seed"])
n = 700 if "gemv" in name else p["system"]


def prepare():  # return (call, its result when it is alone), with operands of the caller's own
    a, b = random.randint(-8, 9, (2, n, n)).astype(float)
    dominant = a @ a.T + 1e4 * np.eye(n)
    wide, x = random.randint(-8, 9, (160_001, 3)).astype(float).T, random.standard_normal(160_001)
    few = wide[:, :4001] * (1 + 1j)
    call = {
        "gemm": lambda: a @ b,
        "syrk": lambda: a @ a.T,
        "gemv-C": lambda: np.dot(a, b[0]),
        "gemv-F": lambda: np.dot(a.T, b[0]),
        "gemv-wide": lambda: np.dot(wide, x),
        "zgemv-wide": lambda: np.dot(few, x[:4001] + 0j),
        "solve": lambda: np.linalg.solve(dominant, b),
        "cholesky": lambda: np.linalg.cholesky(dominant),
        "svd": lambda: np.linalg.svd(a)[1],  # with vectors: else NumPy keeps its lock
        "eigh": lambda: np.linalg.eigh(a + a.T)[0],
        "qr": lambda: np.linalg.qr(a)[1],
        "lstsq": lambda: np.linalg.lstsq(a, b, rcond=None)[3],
    }[name]
    return call, call()


def repeated(call, alone):
    while time.monotonic() < end and not bad:
        error = np.abs(call() - alone).max() / np.abs(alone).max()
        bad.extend([] if error <= 1e-9 else [float(error)])  # far above rounding


end = time.monotonic() + 30
together(*[lambda each=prepare(): repeated(*each) for _ in range(p["callers"])])  # noqa: B008
print("%s: WRONG by %s" % (name, bad) if bad else name + ": right")
raise SystemExit(len(bad) > 0)
