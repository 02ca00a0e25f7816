"""What several scripts need: `release_gate.scripts.templates` copies into each what it uses."""

import ctypes
import glob
import os
import sys
import threading

import numpy as np

PARAMETERS = {"threads": 1}


def openblas():  # finds functions of NumPy's own OpenBLAS by their plain names
    folder = os.path.dirname(np.__file__)
    for place in ("/../numpy.libs/", "/.dylibs/", "/.libs/"):
        for library in map(ctypes.CDLL, glob.glob(folder + place + "*openblas*")):
            for names in ("scipy_%s64_", "scipy_%s", "%s64_", "%s"):
                if hasattr(library, names % "openblas_get_config"):
                    return lambda name: library[names % name]
    raise SystemExit(2)  # NumPy has no OpenBLAS of its own


def set_threads(count):  # also beyond the cores
    openblas()("openblas_set_num_threads")(count)


def prepare():  # set the threads and say which OpenBLAS this is
    config = openblas()("openblas_get_config")
    config.restype = ctypes.c_char_p
    print(config().decode())
    openblas()("openblas_set_num_threads")(PARAMETERS["threads"])


def integers(seed, rows, columns, high, dtype):  # no zeros; sums of products are exact
    random = np.random.RandomState(seed)
    x = 1.0 * random.randint(1, high + 1, (2, rows, columns))
    x *= 2 * random.randint(0, 2, x.shape) - 1
    return (x[0] + 1j * x[1] if dtype.startswith("c") else x[0]).astype(dtype)


def cblas(routine, dtype, *arguments):  # a call: arrays by address, floats as scalars of dtype
    place = "fdFD".index(np.dtype(dtype).char)
    real = (ctypes.c_float, ctypes.c_double)[place % 2]
    kinds = {np.ndarray: lambda x: ctypes.c_void_p(x.ctypes.data), int: ctypes.c_int64, float: real}
    if place > 1:  # complex scalars have addresses too
        arguments = [np.array(x, dtype) if type(x) is float else x for x in arguments]
    openblas()("cblas_" + "sdcz"[place] + routine)(*(kinds[type(x)](x) for x in arguments))


def exact_product(a, b):  # without BLAS; exact for integers
    return np.einsum("ij,kj->ik", a, np.ascontiguousarray(b.T), optimize=False)


def exact_lu(n, random):  # A and det A; L is of 1/2, U has 1 and -1 on its diagonal
    lower = np.tril(random.randint(-1, 2, (n, n)) * 0.5, -1) + np.eye(n)
    upper = np.triu(random.randint(-2, 3, (n, n)).astype(float), 1)
    diagonal = random.choice([-1.0, 1.0], n)
    return exact_product(lower, upper + np.diag(diagonal)), diagonal.prod()


def exact_cholesky(n, random):  # A and L of small integers, powers of two on its diagonal
    lower = np.tril(random.randint(-2, 3, (n, n)).astype(float), -1)
    lower += np.diag(random.choice([1.0, 2.0, 4.0], n))
    return exact_product(lower, lower.T), lower


def multiply(a, b, result):  # ends with 1 at a floating-point flag, of which NumPy warns
    try:
        with np.errstate(invalid="raise", divide="raise", over="raise"):
            np.matmul(a, b, out=result)
    except FloatingPointError as error:
        print("WRONG: %s" % error)
        raise SystemExit(1) from None


def spread(vector, step):  # the same values, `step` elements apart, NaN between them
    if step < 0:
        return np.ascontiguousarray(vector[::-1])[::-1]
    stored = np.full(1 + len(vector) * step, np.nan, vector.dtype)[1:].reshape(-1, step)
    stored[:, 0] = vector
    return stored[:, 0]


def differs(what, result, exact):  # whether, and where first
    wrong = np.argwhere(result != exact)
    if len(wrong):
        at = tuple(wrong[0])
        print("%s: %d of %d wrong" % (what, len(wrong), exact.size))
        print("    first %s: %s, exactly %s" % (list(map(int, at)), result[at], exact[at]))
    return len(wrong) > 0


def together(*tasks):  # each task in a thread, all released at once
    barrier = threading.Barrier(len(tasks))
    threads = [threading.Thread(target=lambda t=t: (barrier.wait(), t())) for t in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def child(task):  # its id; a forked process that ends with what `task` returns
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(task())
        finally:  # an exception must not go on as if it were the parent
            os._exit(5)
    return pid


def library_path():  # the file of NumPy's own OpenBLAS, without importing NumPy
    for folder in sys.path:
        for place in ("/numpy.libs/", "/numpy/.dylibs/", "/numpy/.libs/"):
            for path in glob.glob(folder + place + "*openblas*"):
                return path
    print("there is no NumPy with an OpenBLAS of its own")
    raise SystemExit(2)


def load(path, **options):  # the library, and what finds its functions by their plain names
    for name in ("/libquadmath*", "/libgfortran*"):  # which it may find only through NumPy
        for each in glob.glob(os.path.dirname(path) + name):
            ctypes.CDLL(each)
    library = ctypes.CDLL(path, **options)
    names = ("scipy_%s64_", "scipy_%s", "%s64_", "%s")
    known = next(each for each in names if hasattr(library, each % "openblas_get_config"))
    return library, lambda name: library[known % name]


def wrong_ones(blas, n=104):  # wrong elements of a product of ones, split over threads
    gemm, i, real, p = blas("cblas_dgemm"), ctypes.c_ssize_t, ctypes.c_double, ctypes.c_void_p
    gemm.restype = None
    gemm.argtypes = [ctypes.c_int] * 3 + [i] * 3 + [real, p, i, p, i, real, p, i]
    a, c = (real * (n * n))(*[1.0] * (n * n)), (real * (n * n))()
    gemm(101, 111, 111, n, n, n, 1.0, a, n, a, n, 0.0, c, n)
    return sum(x != n for x in c)


def held(name):  # what /proc/self/status tells: Threads, or VmSize in KiB
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(name + ":"))
