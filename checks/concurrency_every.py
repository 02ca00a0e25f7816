"""The same routine in several threads at once, for every routine of BLAS: no call disturbs another.

`checks.concurrency` asks what NumPy offers, with BLAS threads. Here it is any routine, by ctypes,
which holds no lock of the interpreter: what they share can only be static memory, or buffers that
are handed out twice.

A thread that returns from C takes the interpreter's lock again before another has woken up, so that
by default each would have five milliseconds for itself. Here it must give way after microseconds.
"""

import contextlib
import itertools
import sys
import time

import numpy as np

from checks import level1
from checks.api import check
from checks.calls import judge, name_of
from checks.cblas import Cblas
from checks.every import Prepared, every_call
from checks.team import run_together

__all__ = ["every_routine"]

#: Long enough that another thread has woken up before a call ends: some tens of microseconds.
LENGTH, SIZE, SHAPE = (50011,), (215, 207), (84, 83, 81)
#: Beyond the blocks of all kernels, not for smoke.
DEEP = (25, 23, 773)

#: Rounds that each thread makes at least. Those of short calls are more, by their time.
LEAST_ROUNDS = 6

#: Seconds after which a thread that waits for the interpreter's lock asks for it.
SWITCH = 5e-6

#: Wrong results of which the memory is kept.
MOST_WRONG = 4


@check(
    id="concurrency.every-routine",
    title="Every routine is right while other threads are inside the same one",
    category="concurrency",
    routines=["?gemm", "?symm", "?syrk", "?trmm", "?trsm", "?gemv", "?symv", "?trsv", "?dot"],
    oracle=(
        "Two threads (beyond the smoke profile three) make calls of one routine, each with "
        "operands of its own, over and over for some milliseconds: all routines of levels 1 to 3 "
        "in all precisions, with flags and increments by turns. Each call is made alone first, "
        "where it must be exact (integers, as in exact.level1 to exact.level3); then every "
        "repetition must leave the same bits."
    ),
    catches=(
        "Static buffers, buffers that are handed out twice, and results that are put together in "
        "shared memory, in one routine: OpenBLAS#1755, #1851, #2444, #3057."
    ),
    max_threads=1,
    budget=120.0,
    systems=("linux", "darwin"),
)
def every_routine(ctx):
    cblas = Cblas(ctx.blas)
    seconds = ctx.by_profile(0.0015, 0.04, 0.4)
    callers, turns = ctx.by_profile((2, 2), (3, 16), (4, 16))
    leave_out = ctx.by_profile((*level1.EXTENSIONS, *level1.SUMS, "gemm3m", "omatcopy"), ())
    shapes = ctx.by_profile([SHAPE], [SHAPE, DEEP])
    streams = [
        every_call(cblas, ctx.seed + caller, [LENGTH], [SIZE], shapes, turns, leave_out)
        for caller in range(callers)
    ]
    # The same turn of each stream has the same flags, and other numbers.
    least = None
    for _, together in itertools.groupby(zip(*streams), lambda calls: name_of(calls[0])):
        done = _make_together(ctx, cblas, list(zip(*together)), seconds)
        least = done if least is None else min(done, least)
    ctx.rounds = least


def _make_together(ctx, cblas, lists, seconds):
    """Have each thread repeat the calls of its list; return how many were made in all."""
    first = lists[0][0]
    ctx.trying(name_of(first), dict(first.parameters, callers=len(lists)))
    prepared = [[Prepared(cblas, call) for call in calls] for calls in lists]
    for item in itertools.chain(*prepared):
        returned = item.make()
        judge(ctx, item.call, returned, item.memories)
        item.remember(returned)
    group = _Group(prepared, seconds)
    with _giving_way():
        run_together(*[group.task(place) for place in range(len(prepared))])
    ctx.ran(sum(group.made))
    for item, returned, memories in group.wrong[:1]:  # a race spoils many
        parameters = dict(item.call.parameters, callers=len(lists))
        judge(ctx, item.call._replace(parameters=parameters), returned, memories)
    return sum(group.made)


@contextlib.contextmanager
def _giving_way():
    """Have threads hand the interpreter's lock over as soon as another waits for it."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


class _Group:
    """Threads that repeat calls: `made` by each, and those that went `wrong`.

    seconds: how long, but not before all have made their least number of calls: on a loaded machine
    one may start when others have had their time. Wrong calls are kept as (item, returned, copies
    of memory).
    """

    def __init__(self, prepared, seconds):
        self._prepared = prepared
        self._seconds = seconds
        self._least = LEAST_ROUNDS * len(prepared[0])
        self._failed = False
        self.made = [0] * len(prepared)
        self.wrong = []

    def task(self, place):
        """Return the task of one thread."""
        items = self._prepared[place]

        def work():
            end = time.monotonic() + self._seconds
            try:
                while not self._failed and (time.monotonic() < end or min(self.made) < self._least):
                    self._make(items[self.made[place] % len(items)])
                    self.made[place] += 1
            except BaseException:
                self._failed = True  # the others must not wait for this one
                raise

        return work

    def _make(self, item):
        item.restore()
        returned = item.make()
        if not item.as_remembered(returned) and len(self.wrong) < MOST_WRONG:
            memories = [(operand, np.copy(memory)) for operand, memory in item.memories]
            self.wrong.append((item, returned, memories))
