"""`numpy.linalg` for scripts, and LAPACK's own drivers in single precision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from release_gate.scripts import lapack_orthogonal, lapack_spectra, lapack_systems
from release_gate.scripts.lapack import (
    EIGENVALUE_ORDER,
    LINEAR_LIMIT,
    NONSYMMETRIC_LIMIT,
    SINGULAR_VALUE_ORDER,
    SYMMETRIC_LIMIT,
    Given,
    LapackCase,
    Test,
    half,
    orthonormal,
    solved,
)
from release_gate.scripts.lapack_spectra import FROBENIUS

if TYPE_CHECKING:
    from collections.abc import Callable

    from release_gate.scripts.blas import Parameters

__all__ = ["driver"]

#: Routines of the other tables by which single precision is asked, with their flags.
_SINGLE = {
    "solve": ("gesv", lapack_systems),
    "inv": ("getri", lapack_systems),
    "qr": ("geqrf", lapack_orthogonal),
    "lstsq": ("gelsd", lapack_orthogonal),
    "eigh": ("syevd", lapack_spectra),
    "eig": ("geev", lapack_spectra),
    "svd": ("gesdd", lapack_spectra),
}

#: Matrices with an answer that is known exactly.
_KNOWN = ("subnormal-pivot", "elementary")


def driver(parameters: Parameters) -> LapackCase | None:
    """Return the case of the function of `numpy.linalg` in `parameters`; None for others."""
    function, size = parameters.get("function"), parameters.get("size")
    if function not in _FUNCTIONS or size is None:
        return None
    if isinstance(size, list):
        m, n = (parameters.get(name, side) for name, side in zip("mn", size, strict=True))
        parameters = {**parameters, "m": m, "n": n, "size": n}
    g = Given.of(parameters)
    if g.kind in _KNOWN:
        return _known(g, str(function))
    if _is_double(g):
        return evolve(_FUNCTIONS[function](g), title=f"numpy.linalg.{function}")
    if function == "cholesky":
        return _cholesky(g)
    routine, table = _SINGLE[function]
    hermitian = routine == "syevd" and g.is_complex
    ask: Callable[[Given], LapackCase] = table.ROUTINES[routine]
    return ask(evolve(g, routine="heevd" if hermitian else routine))


def _is_double(g: Given) -> bool:
    """Whether `numpy.linalg` computes in this precision."""
    return g.dtype in {"float64", "complex128"}


def _known(g: Given, function: str) -> LapackCase:
    """A diagonal with a subnormal element, and the identity with one element more."""
    at = g.parameters["at"]
    if g.kind == "elementary":
        i, j = (min(place, g.size - 1) for place in at)
        lines = ["a = np.eye(n, dtype=dtype)", f"a[{i}, {j}] = 10"]
        right, exact = "np.eye(n, dtype=dtype)", "(2 * np.eye(n) - a)"
    else:
        place = min(at, g.size - 1)
        tiny = f"np.finfo(dtype).tiny / {g.parameters['divisor']}"
        lines = ["a = np.eye(n, dtype=dtype)", f"a[{place}, {place}] = {tiny}"]
        right, exact = "a.diagonal()[:, None].copy()", "1"
    double = _is_double(g)
    if double:
        calls = [f"x = np.linalg.{'inv(a)' if function == 'inv' else 'solve(a, b)'}"]
    else:
        calls = [
            "x = b.copy()",
            f"lapack({g.name('gesv')}, n, x.shape[1], a.copy(), np.zeros(n, integer), x)",
        ]
    test = Test(name="solution", residual=f"abs(x - {exact}).max()", allowed=f"{LINEAR_LIMIT} * u")
    source = "known exactly: OpenBLAS#3976, numpy#22502"
    title = f"numpy.linalg.{function}" if double else None
    lines.append(f"b = {right}")
    case = evolve(g, kind="random", routine="gesv")
    return case.case(lines, calls, [test], "x", source, title=title)


def _solve(g: Given) -> LapackCase:
    columns = (1, 2, 5, 70)[g.size % 4]
    lines = ["a = general(seed, n, n)", f"b = random(seed + 1000, n, {columns}).astype(dtype)"]
    calls = ["x = np.linalg.solve(a, b)"]
    return g.case(lines, calls, [solved("a")], "x", "LIN/dget02.f")


def _inv(g: Given) -> LapackCase:
    test = Test(
        name="inverse",
        residual="norm(np.eye(n) - times(x, a))",
        allowed=f"{LINEAR_LIMIT} * n * u * norm(a) * norm(x)",
    )
    return g.case(
        ["a = general(seed, n, n)"], ["x = np.linalg.inv(a)"], [test], "x", "LIN/dget03.f"
    )


def _cholesky(g: Given) -> LapackCase:
    single = [f"x = {half('a', 'L')}", f'lapack({g.name("potrf")}, "L", n, x)', "x = np.tril(x)"]
    double = ["x = np.linalg.cholesky(a)"]
    calls = double if _is_double(g) else single
    test = Test(
        name="factor",
        residual="norm(times(x, x.conj().T) - a)",
        allowed=f"{LINEAR_LIMIT} * n * u * norm(a)",
    )
    case = evolve(g, routine="potrf")
    return case.case(["a = positive(seed, n)"], calls, [test], "x", "LIN/dpot01.f")


def _qr(g: Given) -> LapackCase:
    tests = [
        Test(
            name="factor",
            residual="norm(r - times(q.conj().T, a))",
            allowed=f"{LINEAR_LIMIT} * u * m * norm(a)",
        ),
        orthonormal("q"),
    ]
    sizes = lapack_orthogonal.shape(g, "square")
    lines, calls = ["a = general(seed, m, n)"], ["q, r = np.linalg.qr(a)"]
    return g.case(lines, calls, tests, "q, r", "LIN/dqrt01.f", sizes=sizes)


def _lstsq(g: Given) -> LapackCase:
    sizes = lapack_orthogonal.shape(g, "square")
    columns = (1, 2, 5)[sizes["m"] % 3]
    lines = [
        "a = general(seed, m, n)",
        f"inside = times(a, random(seed + 1000, n, {columns})).astype(dtype)",
        f"beside = random(seed + 2000, m, {columns}).astype(dtype)",
    ]
    calls = [
        "cut = 2 * u * max(m, n)",
        "x, _, rank, _ = np.linalg.lstsq(a, inside, rcond=cut)",
        "y = np.linalg.lstsq(a, beside, rcond=cut)[0]",
    ]
    tests = lapack_orthogonal.least_squares_tests("a", "n")
    tests.append(Test(name="rank", residual="abs(rank - min(m, n))", allowed="0"))
    return g.case(lines, calls, tests, "x, y", "LIN/dqrt16.f and dqrt17.f", sizes=sizes)


def _eigh(g: Given) -> LapackCase:
    tests = [
        Test(
            name="residual",
            residual="norm(times(v * w, v.conj().T) - a)",
            allowed=f"{SYMMETRIC_LIMIT} * n * 2 * u * norm(a)",
        ),
        orthonormal("v", SYMMETRIC_LIMIT),
        Test(
            name="values",
            residual="abs(np.linalg.eigvalsh(a) - w).max()",
            allowed=f"{SYMMETRIC_LIMIT} * n * 2 * u * abs(w).max()",
        ),
        EIGENVALUE_ORDER,
    ]
    lines, calls = ["a = hermitian(seed, n)"], ["w, v = np.linalg.eigh(a)"]
    return g.case(lines, calls, tests, "w, v", "EIG/dsyt21.f")


def _eig(g: Given) -> LapackCase:
    tests = [
        Test(
            name="residual",
            residual="norm(times(a, v) - v * w)",
            allowed=f"{NONSYMMETRIC_LIMIT} * 2 * u * max(norm(a), {FROBENIUS}) * norm(v)",
        ),
        Test(
            name="normalisation",
            residual="abs(np.sqrt((abs(v) ** 2).sum(axis=0)) - 1).max()",
            allowed=f"{NONSYMMETRIC_LIMIT} * n * 2 * u",
        ),
    ]
    return g.case(
        ["a = general(seed, n, n)"], ["w, v = np.linalg.eig(a)"], tests, "w, v", "EIG/dget22.f"
    )


def _svd(g: Given) -> LapackCase:
    tests = [
        Test(
            name="residual",
            residual="norm(a - times(left * s, right))",
            allowed=f"{SYMMETRIC_LIMIT} * n * 2 * u * norm(a)",
        ),
        orthonormal("left", SYMMETRIC_LIMIT, "left"),
        orthonormal("right.conj().T", SYMMETRIC_LIMIT, "right"),
        Test(
            name="values",
            residual="abs(np.linalg.svd(a, compute_uv=False) - s).max()",
            allowed=f"{SYMMETRIC_LIMIT} * len(s) * 2 * u * s[0]",
        ),
        SINGULAR_VALUE_ORDER,
    ]
    sizes = lapack_orthogonal.shape(g, "square")
    lines = ["a = general(seed, m, n)"]
    calls = ["left, s, right = np.linalg.svd(a, full_matrices=False)"]
    return g.case(lines, calls, tests, "left, s, right", "EIG/dbdt01.f", sizes=sizes)


_FUNCTIONS: dict[str, Callable[[Given], LapackCase]] = {
    "solve": _solve,
    "inv": _inv,
    "cholesky": _cholesky,
    "qr": _qr,
    "lstsq": _lstsq,
    "eigh": _eigh,
    "eig": _eig,
    "svd": _svd,
}
