"""Calls that are made again and again must not make the process grow."""

import contextlib
import ctypes
import functools
import gc
import itertools
import mmap
import os

from checks.api import check
from checks.calls import name_of
from checks.cblas import Cblas
from checks.drivers import each_driver
from checks.every import Prepared, every_call
from checks.lapack import Lapack
from checks.operands import DTYPES
from checks.splitting import two_threads

__all__ = ["leaks", "malloc_counter"]

#: Bytes that stay behind at each repetition from which on it is a leak: malloc's least is 32.
LEAK = 64

#: What malloc keeps of freed blocks for a thread, 7 of each size (tcache of glibc), counts as given
#: out: a leak does not show while it is served from there. So it is taken away before each routine.
#: More of the same size may follow from elsewhere, so that leaks above these sizes show surely,
#: smaller ones when they are many (in the full profile, 80 and more).
CACHED_SIZES = 7 * tuple(range(56, 1033, 16))

#: Measurements that must all show a leak: what a thread keeps from its first calls may come in
#: pieces over several rounds (seen with dgeev and ssyevd of 331 rows), and ends.
SUSPICIONS = 3

#: Rounds of which all but one must show a leak before it counts, since a block that something else
#: gives back may hide it once. What is kept for later shows in the first.
ROUNDS = 4

#: Small, of which there are several so that they have different flags, and large.
SMALL = ((13,), (27,)), ((23, 14), (14, 31)), ((15, 9, 7), (7, 15, 10))
LARGE = ((10007,),), ((331, 305),), ((207, 7, 39), (7, 207, 263))
SPLIT = ((10007,),), ((231, 130),), ((103, 101, 102),)

#: Rows of LAPACK's matrices inside one block, of all remainders modulo 8; beyond all are 207, and
#: 331 in full (10^5 elements).
FEW_ROWS = range(17, 25)
FACTORIZATIONS = ("gesv", "getri", "potrf", "geqrf")


@functools.lru_cache(maxsize=None)
def malloc_counter():
    """Return a function that says how many bytes malloc has given out; None without glibc's."""
    process = ctypes.PyDLL(None)
    # mallinfo counts in int, which is enough for differences.
    kind, name = ctypes.c_size_t, "mallinfo2"
    if not hasattr(process, name):
        kind, name = ctypes.c_int, "mallinfo"
    if not hasattr(process, name):
        return None
    fields = ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks")
    fields += ("fordblks", "keepcost")

    class Info(ctypes.Structure):
        _fields_ = [(field, kind) for field in fields]

    call = getattr(process, name)
    call.restype = Info

    def given_out():
        info = call()
        return info.uordblks + info.hblkhd

    return given_out


class Memory:
    """How much memory this process has in use: of malloc (glibc), and as address space."""

    def __init__(self):
        process = ctypes.PyDLL(None)
        self._given_out = malloc_counter()
        self._statm = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
        self._malloc, self._free = process.malloc, process.free
        self._malloc.argtypes, self._malloc.restype = [ctypes.c_size_t], ctypes.c_void_p
        self._free.argtypes, self._free.restype = [ctypes.c_void_p], None

    def close(self):
        os.close(self._statm)

    def in_use(self):
        """Return (bytes from malloc, bytes of address space)."""
        pages = int(os.pread(self._statm, 64, 0).split()[0])
        return self._given_out(), pages * mmap.PAGESIZE

    def growth(self, calls, times):
        """Return how many bytes one repetition of `calls` leaves behind, 0 if it does not go on."""
        for call in calls:
            call()
        held = [self._malloc(size) for size in CACHED_SIZES]
        try:
            gained = 0
            for _ in range(SUSPICIONS):
                gained = self._growth(calls, times)
                if not gained:
                    break
            return gained
        finally:
            for block in held:
                self._free(block)

    def _growth(self, calls, times):
        gains = []
        for _ in range(ROUNDS):
            before = self.in_use()
            for _ in range(times):
                for call in calls:
                    call()
            gains.append(max(now - then for now, then in zip(self.in_use(), before)) // times)
            if gains[-1] <= 0 or sum(gain < LEAK for gain in gains) > 1:
                return 0
        return sorted(gains)[1]


@check(
    id="process.leaks",
    title="No routine of BLAS or LAPACK leaves memory behind",
    category="process",
    routines=["?gemm", "?syrk", "?trsm", "?gemv", "?dot", "?gesv", "?potrf", "?geqrf", "?gesdd"],
    oracle=(
        "Every routine of levels 1 to 3 and common drivers of LAPACK, in all precisions, small and "
        "large, over and over: after a first time, neither what malloc has given out (mallinfo) "
        "nor the address space may grow by 64 bytes or more at each repetition, in three "
        "of four rounds, and at all in the other."
    ),
    catches=(
        "Buffers and copies of operands that are freed on all paths but one, in one routine: "
        "OpenBLAS#1735, #2821."
    ),
    budget=120.0,
    systems=("linux",),
    once=True,
)
@two_threads
def leaks(ctx):
    if malloc_counter() is None:
        ctx.unsupported("the C library has no mallinfo")
    gc.disable()  # what it frees in a round would hide a leak
    try:
        with contextlib.closing(Memory()) as memory:
            _ask(ctx, memory)
    finally:
        gc.enable()


def _ask(ctx, memory):
    cblas = Cblas(ctx.blas)
    # Small ones are cheap: all remainders modulo 8, in full modulo 16.
    turns, times = ctx.by_profile(((8, 8, 1, 1), 4), ((16, 16, 6, 6), 20))
    # Split calls are slow. Drivers make arrays of their own, whose number varies.
    once = 2 if ctx.threads > 1 and ctx.profile == "smoke" else times
    both = zip(SMALL, LARGE) if ctx.threads == 1 else zip(SPLIT)
    forms = [sum(each, ()) for each in both]
    stream = every_call(cblas, ctx.seed, *forms, turns=turns if ctx.threads == 1 else turns[-1:])
    for name, calls in itertools.groupby(stream, name_of):
        prepared = [Prepared(cblas, call) for call in calls]
        parameters = dict(prepared[-1].call.parameters, times=once)
        _judge(ctx, memory, name, [item.make for item in prepared], once, parameters)
    for n in FEW_ROWS:
        for name, call in _drivers(ctx, n):
            _judge(ctx, memory, name, [call], times, {"times": times, "n": n})
    many = ctx.by_profile(207, 331)
    for name, call in _drivers(ctx, many) if ctx.threads == 1 else ():
        _judge(ctx, memory, name, [call], 1, {"times": 1, "n": many})


def _judge(ctx, memory, name, calls, times, parameters):
    ctx.trying(name, parameters)
    gained = memory.growth(calls, times)
    ctx.ran()
    if gained:
        what = "%d bytes stay behind at each repetition of %d calls" % (gained, len(calls))
        ctx.fail(name, what, parameters, ratio=gained / LEAK, limit=1.0)


def _drivers(ctx, n):
    """Yield (name, call) of LAPACK; smoke asks large matrices for what is cheap."""
    lapack = Lapack(ctx.blas)
    for dtype in DTYPES:
        for name, call in each_driver(lapack, ctx.seed, n, dtype):
            all_of_them = n in FEW_ROWS or ctx.profile != "smoke"
            if (all_of_them or name[1:] in FACTORIZATIONS) and lapack.has(name):
                yield name, call
