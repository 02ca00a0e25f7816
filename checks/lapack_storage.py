"""Half a matrix in LAPACK's other storage, packed and rectangular full packed, and pivoted.

Rows of accuracy.lapack-systems and accuracy.lapack-spectra.
"""

import numpy as np

from checks.lapack_trials import Routine
from checks.oracles import LINEAR_LIMIT, SYMMETRIC_LIMIT, multiply, norm, over, solve_ratio, unit
from checks.spectra import pair_ratios

__all__ = ["SPECTRA", "SYSTEMS", "packed"]


def packed(a, uplo):
    """Return the columns of one triangle one after the other."""
    n = len(a)
    columns = (a[j:, j] if uplo == "L" else a[: j + 1, j] for j in range(n))
    return np.concatenate(list(columns))


def _definite(trial, uplo):
    """ppsv; LIN/dppt02.f."""
    n, a, b = trial.n, trial.positive(), trial.right_hand_sides()
    x = b.copy("F")
    trial.call("ppsv", uplo, n, b.shape[1], packed(a, uplo), x, n)
    return {"residual": solve_ratio(a, x, b)}


def _indefinite(trial, uplo):
    """spsv or hpsv: Bunch and Kaufman's factors; LIN/dppt02.f, called by ddrvsp.f."""
    n, a, b = trial.n, trial.hermitian(), trial.right_hand_sides()
    x, name = b.copy("F"), trial.named("spsv", "hpsv")
    trial.call(name, uplo, n, b.shape[1], packed(a, uplo), trial.pivots(n), x, n)
    return {"residual": solve_ratio(a, x, b)}


def _rectangular(trial, flags):
    """trttf, pftrf and pftrs with `flags` = transr and uplo; LIN/dpot02.f, called by ddrvrfp.f."""
    n, a, b = trial.n, trial.positive(), trial.right_hand_sides()
    turned, uplo = trial.adjoint if flags[0] == "C" else "N", flags[1]
    stored, x = np.zeros(n * (n + 1) // 2, trial.dtype), b.copy("F")
    trial.call("trttf", turned, uplo, n, np.array(a, order="F"), n, stored)
    trial.call("pftrf", turned, uplo, n, stored)
    trial.call("pftrs", turned, uplo, n, b.shape[1], stored, x, n)
    return {"residual": solve_ratio(a, x, b)}


def _pivoted(trial, uplo):
    """pstrf: ||U^H U - P^H A P|| / (n ||A|| u), and the whole rank; LIN/dpst01.f.

    Of graded matrices it finds a lower rank, as it should: its tolerance is absolute.
    """
    n, a = trial.n, trial.positive()
    half, order, rank = np.array(a, order="F"), trial.pivots(n), trial.pivots(1)
    tolerance = trial.reals(1)
    tolerance[0] = -1
    trial.call("pstrf", uplo, n, half, n, order, rank, tolerance, trial.reals(2 * n))
    lower = np.tril(half) if uplo == "L" else np.triu(half).conj().T
    if not np.array_equal(np.sort(order), np.arange(1, n + 1)):
        return {"permutation": np.inf}
    residual = norm(multiply(lower, lower.conj().T) - a[order - 1][:, order - 1])
    return {
        "residual": over(residual, n * norm(a) * unit(trial.dtype)),
        "rank": 0.0 if rank[0] == n else np.inf,
    }


def _pairs(trial, uplo):
    """spevd or hpevd; EIG/dsyt21.f."""
    n, a = trial.n, trial.hermitian()
    w, z = trial.reals(n), np.zeros((n, n), trial.dtype, "F")
    before = ("V", uplo, n, packed(a, uplo), w, z, n)
    trial.call_with_work(trial.named("spevd", "hpevd"), before, trial.asked())
    return pair_ratios(a, w, z)


ORDINARY = ("random", "spectrum", "graded", "large", "small")

SYSTEMS = (
    Routine("ppsv", _definite, LINEAR_LIMIT, ("L", "U"), ORDINARY),
    Routine("spsv", _indefinite, LINEAR_LIMIT, ("U", "L"), ORDINARY, "hpsv"),
    Routine("pftrf", _rectangular, LINEAR_LIMIT, ("NL", "CU", "CL", "NU"), ORDINARY),
    Routine("pstrf", _pivoted, LINEAR_LIMIT, ("L", "U"), ("random", "spectrum", "large", "small")),
)
SPECTRA = (
    Routine(
        "spevd",
        _pairs,
        SYMMETRIC_LIMIT,
        ("U", "L"),
        ("random", "clustered", *ORDINARY[2:]),
        "hpevd",
    ),
)
