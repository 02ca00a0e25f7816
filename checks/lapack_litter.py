"""LAPACK with workspaces that hold what an earlier user of the memory may have left."""

import numpy as np

from checks.lapack import Lapack

__all__ = ["Littered", "littered"]

#: An index far behind every array.
FAR = 2**30


def littered(length, dtype):
    """Return a workspace as any memory may be: full of NaN, of integers full of `FAR`."""
    return np.full(length, FAR if np.dtype(dtype).kind == "i" else np.nan, dtype)


class Littered(Lapack):
    """Hands WORK, RWORK and IWORK over `littered`.

    LAPACK does not say what a workspace holds: nothing may follow from it.
    """

    _first = None

    def with_workspace(self, name, dtype, before, after=()):
        self._first = len(before)
        try:
            return super().with_workspace(name, dtype, before, after)
        finally:
            self._first = None

    def call(self, name, *arguments):
        for argument in () if self._first is None else arguments[self._first :]:
            if isinstance(argument, np.ndarray):
                argument[...] = littered(1, argument.dtype)
        return super().call(name, *arguments)
