"""How right and wrong are told apart: exact comparison that says where, LAPACK's test ratios."""

import numpy as np

__all__ = ["Mismatch", "compare", "surroundings_intact"]


class Mismatch:
    """Where a result differs from the exact one.

    first_bad: index; bad, of: element counts; box: [[low, high], ...] inclusive, per axis;
    message: one line for people.
    """

    def __init__(self, result, reference, wrong):
        indices = np.argwhere(wrong)
        self.first_bad = [int(i) for i in indices[0]]
        self.bad = len(indices)
        self.of = wrong.size
        self.box = [
            [int(low), int(high)] for low, high in zip(indices.min(axis=0), indices.max(axis=0))
        ]
        where = tuple(self.first_bad)
        self.message = "%s: element %s is %s, exactly %s" % (
            self._pattern(wrong.shape),
            list(where),
            result[where],
            reference[where],
        )

    def _pattern(self, shape):
        """Return what the wrong elements look like: they point to a loop of the kernel."""
        if self.bad == self.of:
            return "all %d elements wrong" % self.of
        lengths = [high - low + 1 for low, high in self.box]
        filled = 1
        for length in lengths:
            filled *= length
        if self.bad == 1:
            return "1 of %d elements wrong" % self.of
        if self.bad == filled and len(shape) == 2:
            size = " x ".join(str(length) for length in lengths)
            edge = all(high == extent - 1 for (_, high), extent in zip(self.box, shape))
            return "a full tile of %s wrong%s" % (size, ", at the end" if edge else "")
        return "%d of %d elements wrong" % (self.bad, self.of)

    def facts(self):
        """Return the arguments of `Context.fail` that say where."""
        return {"first_bad": self.first_bad, "bad": self.bad, "of": self.of, "box": self.box}


def compare(result, reference):
    """Return None when all elements are equal (NaN never is), else a `Mismatch`."""
    wrong = result != reference
    if not np.count_nonzero(wrong):
        return None
    return Mismatch(result, reference, wrong)


def surroundings_intact(block, written):
    """Whether a block that was NaN all over has kept all its NaN but `written` elements."""
    return np.count_nonzero(block != block) == block.size - written
