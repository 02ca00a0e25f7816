"""BLAS in native threads, each a chain of contexts without Python. Exits with 1 if wrong."""

import ctypes
import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 2, "seed": 1, "callers": 4, "n": 100, "routine": "dgemm",
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import openblas, set_threads  # noqa: E402

L = ctypes.c_long


class Context(ctypes.Structure):  # a ucontext_t: flags, link, stack; whether it runs there; size
    _fields_ = [("head", L * 3), ("on", ctypes.c_int), ("size", L), ("rest", L * 1024)]


def started(calls):  # a thread that makes the calls (function, addresses) one after the other
    chain, memory = [Context() for _ in calls], ctypes.create_string_buffer(1 << 23)
    for context, after, (function, given) in zip(chain, chain[1:] + chain[-1:], calls):
        libc.getcontext(ctypes.byref(context))
        context.head[1], context.head[2] = ctypes.addressof(after), ctypes.addressof(memory)
        context.size = len(memory) - 512 * (len(calls) - chain.index(context))
        count, passed = ctypes.c_int(len(given)), [L(each) for each in given]
        libc.makecontext(ctypes.byref(context), function, count, *passed)
    thread = ctypes.c_ulong()
    libc.pthread_create(ctypes.byref(thread), None, libc.setcontext, ctypes.byref(chain[0]))
    return thread, chain, memory


def stored(given):  # copies, what Fortran is passed, and the matrix that is the result
    copies = [np.array(each, order="F") for each in given]
    passed = [each.ctypes.data for each in copies] + [1, 1]
    return copies, passed, [each for each in copies if each.ndim == 2][-1]


def arguments(seed):
    a, b = np.random.RandomState(seed).randint(-4, 5, (2, n, n))
    a = (a + a.T + 1000 * np.eye(n)).astype({"s": "f", "c": "F", "z": "D"}.get(name[0], "d"))
    one, flag, b = np.ones(1, a.dtype), ord("N"), b.astype(a.dtype)
    factors = {"dgetrf": (n, n, a, n, np.zeros(2 * n), 0), "dpotrf": (ord("L"), n, a, n, 0)}
    return factors.get(name, (flag, flag, n, n, n, one, a, n, b, n, 0 * one, 0 * a, n))


set_threads(min(PARAMETERS["threads"], 4))
libc, needed = ctypes.CDLL(None), ctypes.CDLL("libgcc_s.so.1")  # by pthread_exit
n, name, bad, before = PARAMETERS.get("n", 100), PARAMETERS.get("routine", "dgemm"), 0, None
function = openblas()(name + "_")
problems = [arguments(seed) for seed in range(PARAMETERS["callers"])]
for _, passed, _ in (alone := [*map(stored, problems)]):
    function(*map(ctypes.c_void_p, passed))
for _ in range(40):
    sets = [[stored(given) for _ in range(6)] for given in problems]
    chains = [[(function, each[1]) for each in made] + [(libc.pthread_exit, [0])] for made in sets]
    for thread, _, _ in [started(calls) for calls in chains]:
        libc.pthread_join(thread, None)
    pairs = [(each[2], right[2]) for right, made in zip(alone, sets) for each in made]
    bad += sum(not np.allclose(*pair, rtol=1e-3, atol=1e-3) for pair in pairs)
    before = before or len(os.listdir("/proc/self/task"))
left = len(os.listdir("/proc/self/task")) - before
raise SystemExit((bad or left > 0) and "%d results wrong, %d threads left" % (bad, left))
