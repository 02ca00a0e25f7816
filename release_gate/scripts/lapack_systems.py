"""Linear systems by LAPACK for scripts, with the tests of accuracy.lapack-systems."""

from __future__ import annotations

from typing import TYPE_CHECKING

from release_gate.scripts.lapack import LINEAR_LIMIT, Given, LapackCase, Test, band, half, solved

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["ROUTINES", "system"]

_OPERATORS = {"N": "a", "T": "a.T", "C": "a.conj().T"}


def _columns(g: Given) -> int:
    return (1, 3, 8)[g.size % 3]


def _right(g: Given) -> str:
    return f"b = random(seed + 1000, n, {_columns(g)}).astype(dtype)"


def system(
    g: Given, lines: Sequence[str], calls: Sequence[str], source: str, operator: str = "a"
) -> LapackCase:
    """Return the case of a solution X = A^-1 B, of what `lines` call a."""
    made = ["x = b.copy()", *calls]
    return g.case([*lines, _right(g)], made, [solved(operator)], "x", source)


def _inverse(g: Given, lines: list[str], calls: list[str], source: str) -> LapackCase:
    """Return the case of an inverse X: ||I - X A|| / (n ||A|| ||X|| u)."""
    test = Test(
        name="inverse",
        residual="norm(np.eye(n) - times(x, a))",
        allowed=f"{LINEAR_LIMIT} * n * u * norm(a) * norm(x)",
    )
    return g.case(lines, calls, [test], "x", source)


def _indefinite(g: Given) -> LapackCase:
    """Bunch and Kaufman's factors; real ones are asked in two ways that parameters do not tell."""
    uplo, hermitian = g.variant or "L", g.routine == "hetrf"
    if g.routine == "sytrf" and (g.is_complex or g.parameters.get("general")):
        lines = ["a = general(seed, n, n)", "a = a + a.T"]
    else:
        lines = ["a = hermitian(seed, n)"]
    names = [g.name(each, each.replace("sy", "he") if hermitian else "") for each in _BUNCH]
    calls = [
        f"lu, pivots = {half('a', uplo)}, np.zeros(n, integer)",
        f'lapack({names[0]}, "{uplo}", n, lu, pivots, dtype)',
        f'lapack({names[1]}, "{uplo}", n, b.shape[1], lu, pivots, x)',
    ]
    return system(g, lines, calls, "LIN/dpot02.f")


_BUNCH = ("sytrf", "sytrs")


def _factors(g: Given) -> LapackCase:
    """getrf."""
    sizes = {"m": g.parameters.get("m", g.size), "n": g.parameters.get("n", g.size)}
    calls = [
        "lu, pivots = a.copy(), np.zeros(min(m, n), integer)",
        f"lapack({g.name('getrf')}, m, n, lu, pivots)",
    ]
    product = "times(np.tril(lu[:, :k], -1) + np.eye(m, k), np.triu(lu[:k]))"
    test = Test(
        name="factors",
        residual=f"norm({product} - a[permuted(np.arange(m), pivots)])",
        allowed=f"{LINEAR_LIMIT} * m * u * norm(a)",
    )
    sizes["k"] = min(sizes.values())
    lines = ["a = general(seed, m, n)"]
    return g.case(lines, calls, [test], "lu, pivots", "LIN/dget01.f", sizes=sizes)


def _factored_inverse(g: Given) -> LapackCase:
    calls = [
        "x, pivots = a.copy(), np.zeros(n, integer)",
        f"lapack({g.name('getrf')}, n, n, x, pivots)",
        f"lapack({g.name('getri')}, n, x, pivots, dtype)",
    ]
    return _inverse(g, ["a = general(seed, n, n)"], calls, "LIN/dget03.f")


def _factored_solution(g: Given) -> LapackCase:
    trans = g.variant or "T"
    calls = [
        "lu, pivots = a.copy(), np.zeros(n, integer)",
        f"lapack({g.name('getrf')}, n, n, lu, pivots)",
        f'lapack({g.name("getrs")}, "{trans}", n, b.shape[1], lu, pivots, x)',
    ]
    return system(g, ["a = general(seed, n, n)"], calls, "LIN/dget02.f", _OPERATORS[trans])


def _general_solution(g: Given) -> LapackCase:
    calls = [
        "lu, pivots = a.copy(), np.zeros(n, integer)",
        f"lapack({g.name('gesv')}, n, b.shape[1], lu, pivots, x)",
    ]
    return system(g, ["a = general(seed, n, n)"], calls, "LIN/dget02.f")


def _definite_inverse(g: Given) -> LapackCase:
    uplo = g.variant or "L"
    calls = [
        f"x = {half('a', uplo)}",
        f'lapack({g.name("potrf")}, "{uplo}", n, x)',
        f'lapack({g.name("potri")}, "{uplo}", n, x)',
        f"x = np.{'tril' if uplo == 'L' else 'triu'}(np.nan_to_num(x, nan=0))",
        "x = x + x.conj().T - np.diag(x.diagonal().real)",
    ]
    return _inverse(g, ["a = positive(seed, n)"], calls, "LIN/dpot03.f")


def _definite_solution(g: Given) -> LapackCase:
    uplo = g.variant or "L"
    factor = f"factor = {half('a', uplo)}"
    if g.routine == "posv":
        calls = [factor, f'lapack({g.name("posv")}, "{uplo}", n, b.shape[1], factor, x)']
    else:
        calls = [
            factor,
            f'lapack({g.name("potrf")}, "{uplo}", n, factor)',
            f'lapack({g.name("potrs")}, "{uplo}", n, b.shape[1], factor, x)',
        ]
    return system(g, ["a = positive(seed, n)"], calls, "LIN/dpot02.f")


def _triangle(uplo: str, diag: str) -> list[str]:
    lines = [f"a = np.tri{uplo.lower()}(general(seed, n, n))"]
    return [*lines, "np.fill_diagonal(a, 1)"] if diag == "U" else lines


def _triangular_inverse(g: Given) -> LapackCase:
    uplo, diag = g.variant or "UN"
    calls = [
        f"x = {half('a', uplo)}",
        f'lapack({g.name("trtri")}, "{uplo}", "{diag}", n, x)',
        "x = np.nan_to_num(x, nan=0)",
    ]
    test = Test(
        name="inverse",
        residual="norm(np.eye(n) - times(a, x))",
        allowed=f"{LINEAR_LIMIT} * n * u * norm(a) * norm(x)",
    )
    return g.case(_triangle(uplo, diag), calls, [test], "x", "LIN/dtrt01.f")


def _triangular_solution(g: Given) -> LapackCase:
    uplo, trans, diag = g.variant or "UNN"
    flags = f'"{uplo}", "{trans}", "{diag}"'
    calls = [
        f"lapack({g.name('trtrs')}, {flags}, n, b.shape[1], {half('a', uplo)}, x)",
    ]
    return system(g, _triangle(uplo, diag), calls, "LIN/dtrt02.f", _OPERATORS[trans])


def _banded(g: Given) -> LapackCase:
    below, above = (min(width, g.size - 1) for width in g.variant or (1, 2))
    lines = [
        f"a = np.tril(np.triu(general(seed, n, n), -{below}), {above})",
        "np.fill_diagonal(a, 2 * abs(a).max(axis=1))  # so that solutions do not grow",
        f"band = np.zeros(({2 * below + above + 1}, n), dtype)",
        "i, j = np.nonzero(a)",
        f"band[{below + above} + i - j, j] = a[i, j]",
    ]
    calls = [
        "lu, pivots = band.copy(), np.zeros(n, integer)",
        f"lapack({g.name('gbsv')}, n, {below}, {above}, b.shape[1], lu, pivots, x)",
    ]
    return system(g, lines, calls, "LIN/dgbt02.f")


def _definite_banded(g: Given) -> LapackCase:
    uplo, width = g.variant or ("L", 2)
    width = min(width, g.size - 1)
    lines = band("positive(seed, n)", uplo, width)
    calls = [f'lapack({g.name("pbsv")}, "{uplo}", n, {width}, b.shape[1], band.copy(), x)']
    return system(g, lines, calls, "LIN/dpbt02.f")


def _tridiagonal(g: Given) -> LapackCase:
    lines = ["a = np.tril(np.triu(general(seed, n, n), -1), 1)"]
    calls = [
        "diagonals = [a.diagonal(k).copy() for k in (-1, 0, 1)]",
        f"lapack({g.name('gtsv')}, n, b.shape[1], *diagonals, x)",
    ]
    return system(g, lines, calls, "LIN/dgtt02.f")


def _definite_tridiagonal(g: Given) -> LapackCase:
    lines = ["a = np.tril(np.triu(positive(seed, n), -1), 1)"]
    calls = [
        "diagonals = a.diagonal().real.copy(), a.diagonal(-1).copy()",
        f"lapack({g.name('ptsv')}, n, b.shape[1], *diagonals, x)",
    ]
    return system(g, lines, calls, "LIN/dptt02.f")


def _sylvester(g: Given) -> LapackCase:
    """trsyl: ||op(A) X + X op(B) - scale C|| / ((||A|| + ||B||) ||X|| u)."""
    flags = g.variant or "NN"
    left, right = (g.adjoint if flag == "C" else "N" for flag in flags)
    op_a, op_b = (
        f"{name}.conj().T" if flag == "C" else name for name, flag in zip("ab", flags, strict=True)
    )
    lines = [
        "a = (np.triu(random(seed, n, n)) + 2 * np.eye(n)).astype(dtype)",
        "b = (np.triu(random(seed + 1, m, m)) + 2 * np.eye(m)).astype(dtype)",
        "c = random(seed + 2, n, m).astype(dtype)",
    ]
    calls = [
        "x, scale = c.copy(), np.zeros(1, real)",
        f'lapack({g.name("trsyl")}, "{left}", "{right}", 1, n, m, a, b, x, scale)',
    ]
    test = Test(
        name="residual",
        residual=f"norm(times({op_a}, x) + times(x, {op_b}) - scale[0] * c)",
        allowed=f"{LINEAR_LIMIT} * u * (norm(a) + norm(b)) * norm(x)",
    )
    return g.case(
        lines, calls, [test], "x, scale", "EIG/dget35.f", sizes={"m": max(1, g.size // 2)}
    )


#: How each routine is asked; factors by what they solve.
ROUTINES: dict[str, Callable[[Given], LapackCase]] = {
    **dict.fromkeys(("sytrf", "sytrs", "hetrf", "hetrs"), _indefinite),
    "getrf": _factors,
    "getri": _factored_inverse,
    "getrs": _factored_solution,
    "gesv": _general_solution,
    "potri": _definite_inverse,
    **dict.fromkeys(("posv", "potrf", "potrs"), _definite_solution),
    "trtri": _triangular_inverse,
    "trtrs": _triangular_solution,
    "gbsv": _banded,
    "pbsv": _definite_banded,
    "gtsv": _tridiagonal,
    "ptsv": _definite_tridiagonal,
    "trsyl": _sylvester,
}
