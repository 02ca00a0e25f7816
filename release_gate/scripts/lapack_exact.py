"""LAPACK calls for scripts on matrices whose factors, solutions and inverses are exact.

The matrices are of the kinds of the exact checks, which draw them from a pool: of small integers,
halves and powers of two, such that no sum or quotient rounds, whatever the blocking.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from release_gate.scripts.lapack import Given, LapackCase, Test

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ROUTINES"]

_OPERATORS = {"N": "a", "T": "a.T", "C": "a.conj().T", "R": "a.conj()"}

_SOURCE = "nothing rounds: the exact result"


def _equal(found: str, exact: str, name: str = "elements that are not exact") -> Test:
    return Test(name=name, residual=f"np.count_nonzero({found} != {exact})", allowed="0")


def _case(
    g: Given, lines: list[str], calls: list[str], tests: list[Test], results: str, **sizes: int
) -> LapackCase:
    stream = ["stream = np.random.RandomState(seed)"]
    return g.case([*stream, *lines], calls, tests, results, _SOURCE, sizes=sizes)


def _size(g: Given, name: str, default: int) -> int:
    return int(g.parameters.get(name, default))


def _factors(rows: str = "n", *, permuted: bool = True) -> list[str]:
    """Return what makes A = P L U, whose elimination meets no other largest entry than its pivot.

    Below the diagonal of L are 0 and halves, on that of U are 1, -1, i and -i.
    """
    return [
        f"k = min({rows}, n)",
        f"L = np.tril(one_of([0, *units], {rows}, n) / 2, -1) + np.eye({rows}, n)",
        f"U = np.triu(integers({rows}, n), 1) + np.eye({rows}, n) * one_of(units, n)",
        f"order = stream.permutation({rows})" if permuted else f"order = np.arange({rows})",
        "a = times(L[:, :k], U[:k])[order].astype(dtype)",
    ]


def _lu(g: Given) -> LapackCase:
    """getrf and getf2: elements and pivots."""
    m, n = _size(g, "m", g.size), _size(g, "n", g.size)
    calls = [
        "lu, pivots = a.copy(), np.zeros(k, integer)",
        f"lapack({g.name(g.routine)}, m, n, lu, pivots)",
    ]
    tests = [
        _equal("permuted(order, pivots)[:k]", "np.arange(k)", "wrong pivots"),
        _equal("lu", "np.where(np.tri(m, n, -1, bool), L[permuted(order, pivots)], U)"),
    ]
    return _case(g, _factors("m"), calls, tests, "lu, pivots", m=m, n=n)


def _solution(g: Given) -> LapackCase:
    """gesv and getrs."""
    columns, trans = _size(g, "columns", 2), g.parameters.get("trans", "N")
    # getrs is given the factors themselves, without exchanges.
    lines = [
        *_factors(permuted=g.routine == "gesv"),
        "exact = integers(n, columns)",
        f"b = times({_OPERATORS[trans]}, exact).astype(dtype)",
    ]
    if g.routine == "gesv":
        calls = [
            "lu, pivots, x = a.copy(), np.zeros(n, integer), b.copy()",
            f"lapack({g.name('gesv')}, n, columns, lu, pivots, x)",
        ]
    else:
        calls = [
            "lu, x = (np.tril(L, -1) + U).astype(dtype), b.copy()",
            "pivots = np.arange(1, n + 1, dtype=integer)",
            f'lapack({g.name("getrs")}, "{trans}", n, columns, lu, pivots, x)',
        ]
    return _case(g, lines, calls, [_equal("x", "exact")], "x", columns=columns)


def _row_exchanges(g: Given) -> LapackCase:
    m, n = _size(g, "m", 1), _size(g, "n", 1)
    lines = [
        "stream = np.random.RandomState(seed + m)  # the check's own pivots",
        "pivots = np.array([stream.randint(i, m + 1) for i in range(1, m + 1)], integer)",
        "a, order = integers(m, n).astype(dtype), np.arange(m)",
        "for i in range(first - 1, m)[:: 1 if step > 0 else -1]:",
        "    order[[i, pivots[i] - 1]] = order[[pivots[i] - 1, i]]",
        "apart = np.ones(first + (m - first) * abs(step), integer)",
        "apart[first - 1 :: abs(step)] = pivots[first - 1 :]",
    ]
    calls = ["x = a.copy()", f"lapack({g.name('laswp')}, n, x, first, m, apart, step)"]
    sizes = {"m": m, "n": n, "step": _size(g, "step", 1)}
    sizes["first"] = min(_size(g, "first", 1), m)
    return _case(g, lines, calls, [_equal("x", "a[order]")], "x", **sizes)


def _triangles(uplo: str, *, unit: bool) -> list[str]:
    """Return what makes a triangle with its exact inverse.

    T = (I + M)(I + N) D with M M = N N = 0: the inverse is D^-1 (I - N)(I - M).
    """
    turned = "" if uplo == "L" else ".conj().T"
    kept = f"np.tri(n, k={-1 if unit else 0}, dtype=bool){'' if uplo == 'L' else '.T'}"
    return [
        "M, N = (",
        "    np.tril(one_of([0, 0, *units], n, n), -1) * np.outer(rows, ~rows)",
        "    for rows in stream.randint(0, 2, (2, n)).astype(bool)",
        ")",
        f"D, eye = {'np.ones(n)' if unit else 'one_of([0.5, 1, 2], n)'}, np.eye(n)",
        f"a = (times(eye + M, eye + N) * D){turned}.astype(dtype)",
        f"inverse = (times(eye - N, eye - M) / D[:, None]){turned}",
        f"kept = {kept}",
    ]


_HALF = "np.where(kept, {}, dtype(np.nan))"


def _triangular_inverse(g: Given) -> LapackCase:
    """trtri and trti2."""
    uplo, unit = g.parameters["uplo"], bool(g.parameters.get("unit"))
    diag = '"U"' if unit else '"N"'
    calls = [
        f"x = {_HALF.format('a')}",
        f'lapack({g.name(g.routine)}, "{uplo}", {diag}, n, x)',
    ]
    tests = [_equal("x[kept]", "inverse[kept]")]
    return _case(g, _triangles(uplo, unit=unit), calls, tests, "x")


def _triangular_solution(g: Given) -> LapackCase:
    uplo, trans = g.parameters["uplo"], g.parameters.get("trans", "N")
    unit, columns = bool(g.parameters.get("unit")), _size(g, "columns", 1)
    lines = [
        *_triangles(uplo, unit=unit),
        "exact = integers(n, columns)",
        f"b = times({_OPERATORS[trans]}, exact).astype(dtype)",
    ]
    flags = f'"{uplo}", "{trans}", "{"U" if unit else "N"}"'
    calls = [
        "x = b.copy()",
        f"lapack({g.name('trtrs')}, {flags}, n, columns, {_HALF.format('a')}, x)",
    ]
    return _case(g, lines, calls, [_equal("x", "exact")], "x", columns=columns)


def _inverse_from_lu(g: Given) -> LapackCase:
    """getri of factors whose inverses are exact: A^-1 = U^-1 L^-1 P."""
    lines = [
        *_triangles("L", unit=True)[:-3],
        "scales = one_of([0.5, 1, 2], n)",
        "T, inverse = times(eye + M, eye + N), times(eye - N, eye - M)",
        "lu = (np.tril(T, -1) + (T * scales).conj().T).astype(dtype)",
        "pivots = np.array([stream.randint(i, n + 1) for i in range(1, n + 1)], integer)",
        "inverse = times((inverse / scales[:, None]).conj().T, inverse)",
        "exact = inverse[:, np.argsort(permuted(np.arange(n), pivots))]",
    ]
    calls = ["x = lu.copy()", f"lapack({g.name('getri')}, n, x, pivots, dtype)"]
    return _case(g, lines, calls, [_equal("x", "exact")], "x")


def _root(uplo: str) -> list[str]:
    turned = "" if uplo == "L" else ".conj().T"
    return [
        f"root = (np.tril(integers(n, n), -1) + np.diag(one_of([1, 2, 4], n))){turned}",
        f"kept = np.tri(n, dtype=bool){'' if uplo == 'L' else '.T'}",
    ]


def _definite(g: Given) -> LapackCase:
    """potrf, potf2, posv and potrs."""
    uplo, columns = g.parameters["uplo"], _size(g, "columns", 1)
    square = "times(root, root.conj().T)" if uplo == "L" else "times(root.conj().T, root)"
    lines = [*_root(uplo), f"a = {square}.astype(dtype)"]
    if g.routine in {"potrf", "potf2"}:
        calls = [
            f"x = {_HALF.format('a')}",
            f'lapack({g.name(g.routine)}, "{uplo}", n, x)',
        ]
        return _case(g, lines, calls, [_equal("x[kept]", "root[kept]")], "x")
    lines += ["exact = integers(n, columns)", "b = times(a, exact).astype(dtype)"]
    given = _HALF.format("a" if g.routine == "posv" else "root.astype(dtype)")
    calls = ["x = b.copy()", f'lapack({g.name(g.routine)}, "{uplo}", n, columns, {given}, x)']
    return _case(g, lines, calls, [_equal("x", "exact")], "x", columns=columns)


def _definite_inverse(g: Given) -> LapackCase:
    """potri of a factor T whose inverse is exact: (T T^H)^-1 = T^-H T^-1."""
    uplo = g.parameters["uplo"]
    product = (
        "times(inverse.conj().T, inverse)" if uplo == "L" else ("times(inverse, inverse.conj().T)")
    )
    calls = [f"x = {_HALF.format('a')}", f'lapack({g.name("potri")}, "{uplo}", n, x)']
    lines = [*_triangles(uplo, unit=False), f"exact = {product}"]
    return _case(g, lines, calls, [_equal("x[kept]", "exact[kept]")], "x")


def _triangular_product(g: Given) -> LapackCase:
    """lauum and lauu2: L^H L or U U^H."""
    uplo = g.parameters["uplo"]
    product = "times(root.conj().T, root)" if uplo == "L" else "times(root, root.conj().T)"
    calls = [
        f"x = {_HALF.format('root.astype(dtype)')}",
        f'lapack({g.name(g.routine)}, "{uplo}", n, x)',
    ]
    lines = [*_root(uplo), f"exact = {product}"]
    return _case(g, lines, calls, [_equal("x[kept]", "exact[kept]")], "x")


def _reflector(g: Given) -> LapackCase:
    """larf: C - tau v (v^H C) or C - tau (C v) v^H."""
    p, side, step = g.parameters, g.parameters["side"], _size(g, "step", 1)
    m, n = _size(g, "m", 1), _size(g, "n", 1)
    length = m if side == "L" else n
    last = ["v[-1] = 1  # reference larf starts too early after zeros"] if step < 0 else []
    change = "times(v, times(v.conj().T, c))" if side == "L" else "times(times(c, v), v.conj().T)"
    lines = [
        f"v, c = integers({length}, 1), integers(m, n)",
        f"v[max(1, {length} - {p.get('zeros', 0)}):] = 0",
        *last,
        "scale = np.array([tau], dtype)",
        f"stored = np.full({abs(step) * length}, np.nan, dtype)",
        f"stored[::{abs(step)}] = v[{'::-1' if step < 0 else ':'}, 0]",
    ]
    calls = [
        "x, work = c.astype(dtype), np.zeros(max(m, n), dtype)",
        f'lapack({g.name("larf")}, "{side}", m, n, stored, {step}, scale, x, work)',
    ]
    tests = [_equal("x", f"c - tau * {change}")]
    return _case(g, lines, calls, tests, "x", m=m, n=n, tau=_size(g, "tau", 1))


#: By the names that the exact checks give, without letter.
ROUTINES: dict[str, Callable[[Given], LapackCase]] = {
    **dict.fromkeys(("getrf", "getf2"), _lu),
    **dict.fromkeys(("gesv", "getrs"), _solution),
    "laswp": _row_exchanges,
    "getri": _inverse_from_lu,
    **dict.fromkeys(("potrf", "potf2", "posv", "potrs"), _definite),
    "potri": _definite_inverse,
    **dict.fromkeys(("trtri", "trti2"), _triangular_inverse),
    **dict.fromkeys(("lauum", "lauu2"), _triangular_product),
    "trtrs": _triangular_solution,
    "larf": _reflector,
}
