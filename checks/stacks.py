"""How much stack each routine takes of the thread that calls it."""

import ctypes
import mmap

import numpy as np

from checks.api import check
from checks.calls import name_of
from checks.cblas import Cblas
from checks.drivers import Watched, each_driver, each_trial
from checks.every import Prepared, every_call
from checks.factors import exact_cholesky, exact_product, exact_system
from checks.lapack_trials import UNSPLIT
from checks.operands import DTYPES
from checks.splitting import few_threads
from checks.workers import at_most, require_threads

__all__ = ["stack_every_routine", "stack_lapack", "stack_use"]

#: The stack that is watched: what threads get on Linux unless they ask for less.
STACK = 8 * 2**20

#: The stack on which all routines are called, one after the other.
SMALL_STACK = 2**20

#: What a routine may take: half of what macOS gives to new threads, a quarter of the JVM's.
LIMIT = 256 * 2**10

#: Of levels 1, 2 and 3: below and above what kernels and buffers take another path for.
FORMS = (
    ((14,), (10007,)),
    ((14, 23), (331, 305)),
    ((7, 9, 5), (7, 207, 300), (333, 319, 3), (103, 101, 102)),
)

#: OpenBLAS's threaded LU keeps a table of jobs on the stack at each level of its recursion, and
#: what runs it is held to the whole stack only.
RECURSIVE = ("dgetrf", "dgesv")

#: mprotect's "no access", and more bytes than a pthread_attr_t has.
PROT_NONE, ATTRIBUTES = 0, 256


class _Stack:
    """A thread's stack in memory of ours, all zero before the thread runs.

    Below the `size` bytes are as many as `guard` that may not be touched: there a process dies.
    """

    def __init__(self, libc, size=STACK, guard=mmap.PAGESIZE):
        self._libc, self._size, self._guard = libc, size, guard
        self._memory = mmap.mmap(-1, guard + size)
        self._start = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
        self._words = np.frombuffer(self._memory, np.uint64, offset=guard)

    def used_by(self, call):
        """Make the call in a new thread; return how many bytes lie above the deepest that changed.

        The call itself may ask for `used` and clear what is deeper than itself.
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
        libc.mprotect(ctypes.c_void_p(self._start), ctypes.c_size_t(self._guard), PROT_NONE)
        libc.pthread_attr_init(attributes)
        bottom = ctypes.c_void_p(self._start + self._guard)
        if libc.pthread_attr_setstack(attributes, bottom, ctypes.c_size_t(self._size)):
            raise OSError("pthread_attr_setstack does not take the stack")
        if libc.pthread_create(ctypes.byref(thread), attributes, function, None):
            raise OSError("pthread_create does not take the stack")
        libc.pthread_join(thread, None)
        if errors:
            raise errors[0]
        return self.used()

    def used(self):
        """Return how many bytes lie above the deepest that has changed."""
        words = self._words
        return self._size - words.itemsize * int(np.argmax(words != 0))

    def clear_beyond(self, depth):
        """Make all zero that is deeper than `depth` bytes."""
        self._words[: (self._size - depth) // self._words.itemsize] = 0


def _libc(ctx):
    """Return the C library, where it lets a thread be given a stack."""
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "pthread_attr_setstack"):
        ctx.unsupported("the C library has no pthread_attr_setstack")
    return libc


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
    once=True,
)  # fmt: skip
def stack_use(ctx):
    libc = _libc(ctx)
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


@check(
    id="concurrency.stack-every-routine",
    title="No routine of BLAS takes much of the stack of its caller",
    category="concurrency",
    routines=["?gemm", "?symm", "?syrk", "?trmm", "?trsm", "?gemv", "?symv", "?trsv", "?dot"],
    oracle=(
        "All routines of levels 1 to 3 in all precisions, small and large, one after the other in "
        "a native thread whose stack of 1 MiB was all zero: beyond what Python uses there itself, "
        "256 KiB, not a byte may change. Below that stack 1 MiB is not accessible. The routine "
        "that takes most, in KiB, is in the details."
    ),
    catches=(
        "Work arrays and packing buffers on the caller's stack, in one routine: numpy#11551, "
        "OpenBLAS#2839, numpy#19469, OpenBLAS#6013."
    ),
    budget=240.0,
    systems=("linux",),
    once=True,
    most_threads=True,
)
@few_threads
def stack_every_routine(ctx):
    cblas, stack = Cblas(ctx.blas), _Stack(_libc(ctx), SMALL_STACK, guard=SMALL_STACK)
    # Eight turns of small ones go through all remainders modulo 8.
    turns = ctx.by_profile((8, 1, 1, 1), (32, 6, 6, 6))
    calls = every_call(cblas, ctx.seed, *FORMS, turns=turns)
    stack.used_by(lambda: _sweep_blas(ctx, stack, (Prepared(cblas, call) for call in calls)))


class _Depth:
    """How deep calls go on a stack below what Python has used; `largest`: (bytes, routine)."""

    def __init__(self, stack):
        self._stack, self._own = stack, stack.used()
        self.largest = 0, None

    def of(self, name, call):
        """Make the call; return the bytes that it takes where they are too many, else 0."""
        before = self._stack.used()  # also by what has prepared the call
        call()
        used = self._stack.used()
        if used > before:
            self.largest = max(self.largest, (used - self._own, name))
        if used <= max(before, self._own + LIMIT):
            return 0
        self._stack.clear_beyond(self._own + LIMIT // 2)
        return used - self._own


def _require_little(ctx, name, taken, parameters):
    if taken:
        what = "takes %d KiB of its caller's stack" % (taken // 1024)
        ctx.fail(name, what, parameters, ratio=taken / LIMIT, limit=1.0)


def _tell_largest(ctx, depth):
    taken, name = depth.largest
    ctx.details["stack_kib"] = {name: taken // 1024}


def _sweep_blas(ctx, stack, items):
    """Make all calls in the thread of that stack, and judge each."""
    ctx.blas.get_num_threads()
    depth = _Depth(stack)
    for item in items:
        name, parameters = name_of(item.call), dict(item.call.parameters, stack=SMALL_STACK)
        ctx.trying(name, parameters)
        taken = depth.of(name, item.make)
        ctx.ran()
        _require_little(ctx, name, taken, parameters)
    _tell_largest(ctx, depth)


@check(
    id="concurrency.stack-lapack",
    title="No routine of LAPACK takes much of the stack of its caller",
    category="concurrency",
    routines=[
        "?gesv", "?getrf", "?getri", "?potrf", "?geqrf", "?orgqr", "?ungqr", "?syevd", "?heevd",
        "?geev", "?gesdd", "?gelsd", "?gels", "?sytrf", "?hetrf", "?trtri", "?trtrs", "?ggev",
    ],
    oracle=(
        "As concurrency.stack-every-routine, of the drivers that NumPy calls, with 16 to 31 rows, "
        "tall and wide, and of the tables of accuracy.lapack-*. With one BLAS thread: threaded LU "
        "keeps its jobs on the stack (concurrency.stack-use)."
    ),
    catches=(
        "Work arrays on the caller's stack, as of Fortran built with -fmax-stack-var-size or "
        "-frecursive, in one routine: scipy#8957, OpenBLAS#2839."
    ),
    max_threads=1,
    budget=60.0,
    systems=("linux",),
    once=True,
)  # fmt: skip
def stack_lapack(ctx):
    stack = _Stack(_libc(ctx), SMALL_STACK, guard=SMALL_STACK)
    stack.used_by(lambda: _sweep_lapack(ctx, stack))


def _sweep_lapack(ctx, stack):
    depth = _Depth(stack)
    lapack = Watched(ctx.blas, depth.of)
    for parameters, call in _lapack_calls(ctx, lapack):
        parameters.update(seed=ctx.seed, stack=SMALL_STACK)
        for name, taken in lapack.ask(ctx, parameters, call):
            _require_little(ctx, name, taken, dict(parameters, routine=name))
    _tell_largest(ctx, depth)


def _lapack_calls(ctx, lapack):
    """Yield (parameters, call)."""
    for dtype in DTYPES:
        for n in (*UNSPLIT, *ctx.by_profile((207,), (129, 331))):
            for name, call in each_driver(lapack, ctx.seed, n, dtype):
                yield {"routine": name, "dtype": dtype, "size": n}, call
    yield from each_trial(ctx, lapack, ctx.by_profile(UNSPLIT[::5], UNSPLIT))
