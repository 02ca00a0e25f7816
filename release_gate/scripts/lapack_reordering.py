"""Schur forms whose eigenvalues are put into another order, for scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from release_gate.scripts.lapack import NONSYMMETRIC_LIMIT, Given, LapackCase, Test, orthonormal
from release_gate.scripts.lapack_spectra import similar, triangular

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ROUTINES"]

_LIMIT = 2 * NONSYMMETRIC_LIMIT

#: The chosen eigenvalues come first; where they are hardly apart from the others, nothing is said.
_ORDER = Test(
    name="order",
    residual="abs(found[0] - len(w0[chosen])) + (apart and far > gap / 2)",
    allowed="0",
)


def _values(g: Given) -> list[str]:
    """Return what makes the arrays of eigenvalues, and the complex ones of them."""
    if g.is_complex:
        return ["parts = [np.zeros(n, dtype)]", "parts[0]"]
    return ["parts = [np.zeros(n, real), np.zeros(n, real)]", "(parts[0] + 1j * parts[1])"]


def _choice(values: str) -> list[str]:
    """Return what chooses the upper half by size, w0: all eigenvalues before."""
    return [
        f"w0 = {values}",
        "chosen = abs(w0) > np.median(abs(w0))",
        "chosen |= np.isin(w0.conj(), w0[chosen]) & (w0.imag != 0)",
        "select, found = chosen.astype(integer), np.zeros(1, integer)",
    ]


def _outcome(values: str) -> list[str]:
    """Return what tells how far the first eigenvalues are from the chosen ones."""
    return [
        f"w = {values}[: found[0]]",
        "gap = abs(w0[chosen][:, None] - w0[~chosen]).min(initial=np.inf)",
        "apart = 1e-2 * abs(w0).max() < gap < np.inf",
        "far = abs(w[:, None] - w0[chosen]).min(axis=1, initial=np.inf).max(initial=0)",
    ]


def _reordered(g: Given) -> LapackCase:
    """gees, then trsen."""
    made, joined = _values(g)
    reals = ["np.zeros(n, real)"] * g.is_complex
    after = ", ".join(["dtype", *reals, "np.zeros(n, integer)"])
    scalars = "np.zeros(1, real), np.zeros(1, real), dtype" + ", integer" * (not g.is_complex)
    calls = [
        made,
        "t, q, found = a.copy(), np.zeros((n, n), dtype), np.zeros(1, integer)",
        f'lapack({g.name("gees")}, "V", "N", None, n, t, found, *parts, q, {after})',
        *_choice(joined),
        made,
        f'lapack({g.name("trsen")}, "N", "V", select, n, t, q, *parts, found, {scalars})',
        *_outcome(joined),
    ]
    tests = [
        similar("residual", "a", "q", "t", "q"),
        orthonormal("q", _LIMIT),
        triangular(g, "t"),
        _ORDER,
    ]
    return g.case(["a = general(seed, n, n)"], calls, tests, "t, q", "EIG/dhst01.f")


def _reordered_pencil(g: Given) -> LapackCase:
    """gges, then tgsen."""
    made, joined = _values(g)
    reals = ["np.zeros(8 * n, real)"] * g.is_complex
    after = ", ".join(["q, z, dtype", *reals, "np.zeros(n, integer)"])
    bounds = "np.zeros(1, real), np.zeros(1, real), np.zeros(2, real), dtype, integer"
    calls = [
        made,
        "s, t, q, z = a.copy(), b.copy(), np.zeros((n, n), dtype), np.zeros((n, n), dtype)",
        "found, beta = np.zeros(1, integer), np.zeros(n, dtype)",
        f'lapack({g.name("gges")}, "V", "V", "N", None, n, s, t, found, *parts, beta, {after})',
        *_choice(f"{joined} / beta"),
        made,
        f"lapack({g.name('tgsen')}, 0, 1, 1, select, n, s, t, *parts, beta, q, z, found, {bounds})",
        *_outcome(f"({joined} / beta)"),
    ]
    tests = [
        similar("first", "a", "q", "s", "z"),
        similar("second", "b", "q", "t", "z"),
        orthonormal("q", _LIMIT, "left"),
        orthonormal("z", _LIMIT, "right"),
        triangular(g, "s"),
        _ORDER,
    ]
    lines = ["a, b = general(seed, n, n), random(seed + 1000, n, n).astype(dtype)"]
    return g.case(lines, calls, tests, "s, t, q, z", "EIG/dget51.f")


ROUTINES: dict[str, Callable[[Given], LapackCase]] = {
    "trsen": _reordered,
    "tgsen": _reordered_pencil,
}
