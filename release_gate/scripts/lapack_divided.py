"""Divide and conquer against QR iteration for scripts, as accuracy.divide-and-conquer asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from release_gate.scripts.lapack import Given, LapackCase, Test

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ROUTINES"]

#: Distances of eigenvalues, in units in the last place.
_GAPS = {"close": 64, "near": 1024}


def _divided(g: Given) -> LapackCase:
    """syevd and syev of the same matrix."""
    uplo, real = g.variant or "L", ["real"] * g.is_complex
    gap = _GAPS.get(g.kind, 64)
    lines = [
        "places = np.arange(1, n + 1)",
        "sines = np.sqrt(2 / (n + 1)) * np.sin(np.outer(places, places) * np.pi / (n + 1))",
        "q = reflected(seed, sines)",
        f"a = times(q * (1 + {gap} * 2 * u * np.arange(n)), q.conj().T)",
        "a = ((a + a.conj().T) / 2).astype(dtype)",
        "",
        "def wrong(v, w):  # largest ||A v - w v|| / ||A||",
        "    return np.sqrt((abs(times(a, v) - v * w) ** 2).sum(axis=0)).max() / abs(w).max()",
        "",
        "halved = max(0, np.ceil(np.log2(n / 25)))  # so often",
    ]
    divided = f'{g.name("syevd", "heevd")}, "V", "{uplo}", n, v, w'
    iterated = f'{g.name("syev", "heev")}, "V", "{uplo}", n, other, values'
    work = ["np.zeros(3 * n, real)"] * g.is_complex
    calls = [
        "v, w, other, values = a.copy(), np.zeros(n, real), a.copy(), np.zeros(n, real)",
        f"lapack({', '.join([divided, 'dtype', *real, 'integer'])})",
        f"lapack({', '.join([iterated, 'dtype', *work])})",
    ]
    test = Test(
        name="residual",
        residual="wrong(v, w)",
        allowed="2 * wrong(other, values) + halved * np.sqrt(2) * 8 * u",
    )
    return g.case(lines, calls, [test], "v, w", "twice QR iteration's, and what LAED2 may drop")


#: How each routine is called, by its name without precision.
ROUTINES: dict[str, Callable[[Given], LapackCase]] = dict.fromkeys(("syevd", "heevd"), _divided)
