"""BLAS and LAPACK in threads that no Python thread stands behind, several at once.

Threads that ctypes or `threading` starts run Python between their calls: they have a thread state,
and take turns at the interpreter's lock. Here a thread runs C only, from its first instruction to
its last. There is no compiler on the user's machine, so its program is a chain of contexts
(makecontext, setcontext of the C library): each calls one function with arguments that are integers
or addresses, as those of all Fortran routines are, and goes on to the next. Python prepares the
chain before and reads the results after.
"""

import ctypes
import mmap
import platform
import time

import numpy as np

from checks.api import check
from checks.factors import exact_cholesky, exact_product, exact_system
from checks.team import Rounds
from checks.workers import at_most, require_threads, thread_count

__all__ = ["native_threads"]

#: Bytes of stack for the calls of a thread: threaded LU takes up to 4 MiB (concurrency.stack-use).
STACK = 8 * 2**20

#: Bytes that the arguments of one call take on the stack at most, and bytes for a ucontext_t and
#: for a pthread_barrier_t.
STEP, CONTEXT, BARRIER = 512, 8192, 256

#: Seconds in which threads that have been joined must be gone from the system's list.
PATIENCE = 2.0

#: Of the products: split over threads from 82 (interface/gemm.c).
SIZE = 112


class _Context(ctypes.Structure):
    """The beginning of a ucontext_t, which is alike on all Linux systems of 64 bits."""

    _fields_ = [
        ("flags", ctypes.c_ulong),
        ("link", ctypes.c_void_p),
        ("stack", ctypes.c_void_p),
        ("stack_flags", ctypes.c_int),
        ("stack_size", ctypes.c_size_t),
        ("rest", ctypes.c_char * (CONTEXT - 40)),
    ]


class _NativeThread:
    """A thread that makes `calls`, [(function, arguments as integers)], and ends.

    Later contexts begin higher on the one stack: what is below belongs to calls that are over.
    """

    def __init__(self, libc, calls):
        self._libc = libc
        calls = [*calls, (libc.pthread_exit, [0])]
        self._stack = mmap.mmap(-1, STACK + STEP * len(calls))
        bottom = ctypes.addressof(ctypes.c_char.from_buffer(self._stack))
        self._contexts = [_Context() for _ in calls]
        for place, (context, (function, arguments)) in enumerate(zip(self._contexts, calls)):
            libc.getcontext(ctypes.byref(context))
            context.stack, context.stack_size = bottom, STACK + STEP * (place + 1)
            if place + 1 < len(calls):
                context.link = ctypes.addressof(self._contexts[place + 1])
            passed = [ctypes.c_long(each) for each in arguments]
            libc.makecontext(ctypes.byref(context), function, ctypes.c_int(len(passed)), *passed)
        self._thread = ctypes.c_ulong()

    def start(self):
        first = ctypes.byref(self._contexts[0])
        if self._libc.pthread_create(
            ctypes.byref(self._thread), None, self._libc.setcontext, first
        ):
            raise OSError("pthread_create has failed")

    def join(self):
        self._libc.pthread_join(self._thread, None)


class _Call:
    """A Fortran call: `arguments` are letters, integers, float scalars or arrays.

    Of arrays a copy is passed, each time a new one; the last of them is the result.
    """

    def __init__(self, library, routine, arguments, expected, result=np.asarray):
        self.routine = routine
        self._function = library.function(routine + "_")
        self._integer = np.dtype(library.integer)
        self._arguments = arguments
        self._expected = expected
        self._result = result
        self._letters = sum(isinstance(each, str) for each in arguments)
        self._passed = ()

    def prepared(self):
        """Return (function, addresses and the hidden lengths of letters)."""
        self._passed = [self._stored(each) for each in self._arguments]
        addresses = [each.ctypes.data for each in self._passed]
        return self._function, addresses + [1] * self._letters

    def _stored(self, argument):
        if isinstance(argument, str):
            return np.frombuffer(argument.encode(), np.uint8).copy()
        if isinstance(argument, int):
            return np.array(argument, self._integer)
        return np.array(argument, order="F")

    def wrong(self):
        """Return how many elements of the result are wrong after the call, and of how many."""
        matrices = [each for each in self._passed if each.ndim == 2]
        different = self._result(matrices[-1]) != self._expected
        return int(np.count_nonzero(different)), different.size


def _calls(library, seed, n):
    """Return the calls of one thread: products in all precisions, LU and Cholesky, all exact."""
    random = np.random.RandomState(seed)
    a, b = (random.randint(-4, 5, (SIZE, SIZE)).astype(float) for _ in range(2))
    product = exact_product(a, b)
    found = []
    for letter, dtype in (("s", "f4"), ("d", "f8"), ("c", "c8"), ("z", "c16")):
        one, zero = np.ones((), dtype), np.zeros((), dtype)
        left, right, into = (each.astype(dtype) for each in (a, b, np.zeros_like(a)))
        sizes = (SIZE, SIZE, SIZE)
        arguments = ("N", "N", *sizes, one, left, SIZE, right, SIZE, zero, into, SIZE)
        found.append(_Call(library, letter + "gemm", arguments, product))
    system, (definite, factor) = exact_system(seed, n, 1), exact_cholesky(seed, n)
    pivots = np.zeros(n, library.integer)
    # L U = A: L has a diagonal of ones, and the determinant is the product of U's.
    lu = (n, n, system.a, n, pivots, 0)
    found.append(
        _Call(
            library,
            "dgetrf",
            lu,
            system.a,
            lambda x: exact_product(np.tril(x, -1) + np.eye(n), np.triu(x)),
        )
    )
    found.append(_Call(library, "dpotrf", ("L", n, definite, n, 0), factor, np.tril))
    return found


@check(
    id="concurrency.native-threads",
    title="Native threads that come and go compute right at the same time",
    category="concurrency",
    routines=["?gemm", "dgetrf", "dpotrf"],
    oracle=(
        "Four native threads (beyond the smoke profile six), released together by a barrier of the "
        "C library, call Fortran routines with operands of their own and end by pthread_exit, over "
        "and over. They run no Python and have no Python thread state: each is a chain of contexts "
        "made beforehand, on a stack of 8 MiB that the C library does not know. Products of "
        "integers, LU and Cholesky are exact, and afterwards no thread may be left. Asked on "
        "x86-64 with glibc, where pthread_exit is known to find the end of such a chain."
    ),
    catches=(
        "Buffers or work space that callers share, and what the library keeps for a thread and "
        "clears when it ends: OpenBLAS#1641, #1735, #2444, as Julia, R and C programs meet them."
    ),
    budget=60.0,
    systems=("linux",),
    once=True,
)
def native_threads(ctx):
    libc = ctypes.CDLL(None)
    needed = ("makecontext", "setcontext", "getcontext", "gnu_get_libc_version")
    if platform.machine() != "x86_64" or not all(hasattr(libc, name) for name in needed):
        ctx.unsupported("makecontext and pthread_exit are used on x86-64 with glibc only")
    try:
        ctypes.CDLL("libgcc_s.so.1")  # without it, pthread_exit ends the process
    except OSError as error:
        ctx.unsupported("pthread_exit needs libgcc_s: %s" % error)
    callers, n = ctx.by_profile(4, 6), ctx.by_profile(100, 150)
    ones = np.ones((130, 130))
    rounds = Rounds(ctx.by_profile(0.1, 1.5, 10.0), least=2)
    with at_most(ctx, ctx.by_profile(2, 4, ctx.threads)):
        require_threads(ctx, lambda: ones @ ones)
        lists = [_calls(ctx.blas, ctx.seed + caller, n) for caller in range(callers)]
        before = None
        for _ in rounds:
            _run_at_once(ctx, libc, lists, {"callers": callers, "n": n, "seed": ctx.seed})
            before = thread_count() if before is None else before
    ctx.rounds = rounds.done
    if before is not None:
        ctx.ran()
        left = _threads_left(before)
        if left > 0:
            what = "%d threads more than before %d native ones came and went"
            ctx.fail("dgemm", what % (left, callers * (rounds.done - 1)), {"callers": callers})


def _threads_left(before):
    """Return how many threads more than `before` there are, but those just joined."""
    end = time.monotonic() + PATIENCE
    while thread_count() > before and time.monotonic() < end:
        time.sleep(0.005)
    return thread_count() - before


def _run_at_once(ctx, libc, lists, parameters):
    """Let native threads make the calls of a list each, and judge all results."""
    ctx.trying("dgemm", parameters)
    barrier = ctypes.create_string_buffer(BARRIER)
    libc.pthread_barrier_init(barrier, None, ctypes.c_uint(len(lists)))
    wait = (libc.pthread_barrier_wait, [ctypes.addressof(barrier)])
    threads = []
    for place, calls in enumerate(lists):
        # From another place in each thread, so that unlike routines meet too.
        turned = calls[place:] + calls[:place] if place % 2 else calls
        threads.append(_NativeThread(libc, [wait, *(call.prepared() for call in turned)]))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    libc.pthread_barrier_destroy(barrier)
    for call in (call for calls in lists for call in calls):
        ctx.ran()
        bad, size = call.wrong()
        if bad:
            what = "beside %d native threads: %d of %d elements wrong"
            message = what % (len(lists) - 1, bad, size)
            ctx.fail(
                call.routine, message, dict(parameters, routine=call.routine), bad=bad, of=size
            )
