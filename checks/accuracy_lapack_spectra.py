"""Eigen- and singular-value problems that SciPy hands to LAPACK and NumPy does not."""

import numpy as np

from checks.api import check
from checks.lapack_schur import SCHUR
from checks.lapack_storage import SPECTRA
from checks.lapack_trials import Routine, ask
from checks.oracles import (
    NONSYMMETRIC_LIMIT,
    SVD_LIMIT,
    SYMMETRIC_LIMIT,
    eig_ratio,
    multiply,
    norm,
    over,
    spaced_ratio,
    svd_ratio,
    unit,
    unitary_ratio,
)
from checks.spectra import (
    by_division,
    by_iteration,
    eigenvalue_arrays,
    joined,
    pair_ratios,
    similarity_ratio,
)
from checks.splitting import two_threads

__all__ = ["spectra"]


#: Order up to which vectors of two tight clusters are judged; in larger clusters relatively robust
#: representations and reorthogonalisation may fail (LAPACK Working Note 163).
CLUSTERED = 65


def _expert(trial, flags, name, workspaces):
    """syevr and syevx: `flags` are uplo and range (all, or the half of the lowest indices)."""
    n, a = trial.n, trial.hermitian()
    uplo, selection = flags
    last = max(1, n // 2) if selection == "I" else n
    w, z = trial.reals(n), np.zeros((n, n), trial.dtype, "F")
    bound, tolerance, found = trial.reals(1), trial.reals(1), trial.pivots(1)
    tolerance[0] = 2 * np.finfo(trial.real).tiny
    before = ("V", selection, uplo, n, np.array(a, order="F"), n, bound, bound, 1, last)
    before += (tolerance, found, w, z, n)
    trial.call_with_work(name, (*before, *workspaces[0]), workspaces[1])
    wanted = last if selection == "I" else n
    w, z = w[:wanted], z[:, :wanted]
    ratios = pair_ratios(a, w, z, spaced_ratio(a, w, z))
    if trial.kind == "clustered" and n > CLUSTERED:
        ratios = {"order": ratios["order"]}
    ratios["count"] = 0.0 if found[0] == wanted else np.inf
    return ratios


def _robust(trial, flags):
    name = trial.named("syevr", "heevr")
    return _expert(trial, flags, name, ((trial.pivots(2 * trial.n),), trial.asked()))


def _bisection(trial, flags):
    n = trial.n
    reals = [(trial.real, 7 * n)] if trial.is_complex else []
    after = [*reals, (trial.integers, 5 * n), (trial.integers, n)]
    return _expert(trial, flags, trial.named("syevx", "heevx"), ((), after))


def _plain(trial, uplo):
    """syev."""
    a = trial.hermitian()
    return pair_ratios(a, *by_iteration(trial, a, uplo))


def _divided(trial, uplo):
    """syevd of the other triangle than NumPy's."""
    a = trial.hermitian()
    return pair_ratios(a, *by_division(trial, a, uplo))


def _banded(trial, flags):
    """sbevd with `flags` = uplo and width."""
    n, (uplo, width) = trial.n, flags
    width = min(width, n - 1)
    a = np.tril(np.triu(trial.hermitian(), -width), width)
    band = np.zeros((width + 1, n), trial.dtype, order="F")
    for k in range(width + 1):
        if uplo == "L":
            band[k, : n - k] = a.diagonal(-k)
        else:
            band[width - k, k:] = a.diagonal(k)
    w, z = trial.reals(n), np.zeros((n, n), trial.dtype, "F")
    before = ("V", uplo, n, width, band, width + 1, w, z, n)
    trial.call_with_work(trial.named("sbevd", "hbevd"), before, trial.asked())
    return pair_ratios(a, w, z)


def _generalized(trial, flags):
    """sygvd of type 1, 2 or 3; EIG/dsgt01.f."""
    n, (kind, uplo) = trial.n, flags
    a, b = trial.hermitian(), (trial.positive() / (2 * n)).astype(trial.dtype)
    v, w = np.array(a, order="F"), trial.reals(n)
    before = (kind, "V", uplo, n, v, n, np.array(b, order="F"), n, w)
    trial.call_with_work(trial.named("sygvd", "hegvd"), before, trial.asked())
    if kind == 1:
        residual = multiply(a, v) - multiply(b, v) * w
    else:
        first, second = (b, a) if kind == 2 else (a, b)
        residual = multiply(second, multiply(first, v)) - v * w
    size = norm(a) * max(1.0, norm(b)) * norm(v) * n * 2 * unit(trial.dtype)
    return {
        "residual": over(norm(residual), size),
        "order": 0.0 if np.all(w[1:] >= w[:-1]) else np.inf,
    }


def _paired(v, imaginary):
    """Return complex vectors from real ones: a conjugate pair shares two columns."""
    result = v.astype(np.result_type(v.dtype, np.complex64))
    for j in np.flatnonzero(imaginary > 0):
        result[:, j] = v[:, j] + 1j * v[:, j + 1]
        result[:, j + 1] = v[:, j] - 1j * v[:, j + 1]
    return result


def _left(trial, _):
    """geev with left and right vectors: u^H A = w u^H; EIG/dget22.f."""
    n, a = trial.n, trial.general(trial.n, trial.n)
    left, right = (np.zeros((n, n), trial.dtype, "F") for _ in range(2))
    parts = eigenvalue_arrays(trial)
    before = ("V", "V", n, np.array(a, order="F"), n, *parts, left, n, right, n)
    trial.call_with_work("geev", before, [(trial.real, 2 * n)] if trial.is_complex else [])
    w = joined(parts)
    if not trial.is_complex:
        left, right = _paired(left, parts[1]), _paired(right, parts[1])
    return {"left": eig_ratio(a.conj().T, w.conj(), left), "right": eig_ratio(a, w, right)}


def _pencil(trial, _):
    """ggev: ||beta A V - alpha B V|| / (max(|beta| ||A||, |alpha| ||B||) ||V|| ulp) by columns.

    EIG/dget52.f, whose code has no n, unlike its description.
    """
    n, a, b = trial.n, trial.general(trial.n, trial.n), trial.random(trial.n, trial.n)
    unused, v = np.zeros(1, trial.dtype), np.zeros((n, n), trial.dtype, "F")
    parts, beta = eigenvalue_arrays(trial), np.zeros(n, trial.dtype)
    arrays = (np.array(a, order="F"), n, np.array(b, order="F"), n)
    before = ("N", "V", n, *arrays, *parts, beta, unused, 1, v, n)
    trial.call_with_work("ggev", before, [(trial.real, 8 * n)] if trial.is_complex else [])
    alpha = joined(parts)
    if not trial.is_complex:
        v = _paired(v, parts[1])
    size = np.maximum(np.abs(beta) * norm(a), np.abs(alpha) * norm(b))
    residual = (multiply(a, v) * beta - multiply(b, v) * alpha) / size
    return {"residual": over(norm(residual), norm(v) * 2 * unit(trial.dtype))}


def _hessenberg(trial, _):
    """gehrd and orghr: ||A - Q H Q^H|| / (n ||A|| ulp); EIG/dhst01.f, called by dchkhs.f."""
    n, a = trial.n, trial.general(trial.n, trial.n)
    h, tau = np.array(a, order="F"), np.zeros(max(1, n - 1), trial.dtype)
    trial.call_with_work("gehrd", (n, 1, n, h, n, tau))
    q = h.copy("F")
    trial.call_with_work(trial.named("orghr", "unghr"), (n, 1, n, q, n, tau))
    return {
        "residual": similarity_ratio(a, q, np.triu(h, -1), q),
        "orthogonality": unitary_ratio(q),
    }


def _singular(trial, flags):
    """gesvd: `flags` are the shape and which vectors; EIG/dbdt01.f, called by ddrvbd.f."""
    shape, job = flags
    n, other = trial.n, max(1, trial.n // 3)
    m, n = {"square": (n, n), "tall": (n, other), "wide": (other, n)}[shape]
    k, a = min(m, n), trial.general(m, n)
    s = trial.reals(k)
    u = np.zeros((m, m if job == "A" else k), trial.dtype, "F")
    vh = np.zeros((n if job == "A" else k, n), trial.dtype, "F")
    before = (job, job, m, n, np.array(a, order="F"), m, s, u, m, vh, len(vh))
    trial.call_with_work("gesvd", before, [(trial.real, 5 * k)] if trial.is_complex else [])
    return {
        "residual": svd_ratio(a, u[:, :k], s, vh[:k]),
        "left": unitary_ratio(u),
        "right": unitary_ratio(vh.conj().T),
        "order": 0.0 if np.all(s[1:] <= s[:-1]) and np.all(s >= 0) else np.inf,
    }


TYPES = ("random", "spectrum", "clustered", "rank-one", "graded", "near-singular", "large", "small")
PLAIN = ("random", "spectrum", "clustered", "large", "small")
RANGES = ("LA", "UI", "UA", "LI")
BANDS = (("L", 1), ("U", 2), ("L", 5), ("U", 33))
SHAPES = (("square", "S"), ("tall", "A"), ("wide", "S"), ("tall", "S"), ("wide", "A"))
PENCILS = ((1, "L"), (2, "U"), (3, "L"), (1, "U"))

TABLE = (
    Routine("syevr", _robust, SYMMETRIC_LIMIT, RANGES, TYPES, "heevr"),
    Routine("syevx", _bisection, SYMMETRIC_LIMIT, RANGES, TYPES, "heevx"),
    Routine("syev", _plain, SYMMETRIC_LIMIT, ("U", "L"), TYPES, "heev"),
    Routine("syevd", _divided, SYMMETRIC_LIMIT, ("U", "L"), TYPES, "heevd"),
    Routine("sbevd", _banded, SYMMETRIC_LIMIT, BANDS, PLAIN, "hbevd"),
    Routine("sygvd", _generalized, SYMMETRIC_LIMIT, PENCILS, ("random",), "hegvd"),
    Routine("geev", _left, NONSYMMETRIC_LIMIT, ("",), (*PLAIN, "companion")),
    Routine("ggev", _pencil, NONSYMMETRIC_LIMIT, ("",), ("random", "spectrum")),
    Routine("gehrd", _hessenberg, NONSYMMETRIC_LIMIT, ("",), (*PLAIN, "companion")),
    Routine("gesvd", _singular, SVD_LIMIT, SHAPES, (*PLAIN, "ones", "hilbert", "graded")),
    *SPECTRA,
    *SCHUR,
)


@check(
    id="accuracy.lapack-spectra",
    title="Eigen- and singular-value problems that SciPy hands to LAPACK",
    category="accuracy",
    routines=[
        "?syevr", "?heevr", "?syevx", "?heevx", "?syev", "?heev", "?syevd", "?heevd", "?sbevd",
        "?hbevd", "?sygvd", "?hegvd", "?geev", "?ggev", "?gees", "?gges", "?gehrd", "?orghr",
        "?unghr", "?gesvd", "?spevd", "?hpevd", "?trsen", "?tgsen",
    ],
    oracle=(
        "LAPACK's ratios and limits: Hermitian ||A V - V w|| / (n ||A|| ulp) < 50 and I - V^H V "
        "(EIG/dsyt22.f, sep.in), generalized (dsgt01.f), left and right vectors < 20 (dget22.f), "
        "pencils (dget52.f), Schur and Hessenberg forms ||A - Q T Z^H|| / (n ||A|| ulp) < 20 "
        "(dhst01.f, dget51.f, nep.in), also reordered, the chosen eigenvalues first; singular "
        "values < 50 (dbdt01.f, svd.in); values in order and forms triangular exactly; vectors of "
        "syevr and syevx orthogonal to n ulp over the gap of their eigenvalues, as their theory "
        "says (Dhillon and Parlett 2004). Matrices clustered, graded, rank one, companion, "
        "Hilbert, near overflow and underflow; both triangles; four precisions."
    ),
    catches=(
        "LAPACK above wrong kernels or miscompiled, where NumPy never looks: scipy#11577 (ggev), "
        "scipy#24319 (gges, tgsen), scipy#19831 (syevr's workspace), OpenBLAS PR#5877 (rank one), "
        "PyEMMA#1426, OpenBLAS#1388."
    ),
    budget=120.0,
    most_threads=True,
)  # fmt: skip
@two_threads
def spectra(ctx):
    ask(ctx, TABLE)
