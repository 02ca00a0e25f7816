"""Orthogonal factors and least squares by LAPACK for scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from release_gate.scripts.lapack import LINEAR_LIMIT, Given, LapackCase, Test, orthonormal

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ROUTINES", "consistent", "least_squares_tests", "normal", "shape"]


def shape(g: Given, name: str) -> dict[str, int]:
    """Return rows and columns; those that a check has given, else of a shape of its tables."""
    if "m" in g.parameters:
        return {"m": g.parameters["m"], "n": g.parameters["n"]}
    n, other = g.size, max(1, g.size // 2)
    m, n = {"tall": (n, other), "wide": (other, n)}.get(name, (n, n))
    return {"m": m, "n": n}


def consistent(a: str, x: str, b: str) -> Test:
    """Return the test of a right-hand side in the range: ||B - A X|| / (m ||A|| ||X|| u)."""
    return Test(
        name="consistent",
        residual=f"norm({b} - times({a}, {x}))",
        allowed=f"{LINEAR_LIMIT} * u * max({a}.shape) * norm({a}) * norm({x})",
    )


def normal(a: str, x: str, b: str) -> Test:
    """Return the test that the residual is orthogonal to the range."""
    return Test(
        name="normal",
        residual=f"norm(times(({b} - times({a}, {x})).conj().T, {a}))",
        allowed=f"{LINEAR_LIMIT} * u * max({a}.shape + {b}.shape) * norm({a})"
        f" * max(norm({b}), norm({a}) * norm({x}))",
    )


def _least_squares(g: Given) -> LapackCase:
    """gels: a right-hand side in the range of A, and one beside it."""
    flags = g.variant if isinstance(g.variant, list | tuple) else (g.variant, "N")
    size = shape(g, flags[0])
    trans = g.adjoint if flags[1] == "C" else "N"
    columns = 1 + g.size % 3 if "variant" in g.parameters else 9  # as concurrency.lapack has
    lines = [
        "a = general(seed, m, n)",
        "operator = a" + (".conj().T" if flags[1] == "C" else ""),
        "rows, unknowns = operator.shape",
        f"inside = times(operator, random(seed + 1000, unknowns, {columns})).astype(dtype)",
        f"beside = random(seed + 1000, rows, {columns}).astype(dtype)",
    ]
    calls = [
        f"x, y = np.zeros((2, max(m, n), {columns}), dtype)",
        "x[:rows], y[:rows] = inside, beside",
        "for each in (x, y):",
        f'    lapack({g.name("gels")}, "{trans}", m, n, {columns}, a.copy(), each, dtype)',
    ]
    tests = least_squares_tests("operator", "unknowns")
    return g.case(lines, calls, tests, "x, y", "LIN/dqrt16.f and dqrt17.f", sizes=size)


def least_squares_tests(operator: str, unknowns: str) -> list[Test]:
    """Return the tests of solutions x for `inside` and y for `beside`."""
    return [
        consistent(operator, f"x[:{unknowns}]", "inside"),
        normal(operator, f"y[:{unknowns}]", "beside"),
    ]


def _rank_deficient(g: Given) -> LapackCase:
    """gelsy, gelss, gelsd of an integer matrix of known rank, which must be found."""
    name, deficit = g.variant if isinstance(g.variant, list | tuple) else (g.variant, 0)
    size, columns = shape(g, name), 1 + g.size % 3
    smaller = min(size.values())
    lines = [
        "stream = np.random.RandomState(seed)",
        "first, second = stream.randint(-2, 3, (m, rank)), stream.randint(-2, 3, (rank, n))",
        "first[:rank] = second[:, :rank] = np.eye(rank)  # keeps the rank",
        "a = times(first, second).astype(dtype)",
        f"b = times(a, random(seed + 1000, n, {columns}).astype(dtype)).astype(dtype)",
    ]
    reals = {"gelsy": "np.zeros(2 * n, real)", "gelss": "np.zeros(5 * n + 5 * m, real)"}
    before = "np.zeros(n, integer)" if g.routine == "gelsy" else "np.zeros(m + n, real)"
    after = [reals[g.routine]] if g.is_complex and g.routine in reals else []
    if g.routine == "gelsd":  # as long as dgelsd.f and zgelsd.f ask for, with all that rounds up
        after = [f"np.zeros(1000 + 200 * (m + n) * {columns}, real)"] if g.is_complex else []
        after.append("np.zeros(50 * (m + n), integer)")
    arguments = ", ".join(
        [f"m, n, {columns}, a.copy(), x", before, "tolerance, found, dtype", *after]
    )
    calls = [
        f"x, found = np.zeros((max(m, n), {columns}), dtype), np.zeros(1, integer)",
        "x[:m], tolerance = b, np.array([2 * u * max(m, n)], real)",
        f"lapack({g.name(g.routine)}, {arguments})",
    ]
    tests = [
        consistent("a", "x[:n]", "b"),
        Test(name="rank", residual="abs(found[0] - rank)", allowed="0"),
    ]
    size["rank"] = max(1, smaller - deficit)
    return g.case(lines, calls, tests, "x, found", "LIN/dqrt16.f", sizes=size)


def _generate(g: Given, letters: str = "qr") -> str:
    return g.name("org" + letters, "ung" + letters)


def _factored(g: Given, rows: str = "m") -> list[str]:
    return [
        f"r, tau = a.copy(), np.zeros(min({rows}, n), dtype)",
        f"lapack({g.name('geqrf')}, {rows}, n, r, tau, dtype)",
    ]


def _qr_tests(a: str) -> list[Test]:
    return [
        Test(
            name="factor",
            residual=f"norm(np.triu(r[:k]) - times(q.conj().T, {a}))",
            allowed=f"{LINEAR_LIMIT} * u * m * norm(a)",
        ),
        orthonormal("q"),
    ]


def _qr(g: Given) -> LapackCase:
    """geqrf and orgqr."""
    size = shape(g, g.variant)
    calls = [*_factored(g), "q = r[:, :k].copy()"]
    calls.append(f"lapack({_generate(g)}, m, k, k, q, tau, dtype)")
    size["k"] = min(size.values())
    return g.case(
        ["a = general(seed, m, n)"], calls, _qr_tests("a"), "q, r", "LIN/dqrt01.f", sizes=size
    )


def _pivoted(g: Given) -> LapackCase:
    """geqp3: A P = Q R."""
    size = shape(g, g.variant)
    reals = ", np.zeros(2 * n, real)" if g.is_complex else ""
    calls = [
        "r, order, tau = a.copy(), np.zeros(n, integer), np.zeros(k, dtype)",
        f"lapack({g.name('geqp3')}, m, n, r, order, tau, dtype{reals})",
        "q = r[:, :k].copy()",
        f"lapack({_generate(g)}, m, k, k, q, tau, dtype)",
    ]
    permuted = "a[:, (order - 1) % n]"
    tests = [
        Test(
            name="permutation",
            residual="np.count_nonzero(np.sort(order) != np.arange(1, n + 1))",
            allowed="0",
        ),
        *_qr_tests(permuted),
    ]
    size["k"] = min(size.values())
    lines = ["a = general(seed, m, n)"]
    return g.case(lines, calls, tests, "q, r, order", "LIN/dqpt01.f", sizes=size)


def _applied(g: Given) -> LapackCase:
    """ormqr against the explicit Q: ||Q C - (Q C)'|| / (m ||C|| u)."""
    side, flag = g.variant or "LN"
    m, columns = g.size, 1 + g.size % 5
    trans = g.adjoint if flag == "C" else "N"
    flags = f'"{side}", "{trans}"'
    shape_of_c = f"m, {columns}" if side == "L" else f"{columns}, m"
    lines = [
        "a = general(seed, m, n)",
        f"c = random(seed + 1000, {shape_of_c}).astype(dtype)",
    ]
    calls = [
        *_factored(g),
        "q, found = np.zeros((m, m), dtype), c.copy()",
        "q[:, :n] = r",
        f"lapack({_generate(g)}, m, m, n, q, tau, dtype)",
        f"lapack({g.name('ormqr', 'unmqr')}, {flags}, *c.shape, n, r, tau, found, dtype)",
    ]
    operator = "q.conj().T" if flag == "C" else "q"
    product = f"times({operator}, c)" if side == "L" else f"times(c, {operator})"
    test = Test(
        name="product",
        residual=f"norm(found - {product})",
        allowed=f"{LINEAR_LIMIT} * u * m * norm(c)",
    )
    size = {"m": m, "n": max(1, m // 2)}
    return g.case(lines, calls, [test], "found", "LIN/dqrt03.f", sizes=size)


def _compact(g: Given) -> LapackCase:
    """geqrt and gemqrt, with blocks of a few columns."""
    size = shape(g, g.variant)
    k = min(size.values())
    block = max(1, min(k, (3, 8, 32)[g.size % 3]))
    apply = f'lapack({g.name("gemqrt")}, "L", {{}}, m, {{}}, k, {block}, f, t, {{}}, work)'
    calls = [
        f"f, t, work = a.copy(), np.zeros(({block}, k), dtype), np.zeros({block} * (m + n), dtype)",
        f"lapack({g.name('geqrt')}, m, n, {block}, f, t, work)",
        "q, r = np.eye(m, dtype=dtype), a.copy()",
        apply.format('"N"', "m", "q"),
        apply.format(f'"{g.adjoint}"', "n", "r"),
    ]
    allowed = f"{LINEAR_LIMIT} * u * m * norm(a)"
    tests = [
        Test(
            name="factor",
            residual="norm(np.triu(f) - times(q.conj().T, a))",
            allowed=allowed,
        ),
        Test(name="applied", residual="norm(np.triu(f) - r)", allowed=allowed),
        orthonormal("q"),
    ]
    size["k"] = k
    return g.case(["a = general(seed, m, n)"], calls, tests, "f, q, r", "LIN/dqrt04.f", sizes=size)


def _row_factors(g: Given) -> LapackCase:
    """gelqf with orglq, gerqf with orgrq: ||R - A Q^H|| / (n ||A|| u)."""
    name, form = g.variant or ("lq", "wide")
    size = shape(g, form)
    rows = "f[:k]" if name == "lq" else "f[m - k :]"
    triangle = "np.tril(f[:, :k])" if name == "lq" else "np.triu(f[:, n - k :], k - m)"
    calls = [
        "f, tau = a.copy(), np.zeros(k, dtype)",
        f"lapack({g.name(f'ge{name}f')}, m, n, f, tau, dtype)",
        f"q = {rows}.copy()",
        f"lapack({_generate(g, name)}, k, n, k, q, tau, dtype)",
    ]
    test = Test(
        name="factor",
        residual=f"norm({triangle} - times(a, q.conj().T))",
        allowed=f"{LINEAR_LIMIT} * u * n * norm(a)",
    )
    size["k"] = min(size.values())
    lines, tests = ["a = general(seed, m, n)"], [test, orthonormal("q.conj().T")]
    return g.case(lines, calls, tests, "f, q", "LIN/dlqt01.f and drqt01.f", sizes=size)


def _constrained(g: Given) -> LapackCase:
    """gglse: min ||c - A x|| with B x = d, which some x solves both."""
    lines = [
        "a, b = general(seed, n, n), random(seed + 2000, p, n).astype(dtype)",
        "solution = random(seed + 1000, n, 1)",
        "c, d = times(a, solution).astype(dtype), times(b, solution).astype(dtype)",
    ]
    calls = [
        "x, left, right = np.zeros(n, dtype), c[:, 0].copy(), d[:, 0].copy()",
        f"lapack({g.name('gglse')}, n, n, p, a.copy(), b.copy(), left, right, x, dtype)",
        "x = x[:, None]",
    ]
    tests = [
        Test(
            name=name,
            residual=f"norm({right} - times({operator}, x))",
            allowed=f"{_CONSTRAINED_LIMIT} * u * norm({operator}) * norm(x)",
        )
        for name, operator, right in (("objective", "a", "c"), ("constraint", "b", "d"))
    ]
    return g.case(lines, calls, tests, "x", "EIG/dlsets.f", sizes={"p": max(1, g.size // 2)})


def _general_model(g: Given) -> LapackCase:
    """ggglm: min ||y|| with d = A x + B y."""
    lines = [
        "a, b = general(seed, n, m), random(seed + 2000, n, n).astype(dtype)",
        "d = random(seed + 1000, n, 1).astype(dtype)",
    ]
    calls = [
        "x, y, right = np.zeros(m, dtype), np.zeros(n, dtype), d[:, 0].copy()",
        f"lapack({g.name('ggglm')}, n, m, n, a.copy(), b.copy(), right, x, y, dtype)",
        "x, y = x[:, None], y[:, None]",
    ]
    test = Test(
        name="residual",
        residual="norm(d - times(a, x) - times(b, y))",
        allowed=f"{_CONSTRAINED_LIMIT} * u * (norm(a) + norm(b)) * (norm(x) + norm(y))",
    )
    return g.case(lines, calls, [test], "x, y", "EIG/dglmts.f", sizes={"m": max(1, g.size // 2)})


#: Of LAPACK's tests of constrained least squares (TESTING/lse.in, glm.in).
_CONSTRAINED_LIMIT = 20

ROUTINES: dict[str, Callable[[Given], LapackCase]] = {
    "gels": _least_squares,
    **dict.fromkeys(("gelsy", "gelss", "gelsd"), _rank_deficient),
    **dict.fromkeys(("geqrf", "orgqr", "ungqr"), _qr),
    "geqp3": _pivoted,
    **dict.fromkeys(("ormqr", "unmqr"), _applied),
    "geqrt": _compact,
    "gelqf": _row_factors,
    "gglse": _constrained,
    "ggglm": _general_model,
}
