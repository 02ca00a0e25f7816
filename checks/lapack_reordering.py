"""Schur forms whose eigenvalues are put into another order; rows of accuracy.lapack-spectra."""

import numpy as np

from checks.lapack_trials import Routine
from checks.oracles import NONSYMMETRIC_LIMIT, unitary_ratio
from checks.spectra_ratios import lower_ratio, similarity_ratio

__all__ = ["REORDERED"]


def _values(trial):
    """Return the arrays of eigenvalues as LAPACK wants them: (w,) or (real, imaginary)."""
    if trial.is_complex:
        return (np.zeros(trial.n, trial.dtype),)
    return trial.reals(trial.n), trial.reals(trial.n)


def _joined(parts):
    return parts[0] if len(parts) == 1 else parts[0] + 1j * parts[1]


def _chosen(trial, w):
    """Return LAPACK's SELECT: the upper half of the spectrum by size, conjugate pairs together."""
    chosen = trial.pivots(len(w))
    chosen[np.abs(w) > np.median(np.abs(w))] = 1
    if not trial.is_complex:
        first = np.flatnonzero(w.imag > 0)
        chosen[first + 1] = chosen[first]
    return chosen


def _moved(before, after, chosen, found):
    """Return infinity unless the chosen eigenvalues are the first ones after, else 0.

    Each is to be nearer to one that was chosen than to any other: rounding moves them far less than
    they are apart, else the case says nothing and is let pass.
    """
    count = np.count_nonzero(chosen)
    if found != count:
        return np.inf
    picked, others = before[chosen != 0], before[chosen == 0]
    if not (len(picked) and len(others)):
        return 0.0
    gap = np.abs(picked[:, None] - others).min()
    if not gap > 1e-2 * np.abs(before).max():
        return 0.0
    distance = np.abs(after[:count, None] - picked).min(axis=1)
    return 0.0 if np.all(distance < gap / 2) else np.inf


def _reordered(trial, _):
    """gees, then trsen: A = Q T Q^H still, the chosen eigenvalues first; EIG/dhst01.f."""
    n, a = trial.n, trial.general(trial.n, trial.n)
    t, q = np.array(a, order="F"), np.zeros((n, n), trial.dtype, "F")
    before = _values(trial)
    asked = ("V", "N", None, n, t, n, trial.pivots(1), *before, q, n)
    after = [(trial.real, n)] if trial.is_complex else []
    trial.call_with_work("gees", asked, [*after, (trial.integers, n)])
    chosen, found = _chosen(trial, _joined(before)), trial.pivots(1)
    values = _values(trial)
    asked = ("N", "V", chosen, n, t, n, q, n, *values, found, trial.reals(1), trial.reals(1))
    after = [] if trial.is_complex else [(trial.integers, 1, "ask")]
    trial.call_with_work("trsen", asked, after)
    return {
        "residual": similarity_ratio(a, q, t, q),
        "orthogonality": unitary_ratio(q),
        "triangle": lower_ratio(t),
        "order": _moved(_joined(before), _joined(values), chosen, found[0]),
    }


def _reordered_pencil(trial, _):
    """gges, then tgsen: A = Q S Z^H and B = Q T Z^H still; EIG/dget51.f."""
    n, a, b = trial.n, trial.general(trial.n, trial.n), trial.random(trial.n, trial.n)
    s, t = np.array(a, order="F"), np.array(b, order="F")
    q, z = (np.zeros((n, n), trial.dtype, "F") for _ in range(2))
    before, beta = _values(trial), np.zeros(n, trial.dtype)
    asked = ("V", "V", "N", None, n, s, n, t, n, trial.pivots(1), *before, beta, q, n, z, n)
    after = [(trial.real, 8 * n)] if trial.is_complex else []
    trial.call_with_work("gges", asked, [*after, (trial.integers, n)])
    ratios = _joined(before) / beta
    chosen, found, values = _chosen(trial, ratios), trial.pivots(1), _values(trial)
    bounds = (trial.reals(1), trial.reals(1), trial.reals(2))
    asked = (0, 1, 1, chosen, n, s, n, t, n, *values, beta, q, n, z, n, found, *bounds)
    trial.call_with_work("tgsen", asked, [(trial.integers, 1, "ask")])
    return {
        "first": similarity_ratio(a, q, s, z),
        "second": similarity_ratio(b, q, t, z),
        "left": unitary_ratio(q),
        "right": unitary_ratio(z),
        "triangle": np.inf if np.any(np.tril(t, -1) != 0) else lower_ratio(s),
        "order": _moved(ratios, _joined(values) / beta, chosen, found[0]),
    }


REORDERED = (
    Routine("trsen", _reordered, NONSYMMETRIC_LIMIT, ("",), ("random", "spectrum")),
    Routine("tgsen", _reordered_pencil, NONSYMMETRIC_LIMIT, ("",), ("random", "spectrum")),
)
