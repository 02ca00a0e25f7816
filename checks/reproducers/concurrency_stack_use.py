"""How much of its caller's stack a routine takes. Exits with 1 when it is 256 KiB or more."""

# reproduces: concurrency.stack-use

import ctypes
import mmap
import os

PARAMETERS = {"kernel": "Haswell", "threads": 8, "routine": "dgemm", "stack": 8388608, "seed": 1}

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import set_threads  # noqa: E402


def stack_of(call):
    """Make the call in a thread whose stack was all zero; return how many bytes it used."""
    libc, size = ctypes.CDLL(None), PARAMETERS["stack"]
    memory = mmap.mmap(-1, size)
    start = ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(memory)))
    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(lambda _: call())
    attributes, thread = ctypes.create_string_buffer(256), ctypes.c_ulong()
    libc.pthread_attr_init(attributes)
    libc.pthread_attr_setstack(attributes, start, ctypes.c_size_t(size))
    libc.pthread_create(ctypes.byref(thread), attributes, function, None)
    libc.pthread_join(thread, None)
    return size - int(np.argmax(np.frombuffer(memory, np.uint8) != 0))


set_threads(min(PARAMETERS["threads"], 2))
n, kinds = 130, {"s": "f4", "d": "f8", "c": "c8", "z": "c16"}
a = np.ones((n, n), kinds[PARAMETERS["routine"][0]])
deep, wide, definite = np.ones((12, 3000)), np.ones((680, 680)), np.ones((200, 200)) + np.eye(200)
calls = {
    "gemm": lambda: (a @ a, deep @ deep[::-1].T),
    "syrk": lambda: deep @ deep.T,
    "gemv": lambda: wide @ wide[0],
    "potrf": lambda: np.linalg.cholesky(definite),
    "getrf": lambda: np.linalg.det(definite),
    "gesv": lambda: np.linalg.solve(definite, definite[0]),
    "syevd": lambda: np.linalg.eigh(a.real),
    "geev": lambda: np.linalg.eig(a.real),
    "gesdd": lambda: np.linalg.svd(a.real),
    "gelsd": lambda: np.linalg.lstsq(a.real, a.real, rcond=None),
    "geqrf": lambda: np.linalg.qr(a.real),
}
call = calls[PARAMETERS["routine"][1:]]
call()
used = stack_of(call) - stack_of(lambda: np.ones(1) + 1)
print("%s takes %d KiB of its caller's stack" % (PARAMETERS["routine"], used // 1024))
raise SystemExit(int(used > 256 * 1024))
