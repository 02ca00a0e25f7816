"""Norms of matrices over the whole range, where squares overflow and underflow."""

import ctypes
import math

import numpy as np

from checks import matrices
from checks.api import check
from checks.operands import DTYPES, LETTER, real_dtype
from checks.oracles import over, unit

__all__ = ["norms"]

#: The largest element, column sums, row sums, Frobenius.
NORMS = "M1IF"

SHAPES, MORE_SHAPES = ((4, 2), (5, 5)), ((1, 7), (9, 1), (33, 17), (64, 64))

#: Powers of two beside the limits of safe squares.
BESIDE = (-3, -1, 0, 1), (-2, 2, 3)

#: Operations of a norm that are not its sum: absolute values, a root, what scales.
OTHERS = 8


def _exponents(ctx, dtype):
    """Return what matrices are scaled by: ordinary, at the ends, and astride safe squares.

    The limits of the squares are those by which LASSQ sorts numbers (Blue's algorithm).
    """
    limits = np.finfo(real_dtype(dtype))
    safe = (limits.maxexp - limits.nmant) // 2, (limits.minexp - 1) // 2
    beside = BESIDE[0] + ctx.by_profile((), BESIDE[1])
    return (
        0,
        limits.minexp + 2,
        limits.maxexp - 12,
        *(at + step for at in safe for step in beside),
    )


class _Norms:
    """LAPACK's functions of norms in one precision."""

    def __init__(self, library, dtype):
        self._library = library
        self._dtype = dtype
        self._real = ctypes.c_float if real_dtype(dtype) == np.float32 else ctypes.c_double

    def has(self, routine):
        return self._library.has(LETTER[self._dtype] + routine + "_")

    def call(self, routine, *arguments):
        """Return what e.g. dlange returns; arguments are passed as Fortran wants them."""
        integer, passed = self._library.integer, []
        for argument in arguments:
            if isinstance(argument, str):
                passed.append(ctypes.c_char_p(argument.encode()))
            elif isinstance(argument, int):
                passed.append(ctypes.byref(integer(argument)))
            else:
                passed.append(ctypes.c_void_p(argument.ctypes.data))
        lengths = [ctypes.c_size_t(1) for argument in arguments if isinstance(argument, str)]
        function = self._library.function(LETTER[self._dtype] + routine + "_", self._real)
        return float(function(*passed, *lengths))


def _exact(a, which):
    """Return the norm, correct to a few ulp of double precision."""
    size = np.abs(a)
    if which == "M":
        return float(size.max())
    if which == "F":
        return math.sqrt(math.fsum((size**2).ravel()))
    return max(math.fsum(line) for line in (size.T if which == "1" else size))


def _forms(a, is_complex):
    """Yield (routine, flags, what it is the norm of, what comes behind the flags).

    The last is "m n", or "n": the integers before the matrix.
    """
    m, n = a.shape
    yield "lange", (), a, (m, n)
    if m != n:
        return
    for uplo in "LU":
        half = np.tril(a) if uplo == "L" else np.triu(a)
        other = (half - np.diag(a.diagonal())).T
        yield "lansy", (uplo,), half + other, (n,)
        if is_complex:
            diagonal = np.diag(a.diagonal().real - a.diagonal())
            yield "lanhe", (uplo,), half + other.conj() + diagonal, (n,)
        yield "lantr", (uplo, "N"), half, (n, n)
        yield "lantr", (uplo, "U"), half - np.diag(a.diagonal()) + np.eye(n), (n, n)


@check(
    id="accuracy.norms",
    title="Norms of matrices are right in the whole range of the format",
    category="accuracy",
    routines=["?lange", "?lansy", "clanhe", "zlanhe", "?lantr", "?lassq"],
    oracle=(
        "The largest element, column sums, row sums and the Frobenius norm of general, symmetric, "
        "Hermitian and triangular matrices, within (terms + 8) u of the exact one: a sum of that "
        "many positive numbers errs by no more (Higham, Accuracy and Stability, 3.1 and 4.2). "
        "Random numbers times powers of two: ordinary, at both ends of the range, and on both "
        "sides of where squares overflow or underflow."
    ),
    catches=(
        "Sums of squares that are lost when the scale changes from one column to the next: "
        "Reference-LAPACK#908."
    ),
    max_threads=1,
    once=True,
)
def norms(ctx):
    for dtype in DTYPES:
        functions = _Norms(ctx.blas, dtype)
        wide = "complex128" if dtype.startswith("c") else "float64"
        for m, n in SHAPES + ctx.by_profile((), MORE_SHAPES):
            plain = matrices.random(ctx.seed, m, n, dtype).astype(wide)
            plain += np.where(plain.real < 0, -1, 1)  # away from zero
            for exponent in _exponents(ctx, dtype):
                _ask(ctx, functions, dtype, plain.astype(dtype), exponent)


def _ask(ctx, functions, dtype, a, exponent):
    wide = "complex128" if dtype.startswith("c") else "float64"
    real = real_dtype(dtype)
    stored = np.array(a * np.ldexp(real.type(1), exponent), dtype, order="F")
    for routine, flags, whole, sizes in _forms(a.astype(wide), dtype.startswith("c")):
        name = LETTER[dtype] + routine
        # The ones of a unit diagonal are not scaled, so that they are much larger, or much smaller.
        if not functions.has(routine) or ("U" in flags[1:] and exponent):
            continue
        for which in NORMS:
            parameters = {
                "routine": name, "dtype": dtype, "norm": which, "flags": "".join(flags),
                "m": len(a), "n": a.shape[1], "exponent": exponent, "seed": ctx.seed,
            }  # fmt: skip
            ctx.trying(name, parameters)
            work = np.zeros(max(a.shape), real)
            found = functions.call(routine, which, *flags, *sizes, stored, len(a), work)
            exact = _exact(whole, which)
            allowed = (a.size + OTHERS) * unit(dtype) * exact
            wrong = abs(math.ldexp(found, -exponent) - exact)
            what = "%s, %d x %d, times 2^%d" % (which, *a.shape, exponent)
            ctx.require_ratio(name, what, over(wrong, allowed), 1.0, parameters)
