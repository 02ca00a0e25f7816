"""One call of a BLAS routine with its exact outcome, told in NumPy expressions for a script.

The expressions use what every such script defines (`release_gate.scripts.text`): ``integers(seed,
*shape)``, and ``stored(values, place, kept, size)``, which returns memory that holds each of the
kept `values` at its place and canaries elsewhere. Upper-case names are matrices, lower-case ones
their memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import evolve, frozen

__all__ = [
    "CONJUGATED",
    "FORTRAN_LETTERS",
    "LETTERS",
    "ROW",
    "TRANSPOSED",
    "UNIT",
    "UPPER",
    "Array",
    "BlasCall",
    "Parameters",
    "Result",
    "arguments",
    "array",
    "dense",
    "is_complex",
    "number",
    "op",
    "symmetric",
    "through_fortran",
    "told",
    "triangular",
    "vector",
]

JSON = Any  # a JSON value, narrowed where it is read

#: What a check says of a failing case: JSON scalars and lists.
Parameters = Mapping[str, JSON]

ROW, UPPER, UNIT = 101, 121, 132
TRANSPOSED, CONJUGATED = (112, 113), (113, 114)

#: Routines of symmetric matrices that CBLAS has in real precision only.
_COMPLEX_BY_FORTRAN = frozenset({"symv", "sbmv", "spmv", "syr", "spr", "syr2", "spr2"})

#: What Fortran has for the enumerations of C.
FORTRAN_LETTERS = {
    "111": "N",
    "112": "T",
    "113": "C",
    "114": "R",
    "121": "U",
    "122": "L",
    "131": "N",
    "132": "U",
    "141": "L",
    "142": "R",
}

#: BLAS's letter for each precision.
LETTERS = {"float32": "s", "float64": "d", "complex64": "c", "complex128": "z"}


@frozen(kw_only=True)
class Array:
    """Memory that is passed to the routine.

    `before` and `after` are expressions; without `before` it holds canaries only (the routine must
    not read it), without `after` it must not change.
    """

    name: str
    before: str | None = None
    after: str | None = None


@frozen(kw_only=True)
class Result:
    """What the function returns: `kind` is "r" real, "d" double, "f" float, "n" or "i" an index.

    Fortran's "i" counts from 1.
    """

    kind: str
    exact: str


@frozen(kw_only=True)
class BlasCall:
    """A call of ``cblas_<name>``, or in `fortran` of ``<name>_``.

    `sizes` and `scalars` are variables of the script, `lines` the statements that make the
    matrices and the exact result. `arguments` are (kind, expression): "i" integer, "s" a scalar of
    the routine's type, "r" a real one, "p" an array, "c" a letter; Fortran takes all numbers
    by reference.
    """

    name: str
    dtype: str
    sizes: Mapping[str, int]
    scalars: Mapping[str, str]
    lines: tuple[str, ...]
    arrays: tuple[Array, ...]
    arguments: tuple[tuple[str, str], ...]
    returns: Result | None = None
    fortran: bool = False

    @property
    def symbol(self) -> str:
        """Return the function's name in C, without what a build puts around it."""
        return f"{self.name}_" if self.fortran else f"cblas_{self.name}"


def told(
    p: Parameters,
    leading: Mapping[str, int],
    lines: Sequence[str],
    arrays: tuple[Array, ...],
    passed: tuple[tuple[str, str], ...],
) -> BlasCall:
    """Return the call of the routine in `p`; `leading`: dimensions and strides of its matrices."""
    return BlasCall(
        name=LETTERS[p["dtype"]] + p["routine"],
        dtype=p["dtype"],
        sizes={name: p[name] for name in "mnk" if name in p} | dict(leading),
        scalars={name: number(p[name]) for name in ("alpha", "beta") if name in p},
        lines=tuple(lines),
        arrays=arrays,
        arguments=passed,
    )


def through_fortran(call: BlasCall, p: Parameters) -> BlasCall:
    """Return the call as Fortran's interface takes it, where the check that told `p` did so."""
    by_name = p["routine"] in _COMPLEX_BY_FORTRAN and is_complex(p["dtype"])
    if not by_name and p.get("interface") not in {"fortran", "lower"}:
        return call
    passed = list(call.arguments)
    if "order" in p:
        del passed[0]
    for place, (kind, value) in enumerate(passed):
        if kind != "i" or value not in FORTRAN_LETTERS:
            break
        letter = FORTRAN_LETTERS[value]
        if p["order"] == ROW:
            # A symmetric matrix is its own transpose: its upper triangle is the lower one.
            letter = {"U": "L", "L": "U"}[letter]
        if p.get("interface") == "lower":
            letter = letter.lower()
        passed[place] = ("c", f'b"{letter}"')
    returns = call.returns
    if returns is not None and returns.kind == "n":
        first = "" if p.get("idle") or p["n"] <= 0 else " + 1"  # it counts from 1
        returns = Result(kind="i", exact=f"{returns.exact}{first}")
    return evolve(call, fortran=True, arguments=tuple(passed), returns=returns)


def is_complex(dtype: str) -> bool:
    """Whether numbers of that dtype have an imaginary part."""
    return dtype.startswith("c")


def number(value: JSON) -> str:
    """Return a scalar as Python writes it; parameters hold complex ones as [real, imaginary]."""
    if isinstance(value, list):
        return repr(complex(*value))
    return repr(int(value) if value == int(value) else value)


def op(matrix: str, trans: int, dtype: str) -> str:
    """Return what BLAS makes of `matrix` with that flag; the same expression undoes it."""
    conjugated = trans in CONJUGATED and is_complex(dtype)
    turned = f"{matrix}.T" if trans in TRANSPOSED else matrix
    return f"{turned}.conj()" if conjugated else turned


def arguments(kinds: str, *expressions: object) -> tuple[tuple[str, str], ...]:
    """Return arguments of those kinds, one letter for each."""
    return tuple((kind, str(each)) for kind, each in zip(kinds, expressions, strict=True))


def vector(values: str, increment: int) -> str:
    """Return the memory of a vector; backwards for a negative increment, one element for 0."""
    if increment == 0:
        return f"stored({values}[:1], lambda i: i)"
    ordered = values if increment > 0 else f"{values}[::-1]"
    step = abs(increment)
    return f"stored({ordered}, lambda i: {f'i * {step}' if step > 1 else 'i'})"


def dense(values: str, order: int, leading: str, kept: str = "") -> str:
    """Return the memory of a matrix with that leading dimension; `kept`: of which elements."""
    place = f"i * {leading} + j" if order == ROW else f"i + j * {leading}"
    return f"stored({values}, lambda i, j: {place}{f', lambda i, j: {kept}' if kept else ''})"


def array(
    name: str, memory: str, values: str, after: str | None = None, *, read: bool = True
) -> Array:
    """Return an array of which `memory` (with ``{}`` for values) tells the places.

    What is not `read` holds canaries before the call.
    """
    whole = memory.replace("{}[", "({})[")  # a sum is to be reversed, not its last term
    return Array(
        name=name,
        before=memory.format(values) if read else None,
        after=None if after is None else whole.format(after),
    )


def symmetric(seed: int, size: str, *, hermitian: bool) -> list[str]:
    """Return the lines that make A symmetric or Hermitian, and S: A as it is stored.

    The imaginary parts of a Hermitian diagonal must not be read: they are NaN in S.
    """
    if not hermitian:
        return [f"A = integers({seed}, {size}, {size})", "S = A = np.tril(A) + np.tril(A, -1).T"]
    return [
        f"A = np.tril(integers({seed}, {size}, {size}), -1)",
        f"A = A + A.conj().T + np.diag(np.arange({size}) % 5 + 1)",
        f"S = A + np.diag(np.full({size}, complex(0, np.nan)))",
    ]


def triangular(seed: int, size: str, dtype: str, *, upper: bool, unit: bool) -> list[str]:
    """Return the lines that make A triangular, with a diagonal that can be divided by exactly."""
    powers = "[1, -1j, 2, 0.5j, 1 + 1j]" if is_complex(dtype) else "[1, -1, 2, 0.5]"
    diagonal = f"np.ones({size})" if unit else f"np.resize({powers}, {size})"
    half = "np.triu" if upper else "np.tril"
    strict = f"{half}(integers({seed}, {size}, {size}), {1 if upper else -1})"
    return [f"A = {strict} + np.diag({diagonal})"]
