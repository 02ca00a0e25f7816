"""How much stack each routine takes of the thread that calls it."""

import ctypes
import mmap

import numpy as np

from checks.api import check
from checks.factors import exact_cholesky, exact_product, exact_system
from checks.workers import at_most, require_threads

__all__ = ["stack_use"]

#: The stack that is watched: what threads get on Linux unless they ask for less.
STACK = 8 * 2**20

#: What a routine may take: half of what macOS gives to new threads, a quarter of the JVM's.
LIMIT = 256 * 2**10

#: OpenBLAS's threaded LU keeps a table of jobs on the stack at each level of its recursion, and
#: what runs it is held to the whole stack only.
RECURSIVE = ("dgetrf", "dgesv")

#: mprotect's "no access", and more bytes than a pthread_attr_t has.
PROT_NONE, ATTRIBUTES = 0, 256


class _Stack:
    """A thread's stack in memory of ours, all zero before the thread runs."""

    def __init__(self, libc):
        self._libc = libc
        self._memory = mmap.mmap(-1, STACK + mmap.PAGESIZE)
        self._start = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))

    def used_by(self, call):
        """Make the call in a new thread; return how many bytes lie above the deepest that changed.

        Below the stack is a page that may not be touched: beyond 8 MiB the process dies here.
        """
        libc, errors = self._libc, []

        def run(_):
            try:
                call()
            except BaseException as error:  # noqa: BLE001  (raised again in the calling thread)
                errors.append(error)

        function = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(run)
        attributes = ctypes.create_string_buffer(ATTRIBUTES)
        thread = ctypes.c_ulong()
        libc.mprotect(ctypes.c_void_p(self._start), ctypes.c_size_t(mmap.PAGESIZE), PROT_NONE)
        libc.pthread_attr_init(attributes)
        bottom = ctypes.c_void_p(self._start + mmap.PAGESIZE)
        if libc.pthread_attr_setstack(attributes, bottom, ctypes.c_size_t(STACK)):
            raise OSError("pthread_attr_setstack does not take the stack")
        if libc.pthread_create(ctypes.byref(thread), attributes, function, None):
            raise OSError("pthread_create does not take the stack")
        libc.pthread_join(thread, None)
        if errors:
            raise errors[0]
        words = np.frombuffer(self._memory, np.uint64, offset=mmap.PAGESIZE)
        return STACK - words.itemsize * int(np.argmax(words != 0))


def _calls(ctx):
    """Return [(routine, call, expected)], most of them split over threads."""
    random = np.random.RandomState(ctx.seed)
    deep = random.randint(-8, 9, (12, 3000)).astype(float)
    square = random.randint(-8, 9, (130, 130))
    wide = random.randint(-8, 9, (680, 680)).astype(float)
    definite, factor = exact_cholesky(ctx.seed, 200)
    system = exact_system(ctx.seed, 300, 1)
    n = ctx.by_profile(30, 130)
    diagonal = np.diag(np.arange(1.0, n + 1))
    calls = [("dgemm", lambda: deep @ deep[::-1].T, exact_product(deep, deep[::-1].T))]
    exact = exact_product(square, square)
    for dtype, letter in (("f4", "s"), ("f8", "d"), ("c8", "c"), ("c16", "z")):
        a = square.astype(dtype)
        calls.append((letter + "gemm", lambda a=a: a @ a, exact))
    calls += [
        ("dsyrk", lambda: deep @ deep.T, exact_product(deep, deep.T)),
        ("dgemv", lambda: wide @ wide[0], np.einsum("ij,j->i", wide, wide[0])),
        ("dgemv", lambda: deep @ deep[0], np.einsum("ij,j->i", deep, deep[0])),
        ("dpotrf", lambda: np.linalg.cholesky(definite), factor),
        ("dgetrf", lambda: np.linalg.det(system.a), np.array(system.determinant)),
    ]
    if ctx.profile != "smoke":  # getrf again, and a second with more BLAS threads than cores
        calls.append(("dgesv", lambda: np.linalg.solve(system.a, system.b), system.x))
    for routine, call in (
        ("dsyevd", lambda: np.linalg.eigh(diagonal)),
        ("dgeev", lambda: np.linalg.eig(diagonal)),
        ("dgesdd", lambda: np.linalg.svd(diagonal)),
        ("dgelsd", lambda: np.linalg.lstsq(diagonal, diagonal, rcond=None)),
        ("dgeqrf", lambda: np.linalg.qr(diagonal)),
    ):
        calls.append((routine, call, None))
    return calls


def _kept(call, result):
    """Return `call` so that it appends what it returns to `result`."""
    return lambda: result.append(call())


@check(
    id="concurrency.stack-use",
    title="No routine takes much of the stack of its caller",
    category="concurrency",
    routines=[
        "?gemm", "dsyrk", "dgemv", "dpotrf", "dgetrf", "dgesv", "dsyevd", "dgeev", "dgesdd",
        "dgelsd", "dgeqrf",
    ],
    oracle=(
        "Each call is made in a native thread whose stack of 8 MiB lies in memory that was all "
        "zero before; the deepest byte that has changed says how much was used. Less what a sum "
        "of two arrays uses, it must be below 256 KiB; threaded LU, whose recursion takes 1 to 4 "
        "MiB with 0.3.33 and 0.3.34, must stay within the 8 MiB. The figures of all routines, in "
        "KiB, are in the details, and results must be exact."
    ),
    catches=(
        "Job tables, work arrays and packing buffers on the caller's stack: numpy#11551 and "
        "OpenBLAS#2839 (gemm and syrk), numpy#19469 (gemv without a buffer), numpy#21799 "
        "(recursive LU), numpy#11517."
    ),
    min_threads=2,
    budget=60.0,
    systems=("linux",),
)  # fmt: skip
def stack_use(ctx):
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "pthread_attr_setstack"):
        ctx.unsupported("the C library has no pthread_attr_setstack")
    with at_most(ctx, ctx.by_profile(2, 4, ctx.threads)):
        calls = _calls(ctx)
        require_threads(ctx, next(call for routine, call, _ in calls if routine == "zgemm"))
        ones = np.ones((4, 4))
        least = _Stack(libc).used_by(lambda: ones + ones)
        kib = {}
        for routine, call, expected in calls:
            parameters = {"seed": ctx.seed, "routine": routine, "stack": STACK}
            ctx.trying(routine, parameters)
            result = []
            used = _Stack(libc).used_by(_kept(call, result)) - least
            kib[routine] = max(kib.get(routine, 0), used // 1024)
            ctx.ran()
            if used > LIMIT and routine not in RECURSIVE:
                what = "takes %d KiB of its caller's stack" % (used // 1024)
                ctx.fail(routine, what, parameters, ratio=used / LIMIT, limit=1.0)
            if expected is not None and not np.array_equal(result[0], expected):
                ctx.fail(routine, "wrong result on a stack of 8 MiB", parameters)
    ctx.details["stack_kib"] = kib
