"""Calls of level 2 for scripts: matrices of integers in full, banded and packed storage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from release_gate.scripts.blas import (
    ROW,
    TRANSPOSED,
    UNIT,
    UPPER,
    BlasCall,
    Parameters,
    arguments,
    array,
    dense,
    op,
    symmetric,
    told,
    triangular,
    vector,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ROUTINES", "level2"]


def level2(parameters: Parameters) -> BlasCall:
    """Return the call that `parameters` tell; a leading dimension of 0 is the least possible."""
    return ROUTINES[parameters["routine"]](parameters)


@frozen(kw_only=True)
class _Storage:
    """Where a matrix is: `memory` has ``{}`` for its values; `leading` dimension, 0 if packed."""

    memory: str
    leading: int
    widths: tuple[int, ...] = ()

    @property
    def arguments(self) -> tuple[tuple[str, str], ...]:
        """Return what is passed for the matrix."""
        return arguments("pi", "a", "lda") if self.leading else arguments("p", "a")

    @property
    def sizes(self) -> dict[str, int]:
        return {"lda": self.leading} if self.leading else {}


def _half(p: Parameters, *, unit: bool = False) -> _Storage:
    """Return where one triangle of a square matrix is, by the routine's second letter."""
    n, row, upper = p["n"], p["order"] == ROW, p["uplo"] == UPPER
    sign = "<" if upper else ">"
    kept = f"i {sign}{'' if unit else '='} j"
    match p["routine"][1]:
        case "b":
            widths = (0, p["width"]) if upper else (p["width"], 0)
            return _band(p, widths[0], widths[1], "n", unit=unit)
        case "p":
            line, other = ("i", "j") if row else ("j", "i")
            # Row by row, an upper triangle is kept as a lower one is column by column.
            start = (
                f"{line} * (2 * n - {line} - 1) // 2"
                if upper == row
                else f"{line} * ({line} + 1) // 2"
            )
            place = f"lambda i, j: {other} + {start}, lambda i, j: {kept}"
            return _Storage(memory=f"stored({{}}, {place})", leading=0)
        case _:
            leading = max(p["ld"], n, 1)
            return _Storage(memory=dense("{}", p["order"], "lda", kept), leading=leading)


def _band(p: Parameters, lower: int, upper: int, lines: str, *, unit: bool = False) -> _Storage:
    """Return where a matrix with so many diagonals below and above the main one is."""
    needed = lower + upper + 1
    leading = max(p["ld"], needed)
    place = f"{lower} + j - i + i * lda" if p["order"] == ROW else f"{upper} + i - j + j * lda"
    kept = f"(j - i <= {upper}) & (i - j <= {lower}){' & (i != j)' if unit else ''}"
    size = f"max(0, {lines} * lda - (lda - {needed}))"
    return _Storage(
        memory=f"stored({{}}, lambda i, j: {place}, lambda i, j: {kept}, {size})",
        leading=leading,
        widths=(lower, upper),
    )


def _general_product(p: Parameters) -> BlasCall:
    m, n, dtype = p["m"], p["n"], p["dtype"]
    banded = p["routine"] == "gbmv"
    lines = ["A = integers(1, m, n)"]
    if banded:
        storage = _band(p, p["lower"], p["upper"], "m" if p["order"] == ROW else "n")
        lines.append(f"A = np.triu(np.tril(A, {p['upper']}), -{p['lower']})")
    else:
        leading = max(p["ld"], n if p["order"] == ROW else m, 1)
        storage = _Storage(memory=dense("{}", p["order"], "lda"), leading=leading)
    lengths = ("m", "n") if p["trans"] in TRANSPOSED else ("n", "m")
    lines.append(f"x, y = integers(2, {lengths[0]}), integers(3, {lengths[1]})")
    product = f"np.einsum('ij,j->i', {op('A', p['trans'], dtype)}, x)"
    empty = not (m and n)
    exact = "y" if empty else f"alpha * {product} + beta * y"
    arrays = (
        array("a", storage.memory, "A"),
        array("x_memory", vector("{}", p["incx"]), "x"),
        array("y_memory", vector("{}", p["incy"]), "y", exact, read=bool(p["beta"]) or empty),
    )
    passed = (
        *arguments("iiii", p["order"], p["trans"], "m", "n"),
        *arguments("i" * len(storage.widths), *storage.widths),
        *arguments("s", "alpha"),
        *storage.arguments,
        *arguments("pispi", "x_memory", p["incx"], "beta", "y_memory", p["incy"]),
    )
    return told(p, storage.sizes, lines, arrays, passed)


def _outer(p: Parameters) -> BlasCall:
    leading = max(p["ld"], p["n"] if p["order"] == ROW else p["m"], 1)
    storage = _Storage(memory=dense("{}", p["order"], "lda"), leading=leading)
    right = "y.conj()" if p["routine"] == "gerc" else "y"
    lines = ["A, x, y = integers(1, m, n), integers(2, m), integers(3, n)"]
    arrays = (
        array("x_memory", vector("{}", p["incx"]), "x"),
        array("y_memory", vector("{}", p["incy"]), "y"),
        array("a", storage.memory, "A", f"A + alpha * np.outer(x, {right})"),
    )
    passed = (
        *arguments("iiis", p["order"], "m", "n", "alpha"),
        *arguments("pipi", "x_memory", p["incx"], "y_memory", p["incy"]),
        *storage.arguments,
    )
    return told(p, storage.sizes, lines, arrays, passed)


def _symmetric_product(p: Parameters) -> BlasCall:
    banded = p["routine"][1] == "b"
    storage = _half(p)
    lines = symmetric(1, "n", hermitian=p["routine"][0] == "h")
    if banded:
        lines.append(f"A = np.triu(np.tril(A, {p['width']}), -{p['width']})")
    lines.append("x, y = integers(2, n), integers(3, n)")
    exact = "alpha * np.einsum('ij,j->i', A, x) + beta * y"
    arrays = (
        array("a", storage.memory, "S"),
        array("x_memory", vector("{}", p["incx"]), "x"),
        array("y_memory", vector("{}", p["incy"]), "y", exact, read=bool(p["beta"])),
    )
    passed = (
        *arguments("iii", p["order"], p["uplo"], "n"),
        *(arguments("i", p["width"]) if banded else ()),
        *arguments("s", "alpha"),
        *storage.arguments,
        *arguments("pispi", "x_memory", p["incx"], "beta", "y_memory", p["incy"]),
    )
    return told(p, storage.sizes, lines, arrays, passed)


def _rank_update(p: Parameters) -> BlasCall:
    hermitian, two = p["routine"][0] == "h", p["routine"].endswith("2")
    storage = _half(p)
    end = ".conj()" if hermitian else ""
    update = f"alpha * np.outer(x, {'y' if two else 'x'}{end})"
    lines = [*symmetric(1, "n", hermitian=hermitian), "x, y = integers(2, n), integers(3, n)"]
    lines.append(f"U = {update}")
    if two:
        lines.append(f"U = U + U{end}.T")
    arrays = [array("x_memory", vector("{}", p["incx"]), "x")]
    passed = [
        *arguments("ii", p["order"], p["uplo"]),
        *arguments(
            "ir" if hermitian and not two else "is",
            "n",
            "alpha",
        ),
        *arguments("pi", "x_memory", p["incx"]),
    ]
    if two:
        arrays.append(array("y_memory", vector("{}", p["incy"]), "y"))
        passed += arguments("pi", "y_memory", p["incy"])
    arrays.append(array("a", storage.memory, "S", "A + U"))
    return told(p, storage.sizes, lines, tuple(arrays), (*passed, *storage.arguments))


def _triangular(p: Parameters) -> BlasCall:
    unit, upper, banded = p["diag"] == UNIT, p["uplo"] == UPPER, p["routine"][1] == "b"
    storage = _half(p, unit=unit)
    lines = triangular(1, "n", p["dtype"], upper=upper, unit=unit)
    if banded:
        lines.append(f"A = np.triu(np.tril(A, {p['width']}), -{p['width']})")
    lines.append("x = integers(2, n)")
    lines.append(f"product = np.einsum('ij,j->i', {op('A', p['trans'], p['dtype'])}, x)")
    start, end = ("product", "x") if p["routine"].endswith("sv") else ("x", "product")
    arrays = (
        array("a", storage.memory, "A"),
        array("x_memory", vector("{}", p["incx"]), start, end),
    )
    passed = (
        *arguments("iiiii", p["order"], p["uplo"], p["trans"], p["diag"], "n"),
        *(arguments("i", p["width"]) if banded else ()),
        *storage.arguments,
        *arguments("pi", "x_memory", p["incx"]),
    )
    return told(p, storage.sizes, lines, arrays, passed)


#: How the call of each routine is told.
ROUTINES: dict[str, Callable[[Parameters], BlasCall]] = {
    **dict.fromkeys(("gemv", "gbmv"), _general_product),
    **dict.fromkeys(("ger", "geru", "gerc"), _outer),
    **dict.fromkeys(("symv", "hemv", "sbmv", "hbmv", "spmv", "hpmv"), _symmetric_product),
    **dict.fromkeys(("syr", "her", "spr", "hpr", "syr2", "her2", "spr2", "hpr2"), _rank_update),
    **dict.fromkeys(("trmv", "trsv", "tbmv", "tbsv", "tpmv", "tpsv"), _triangular),
}
