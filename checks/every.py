"""Calls of every routine of BLAS, prepared so that they can be made again and again.

For questions that are asked of all routines alike: what they leave behind in a process, and whether
they disturb each other. What they compute is known too, from the streams of levels 1 to 3.
"""

import ctypes
import functools
import itertools

from checks import level1, level2, level3
from checks.calls import computes, operands_of, with_operands
from checks.operands import DTYPES

__all__ = ["Prepared", "every_call"]

#: OpenBLAS's own, which in some releases write elsewhere: `exact` and `bounds` ask for that.
LEFT_OUT = ("gemm_batch_strided", "gemmt", "gemmtr", "imatcopy")


def every_call(cblas, seed, lengths, sizes, shapes, turns=1, leave_out=()):
    """Yield calls of all routines that the library has, those of one routine and dtype together.

    lengths, sizes, shapes: (n,), (m, n), (m, n, k) of level 1, 2, 3; `turns` calls with each (one
    number for all, or at least one for each), none of the routines in `leave_out`. Sizes go on
    from there to 15 more, so that what only some remainders reach is reached.
    Flags, increments and scalars change from call to call; none is zero that would spare all work.
    """
    numbers = itertools.count()
    for routine, dtype, make, forms in _makers(seed, lengths, sizes, shapes):
        if routine not in (*LEFT_OUT, *leave_out) and cblas.has(routine, dtype):
            counts = (turns,) * len(forms) if isinstance(turns, int) else turns
            if len(counts) < len(forms):
                raise ValueError("%d forms of %s, %d turns" % (len(forms), routine, len(counts)))
            for form, count in zip(forms, counts):
                calls = (make(*_grown(form, turn), turn) for turn in numbers)
                yield from itertools.islice(filter(computes, calls), count)


def _grown(form, turn):
    """Return sizes from those of `form` on: 16 turns go through all remainders modulo 16."""
    return tuple(size + step * turn % 16 for size, step in zip(form, (7, 5, 3)))


def _makers(seed, lengths, sizes, shapes):
    """Yield (routine, dtype, a function of a form and a turn, forms) of all levels."""
    partial = functools.partial
    for routine, (make, dtypes) in level1.ROUTINES.items():
        for dtype in dtypes:
            yield routine, dtype, partial(make, routine, seed, dtype), lengths
    for routine, (make, kinds) in level2.ROUTINES.items():
        for dtype in DTYPES:
            if kinds[dtype.startswith("c")]:
                yield routine, dtype, partial(make, routine, seed, dtype), sizes
    most = 16 + max(max(shape) for shape in shapes)
    pools = level3.Pools(seed, most, most, most)
    for routine, (make, form, *_) in level3.ROUTINES.items():
        for dtype in DTYPES:
            flags = level3.combinations(routine, dtype)
            if flags:
                pool = pools.pool(form, dtype.startswith("c"))
                yield routine, dtype, partial(_of_level3, make, pool, routine, dtype, flags), shapes


def _of_level3(make, pool, routine, dtype, flags, m, n, k, turn):
    # Two in a row have opposite flags, so that they show both triangles, sides and orders.
    place = 7 * (turn // 2) % len(flags)
    chosen = flags[-1 - place if turn % 2 else place]
    return make(pool, routine, dtype, chosen, (m, n, k), turn)


@functools.lru_cache(maxsize=None)
def _memory_functions():
    """Return C's memcpy and memcmp, which keep the interpreter's lock."""
    process = ctypes.PyDLL(None)
    for function in (process.memcpy, process.memcmp):
        function.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
    process.memcpy.restype = None
    return process.memcpy, process.memcmp


class Prepared:
    """A call with memory of its own: operands and arguments are ready before it is made."""

    def __init__(self, cblas, call):
        self.call = call
        self.memories = [(operand, operand.before.copy()) for operand in operands_of(call)]
        passed = with_operands(call, (memory.ctypes.data for _, memory in self.memories))
        self.make = cblas.bound(call.routine, call.dtype, *passed)
        self._copy, self._compare = _memory_functions()
        self._written = [
            (memory.ctypes.data, operand.before.ctypes.data, memory.nbytes, memory)
            for operand, memory in self.memories
            if operand.after is not operand.before
        ]
        self._alone = None

    def restore(self):
        """Put back what the call overwrites."""
        for to, before, size, _ in self._written:
            self._copy(to, before, size)

    def remember(self, returned):
        """Take what the call returned and left in memory as what it has to do again."""
        self._alone = returned, [memory.copy() for *_, memory in self._written]
        self._left = [image.ctypes.data for image in self._alone[1]]

    def as_remembered(self, returned):
        """Whether a call returned the same and left the same bits."""
        return returned == self._alone[0] and not any(
            self._compare(written[0], left, written[2])
            for written, left in zip(self._written, self._left)
        )
