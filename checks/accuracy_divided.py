"""What divide and conquer gives up for its speed: no more than LAPACK says."""

import numpy as np

from checks import matrices
from checks.api import check
from checks.lapack_trials import Routine, ask
from checks.oracles import multiply, unit
from checks.spectra import by_division, by_iteration

__all__ = ["divided"]

#: Order up to which the eigenproblem is not divided any more (ILAENV's 9).
SMALLEST = 25

#: Distances of eigenvalues in units in the last place: so close that rounding nearly merges them.
KINDS = {"close": 64, "near": 1024}

SIZES, MORE_SIZES = (27, 33, 50), (26, 41, 64, 100)


def _spaced(trial):
    """Return a Hermitian matrix with the eigenvalues 1, 1 + gap, 1 + 2 gap and so on."""
    n, gap = trial.n, KINDS[trial.kind] * np.finfo(trial.dtype).eps
    place = np.arange(1, n + 1)
    sines = np.sqrt(2 / (n + 1)) * np.sin(np.outer(place, place) * np.pi / (n + 1))
    wide = "complex128" if trial.is_complex else "float64"
    q = matrices.reflect(trial.seed, sines.astype(wide), sides="left")
    a = multiply(q * (1 + gap * np.arange(n)), q.conj().T)
    return ((a + a.conj().T) / 2).astype(trial.dtype)


def _residual(a, w, v):
    """Return the largest ||A v - w v|| / ||A||."""
    wrong = np.abs(multiply(a, v) - v * w.astype(np.float64))
    return float(np.sqrt((wrong**2).sum(axis=0)).max() / np.abs(w).max())


def _symmetric(trial, uplo):
    """syevd against syev."""
    a = _spaced(trial)
    divided = _residual(a, *by_division(trial, a, uplo))
    iterated = _residual(a, *by_iteration(trial, a, uplo))
    levels = int(np.ceil(np.log2(trial.n / SMALLEST)))
    given_up = levels * np.sqrt(2) * 8 * unit(trial.dtype)
    return {"residual": divided / (2 * iterated + given_up)}


TABLE = (Routine("syevd", _symmetric, 1.0, ("L", "U"), tuple(KINDS), hermitian="heevd"),)


@check(
    id="accuracy.divide-and-conquer",
    title="Divide and conquer is as accurate as QR iteration where eigenvalues are close",
    category="accuracy",
    routines=["?syevd", "?heevd", "?syev", "?heev"],
    oracle=(
        "Matrices whose eigenvalues are 64 or 1024 units in the last place apart, by both "
        "algorithms of the library. The reduction to a tridiagonal matrix and back is the same. "
        "Divide and conquer may drop what couples eigenvalues, up to 8 EPS ||A|| between two of "
        "them (LAED2, LAED8), once for each time that it divides: ||A v - w v|| <= twice that of "
        "QR iteration + sqrt(2) 8 EPS ||A|| for each division, of every eigenpair."
    ),
    catches=(
        "Deflation that drops more: eigenvectors of close eigenvalues are mixed, far below the "
        "limits of LAPACK's tests. OpenBLAS#5995."
    ),
    max_threads=1,
    once=True,
)
def divided(ctx):
    ask(ctx, TABLE, sizes=sorted(SIZES + ctx.by_profile((), MORE_SIZES)))
