"""One routine in several threads at once. Exits with 1 when a result is wrong."""

import ctypes
import faulthandler
import glob
import os
import threading
import time

PARAMETERS = {
    "kernel": "Haswell", "threads": 8, "operation": "gemm", "callers": 3, "seed": 1,
    "system": 150, "spectrum": 24,
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)


def set_threads(count):
    """Set the threads, by call: the environment variable is capped at the number of cores."""
    folder = os.path.dirname(np.__file__)
    for place in ("/../numpy.libs/", "/.dylibs/", "/.libs/"):
        for path in glob.glob(folder + place + "*openblas*"):
            library = ctypes.CDLL(path)
            for prefix, suffix in (("scipy_", "64_"), ("scipy_", ""), ("", "64_"), ("", "")):
                if hasattr(library, prefix + "openblas_get_config" + suffix):
                    library[prefix + "openblas_set_num_threads" + suffix](count)
                    return
    print("NumPy has loaded no OpenBLAS")
    raise SystemExit(2)


def exact_product(a, b):
    """Multiply without BLAS; exact for integers."""
    return np.einsum("ij,kj->ik", a, np.ascontiguousarray(b.T), optimize=False)


def exact_lu(n):
    """Return (A, det A): L has dyadic entries up to 1/2, U has 1 and -1 on its diagonal."""
    lower = np.tril(random.randint(-1, 2, (n, n)) * 0.5, -1) + np.eye(n)
    upper = np.triu(random.randint(-2, 3, (n, n)).astype(float), 1)
    diagonal = random.choice([-1.0, 1.0], n)
    return exact_product(lower, upper + np.diag(diagonal)), diagonal.prod()


def exact_cholesky(n):
    """Return (A, L), L of small integers with powers of two on its diagonal."""
    lower = np.tril(random.randint(-2, 3, (n, n)).astype(float), -1)
    lower += np.diag(random.choice([1.0, 2.0, 4.0], n))
    return exact_product(lower, lower.T), lower


def together(*tasks):
    """Run each task in a thread, all released at once."""
    barrier = threading.Barrier(len(tasks))
    threads = [threading.Thread(target=lambda t=t: (barrier.wait(), t())) for t in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


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
        a, determinant = exact_lu(n)
        x = random.randint(-3, 4, (n, 70)).astype(float)
        b = exact_product(a, x)
        if name == "det":
            return lambda: np.linalg.det(a), determinant, 0
        return lambda: np.linalg.solve(a, b), x, 0
    if name == "cholesky":
        a, factor = exact_cholesky(n)
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
