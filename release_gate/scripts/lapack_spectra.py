"""Eigen- and singular-value problems by LAPACK for scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from release_gate.scripts.lapack import (
    EIGENVALUE_ORDER,
    NONSYMMETRIC_LIMIT,
    SINGULAR_VALUE_ORDER,
    SYMMETRIC_LIMIT,
    Given,
    LapackCase,
    Test,
    band,
    half,
    orthonormal,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "FROBENIUS",
    "ROUTINES",
    "eigenpairs",
    "generalized_schur",
    "schur",
]

_SVD_LIMIT = 50

#: Of a, without overflow.
FROBENIUS = "np.hypot.reduce(abs(a).ravel())"

#: Vectors of syevr and syevx are computed one by one, as orthogonal as their eigenvalues are apart
#: relative to ||A||, at least 1e-3 (Dhillon and Parlett 2004).
_GAPS = "np.clip(abs(w[:, None] - w) / norm(a) + np.eye(len(w)), 1e-3, 1)"
_SPACED = Test(
    name="orthogonality",
    residual=f"norm((np.eye(len(w)) - times(v.conj().T, v)) * {_GAPS})",
    allowed=f"{SYMMETRIC_LIMIT} * n * 2 * u",
)


def eigenpairs(
    g: Given, lines: list[str], calls: list[str], orthogonality: Test | None = None
) -> LapackCase:
    """Return the case of eigenpairs w, v of a Hermitian matrix a."""
    tests = [
        Test(
            name="residual",
            residual="norm(times(a, v) - v * w)",
            allowed=f"{SYMMETRIC_LIMIT} * n * 2 * u * norm(a)",
        ),
        orthogonality or orthonormal("v", 2 * SYMMETRIC_LIMIT),
        EIGENVALUE_ORDER,
    ]
    return g.case(lines, calls, tests, "w, v", "EIG/dsyt21.f and dsyt22.f")


def _expert(g: Given) -> LapackCase:
    """syevr and syevx: all eigenvalues, or the half of the lowest indices."""
    uplo, selection = g.variant or "LA"
    last = "max(1, n // 2)" if selection == "I" else "n"
    name = g.name(g.routine.replace("he", "sy"), g.routine.replace("sy", "he"))
    if g.routine.endswith("evr"):
        after = ["np.zeros(2 * n, integer)", "dtype", *["real"] * g.is_complex, "integer"]
    else:
        after = ["dtype", *["np.zeros(7 * n, real)"] * g.is_complex]
        after += ["np.zeros(5 * n, integer)", "np.zeros(n, integer)"]
    calls = [
        f"w, v, last = np.zeros(n, real), np.zeros((n, n), dtype), {last}",
        "bound, found = np.zeros(1, real), np.zeros(1, integer)",
        "tolerance = np.full(1, 2 * np.finfo(real).tiny)",
        f'lapack({name}, "V", "{selection}", "{uplo}", n, {half("a", uplo)}, bound, bound, 1,',
        f"       last, tolerance, found, w, v, {', '.join(after)})",
        "w, v = w[:last], v[:, :last]",
    ]
    made = eigenpairs(g, ["a = hermitian(seed, n)"], calls, _SPACED)
    count = Test(name="count", residual="abs(found[0] - last)", allowed="0")
    return g.case(list(made.lines), calls, [*made.tests, count], "w, v", made.source)


def _plain(g: Given) -> LapackCase:
    """syev and syevd."""
    uplo = g.variant or "L"
    divided = g.routine.endswith("evd")
    name = "syevd" if divided else "syev"
    after = ["real"] * (divided and g.is_complex) + ["integer"] * divided
    if g.is_complex and not divided:
        after = ["np.zeros(3 * n, real)"]
    name, after = g.name(name, name.replace("sy", "he")), ["dtype", *after]
    calls = [
        "v, w = a.copy(), np.zeros(n, real)",
        f'lapack({name}, "V", "{uplo}", n, v, w, {", ".join(after)})',
    ]
    return eigenpairs(g, ["a = hermitian(seed, n)"], calls)


def _banded(g: Given) -> LapackCase:
    uplo, width = g.variant or ("L", 1)
    width = min(width, g.size - 1)
    lines = band("hermitian(seed, n)", uplo, width)
    after = ", ".join(["dtype", *["real"] * g.is_complex, "integer"])
    name = g.name("sbevd", "hbevd")
    calls = [
        "w, v = np.zeros(n, real), np.zeros((n, n), dtype)",
        f'lapack({name}, "V", "{uplo}", n, {width}, band.copy(), w, v, {after})',
    ]
    return eigenpairs(g, lines, calls)


def _generalized(g: Given) -> LapackCase:
    """sygvd of type 1, 2 or 3."""
    kind, uplo = g.variant or (1, "L")
    lines = ["a, b = hermitian(seed, n), (positive(seed, n) / (2 * n)).astype(dtype)"]
    after = ", ".join(["dtype", *["real"] * g.is_complex, "integer"])
    calls = [
        "v, w = a.copy(), np.zeros(n, real)",
        f'lapack({g.name("sygvd", "hegvd")}, {kind}, "V", "{uplo}", n, v, b.copy(), w, {after})',
    ]
    residual = {
        1: "times(a, v) - times(b, v) * w",
        2: "times(a, times(b, v)) - v * w",
        3: "times(b, times(a, v)) - v * w",
    }[kind]
    tests = [
        Test(
            name="residual",
            residual=f"norm({residual})",
            allowed=f"{SYMMETRIC_LIMIT} * n * 2 * u * norm(a) * max(1.0, norm(b)) * norm(v)",
        ),
        EIGENVALUE_ORDER,
    ]
    return g.case(lines, calls, tests, "w, v", "EIG/dsgt01.f")


def _eigenvalue_arrays(g: Given) -> str:
    """Return what makes parts: the arrays of eigenvalues."""
    if g.is_complex:
        return "parts = [np.zeros(n, dtype)]"
    return "parts = [np.zeros(n, real), np.zeros(n, real)]"


def _joined(g: Given, *vectors: str) -> list[str]:
    """Return what makes complex eigenvalues and vectors of real ones: a pair shares two columns."""
    if g.is_complex:
        return ["w = parts[0]"]
    lines = ["w = parts[0] + 1j * parts[1]", "j = np.flatnonzero(parts[1] > 0)"]
    for name in vectors:
        lines.append(f"pairs, {name} = {name}[:, j] + 1j * {name}[:, j + 1], {name} + 0j")
        lines.append(f"{name}[:, j], {name}[:, j + 1] = pairs, pairs.conj()")
    return lines


def _eigenvectors(a: str, w: str, v: str, name: str) -> Test:
    return Test(
        name=name,
        residual=f"norm(times({a}, {v}) - {v} * {w})",
        # By the Frobenius norm the QR algorithm is stable (Tisseur 1996).
        allowed=f"{NONSYMMETRIC_LIMIT} * 2 * u * max(norm(a), {FROBENIUS}) * norm({v})",
    )


def _general(g: Given) -> LapackCase:
    """geev with left and right vectors: u^H A = w u^H."""
    reals = ", np.zeros(2 * n, real)" if g.is_complex else ""
    lines = ["a = general(seed, n, n)"]
    if g.variant == "updated":  # a few eigenvalues, and an update of rank one
        lines = [
            "few = np.resize(random(seed + 1000, 8, 1), n)",
            "a = (np.diag(few) + random(seed, n, 1) * random(seed + 1, n, 1).T).astype(dtype)",
        ]
    calls = [
        _eigenvalue_arrays(g),
        "left, v = np.zeros((n, n), dtype), np.zeros((n, n), dtype)",
        f'lapack({g.name("geev")}, "V", "V", n, a.copy(), *parts, left, v, dtype{reals})',
        *_joined(g, "left", "v"),
    ]
    tests = [
        _eigenvectors("a.conj().T", "w.conj()", "left", "left"),
        _eigenvectors("a", "w", "v", "right"),
        Test(
            name="normalisation",
            residual="abs(np.sqrt((abs(v) ** 2).sum(axis=0)) - 1).max()",
            allowed=f"{NONSYMMETRIC_LIMIT} * n * 2 * u",
        ),
        Test(
            name="trace",
            residual="abs(w.sum(dtype=complex) - np.trace(a, dtype=complex))",
            allowed=f"{NONSYMMETRIC_LIMIT} * n * 2 * u * norm(a)",
        ),
    ]
    if not g.variant:  # the check of small ones asks for no more
        del tests[2:]
    return g.case(lines, calls, tests, "w, left, v", "EIG/dget22.f")


def _pencil(g: Given) -> LapackCase:
    """ggev: ||beta A V - alpha B V|| / (max(|beta| ||A||, |alpha| ||B||) ||V|| ulp) by columns."""
    after = "beta, unused, v, dtype" + (", np.zeros(8 * n, real)" if g.is_complex else "")
    calls = [
        _eigenvalue_arrays(g),
        "beta, unused, v = np.zeros(n, dtype), np.zeros((1, 1), dtype), np.zeros((n, n), dtype)",
        f'lapack({g.name("ggev")}, "N", "V", n, a.copy(), b.copy(), *parts, {after})',
        *_joined(g, "v"),
    ]
    size = "np.maximum(abs(beta) * norm(a), abs(w) * norm(b))"
    test = Test(
        name="residual",
        residual=f"norm((times(a, v) * beta - times(b, v) * w) / {size})",
        allowed=f"{NONSYMMETRIC_LIMIT} * 2 * u * norm(v)",
    )
    return g.case(_TWO, calls, [test], "w, beta, v", "EIG/dget52.f")


_TWO = ["a, b = general(seed, n, n), random(seed + 1000, n, n).astype(dtype)"]


def _similar(name: str, a: str, q: str, t: str, z: str) -> Test:
    """Return the test ||A - Q T Z^H|| / (n ||A|| ulp)."""
    return Test(
        name=name,
        residual=f"norm({a} - times(times({q}, {t}), {z}.conj().T))",
        allowed=f"{NONSYMMETRIC_LIMIT} * n * 2 * u * norm({a})",
    )


def _triangular(g: Given, t: str) -> Test:
    """Return the test of a Schur form; a real one has blocks of two rows, none next to another."""
    below = f"np.count_nonzero(np.tril({t}, -{1 if g.is_complex else 2}))"
    if not g.is_complex:
        below += f" + np.count_nonzero({t}.diagonal(-1)[1:] * {t}.diagonal(-1)[:-1])"
    return Test(name="triangle", residual=below, allowed="0")


def schur(g: Given) -> LapackCase:
    """gees: A = Z T Z^H."""
    after = ", ".join(["dtype", *["np.zeros(n, real)"] * g.is_complex, "np.zeros(n, integer)"])
    calls = [
        _eigenvalue_arrays(g),
        "t, z, found = a.copy(), np.zeros((n, n), dtype), np.zeros(1, integer)",
        f'lapack({g.name("gees")}, "V", "N", None, n, t, found, *parts, z, {after})',
    ]
    limit = 2 * NONSYMMETRIC_LIMIT
    tests = [
        _similar("residual", "a", "z", "t", "z"),
        orthonormal("z", limit),
        _triangular(g, "t"),
    ]
    return g.case(["a = general(seed, n, n)"], calls, tests, "t, z", "EIG/dhst01.f")


def generalized_schur(g: Given) -> LapackCase:
    """gges: A = Q S Z^H, B = Q T Z^H."""
    after = ", ".join(["dtype", *["np.zeros(8 * n, real)"] * g.is_complex, "np.zeros(n, integer)"])
    calls = [
        _eigenvalue_arrays(g),
        "s, t, beta = a.copy(), b.copy(), np.zeros(n, dtype)",
        "q, z = np.zeros((n, n), dtype), np.zeros((n, n), dtype)",
        f'lapack({g.name("gges")}, "V", "V", "N", None, n, s, t, np.zeros(1, integer), *parts,',
        f"       beta, q, z, {after})",
    ]
    limit = 2 * NONSYMMETRIC_LIMIT
    tests = [
        _similar("first", "a", "q", "s", "z"),
        _similar("second", "b", "q", "t", "z"),
        orthonormal("q", limit, "left"),
        orthonormal("z", limit, "right"),
        _triangular(g, "s"),
        Test(name="upper", residual="np.count_nonzero(np.tril(t, -1))", allowed="0"),
    ]
    return g.case(_TWO, calls, tests, "s, t, q, z", "EIG/dget51.f")


def _hessenberg(g: Given) -> LapackCase:
    """gehrd and orghr."""
    calls = [
        "h, tau = a.copy(), np.zeros(max(1, n - 1), dtype)",
        f"lapack({g.name('gehrd')}, n, 1, n, h, tau, dtype)",
        "q = h.copy()",
        f"lapack({g.name('orghr', 'unghr')}, n, 1, n, q, tau, dtype)",
    ]
    tests = [
        _similar("residual", "a", "q", "np.triu(h, -1)", "q"),
        orthonormal("q", 2 * NONSYMMETRIC_LIMIT),
    ]
    return g.case(["a = general(seed, n, n)"], calls, tests, "h, q", "EIG/dhst01.f")


def _singular(g: Given) -> LapackCase:
    """gesvd with the reduced or the whole vectors, and gesdd."""
    form, job = g.variant if isinstance(g.variant, list | tuple) else (g.variant, "S")
    n, other = g.size, max(1, g.size // 3)
    m, n = {"tall": (n, other), "wide": (other, n)}.get(form, (n, n))
    m, n = g.parameters.get("m", m), g.parameters.get("n", n)
    if g.routine == "gesdd":  # RWORK as zgesdd.f asks for it
        jobs, after = '"S"', ["dtype", *["np.zeros(9 * k * (m + n + k), real)"] * g.is_complex]
        after.append("np.zeros(8 * k, integer)")
    else:
        jobs, after = f'"{job}", "{job}"', ["dtype", *["np.zeros(5 * k, real)"] * g.is_complex]
    full = {"S": ("k", "k"), "A": ("m", "n")}[job]
    calls = [
        f"left, right = np.zeros((m, {full[0]}), dtype), np.zeros(({full[1]}, n), dtype)",
        "s = np.zeros(k, real)",
        f"lapack({g.name(g.routine)}, {jobs}, m, n, a.copy(), s, left, right, {', '.join(after)})",
    ]
    tests = [
        Test(
            name="residual",
            residual="norm(a - times(left[:, :k] * s, right[:k]))",
            allowed=f"{_SVD_LIMIT} * n * 2 * u * norm(a)",
        ),
        orthonormal("left", 2 * _SVD_LIMIT, "left"),
        orthonormal("right.conj().T", 2 * _SVD_LIMIT, "right"),
        SINGULAR_VALUE_ORDER,
    ]
    size = {"m": m, "n": n, "k": min(m, n)}
    lines = ["a = general(seed, m, n)"]
    return g.case(lines, calls, tests, "s, left, right", "EIG/dbdt01.f", sizes=size)


ROUTINES: dict[str, Callable[[Given], LapackCase]] = {
    **dict.fromkeys(("syevr", "heevr", "syevx", "heevx"), _expert),
    **dict.fromkeys(("syev", "heev", "syevd", "heevd"), _plain),
    **dict.fromkeys(("sbevd", "hbevd"), _banded),
    **dict.fromkeys(("sygvd", "hegvd"), _generalized),
    "geev": _general,
    "ggev": _pencil,
    "gees": schur,
    "gges": generalized_schur,
    "gehrd": _hessenberg,
    **dict.fromkeys(("gesvd", "gesdd"), _singular),
}
