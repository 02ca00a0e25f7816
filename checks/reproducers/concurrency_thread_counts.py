"""Calls with several numbers of BLAS threads. Exits with 1 when a result is wrong."""

# reproduces: concurrency.thread-sweep, concurrency.count-changes

import ctypes
import faulthandler
import glob
import os
import threading
import time

PARAMETERS = {
    "kernel": "Haswell", "threads": 8, "count": 3, "seed": 1, "operation": "gemm", "beside": False,
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
random = np.random.RandomState(p["seed"])
a = random.randint(-8, 9, (130, 130)).astype(float)
wide, x = random.randint(-8, 9, (680, 680)).astype(float), np.arange(680.0) % 13 - 6
(lu, determinant), (definite, factor) = exact_lu(150), exact_cholesky(150)
rounded = random.standard_normal((130, 130))
set_threads(1)
calls = {
    "gemm": (lambda: a @ a[::-1], exact_product(a, a[::-1])),
    "syrk": (lambda: a @ a.T, exact_product(a, a.T)),
    "gemv": (lambda: wide @ x, np.einsum("ij,j->i", wide, x)),
    "gemv-t": (lambda: wide.T @ x, np.einsum("ji,j->i", wide, x)),
    "cholesky": (lambda: np.linalg.cholesky(definite), factor),
    "lu": (lambda: np.linalg.det(lu), determinant),
}
calls = {p["operation"]: calls[p["operation"]]} if p.get("operation") in calls else calls
end = time.monotonic() + 20
bad = set()


def compute():
    for name, (call, exact) in calls.items():
        if not np.array_equal(call(), exact):
            bad.add(name)


def compute_on():
    while time.monotonic() < end and not bad:
        compute()


def change():
    turn = 0
    while time.monotonic() < end and not bad:
        turn += 1
        set_threads((1, 2, p["threads"], 3)[turn % 4])
        time.sleep(0.002)


for count in (1, p["threads"], 2, p["threads"] + 2, 1, p["count"]):
    set_threads(count)
    compute()
    one, two = rounded @ rounded[::-1], rounded @ rounded[::-1]
    if not np.array_equal(one, two):
        bad.add("two equal products with %d threads differ" % count)
if p.get("beside"):
    together(compute_on, compute_on, change)
print("WRONG: %s" % sorted(bad) if bad else "exact")
raise SystemExit(len(bad) > 0)
