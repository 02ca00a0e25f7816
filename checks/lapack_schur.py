"""Schur forms, and their eigenvalues put into another order; rows of accuracy.lapack-spectra."""

import numpy as np

from checks.lapack_trials import Routine
from checks.oracles import NONSYMMETRIC_LIMIT, unitary_ratio
from checks.spectra import eigenvalue_arrays, joined, lower_ratio, similarity_ratio

__all__ = ["SCHUR"]


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


class _Schur:
    """A = Z T Z^H by gees; `values` are the arrays of eigenvalues."""

    def __init__(self, trial):
        n = trial.n
        self.a = trial.general(n, n)
        self.t, self.z = np.array(self.a, order="F"), np.zeros((n, n), trial.dtype, "F")
        self.values = eigenvalue_arrays(trial)
        before = ("V", "N", None, n, self.t, n, trial.pivots(1), *self.values, self.z, n)
        after = [(trial.real, n)] if trial.is_complex else []
        trial.call_with_work("gees", before, [*after, (trial.integers, n)])

    def ratios(self):
        """||A - Z T Z^H|| / (n ||A|| ulp); EIG/dhst01.f, called by ddrves.f."""
        return {
            "residual": similarity_ratio(self.a, self.z, self.t, self.z),
            "orthogonality": unitary_ratio(self.z),
            "triangle": lower_ratio(self.t),
        }


class _Pencil:
    """A = Q S Z^H, B = Q T Z^H by gges; `values` and `beta` are the arrays of eigenvalues."""

    def __init__(self, trial):
        n = trial.n
        self.a, self.b = trial.general(n, n), trial.random(n, n)
        self.s, self.t = np.array(self.a, order="F"), np.array(self.b, order="F")
        self.q, self.z = (np.zeros((n, n), trial.dtype, "F") for _ in range(2))
        self.values, self.beta = eigenvalue_arrays(trial), np.zeros(n, trial.dtype)
        before = ("V", "V", "N", None, n, self.s, n, self.t, n, trial.pivots(1), *self.values)
        before += (self.beta, self.q, n, self.z, n)
        after = [(trial.real, 8 * n)] if trial.is_complex else []
        trial.call_with_work("gges", before, [*after, (trial.integers, n)])

    def ratios(self):
        """EIG/dget51.f, called by ddrges.f."""
        not_upper = np.any(np.tril(self.t, -1) != 0)
        return {
            "first": similarity_ratio(self.a, self.q, self.s, self.z),
            "second": similarity_ratio(self.b, self.q, self.t, self.z),
            "left": unitary_ratio(self.q),
            "right": unitary_ratio(self.z),
            "triangle": np.inf if not_upper else lower_ratio(self.s),
        }


def _schur(trial, _):
    return _Schur(trial).ratios()


def _generalized_schur(trial, _):
    return _Pencil(trial).ratios()


def _reordered(trial, _):
    """gees, then trsen: A = Z T Z^H still, the chosen eigenvalues first."""
    n, form = trial.n, _Schur(trial)
    before = joined(form.values)
    chosen, found, values = _chosen(trial, before), trial.pivots(1), eigenvalue_arrays(trial)
    asked = ("N", "V", chosen, n, form.t, n, form.z, n, *values, found)
    after = [] if trial.is_complex else [(trial.integers, 1, "ask")]
    trial.call_with_work("trsen", (*asked, trial.reals(1), trial.reals(1)), after)
    return dict(form.ratios(), order=_moved(before, joined(values), chosen, found[0]))


def _reordered_pencil(trial, _):
    """gges, then tgsen: A = Q S Z^H and B = Q T Z^H still, the chosen eigenvalues first."""
    n, form = trial.n, _Pencil(trial)
    before = joined(form.values) / form.beta
    chosen, found, values = _chosen(trial, before), trial.pivots(1), eigenvalue_arrays(trial)
    asked = (0, 1, 1, chosen, n, form.s, n, form.t, n, *values, form.beta, form.q, n, form.z, n)
    bounds = (trial.reals(1), trial.reals(1), trial.reals(2))
    trial.call_with_work("tgsen", (*asked, found, *bounds), [(trial.integers, 1, "ask")])
    after = joined(values) / form.beta
    return dict(form.ratios(), order=_moved(before, after, chosen, found[0]))


ORDINARY = ("random", "spectrum", "clustered", "large", "small", "companion")

SCHUR = (
    Routine("gees", _schur, NONSYMMETRIC_LIMIT, ("",), ORDINARY),
    Routine("gges", _generalized_schur, NONSYMMETRIC_LIMIT, ("",), ("random", "spectrum")),
    Routine("trsen", _reordered, NONSYMMETRIC_LIMIT, ("",), ("random", "spectrum")),
    Routine("tgsen", _reordered_pencil, NONSYMMETRIC_LIMIT, ("",), ("random", "spectrum")),
)
