"""What the exact checks of LAPACK share: sizes, matrices among NaN, calls and verdicts.

LU, Cholesky, triangular inverses and products, row exchanges and reflectors are not the reference's
code in OpenBLAS but recursive, blocked and threaded ones of its own. See `checks.factors` for why
their results are exact here for every blocking and thread count. Matrices lie in a larger block of
NaN; the triangle that a routine must not touch is NaN as well.
"""

import functools

import numpy as np

from checks.factors import FactorPool, LargeFactorPool
from checks.lapack import REFUSALS, Lapack
from checks.operands import DTYPES, LETTER, poison
from checks.oracles import compare, surroundings_intact

__all__ = [
    "DENSE",
    "LARGE",
    "LARGE_FACTORS",
    "RIGHT_HAND_SIDES",
    "ROWS_BEYOND",
    "Bench",
    "half",
    "integer_columns",
    "large_pool",
    "of_uplo",
    "placed",
    "triangle_of",
]

#: Tails, then astride unrolls, panels, blocks and powers of two. All from 16 to 31 are asked with
#: several threads, which do not split them. Smoke asks 193 and 257 in double precision (see LARGE).
SIZES = (
    *range(1, 13), 15, 23, 31, 32, 33, 47, 48, 49, 63, 64, 65, 96, 97, 127, 128, 129, 160, 193,
    256, 257,
)  # fmt: skip
MORE_SIZES = (*range(1, 129), 143, 191, 192, 225, 255, 283, 300, 385, 513, 641)

#: Beyond all blocks, in all precisions, and more than 10^5 elements. From two factors, so that
#: references cost little. Even: with odd sizes from 131, trtri and potri of lower triangles in
#: single precision end the process on old kernels (docs/found/trtri-prescott.md), where nothing
#: else could be asked then; the full profile has odd ones.
LARGE_FACTORS = (14, 23)
LARGE = 322

#: For several threads beside the large one: all remainders modulo 16 of what is not split; above
#: the sizes from which solves and Cholesky are (32, 64); then astride those of LU, 10,000 and
#: 40,000 elements per thread.
UNSPLIT = range(16, 32)
THREADED = (*UNSPLIT, 95)
MORE_THREADED = (65, 129, 143, 257, 283, 385)

#: Largest size of complex matrices in the smoke profile: their references cost four times as much.
COMPLEX_SMOKE = 160

#: Up to here each size is asked in all precisions, above in two of them in the smoke profile; and
#: routines whose reference costs a product of its own are asked up to here.
DENSE = 97

ROWS_BEYOND = (0, 1, 5)
RIGHT_HAND_SIDES = (1, 2, 3, 4, 7, 9, 17, 70)


#: The checks of one child share their pools.
_pool = functools.lru_cache(maxsize=2)(FactorPool)
large_pool = functools.lru_cache(maxsize=2)(LargeFactorPool)


class Bench:
    """The library's LAPACK and the pools, with the verdict on one call."""

    def __init__(self, ctx):
        self.ctx = ctx
        self.lapack = Lapack(ctx.blas)
        self.missing = set()
        sizes, more = (SIZES, MORE_SIZES) if ctx.threads == 1 else (THREADED, MORE_THREADED)
        self._sizes = sorted({*sizes, *ctx.by_profile((), more)})
        #: Each split step of several threads costs a time slice when a core is taken.
        self.few = ctx.threads > 1 and ctx.profile != "stress"
        #: Sizes of which smoke asks each in two of the precisions.
        halved = range(DENSE + 1, LARGE) if ctx.threads == 1 else UNSPLIT
        self._halved = halved if ctx.profile == "smoke" else ()

    def each_size(self, dtype):
        """Yield (index, size) for that precision."""
        for index, n in enumerate((*self._sizes_of(dtype), LARGE)):
            if n not in self._halved or (index + DTYPES.index(dtype)) % 2:
                yield index, n

    def _sizes_of(self, dtype):
        if self.ctx.profile == "smoke" and dtype.startswith("c"):
            return [n for n in self._sizes if n <= COMPLEX_SMOKE]
        return self._sizes

    def uplos(self, index):
        """Return the triangles to try: both, or one by turns."""
        return "LU"[index % 2] if self.few else "LU"

    def pool(self, dtype, n):
        """Return the `FactorPool` of that precision for matrices of n rows."""
        is_complex = dtype.startswith("c")
        if n == LARGE:
            return large_pool(self.ctx.seed, LARGE_FACTORS, is_complex)
        return _pool(self.ctx.seed, self._sizes_of(dtype)[-1], is_complex)

    def call(self, routine, dtype, parameters, *arguments, info=True):
        """Call a routine by its name without letter; return whether it did what can be judged.

        An INFO other than 0 is a failure. A routine that the library lacks is noted.
        """
        name = LETTER[dtype] + routine
        if not self.lapack.has(name):
            self.missing.add(name)
            return False
        self.ctx.trying(name, parameters)
        call = self.lapack.call if info else self.lapack.subroutine
        try:
            found = call(name, *arguments)
        except REFUSALS as error:
            wrong = str(error)
        else:
            if not found:
                return True
            wrong = "INFO = %d on input that has an answer" % found
        self.ctx.ran()
        self.ctx.fail(name, "%s: %s" % (_described(parameters), wrong), parameters)
        return False

    def judge(self, routine, dtype, parameters, block, result, expected, written):
        """Require `result`, a view of `block`, to be exact and all else of it still NaN."""
        self.ctx.ran()
        mismatch = compare(result, expected.astype(dtype))
        where = _described(parameters)
        if mismatch is not None:
            message = "%s: %s" % (where, mismatch.message)
            self.ctx.fail(LETTER[dtype] + routine, message, parameters, **mismatch.facts())
        elif block is not None and not surroundings_intact(block, written):
            message = where + ": wrote where it must not"
            self.ctx.fail(LETTER[dtype] + routine, message, parameters)

    def end(self):
        """Say which routines could not be asked."""
        if self.missing:
            self.ctx.details["not_exported"] = sorted(self.missing)


def _described(parameters):
    facts = [
        "%s %s" % item for item in parameters.items() if item[0] not in ("routine", "dtype", "seed")
    ]
    return ", ".join(facts)


def placed(matrix, dtype, beyond):
    """Return (block, leading dimension) with `matrix` at the start of NaN, in Fortran order."""
    rows, columns = matrix.shape
    block = np.full((max(1, rows + beyond), columns + 1), poison(dtype), dtype, order="F")
    block[:rows, :columns] = matrix
    return block, len(block)


def half(matrix, uplo, dtype, beyond):
    """Return `placed` with NaN in the triangle that is not `uplo`."""
    block, leading = placed(matrix, dtype, beyond)
    n = len(matrix)
    block[:n, :n][np.triu_indices(n, 1) if uplo == "L" else np.tril_indices(n, -1)] = poison(dtype)
    return block, leading


def triangle_of(block, n, uplo):
    return np.tril(block[:n, :n]) if uplo == "L" else np.triu(block[:n, :n])


def of_uplo(lower, uplo):
    """Return the lower triangular matrix, or its conjugate transpose for "U"."""
    return lower if uplo == "L" else lower.conj().T


def integer_columns(stream, rows, columns, is_complex):
    """Return integers from -3 to 3, both parts for complex."""
    real = stream.randint(-3, 4, (rows, columns)).astype(float)
    return real + 1j * stream.randint(-3, 4, (rows, columns)) if is_complex else real
