"""Eigenvalues of an interval by LAPACK for scripts, as accuracy.lapack-ranges asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from release_gate.scripts.lapack import (
    EIGENVALUE_ORDER,
    SYMMETRIC_LIMIT,
    Given,
    LapackCase,
    Test,
    half,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ROUTINES"]

#: What each choice holds of the eigenvalues, and its ends. `gap` is between halves.
_INTERVALS = {
    "gap": ("[:0]", "gap[0]", "gap[1]"),
    "upper": ("[middle:]", "gap[0]", "6"),
    "lower": ("[:middle]", "-5", "gap[0]"),
    "all": ("", "-5", "6"),
    "beyond": ("[:0]", "5", "6"),
    "first": ("[:middle]", "0", "0"),
    "last": ("[n - middle :]", "0", "0"),
}

#: Those that are chosen by number, and the numbers.
_NUMBERS = {"first": "1, middle", "last": "n - middle + 1, n"}


def _range(choice: str) -> tuple[str, str]:
    """Return RANGE, and VL, VU, IL and IU."""
    return "I" if choice in _NUMBERS else "V", f"low, high, {_NUMBERS.get(choice, '1, n')}"


def _of_choice(g: Given, choice: str, matrix: list[str], *call: str) -> LapackCase:
    wanted, low, high = _INTERVALS[choice]
    lines = [
        "diagonal, middle = 2 if n % 2 else -2, (n + 1) // 2",
        "values = diagonal - 2 * np.cos(np.arange(1, n + 1) * np.pi / (n + 1))",
        "ends = np.append(values, 5)[middle - 1 :]",
        "gap = ends[0] + (ends[1] - ends[0]) / 3, ends[0] + 2 * (ends[1] - ends[0]) / 3",
        f"wanted, low, high = values{wanted}, np.array([{low}], real), np.array([{high}], real)",
        "a = diagonal * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1)",
        *matrix,
    ]
    calls = [
        "w, v, found = np.zeros(n, real), np.zeros((n, n), dtype), np.zeros(1, integer)",
        *call,
        "w, v = w[: len(wanted)], v[:, : len(wanted)]",
    ]
    tests = [
        Test(name="count", residual="abs(found[0] - len(wanted))", allowed="0"),
        Test(
            name="values",
            residual="abs(w - wanted).max(initial=0)",
            allowed=f"{SYMMETRIC_LIMIT} * n * 2 * u * norm(a)",
        ),
        Test(
            name="residual",
            residual="norm(times(a, v) - v * w)",
            allowed=f"{SYMMETRIC_LIMIT} * n * 2 * u * norm(a)",
        ),
        EIGENVALUE_ORDER,
    ]
    return g.case(lines, calls, tests, "w, v", "EIG/dsyt22.f and ddrvst.f")


def _tridiagonal(g: Given) -> LapackCase:
    """stemr."""
    choice = g.variant or "gap"
    selection, ends = _range(choice)
    arrays = f"np.full(n, diagonal, real), np.full(n, -1, real), {ends}, found, w, v, n"
    after = "np.zeros(2 * n, integer), np.ones(1, integer), real, integer"
    call = f'lapack({g.name("stemr")}, "V", "{selection}", n, {arrays}, {after})'
    return _of_choice(g, choice, [], call)


def _dense(g: Given) -> LapackCase:
    """syevr, syevx and sygvx."""
    uplo, choice = g.variant or ("L", "gap")
    name = g.name(g.routine.replace("he", "sy"), g.routine.replace("sy", "he"))
    if g.routine.endswith("evr"):
        after = ["np.zeros(2 * n, integer)", "dtype", *["real"] * g.is_complex, "integer"]
    else:
        after = ["dtype", *["np.full(7 * n, np.nan, real)"] * g.is_complex]
        after += ["np.full(5 * n, 2**30, integer)", "np.zeros(n, integer)"]
    first, second = ("1, ", ", np.eye(n, dtype=dtype)") if g.routine.endswith("gvx") else ("", "")
    matrix = [
        "q = reflected(seed, np.eye(n))",
        "a = times(times(q, a), q.conj().T)",
        "a = ((a + a.conj().T) / 2).astype(dtype)",
    ]
    selection, ends = _range(choice)
    call = (
        f'lapack({name}, {first}"V", "{selection}", "{uplo}", n, {half("a", uplo)}{second},',
        f"       {ends}, np.full(1, 2 * np.finfo(real).tiny), found, w, v, {', '.join(after)})",
    )
    return _of_choice(g, choice, matrix, *call)


#: How each routine is called, by its name without precision.
ROUTINES: dict[str, Callable[[Given], LapackCase]] = {
    "stemr": _tridiagonal,
    **dict.fromkeys(("syevr", "heevr", "syevx", "heevx", "sygvx", "hegvx"), _dense),
}
