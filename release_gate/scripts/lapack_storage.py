"""Half a matrix in LAPACK's other storage, for scripts: packed, RFP, pivoted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from release_gate.scripts.lapack import LINEAR_LIMIT, Given, LapackCase, Test, half
from release_gate.scripts.lapack_spectra import eigenpairs
from release_gate.scripts.lapack_systems import system

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ROUTINES"]


def _packed(uplo: str) -> str:
    """Return the statement that makes packed: one triangle of a, column by column."""
    columns = "a[j:, j]" if uplo == "L" else "a[: j + 1, j]"
    return f"packed = np.concatenate([{columns} for j in range(n)])"


def _definite(g: Given) -> LapackCase:
    uplo = g.variant or "L"
    calls = [f'lapack({g.name("ppsv")}, "{uplo}", n, b.shape[1], packed.copy(), x)']
    return system(g, ["a = positive(seed, n)", _packed(uplo)], calls, "LIN/dppt02.f")


def _indefinite(g: Given) -> LapackCase:
    uplo = g.variant or "U"
    calls = [
        "factors, pivots = packed.copy(), np.zeros(n, integer)",
        f'lapack({g.name("spsv", "hpsv")}, "{uplo}", n, b.shape[1], factors, pivots, x)',
    ]
    return system(g, ["a = hermitian(seed, n)", _packed(uplo)], calls, "LIN/dppt02.f")


def _rectangular(g: Given) -> LapackCase:
    flag, uplo = g.variant or "NL"
    flags = f'"{g.adjoint if flag == "C" else "N"}", "{uplo}"'
    calls = [
        "stored = np.zeros(n * (n + 1) // 2, dtype)",
        f"lapack({g.name('trttf')}, {flags}, n, {half('a', uplo)}, stored)",
        f"lapack({g.name('pftrf')}, {flags}, n, stored)",
        f"lapack({g.name('pftrs')}, {flags}, n, b.shape[1], stored, x)",
    ]
    return system(g, ["a = positive(seed, n)"], calls, "LIN/dpot02.f")


def _pivoted(g: Given) -> LapackCase:
    uplo = g.variant or "L"
    triangle = "np.tril(x)" if uplo == "L" else "np.triu(x).conj().T"
    calls = [
        "x, order, rank = a.copy(), np.zeros(n, integer), np.zeros(1, integer)",
        f'lapack({g.name("pstrf")}, "{uplo}", n, x, order, rank, np.full(1, -1, real),',
        "       np.zeros(2 * n, real))",
        f"lower, order = {triangle}, (order - 1) % n",
    ]
    tests = [
        Test(
            name="residual",
            residual="norm(times(lower, lower.conj().T) - a[order][:, order])",
            allowed=f"{LINEAR_LIMIT} * n * u * norm(a)",
        ),
        Test(name="rank", residual="abs(rank[0] - n)", allowed="0"),
    ]
    return g.case(["a = positive(seed, n)"], calls, tests, "lower, order", "LIN/dpst01.f")


def _pairs(g: Given) -> LapackCase:
    uplo = g.variant or "U"
    after = ", ".join(["dtype", *["real"] * g.is_complex, "integer"])
    calls = [
        "w, v = np.zeros(n, real), np.zeros((n, n), dtype)",
        f'lapack({g.name("spevd", "hpevd")}, "V", "{uplo}", n, packed.copy(), w, v, {after})',
    ]
    return eigenpairs(g, ["a = hermitian(seed, n)", _packed(uplo)], calls)


ROUTINES: dict[str, Callable[[Given], LapackCase]] = {
    "ppsv": _definite,
    **dict.fromkeys(("spsv", "hpsv"), _indefinite),
    **dict.fromkeys(("pftrf", "pftrs", "trttf"), _rectangular),
    "pstrf": _pivoted,
    **dict.fromkeys(("spevd", "hpevd"), _pairs),
}
