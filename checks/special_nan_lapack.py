"""NaN in a matrix: a driver of LAPACK gives an error or NaN, never numbers.

What the SVD gives no standard settles: that is not judged but recorded.
"""

import numpy as np

from checks import matrices
from checks.api import check
from checks.lapack import IllegalArgument, Overwritten, drivers_for
from checks.operands import DTYPES, LETTER

__all__ = ["nan_lapack"]

REFUSALS = (np.linalg.LinAlgError, IllegalArgument, ValueError, SystemError)

#: Drivers that are given NaN.
LAPACK_CALLS = ("solve", "inv", "cholesky", "qr", "eigh", "eig", "svd", "lstsq")

FINITE = "numbers"


@check(
    id="special.nan-lapack",
    title="Factorizations of matrices with NaN end, with an error or NaN",
    category="special",
    routines=["?gesv", "?potrf", "?geqrf", "?syevd", "?heevd", "?geev", "?gesdd", "?gelsd"],
    oracle=(
        "A matrix with one NaN in its lower triangle has no solution: LinAlgError or NaN in the "
        "result (Demmel et al., arXiv 2207.09281), or an argument that is called illegal; never a "
        "result that is finite throughout, and never a hang. What gesdd answers is recorded only."
    ),
    catches=(
        "Iterations that never converge on NaN, comparisons that drop it: OpenBLAS#1343 (endless "
        "loop), #3318, #4413, numpy#22025."
    ),
    max_threads=1,
    budget=30.0,
)
def nan_lapack(ctx):
    for dtype in DTYPES:
        drivers, of_svd = drivers_for(ctx.blas, dtype), set()
        for n in (2, 17, 70):
            for at in ((0, 0), (n - 1, 0), (n // 2, n // 3)):
                a = matrices.positive("random", ctx.seed + n, n, dtype)
                a[at] = a[at[::-1]] = np.nan
                for name in LAPACK_CALLS:
                    ctx.ran()
                    second = (np.ones((n, 2), dtype),) if name in ("solve", "lstsq") else ()
                    parameters = {
                        "dtype": dtype,
                        "function": name,
                        "kind": "nan",
                        "n": n,
                        "at": list(at),
                        "seed": ctx.seed + n,
                    }
                    what = "%s of a %s matrix of %d with NaN at %s" % (name, dtype, n, list(at))
                    try:
                        result = getattr(drivers, name)(a, *second)
                    except REFUSALS:
                        result = None
                    except Overwritten as error:
                        ctx.fail(LETTER[dtype] + name, "%s: %s" % (what, error), parameters)
                        continue
                    answer = _answer(result)
                    if name == "svd":
                        of_svd.add(answer)
                    elif answer == FINITE:
                        message = "%s: finite throughout" % what
                        ctx.fail(LETTER[dtype] + name, message, parameters)
        ctx.record("%sgesdd of NaN" % LETTER[dtype], " or ".join(sorted(of_svd)))


def _answer(result):
    """Return in a word what a driver gave; None is an error."""
    if result is None:
        return "error"
    parts = result if isinstance(result, tuple) else (result,)
    return FINITE if all(np.all(np.isfinite(part)) for part in parts) else "NaN"
