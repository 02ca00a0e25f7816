"""Eigenvalues of an interval, of which there may be none, or by number; littered workspaces."""

import numpy as np

from checks import matrices
from checks.api import check
from checks.lapack_litter import littered
from checks.lapack_trials import SIZES, Routine, ask
from checks.oracles import SYMMETRIC_LIMIT, multiply, norm, over, spaced_ratio, unit
from checks.spectra import pair_ratios

__all__ = ["ranges"]

#: Beyond all eigenvalues, which lie in (0, 4), for even n in (-4, 0).
BELOW, ABOVE, BEYOND = -5.0, 5.0, 6.0

MORE_SIZES = (16, 25, 65, 130)


def _selection(trial, choice):
    """Return ((RANGE), (VL, VU, IL, IU), the eigenvalues of `_toeplitz` that these select).

    They are 2 - 2 cos(k pi / (n + 1)), or that less 4. `choice`: the gap after the first half,
    what is above it or below it, all, or what is beyond all; the first or the last half by number.
    """
    n = trial.n
    values = _diagonal(n) - 2 * np.cos(np.arange(1, n + 1) * np.pi / (n + 1))
    half = (n + 1) // 2
    start, end = np.concatenate([values, [ABOVE]])[half - 1 : half + 1]
    gap = start + (end - start) / 3, start + 2 * (end - start) / 3
    selection, low, high, first, last, wanted = {
        "gap": ("V", *gap, 1, n, values[:0]),
        "upper": ("V", gap[0], BEYOND, 1, n, values[half:]),
        "lower": ("V", BELOW, gap[0], 1, n, values[:half]),
        "all": ("V", BELOW, BEYOND, 1, n, values),
        "beyond": ("V", ABOVE, BEYOND, 1, n, values[:0]),
        "first": ("I", 0, 0, 1, half, values[:half]),
        "last": ("I", 0, 0, n - half + 1, n, values[n - half :]),
    }[choice]
    ends = np.array([low], trial.real), np.array([high], trial.real), first, last
    return selection, ends, wanted


def _diagonal(n):
    """Return the elements on the diagonal: for both signs there are routines of their own."""
    return 2 if n % 2 else -2


def _toeplitz(n):
    """Return the n x n matrix with 2 or -2 on its diagonal and -1 beside it."""
    return _diagonal(n) * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1)


def _ratios(a, w, z, found, wanted):
    """Return the ratios of EIG/dsyt22.f and of the values (EIG/ddrvst.f); of the count if wrong."""
    count = len(wanted)
    if found[0] != count:
        return {"count": np.inf}
    w, z = w[:count], z[:, :count]
    wrong = float(np.abs(w - wanted).max()) if count else 0.0
    size = len(a) * norm(a) * 2 * unit(z.dtype)
    return dict(pair_ratios(a, w, z, spaced_ratio(a, w, z)), values=over(wrong, size))


def _tridiagonal(trial, choice):
    """stemr."""
    n, real = trial.n, trial.real
    selection, ends, wanted = _selection(trial, choice)
    d, e = np.full(n, _diagonal(n), real), np.full(n, -1, real)
    w, z, found = trial.reals(n), np.zeros((n, n), trial.dtype, "F"), trial.pivots(1)
    vectors = (w, z, n, n, trial.pivots(2 * n), np.ones(1, trial.integers))
    # Its workspace is real in all precisions.
    work = (*_sized(18 * n, real), *_sized(10 * n, trial.integers))
    trial.call("stemr", "V", selection, n, d, e, *ends, found, *vectors, *work)
    return _ratios(_toeplitz(n), w, z, found, wanted)


def _sized(length, dtype):
    """Return a littered workspace and its length."""
    return littered(length, dtype), length


def _dense(trial, flags, name, work, second=()):
    """syevr, syevx and sygvx of a matrix with those eigenvalues; `flags` are uplo and choice."""
    n, (uplo, choice) = trial.n, flags
    selection, ends, wanted = _selection(trial, choice)
    identity = np.eye(n, dtype="complex128" if trial.is_complex else "float64")
    q = matrices.reflect(trial.seed, identity, sides="left")
    a = multiply(multiply(q, _toeplitz(n)), q.conj().T)
    a = ((a + a.conj().T) / 2).astype(trial.dtype)
    w, z, found = trial.reals(n), np.zeros((n, n), trial.dtype, "F"), trial.pivots(1)
    tolerance = trial.reals(1)
    tolerance[0] = 2 * np.finfo(trial.real).tiny
    arguments = ("V", selection, uplo, n, np.array(a, order="F"), n, *second)
    kind = (1,) if second else ()
    trial.call(name, *kind, *arguments, *ends, tolerance, found, w, z, n, *work)
    return _ratios(a, w, z, found, wanted)


def _robust(trial, flags):
    n = trial.n
    reals = _sized(24 * n, trial.real) if trial.is_complex else ()
    work = (*_sized(26 * n, trial.dtype), *reals, *_sized(10 * n, trial.integers))
    return _dense(trial, flags, trial.named("syevr", "heevr"), (trial.pivots(2 * n), *work))


def _for_bisection(trial):
    n = trial.n
    reals = (littered(7 * n, trial.real),) if trial.is_complex else ()
    integers = littered(5 * n, trial.integers), trial.pivots(n)
    return (*_sized(8 * n, trial.dtype), *reals, *integers)


def _bisection(trial, flags):
    return _dense(trial, flags, trial.named("syevx", "heevx"), _for_bisection(trial))


def _generalized(trial, flags):
    """sygvx with B = I, which leaves A's eigenvalues."""
    second = np.eye(trial.n, dtype=trial.dtype, order="F"), trial.n
    return _dense(trial, flags, trial.named("sygvx", "hegvx"), _for_bisection(trial), second)


CHOICES = ("gap", "upper", "first", "beyond", "lower", "all", "last")
HALVES = tuple((uplo, choice) for choice in CHOICES for uplo in "LU")

TABLE = tuple(
    Routine(name, run, SYMMETRIC_LIMIT, variants, kinds=("toeplitz",), hermitian=hermitian)
    for name, run, variants, hermitian in (
        ("stemr", _tridiagonal, CHOICES, ""),
        ("syevr", _robust, HALVES, "heevr"),
        ("syevx", _bisection, HALVES, "heevx"),
        ("sygvx", _generalized, HALVES, "hegvx"),
    )
)


@check(
    id="accuracy.lapack-ranges",
    title="Eigenvalues of an interval are those, also when there are none",
    category="accuracy",
    routines=["?stemr", "?syevr", "?heevr", "?syevx", "?heevx", "?sygvx", "?hegvx"],
    oracle=(
        "Matrices with the eigenvalues +-2 - 2 cos(k pi / (n + 1)): those in (VL, VU], by their "
        "number, their values and LAPACK's ratios (EIG/dsyt22.f, limit of sep.in), of intervals "
        "that hold all, half or none, and of either half by their numbers. Workspaces are full of "
        "NaN and of indices behind all arrays before each call: LAPACK does not say what they hold."
    ),
    catches=(
        "Vectors of no eigenvalue looked for at what the workspace holds: CVE-2021-4048 "
        "(OpenBLAS PR#3392), wrong counts at the ends of an interval, the wrong one of two "
        "(Reference-LAPACK#826)."
    ),
    max_threads=1,
    once=True,
)
def ranges(ctx):
    ask(ctx, TABLE, sizes=sorted(SIZES + ctx.by_profile((), MORE_SIZES)))
