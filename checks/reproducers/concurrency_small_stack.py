"""BLAS and LAPACK on a small stack. Exits with 1 or crashes when it is too small."""

import ctypes
import faulthandler
import glob
import os
import threading

PARAMETERS = {"kernel": "Haswell", "threads": 8, "seed": 1, "stack": 262144, "routine": ""}

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
random = np.random.RandomState(p["seed"])
square, deep = random.randint(-8, 9, (130, 130)), random.randint(-8, 9, (12, 3000)).astype(float)
definite, factor = exact_cholesky(200)
wide = random.randint(-8, 9, (680, 680)).astype(float)
calls = {
    "deep": (lambda: deep @ deep[::-1].T, exact_product(deep, deep[::-1].T)),
    "dsyrk": (lambda: deep @ deep.T, exact_product(deep, deep.T)),
    "dgemv": (lambda: wide @ wide[0], np.einsum("ij,j->i", wide, wide[0])),
    "dpotrf": (lambda: np.linalg.cholesky(definite), factor),
}
for dtype, routine in (("f4", "sgemm"), ("f8", "dgemm"), ("c8", "cgemm"), ("c16", "zgemm")):
    a = square.astype(dtype)
    calls[routine] = (lambda a=a: a @ a, exact_product(square, square))
if p["routine"] == "dgetrf":
    lu, determinant = exact_lu(p["n"])
    calls = {"dgetrf": (lambda: np.linalg.det(lu), determinant)}
bad = []


def call_all():
    for routine, (call, exact) in calls.items():
        print(routine, flush=True)  # the last one before a crash
        if not np.array_equal(call(), exact):
            bad.append(routine)
    for solver in (np.linalg.eigvalsh, np.linalg.svd) if p["routine"] != "dgetrf" else ():
        print(solver.__name__, flush=True)
        solver(np.diag(np.arange(1.0, 131.0)))


threading.stack_size(p["stack"])
together(call_all)
print("WRONG: %s" % bad if bad else "right on a stack of %d KiB" % (p["stack"] // 1024))
raise SystemExit(len(bad) > 0)
