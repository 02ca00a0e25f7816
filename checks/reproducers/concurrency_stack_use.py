"""How much of its caller's stack a routine takes. Exits with 1 when it is 256 KiB or more."""

# reproduces: concurrency.stack-use, concurrency.stack-lapack

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
routine, n, kinds = PARAMETERS["routine"], PARAMETERS.get("size", 130), dict(zip("sdcz", "fdFD"))
if "size" in PARAMETERS and routine[0] in "sc":
    print("numpy.linalg computes single precision in double: call LAPACK itself to see this one")
    raise SystemExit(2)
a = np.eye(n, dtype=kinds[routine[0]]) + 1
tall = np.eye(9 * (n // 2), n // 2, dtype=a.dtype) + 1
deep, wide, definite = np.ones((12, 3000)), np.ones((680, 680)), np.ones((200, 200)) + np.eye(200)
definite = a if "size" in PARAMETERS else definite
calls = {
    "gemm": lambda: (a @ a, deep @ deep[::-1].T),
    "syrk": lambda: deep @ deep.T,
    "gemv": lambda: wide @ wide[0],
    "potrf": lambda: np.linalg.cholesky(definite),
    "getrf": lambda: np.linalg.det(definite),
    "gesv": lambda: np.linalg.solve(definite, definite[0]),
    **dict.fromkeys(("syevd", "heevd"), lambda: np.linalg.eigh(a)),
    "geev": lambda: np.linalg.eig(a),
    "gesdd": lambda: (np.linalg.svd(a), np.linalg.svd(tall)),
    "gelsd": lambda: [np.linalg.lstsq(each, each, rcond=None) for each in (a, tall)],
    **dict.fromkeys(("geqrf", "ungqr", "orgqr"), lambda: (np.linalg.qr(a), np.linalg.qr(tall))),
}
call = calls.get(routine[1:])
if call is None:
    print("NumPy does not call %s: SciPy does" % routine)
    raise SystemExit(2)
call()
used = stack_of(call) - stack_of(lambda: np.ones(1) + 1)
print("%s takes %d KiB of its caller's stack" % (routine, used // 1024))
raise SystemExit(int(used > 256 * 1024))
