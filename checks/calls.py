"""One call of a BLAS routine with all that it may read and must write, and ways to make it.

What a routine computes is told once, as a stream of `Call`s (`checks.level1`, `level2`, `level3`),
and asked in several ways: between canaries at every alignment (`between_canaries`), or with every
operand against an unreadable page (`checks.pages`).
"""

from typing import NamedTuple

import numpy as np

from checks.cblas import plain_name
from checks.fenv import flags_of_this_machine
from checks.operands import DTYPES, real_dtype
from checks.storage import bits, canary

__all__ = [
    "Call",
    "Operand",
    "as_parameter",
    "between_canaries",
    "computes",
    "each_form",
    "exported",
    "fixed",
    "judge",
    "made",
    "name_of",
    "operands_of",
    "with_operands",
]

#: Elements of canary on both sides of an operand, and none to seven more that misalign it.
MARGIN = 8

#: Bytes to which an arena is aligned: an operand's place says its alignment, in every process.
ALIGNMENT = 64

#: Scalars that leave nothing to be computed when they are zero.
_FACTORS = ("alpha", "s")

#: Parameters that are flags of a routine.
_FLAGS = ("order", "side", "uplo", "trans", "ta", "tb", "diag")


class Operand(NamedTuple):
    """Memory that a routine is given.

    before: its image (see `checks.storage`); after: what it must hold then, bit by bit where it is
    NaN and by value elsewhere (the sign of a zero is left open). The same array: must not change.
    """

    before: np.ndarray
    after: np.ndarray


class Call(NamedTuple):
    """A call and its exact outcome.

    routine: without its letter, "trsm"; dtype; arguments: those of the C function, with an
    `Operand` for each array; returns: the exact value, or None of a procedure; parameters: what
    makes this call again (JSON scalars and lists).
    """

    routine: str
    dtype: str
    arguments: tuple
    returns: object
    parameters: dict


def fixed(image):
    """Return the operand that a routine only reads."""
    return Operand(image, image)


def as_parameter(scalar):
    """Return a scalar as parameters hold it: complex ones as [real, imaginary]."""
    return [scalar.real, scalar.imag] if isinstance(scalar, complex) else scalar


def operands_of(call):
    """Return the operands of a call, in the order of its arguments."""
    return [argument for argument in call.arguments if type(argument) is Operand]


def with_operands(call, values):
    """Return the arguments of a call with `values`, one by one, in place of its operands."""
    values = iter(values)
    return [next(values) if type(a) is Operand else a for a in call.arguments]


def computes(call):
    """Whether no scalar is zero that would spare a call all its work."""
    return all(call.parameters.get(name) not in (0, [0.0, 0.0]) for name in _FACTORS)


def each_form(calls):
    """Yield the first call of each routine, in each precision, with each combination of flags."""
    seen = set()
    for call in calls:
        form = name_of(call), *map(call.parameters.get, _FLAGS)
        if form not in seen:
            seen.add(form)
            yield call


def exported(cblas, calls):
    """Leave out the calls of routines that this library does not export."""
    known = {}
    for call in calls:
        key = call.routine, call.dtype
        if key not in known:
            known[key] = cblas.has(*key)
        if known[key]:
            yield call


class Arena:
    """Memory in which operands are laid out one after the other, with canaries between them.

    memory: what routines work on; expected: what it must hold afterwards. Both are unsigned
    integers of the size of `real`, the dtype of the operands' parts, and grow as needed.
    """

    def __init__(self, real):
        self.real = real
        self.pattern = bits(canary(real, 1))[0]
        self.memory = self.expected = np.zeros(0, self.pattern.dtype)
        self.address = 0

    def lay_out(self, places, length):
        """Put operands where `places` says, canaries elsewhere in the first `length` parts."""
        if len(self.memory) < length:
            self.memory = aligned(2 * length, self.pattern.dtype)
            self.expected = aligned(2 * length, self.pattern.dtype)
            self.address = self.memory.ctypes.data
        self.memory[:length] = self.pattern
        self.expected[:length] = self.pattern
        for operand, start, stop in places:
            self.memory[start:stop] = bits(operand.before)
            self.expected[start:stop] = bits(operand.after)

    def fill_gaps(self, length, value):
        """Put `value` in place of every canary."""
        real = self.memory[:length].view(self.real)
        real[self.memory[:length] == self.pattern] = value

    def as_expected(self, length):
        """Whether the first `length` parts are what they must be, bit by bit."""
        return (self.memory[:length] == self.expected[:length]).all()


def aligned(length, dtype):
    """Return an array that starts at a multiple of ALIGNMENT bytes."""
    room = np.zeros(length * dtype.itemsize + ALIGNMENT, np.uint8)
    start = -room.ctypes.data % ALIGNMENT
    return room[start : start + length * dtype.itemsize].view(dtype)


def name_of(call):
    """Return the routine's full name: "dtrsm"."""
    return plain_name(call.routine, call.dtype)


def between_canaries(ctx, cblas, calls):
    """Make every call that the library has, its operands misaligned in turn, canaries around them.

    None may raise a flag of floating point: all results are ordinary numbers.
    """
    flags = flags_of_this_machine()
    arenas = {dtype: Arena(real_dtype(dtype)) for dtype in DTYPES}
    for index, call in enumerate(exported(cblas, calls)):
        arena = arenas[call.dtype]
        places, length = _placed(call, index)
        arena.lay_out(places, length)
        passed = _addresses(call, places, arena)
        ctx.trying(name_of(call), call.parameters)
        if flags is not None:
            flags.clear()
        returned = made(ctx, cblas, call, passed)
        raised = flags.raised() if flags is not None else 0
        if not raised and call.returns is None and arena.as_expected(length):
            ctx.cases_run += 1
            continue
        memories = [
            (operand, arena.memory[start:stop].view(operand.before.dtype))
            for operand, start, stop in places
        ]
        judge(ctx, call, returned, memories)
        for _, start, stop in places:
            arena.expected[start:stop] = arena.memory[start:stop]
        if not arena.as_expected(length):
            ctx.fail(name_of(call), "wrote outside of its operands", call.parameters)
        if raised:
            arena.lay_out(places, length)
            arena.fill_gaps(length, np.inf)
            _raised_again(ctx, cblas, call, passed, flags)


def _placed(call, index):
    """Return ([(operand, start, stop)], length) of the call's memory, in parts of numbers."""
    parts = 2 if call.dtype.startswith("c") else 1
    places = []
    free = 0
    for operand in operands_of(call):
        start = free + (MARGIN + (index + len(places)) % MARGIN) * parts
        free = start + len(operand.before) * parts
        places.append((operand, start, free))
    return places, free + MARGIN * parts


def _addresses(call, places, arena):
    """Return the arguments of C, the operands as their addresses in the arena."""
    size = arena.memory.itemsize
    return with_operands(call, (arena.address + start * size for _, start, _ in places))


def _raised_again(ctx, cblas, call, passed, flags):
    """Fail a call that raises flags beside infinity too, which memory may well hold.

    Some kernels use lanes beyond an operand and drop what comes of it. A signalling NaN there is
    what checks put there; whether a library does so at all is recorded.
    """
    flags.clear()
    made(ctx, cblas, call, passed)
    raised = flags.raised()
    if raised:
        message = "raised floating-point flags: %s" % flags.names(raised)
        ctx.fail(name_of(call), message, call.parameters)
    else:
        ctx.record("%s: computes with what is beside its operands" % name_of(call), "yes")


def made(ctx, cblas, call, passed):
    """Make a call and return what it returns; a legal argument called illegal is a failure.

    NumPy's own xerbla_, which some builds find, sets a Python error.
    """
    try:
        return cblas.call(call.routine, call.dtype, *passed)
    except (SystemError, ValueError) as error:
        message = "refused: %s" % (error.__cause__ or error)
        ctx.fail(name_of(call), message, call.parameters)


def judge(ctx, call, returned, memories):
    """Compare what a call returned and left in memory with what is exact; count the case.

    memories: (Operand, array that was passed) of each operand.
    """
    ctx.ran()
    if call.returns is not None and returned != call.returns:
        message = "returned %s, exactly %s" % (returned, call.returns)
        ctx.fail(name_of(call), message, call.parameters)
    for position, (operand, memory) in enumerate(memories):
        if np.array_equal(bits(memory), bits(operand.after)):
            continue
        found = memory.view(memory.real.dtype)
        exact = operand.after.view(found.dtype)
        wrong = ~((found == exact) | (bits(memory) == bits(operand.after)))
        if wrong.any():
            parts = len(found) // max(1, len(memory))
            indices = np.flatnonzero(wrong.reshape(-1, parts).any(axis=1))
            message = "operand %d: element %d of its memory is %s, exactly %s; %d of %d wrong" % (
                position + 1,
                indices[0],
                memory[indices[0]],
                operand.after[indices[0]],
                len(indices),
                len(memory),
            )
            ctx.fail(
                name_of(call),
                message,
                call.parameters,
                first_bad=[indices[0]],
                bad=len(indices),
                of=len(memory),
            )
