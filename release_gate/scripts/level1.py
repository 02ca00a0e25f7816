"""Calls of level 1 for scripts: vectors of integers, with exact results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from release_gate.scripts.blas import (
    LETTERS,
    Array,
    BlasCall,
    Parameters,
    Result,
    arguments,
    array,
    is_complex,
    number,
    vector,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ROUTINES", "level1"]

#: Both letters of a routine that has complex operands and real scalars or results.
_MIXED = {"float32": "s", "float64": "d", "complex64": "sc", "complex128": "dz"}


def level1(parameters: Parameters) -> BlasCall:
    """Return the call that `parameters` tell; `idle` ones must do nothing."""
    idle, length = parameters.get("idle", False), parameters["n"]
    size = 3 if idle else length
    made = ROUTINES[parameters["routine"]](parameters, "n" if size == length else str(size))
    if not idle:
        return made
    returns = made.returns
    if returns is not None:
        returns = Result(kind=returns.kind, exact="3" if parameters["routine"] == "sdsdot" else "0")
    return evolve(made, arrays=tuple(_unchanged(each) for each in made.arrays), returns=returns)


def _unchanged(each: Array) -> Array:
    if each.before is None:  # where a result comes back: that of no elements is zero
        return Array(name=each.name, after=vector("np.zeros(1)", 1))
    return Array(name=each.name, before=each.before)


def _vectors(size: str) -> str:
    return f"x, y = integers(1, {size}), integers(2, {size})"


def _seen(values: str, increment: int, size: str) -> str:
    """Return what the routine reads: with increment 0 the first element again and again."""
    return values if increment else f"np.resize({values}[:1], {size})"


def _call(
    p: Parameters,
    name: str,
    lines: list[str],
    arrays: tuple[Array, ...],
    passed: tuple[tuple[str, str], ...],
    *,
    returns: Result | None = None,
    scalars: dict[str, str] | None = None,
) -> BlasCall:
    return BlasCall(
        name=name,
        dtype=p["dtype"],
        sizes={"n": p["n"]},
        scalars=scalars or {},
        lines=tuple(lines),
        arrays=arrays,
        arguments=passed,
        returns=returns,
    )


def _inner(p: Parameters, size: str) -> BlasCall:
    routine, letter = p["routine"], LETTERS[p["dtype"]]
    incx, incy = p["incx"], p["incy"]
    left = _seen("x", incx, size) + (".conj()" if routine == "dotc" else "")
    exact = f"({left} * {_seen('y', incy, size)}).sum()"
    arrays = (
        array("x_memory", vector("{}", incx), "x"),
        array("y_memory", vector("{}", incy), "y"),
    )
    ends = ("x_memory", incx, "y_memory", incy)
    lines = [_vectors(size)]
    if routine in {"dotu", "dotc"}:
        result = array("result", vector("{}", 1), "", f"np.array([{exact}])", read=False)
        passed = arguments("ipipip", "n", *ends, "result")
        return _call(p, f"{letter}{routine}_sub", lines, (*arrays, result), passed)
    if routine == "sdsdot":
        passed = arguments("irpipi", "n", 3, *ends)
        return _call(
            p, routine, lines, arrays, passed, returns=Result(kind="f", exact=f"3 + {exact}")
        )
    kind = "d" if routine == "dsdot" else "r"
    name = routine if routine == "dsdot" else letter + routine
    passed = arguments("ipipi", "n", *ends)
    return _call(p, name, lines, arrays, passed, returns=Result(kind=kind, exact=exact))


def _update(p: Parameters, size: str) -> BlasCall:
    routine, incx, incy = p["routine"], p["incx"], p["incy"]
    seen = _seen("x", incx, size) + (".conj()" if routine == "axpyc" else "")
    both = routine == "axpby"
    scalars = {"alpha": number(p["alpha"])} | ({"beta": number(p["beta"])} if both else {})
    arrays = (
        array("x_memory", vector("{}", incx), "x"),
        array(
            "y_memory", vector("{}", incy), "y", f"alpha * {seen} + {'beta * y' if both else 'y'}"
        ),
    )
    passed = (
        arguments("ispispi", "n", "alpha", "x_memory", incx, "beta", "y_memory", incy)
        if both
        else arguments("ispipi", "n", "alpha", "x_memory", incx, "y_memory", incy)
    )
    name = LETTERS[p["dtype"]] + routine
    return _call(p, name, [_vectors(size)], arrays, passed, scalars=scalars)


def _scale(p: Parameters, size: str) -> BlasCall:
    mixed = p["routine"] == "rscal"
    name = (_MIXED[p["dtype"]][::-1] if mixed else LETTERS[p["dtype"]]) + "scal"
    arrays = (array("x_memory", vector("{}", p["incx"] or 1), "x", "alpha * x"),)
    kinds = "irpi" if mixed else "ispi"
    passed = arguments(kinds, "n", "alpha", "x_memory", p["incx"])
    scalars = {"alpha": number(p["alpha"])}
    return _call(p, name, [f"x = integers(1, {size})"], arrays, passed, scalars=scalars)


def _move(p: Parameters, size: str) -> BlasCall:
    swap, incx, incy = p["routine"] == "swap", p["incx"], p["incy"]
    arrays = (
        array("x_memory", vector("{}", incx), "x", "y" if swap else None),
        array("y_memory", vector("{}", incy), "y", _seen("x", incx, size)),
    )
    passed = arguments("ipipi", "n", "x_memory", incx, "y_memory", incy)
    return _call(p, LETTERS[p["dtype"]] + p["routine"], [_vectors(size)], arrays, passed)


def _one(p: Parameters, name: str, lines: list[str], returns: Result) -> BlasCall:
    arrays = (array("x_memory", vector("{}", p["incx"] if p["incx"] > 0 else 1), "x"),)
    return _call(
        p, name, lines, arrays, arguments("ipi", "n", "x_memory", p["incx"]), returns=returns
    )


def _total(p: Parameters, size: str) -> BlasCall:
    parts = "abs({0}.real) + abs({0}.imag)" if p["routine"] == "asum" else "{0}.real + {0}.imag"
    exact = f"({parts.format('x')}).sum()"
    name = _MIXED[p["dtype"]] + p["routine"]
    return _one(p, name, [f"x = integers(1, {size})"], Result(kind="r", exact=exact))


def _norm(p: Parameters, size: str) -> BlasCall:
    last = max(p["n"] - 1, 0)
    places = [min(place, last) for place in p["places"]]
    lines = [f"x = 0 * integers(1, {size})"]
    if places:
        first = "3j" if is_complex(p["dtype"]) else "3"
        lines.append(f"x[{places[-1]}], x[{places[0]}] = 4, {first}")
    exact = "np.sqrt((abs(x) ** 2).sum())"
    return _one(p, _MIXED[p["dtype"]] + "nrm2", lines, Result(kind="r", exact=exact))


def _extreme(p: Parameters, size: str) -> BlasCall:
    routine, dtype, last = p["routine"], p["dtype"], max(p["n"] - 1, 0)
    signed, index = routine in {"imax", "imin"}, routine.startswith("i")
    lines = [f"x = integers(1, {size})"]
    places = [min(place, last) for place in p["places"]]
    if places:
        other = p["extreme"] if signed else -p["extreme"]
        lines.append(f"x[{places[1]}] = {other}")
        lines.append(f"x[{places[0]}] = {p['extreme']}{'j' if is_complex(dtype) else ''}")
    of = "x" if signed else "(abs(x.real) + abs(x.imag))"
    last_letters = "max" if routine.endswith("max") else "min"
    exact = f"{of}.{'arg' if index else ''}{last_letters}()" if p["n"] > 0 else "0"
    if index:
        name = f"i{LETTERS[dtype]}{routine[1:]}"
        return _one(p, name, lines, Result(kind="n", exact=exact))
    return _one(p, _MIXED[dtype] + routine, lines, Result(kind="r", exact=exact))


def _rotation(p: Parameters, size: str) -> BlasCall:
    incx, incy = p["incx"], p["incy"]
    scalars = {"c": number(p["c"]), "s": number(p["s"])}
    arrays = (
        array("x_memory", vector("{}", incx), "x", "c * x + s * y"),
        array("y_memory", vector("{}", incy), "y", "c * y - s * x"),
    )
    passed = arguments("ipipirr", "n", "x_memory", incx, "y_memory", incy, "c", "s")
    name = _MIXED[p["dtype"]][::-1] + "rot"
    return _call(p, name, [_vectors(size)], arrays, passed, scalars=scalars)


def _modified_rotation(p: Parameters, size: str) -> BlasCall:
    """H is stored by columns after its flag, which says which of its elements are given."""
    incx, incy, flag = p["incx"], p["incy"], p["flag"]
    given = p["h"]  # h11, h21, h12, h22, by columns; None: not given
    fixed = {-2: (1, 0, 0, 1), -1: (0, 0, 0, 0), 0: (1, 0, 0, 1), 1: (0, -1, 1, 0)}[flag]
    h11, h21, h12, h22 = (
        rule if value is None else value for value, rule in zip(given, fixed, strict=True)
    )
    elements = ", ".join("np.nan" if each is None else repr(each) for each in given)
    lines = [
        _vectors(size),
        f"h = np.array([{flag}, {elements}])",
        f"h11, h21, h12, h22 = {h11}, {h21}, {h12}, {h22}",
    ]
    arrays = (
        array("x_memory", vector("{}", incx), "x", "h11 * x + h12 * y"),
        array("y_memory", vector("{}", incy), "y", "h21 * x + h22 * y"),
        array("h_memory", "stored({}, lambda i: i, lambda i: ~np.isnan(h[i]))", "h"),
    )
    passed = arguments("ipipip", "n", "x_memory", incx, "y_memory", incy, "h_memory")
    return _call(p, LETTERS[p["dtype"]] + "rotm", lines, arrays, passed)


#: How the call of each routine is told.
ROUTINES: dict[str, Callable[[Parameters, str], BlasCall]] = {
    **dict.fromkeys(("dot", "dotu", "dotc", "dsdot", "sdsdot"), _inner),
    **dict.fromkeys(("axpy", "axpyc", "axpby"), _update),
    **dict.fromkeys(("scal", "rscal"), _scale),
    **dict.fromkeys(("copy", "swap"), _move),
    **dict.fromkeys(("asum", "sum"), _total),
    "nrm2": _norm,
    **dict.fromkeys(("iamax", "iamin", "imax", "imin", "amax", "amin"), _extreme),
    "rot": _rotation,
    "rotm": _modified_rotation,
}
