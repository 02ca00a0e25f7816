"""What checks of spectra share: LAPACK's test ratios, eigenvalue arrays, Hermitian eigenpairs."""

import numpy as np

from checks.oracles import multiply, norm, over, unit, unitary_ratio

__all__ = [
    "by_division",
    "by_iteration",
    "eigenvalue_arrays",
    "joined",
    "lower_ratio",
    "pair_ratios",
    "similarity_ratio",
]


def by_iteration(trial, a, uplo):
    """Return (w, V) of the Hermitian `a` by QR iteration (syev, heev) on that triangle."""
    reals = [(trial.real, 3 * trial.n)] if trial.is_complex else []
    return _pairs(trial, a, uplo, trial.named("syev", "heev"), reals)


def by_division(trial, a, uplo):
    """Return the same by divide and conquer (syevd, heevd)."""
    return _pairs(trial, a, uplo, trial.named("syevd", "heevd"), trial.asked())


def _pairs(trial, a, uplo, name, after):
    n = trial.n
    v, w = np.array(a, order="F"), trial.reals(n)
    trial.call_with_work(name, ("V", uplo, n, v, n, w), after)
    return w, v


def eigenvalue_arrays(trial):
    """Return the arrays of eigenvalues as LAPACK wants them: (w,) or (real, imaginary)."""
    if trial.is_complex:
        return (np.zeros(trial.n, trial.dtype),)
    return trial.reals(trial.n), trial.reals(trial.n)


def joined(parts):
    """Return the eigenvalues in such arrays as complex numbers."""
    return parts[0] if len(parts) == 1 else parts[0] + 1j * parts[1]


def pair_ratios(a, w, v, orthogonality=None):
    """Return the ratios of some eigenpairs of a Hermitian matrix; EIG/dsyt21.f, dsyt22.f.

    orthogonality: its ratio, where it is not that of all vectors alike.
    """
    residual = norm(multiply(a, v) - v * w)
    ratios = {
        "residual": over(residual, len(a) * norm(a) * 2 * unit(v.dtype)),
        "order": 0.0 if np.all(w[1:] >= w[:-1]) else np.inf,
    }
    if v.shape[1]:
        ratios["orthogonality"] = unitary_ratio(v) if orthogonality is None else orthogonality
    return ratios


def similarity_ratio(a, q, t, z):
    """Return ||A - Q T Z^H|| / (n ||A|| ulp); EIG/dhst01.f, dget51.f."""
    residual = norm(a - multiply(multiply(q, t), z.conj().T))
    return over(residual, len(a) * norm(a) * 2 * unit(t.dtype))


def lower_ratio(t):
    """Return infinity where a Schur form is not triangular (real: quasi-triangular), else 0."""
    below = np.tril(t, -1 if t.dtype.kind == "c" else -2)
    couples = t.diagonal(-1) != 0
    twice = np.any(couples[1:] & couples[:-1])
    return np.inf if np.any(below != 0) or twice else 0.0
