"""Infinity in a matrix: the SVD ends. Apart from the rest, since here it does not."""

import numpy as np

from checks import matrices
from checks.api import check
from checks.lapack import IllegalArgument, Lapack, Overwritten
from checks.operands import DTYPES, LETTER

__all__ = ["infinity_svd"]

REFUSALS = (np.linalg.LinAlgError, IllegalArgument, ValueError, SystemError)


@check(
    id="special.infinity-svd",
    title="The SVD of a matrix with an infinity ends",
    category="special",
    routines=["?gesdd"],
    oracle=(
        "gesdd with and without vectors of square matrices with one infinity: it must return, "
        "with whatever result or INFO, within the budget (a finite matrix takes microseconds). "
        "Asked of the library itself, since NumPy of late refuses such input (its #32593)."
    ),
    catches=(
        "Sweeps of dbdsqr that never end, since gesdd scales infinity by zero to NaN: numpy#32591, "
        "numpy#3260, Reference-LAPACK#1409."
    ),
    profiles=("full", "stress"),
    max_threads=1,
    budget=10.0,
)
def infinity_svd(ctx):
    lapack = Lapack(ctx.blas)
    for dtype in DTYPES:
        for n in (2, 3, 17, 40):
            for at in ((0, 0), (n - 1, 0), (n // 3, n // 2)):
                for vectors in (False, True):
                    a = matrices.general("random", ctx.seed + n, n, n, dtype)
                    a[at] = np.inf
                    parameters = {
                        "dtype": dtype, "n": n, "at": list(at), "vectors": vectors,
                        "seed": ctx.seed + n,
                    }  # fmt: skip
                    ctx.trying(LETTER[dtype] + "gesdd", parameters)
                    ctx.ran()
                    try:
                        with np.errstate(all="ignore"):
                            lapack.svd(a, vectors=vectors)
                    except REFUSALS:
                        continue
                    except Overwritten as error:
                        ctx.fail(LETTER[dtype] + "gesdd", str(error), parameters)
