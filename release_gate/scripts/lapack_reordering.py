"""Schur forms whose eigenvalues are put into another order, for scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from release_gate.scripts.lapack import Given, LapackCase, Test
from release_gate.scripts.lapack_spectra import generalized_schur, schur

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ROUTINES"]

#: The chosen eigenvalues come first; where they are hardly apart from the others, nothing is said.
_ORDER = Test(
    name="order",
    residual="abs(found[0] - chosen.sum()) + (1e-2 * abs(w0).max() < gap < 2 * far)",
    allowed="0",
)


def _joined(g: Given) -> str:
    """Return the eigenvalues in their arrays as new complex numbers."""
    return "parts[0].copy()" if g.is_complex else "(parts[0] + 1j * parts[1])"


def _choice(g: Given, values: str) -> list[str]:
    """Return what chooses the upper half by size, conjugate pairs together; w0: all before."""
    pairs = "chosen = np.where(w0.imag < 0, np.roll(chosen, 1), chosen)"
    return [
        f"w0, found = {values}, np.zeros(1, integer)",
        "chosen = abs(w0) > np.median(abs(w0))",
        *([] if g.is_complex else [pairs]),
    ]


def _outcome(values: str) -> list[str]:
    """Return what tells how far the first eigenvalues are from the chosen ones."""
    distances = f"abs({values}[: found[0], None] - w0[chosen])"
    return [
        "gap = abs(w0[chosen][:, None] - w0[~chosen]).min(initial=np.inf)",
        f"far = {distances}.min(axis=1, initial=np.inf).max(initial=0)",
    ]


def _reordered(g: Given) -> LapackCase:
    """gees, then trsen."""
    form, joined = schur(g), _joined(g)
    after = "found, np.zeros(1, real), np.zeros(1, real), dtype" + ", integer" * (not g.is_complex)
    calls = (
        *_choice(g, joined),
        f'lapack({g.name("trsen")}, "N", "V", chosen.astype(integer), n, t, z, *parts, {after})',
        *_outcome(joined),
    )
    return evolve(form, calls=form.calls + calls, tests=(*form.tests, _ORDER))


def _reordered_pencil(g: Given) -> LapackCase:
    """gges, then tgsen."""
    form, joined = generalized_schur(g), f"({_joined(g)} / beta)"
    after = "found, np.zeros(1, real), np.zeros(1, real), np.zeros(2, real), dtype, integer"
    calls = (
        *_choice(g, joined),
        f"lapack({g.name('tgsen')}, 0, 1, 1, chosen.astype(integer), n, s, t, *parts, beta, q, z,",
        f"       {after})",
        *_outcome(joined),
    )
    return evolve(form, calls=form.calls + calls, tests=(*form.tests, _ORDER))


ROUTINES: dict[str, Callable[[Given], LapackCase]] = {
    "trsen": _reordered,
    "tgsen": _reordered_pencil,
}
