"""One call of a BLAS routine with all that it may read and must write, and ways to make it.

What a routine computes is told once, as a stream of `Call`s (`checks.level1`, `level2`, `level3`),
and asked in several ways: between canaries at every alignment (`between_canaries`), or with every
operand against an unreadable page (`checks.pages`).
"""

from typing import NamedTuple

import numpy as np

from checks.operands import LETTER
from checks.storage import bits, canary

__all__ = ["Call", "Operand", "between_canaries", "judge", "name_of"]

#: Elements of canary on both sides of an operand, and one to eight more that misalign it.
MARGIN = 8


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


def name_of(call):
    """Return the routine's full name: "dtrsm"."""
    return LETTER[call.dtype] + call.routine


def between_canaries(ctx, cblas, calls):
    """Make every call, its operands misaligned in turn, with canaries around them."""
    for index, call in enumerate(calls):
        blocks, passed = [], []
        for argument in call.arguments:
            if isinstance(argument, Operand):
                start = MARGIN + (index + len(blocks)) % MARGIN
                block = canary(call.dtype, start + len(argument.before) + MARGIN)
                memory = block[start : start + len(argument.before)]
                memory[...] = argument.before
                blocks.append((argument, block, memory))
                passed.append(memory)
            else:
                passed.append(argument)
        ctx.trying(name_of(call), call.parameters)
        returned = cblas.call(call.routine, call.dtype, *passed)
        judge(ctx, call, returned, [(argument, memory) for argument, _, memory in blocks])
        for argument, block, memory in blocks:
            if outside_changed(block, len(argument.before), memory):
                ctx.fail(name_of(call), "wrote outside of its operand", call.parameters)


def outside_changed(block, length, memory):
    """Whether a canary around `memory`, `length` elements inside `block`, is gone."""
    start = (memory.ctypes.data - block.ctypes.data) // block.itemsize
    expected = canary(block.dtype, 1)
    intact = bits(expected)[0]
    return bool(
        np.any(bits(block[:start]) != intact) or np.any(bits(block[start + length :]) != intact)
    )


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
