"""NaN and infinity in packed symmetric matrices: their factorization keeps to its memory."""

import itertools

import numpy as np

from checks import matrices
from checks.api import check
from checks.forking import Child
from checks.lapack import REFUSALS, Lapack, Overwritten
from checks.lapack_storage import packed
from checks.operands import DTYPES, LETTER

__all__ = ["packed_nan"]


@check(
    id="special.packed-nan",
    title="Packed symmetric factorization keeps to its memory on NaN and infinity",
    category="special",
    routines=["?spsv", "?hpsv", "?sptrf", "?hptrf"],
    oracle=(
        "spsv and hpsv of small matrices with one NaN or infinity, at each place of the triangle, "
        "both triangles: with whatever result or INFO they must return, and all memory around the "
        "operands must stay as it is. In forked processes, since a pivot that is not tested for "
        "NaN leaves an index unset, with which memory anywhere is read and written."
    ),
    catches=(
        "The missing test of LAPACK's dsptrf and its kin, which write one element beyond the "
        "pivots, and whatever solves with these: OpenBLAS PR#6019, Reference-LAPACK#1378."
    ),
    max_threads=1,
    systems=("linux", "darwin"),
    once=True,
)
def packed_nan(ctx):
    lapack = Lapack(ctx.blas)
    for dtype in DTYPES:
        for name in ("spsv", "hpsv") if dtype.startswith("c") else ("spsv",):
            routine = LETTER[dtype] + name
            if lapack.has(routine):
                for uplo in "LU":
                    _in_a_child(ctx, lapack, routine, uplo, dtype)


def _in_a_child(ctx, lapack, routine, uplo, dtype):
    cases = [*_places(ctx.by_profile((2, 5), (1, 2, 3, 5, 8, 17)))]
    parameters = {"routine": routine, "dtype": dtype, "uplo": uplo, "seed": ctx.seed}
    ctx.trying(routine, parameters)
    child = Child(lambda: _ask(lapack, routine, uplo, dtype, ctx.seed, cases))
    wrong, trouble = child.answer()
    ctx.ran(len(cases))
    if trouble:
        ctx.fail(routine, "triangle %s: %s" % (uplo, trouble), parameters)
    for message, n, at, value in wrong or ():
        ctx.fail(routine, message, dict(parameters, n=n, at=at, value=value))


def _places(sizes):
    """Yield (n, (i, j), what is put there)."""
    for n in sizes:
        for at in itertools.combinations_with_replacement(range(n), 2):
            for value in ("nan", "inf"):
                yield n, at, value


def _ask(lapack, routine, uplo, dtype, seed, cases):
    """Return [(message, n, place, value)] of the first cases that wrote elsewhere."""
    wrong = []
    for n, at, value in cases:
        a = matrices.hermitian("random", seed, n, dtype)
        a[at] = a[at[::-1]] = float(value)
        b, pivots = np.ones((n, 1), dtype, order="F"), np.zeros(n, lapack.integers)
        try:
            with np.errstate(all="ignore"):
                lapack.call(routine, uplo, n, 1, packed(a, uplo), pivots, b, n)
        except Overwritten as error:
            wrong.append((str(error), n, list(at), value))
        except REFUSALS:
            continue
    return wrong[:4]
