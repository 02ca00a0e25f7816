"""Flags, increments and scalars by turns, so that each meets every size and all of the others.

Trying all combinations at every size would be millions of calls. Turn t takes, of the i-th list,
the element at the fractional part of t times the root of the i-th prime: such points fill the space
of all combinations evenly (Weyl's equidistribution theorem), and no two lists go in step.
"""

__all__ = ["INCREMENTS", "PADDINGS", "choose"]

INCREMENTS = (1, 2, 3, -1, -2)
#: Elements between the lines of a matrix beyond those that it needs.
PADDINGS = (0, 1, 3, 6)

ROOTS = tuple(prime**0.5 for prime in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29))


def choose(turn, *lists):
    """Return one element of each list; the same for the same turn."""
    return [choices[int(turn * root % 1 * len(choices))] for choices, root in zip(lists, ROOTS)]
