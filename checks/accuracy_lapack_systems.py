"""Linear systems that SciPy solves by LAPACK and NumPy does not, with LAPACK's test ratios."""

import numpy as np

from checks.api import check
from checks.lapack_storage import SYSTEMS
from checks.lapack_trials import Routine, ask
from checks.oracles import LINEAR_LIMIT, inverse_ratio, multiply, norm, over, solve_ratio, unit
from checks.splitting import two_threads

__all__ = ["hermitian_indefinite", "symmetric_indefinite", "systems"]


def _indefinite(trial, uplo, factor, solve, a):
    """Bunch and Kaufman's factors, by what they solve (LIN/dsyt01.f, dpot02.f)."""
    n, b = trial.n, trial.right_hand_sides()
    lu, x, pivots = np.array(a, order="F"), b.copy("F"), trial.pivots(n)
    trial.call_with_work(factor, (uplo, n, lu, n, pivots))
    trial.call(solve, uplo, n, b.shape[1], lu, n, pivots, x, n)
    return {"residual": solve_ratio(a, x, b)}


def hermitian_indefinite(trial, uplo):
    names = (trial.named("sytrf", "hetrf"), trial.named("sytrs", "hetrs"))
    return _indefinite(trial, uplo, *names, trial.hermitian())


def symmetric_indefinite(trial, uplo):
    a = trial.general(trial.n, trial.n)
    return _indefinite(trial, uplo, "sytrf", "sytrs", a + a.T)


def _inverse(trial, _):
    """getrf and getri; LIN/dget03.f."""
    n, a = trial.n, trial.general(trial.n, trial.n)
    inverse, pivots = np.array(a, order="F"), trial.pivots(n)
    trial.call("getrf", n, n, inverse, n, pivots)
    trial.call_with_work("getri", (n, inverse, n, pivots))
    return {"inverse": inverse_ratio(a, inverse)}


def _transposed(trial, trans):
    """getrf and getrs with each transposition; LIN/dget02.f."""
    n, b, a = trial.n, trial.right_hand_sides(), trial.general(trial.n, trial.n)
    lu, x, pivots = np.array(a, order="F"), b.copy("F"), trial.pivots(n)
    trial.call("getrf", n, n, lu, n, pivots)
    trial.call("getrs", trans, n, b.shape[1], lu, n, pivots, x, n)
    return {"residual": solve_ratio({"N": a, "T": a.T, "C": a.conj().T}[trans], x, b)}


def _definite_inverse(trial, uplo):
    """potrf and potri; LIN/dpot03.f."""
    n, a = trial.n, trial.positive()
    half = np.array(a, order="F")
    trial.call("potrf", uplo, n, half, n)
    trial.call("potri", uplo, n, half, n)
    strict = np.tril(half, -1) if uplo == "L" else np.triu(half, 1)
    return {"inverse": inverse_ratio(a, strict + strict.conj().T + np.diag(half.diagonal().real))}


def _definite_solution(trial, uplo):
    """posv; LIN/dpot02.f."""
    n, a, b = trial.n, trial.positive(), trial.right_hand_sides()
    x = b.copy("F")
    trial.call("posv", uplo, n, b.shape[1], np.array(a, order="F"), n, x, n)
    return {"residual": solve_ratio(a, x, b)}


def _triangle(trial, flags):
    """Return a well-conditioned triangle: diagonal beyond 1, the others random of variance 1/3n.

    Of random elements alone the inverse grows exponentially with n (Viswanath and Trefethen, SIAM
    J. Matrix Anal. Appl. 19, 1998), in single precision beyond all numbers at 129.
    """
    a = trial.general(trial.n, trial.n) / trial.real.type(np.sqrt(trial.n))
    a = np.tril(a) if flags[0] == "L" else np.triu(a)
    diagonal = a.diagonal()
    a[np.arange(trial.n), np.arange(trial.n)] = (
        1 if flags[-1] == "U" else diagonal + np.where(diagonal.real < 0, -1, 1)
    )
    return a


def _triangular_inverse(trial, flags):
    """trtri; LIN/dtrt01.f."""
    n, a = trial.n, _triangle(trial, flags)
    inverse = np.array(a, order="F")
    trial.call("trtri", flags[0], flags[1], n, inverse, n)
    return {"inverse": inverse_ratio(inverse, a)}


def _triangular_solution(trial, flags):
    """trtrs; LIN/dtrt02.f."""
    n, a, b = trial.n, _triangle(trial, flags), trial.right_hand_sides()
    x = b.copy("F")
    trial.call("trtrs", *flags, n, b.shape[1], np.array(a, order="F"), n, x, n)
    operator = {"N": a, "T": a.T, "C": a.conj().T}[flags[1]]
    return {"residual": solve_ratio(operator, x, b)}


def _banded(trial, widths):
    """gbsv with `widths` diagonals below and above; LIN/dgbt02.f."""
    n, b = trial.n, trial.right_hand_sides()
    below, above = (min(width, n - 1) for width in widths)
    a = np.tril(np.triu(trial.general(n, n), -below), above)
    # Without weight on the diagonal, solutions with a triangular band grow beyond all numbers.
    a[np.arange(n), np.arange(n)] = 2 * np.abs(a).max(axis=1)
    band = np.zeros((2 * below + above + 1, n), trial.dtype, order="F")
    for i, j in zip(*np.nonzero(a)):
        band[below + above + i - j, j] = a[i, j]
    x = b.copy("F")
    pivots = trial.pivots(n)
    trial.call("gbsv", n, below, above, b.shape[1], band, len(band), pivots, x, n)
    return {"residual": solve_ratio(a, x, b)}


def _definite_banded(trial, flags):
    """pbsv with `flags` = uplo and width; LIN/dpbt02.f."""
    n, b, (uplo, width) = trial.n, trial.right_hand_sides(), flags
    width = min(width, n - 1)
    a = np.tril(np.triu(trial.positive(), -width), width)
    band = np.zeros((width + 1, n), trial.dtype, order="F")
    for i, j in zip(*np.nonzero(a)):
        if (i >= j) if uplo == "L" else (i <= j):
            band[i - j if uplo == "L" else width + i - j, j] = a[i, j]
    x = b.copy("F")
    trial.call("pbsv", uplo, n, width, b.shape[1], band, width + 1, x, n)
    return {"residual": solve_ratio(a, x, b)}


def _tridiagonal(trial, _):
    """gtsv; LIN/dgtt02.f."""
    n, b = trial.n, trial.right_hand_sides()
    a = np.tril(np.triu(trial.general(n, n), -1), 1)
    lower, middle, upper = (a.diagonal(k).copy() for k in (-1, 0, 1))
    x = b.copy("F")
    trial.call("gtsv", n, b.shape[1], lower, middle, upper, x, n)
    return {"residual": solve_ratio(a, x, b)}


def _definite_tridiagonal(trial, _):
    """ptsv; LIN/dptt02.f."""
    n, b = trial.n, trial.right_hand_sides()
    a = np.tril(np.triu(trial.positive(), -1), 1)
    middle, lower = a.diagonal().real.copy(), a.diagonal(-1).copy()
    x = b.copy("F")
    trial.call("ptsv", n, b.shape[1], middle, lower, x, n)
    return {"residual": solve_ratio(a, x, b)}


def _sylvester(trial, flags):
    """trsyl: ||op(A) X + X op(B) - scale C|| / ((||A|| + ||B||) ||X|| u); EIG/dget35.f."""
    n, m = trial.n, max(1, trial.n // 2)
    a = np.triu(trial.random(n, n, 0)) + 2 * np.eye(n, dtype=trial.dtype)
    b = np.triu(trial.random(m, m, 1)) + 2 * np.eye(m, dtype=trial.dtype)
    c = trial.random(n, m, 2)
    x, scale = np.array(c, order="F"), trial.reals(1)
    left, right = (trial.adjoint if flag == "C" else "N" for flag in flags)
    arrays = (np.array(a, order="F"), n, np.array(b, order="F"), m, x, n, scale)
    trial.call("trsyl", left, right, 1, n, m, *arrays)
    op_a, op_b = (matrix.conj().T if flag == "C" else matrix for matrix, flag in zip((a, b), flags))
    residual = norm(multiply(op_a, x) + multiply(x, op_b) - scale[0] * c)
    return {"residual": over(residual, (norm(a) + norm(b)) * norm(x) * unit(trial.dtype))}


ORDINARY = ("random", "spectrum", "clustered", "graded", "large", "small")
TRIANGLES = ("LN", "UN", "LU", "UU")
SOLUTIONS = ("LNN", "UTN", "LCU", "UNU", "LTN", "UCN")

TABLE = (
    Routine("sytrf", hermitian_indefinite, LINEAR_LIMIT, ("L", "U"), ORDINARY, "hetrf"),
    Routine("sytrf", symmetric_indefinite, LINEAR_LIMIT, ("U", "L"), ("random", "large")),
    Routine("getri", _inverse, LINEAR_LIMIT, ("",), ("random", "spectrum", "graded")),
    Routine("getrs", _transposed, LINEAR_LIMIT, ("T", "C", "N"), (*ORDINARY, "near-singular")),
    Routine("potri", _definite_inverse, LINEAR_LIMIT, ("L", "U"), ("random", "spectrum", "graded")),
    Routine("posv", _definite_solution, LINEAR_LIMIT, ("U", "L"), ORDINARY),
    Routine("trtri", _triangular_inverse, LINEAR_LIMIT, TRIANGLES),
    Routine("trtrs", _triangular_solution, LINEAR_LIMIT, SOLUTIONS),
    Routine("gbsv", _banded, LINEAR_LIMIT, ((1, 2), (35, 34), (3, 0), (20, 9), (0, 2)), ORDINARY),
    Routine("pbsv", _definite_banded, LINEAR_LIMIT, (("L", 2), ("U", 3), ("U", 35), ("L", 36))),
    Routine("gtsv", _tridiagonal, LINEAR_LIMIT, ("",), ("random", "graded", "large")),
    Routine("ptsv", _definite_tridiagonal, LINEAR_LIMIT, ("",), ("random", "graded", "small")),
    Routine("trsyl", _sylvester, LINEAR_LIMIT, ("NN", "CN", "NC", "CC")),
    *SYSTEMS,
)


@check(
    id="accuracy.lapack-systems",
    title="Linear systems that SciPy hands to LAPACK have small residuals",
    category="accuracy",
    routines=[
        "?sytrf", "?hetrf", "?sytrs", "?hetrs", "?getri", "?getrs", "?potri", "?posv", "?trtri",
        "?trtrs", "?gbsv", "?pbsv", "?gtsv", "?ptsv", "?trsyl", "?ppsv", "?spsv", "?hpsv",
        "?pftrf", "?pftrs", "?pstrf",
    ],
    oracle=(
        "LAPACK's ratios and its limit of 30 (dtest.in): solutions ||b - A x|| / (||A|| ||x|| u) "
        "(LIN/dget02.f, its kin for other storage), inverses ||I - A^-1 A|| / (n ||A|| ||A^-1|| u) "
        "(dget03.f), Sylvester's equation over (||A|| + ||B||) ||X|| u (EIG/dget35.f), pivoted "
        "Cholesky factors (LIN/dpst01.f). Full, packed, rectangular full packed, banded. All flags "
        "by turns; matrices random, graded, clustered, near overflow and underflow; four "
        "precisions."
    ),
    catches=(
        "LAPACK above wrong kernels where NumPy never looks, and illegal arguments (INFO < 0) that "
        "a correct call meets: scipy#24319, scipy#19831, OpenBLAS PR#2098, #2066."
    ),
    budget=120.0,
    most_threads=True,
)  # fmt: skip
@two_threads
def systems(ctx):
    ask(ctx, TABLE, few=False)
