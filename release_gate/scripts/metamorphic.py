"""Products for scripts that are computed in two ways, or again and again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import evolve

from release_gate.scripts.lapack import Given, LapackCase, Test

if TYPE_CHECKING:
    from release_gate.scripts.blas import Parameters

__all__ = ["other_way", "repeated_product"]

#: What each way of metamorphic.products computes; without the part it is all of C.
_WAYS = {
    "transposed": "(b.T @ a.T).T",
    "in Fortran order": 'np.array(a, order="F") @ np.array(b, order="F")',
    "rows by": "np.vstack([a[: m // {0}] @ b, a[m // {0} :] @ b])",
    "columns by": "np.hstack([a @ b[:, : n // {0}], a @ b[:, n // {0} :]])",
    "depth by": "a[:, : k // {0}] @ b[: k // {0}] + a[:, k // {0} :] @ b[k // {0} :]",
    "leading block": "a[: max(1, m // 2)] @ b[:, : max(1, n // 2)]",
    "rows reversed": "(a[::-1].copy() @ b)[::-1]",
    "times its transpose": "a @ a.T.copy()",
    "one column": "np.stack([a @ x.copy() for x in (b[:, 0], b[:, -1])], axis=1)",
    "one element": "np.array([np.dot(a[0], x) for x in (b[:, 0], b[:, -1])])",
    "moved by": "moved(a, {0}) @ moved(b, {0})",
}

_PARTS = {
    "leading block": "[: max(1, m // 2), : max(1, n // 2)]",
    "one column": "[:, [0, -1]]",
    "one element": "[0, [0, -1]]",
}

_NUMBERS = {"half": 2, "third": 3}

#: Lines that make a matrix at an address that is so many elements further.
_MOVED = [
    "def moved(a, offset):",
    "    memory = np.empty(a.size + offset, a.dtype)[offset:]",
    "    memory[:] = a.ravel()",
    "    return memory.reshape(a.shape)",
    "",
]


def _operands(g: Given) -> list[str]:
    """Return what makes A and B with parts between 1/2 and 1 in magnitude, of both signs."""
    away = "away(x)"
    if g.is_complex:
        away = "away(x.real) + 1j * away(x.imag)"
    return [
        "away = lambda x: np.copysign((abs(x) + 1) / 2, x)",
        "a, b = (",
        f"    ({away}).astype(dtype)",
        "    for x in (random(seed, m, k), random(seed + 1, k, n))",
        ")",
    ]


def other_way(parameters: Parameters) -> LapackCase | None:
    """Return the case of a product in the way that `parameters` name, or of a scaled one.

    None where they name none that is known.
    """
    size = parameters.get("size")
    if isinstance(size, list):
        parameters = {**dict(zip("mnk", size, strict=True)), **parameters}
    if not {"m", "n", "k", "dtype"} <= set(parameters):
        return None
    sizes = {name: parameters[name] for name in "mnk"}
    g = evolve(Given.of(parameters), size=sizes["n"])
    if "scales" in parameters:
        i, j = parameters["scales"]
        lines, calls = (
            _operands(g),
            [
                f"found = (a * real(2.0**{i})) @ (b * real(2.0**{j}))",
                f"expected = (a @ b) * real(2.0**{i + j})",
            ],
        )
        different = Test(
            name="elements of other bits",
            residual="np.count_nonzero(found != expected)",
            allowed="0",
        )
        source = "scaling by a power of two commutes with rounding"
        return g.case(
            lines, calls, [different], "found", source, sizes=sizes, title="a scaled product"
        )
    way = str(parameters.get("way", "transposed"))
    number = re.search(r"(half|third|\d+)$", way)
    name = way[: number.start()].strip() if number else way
    if name not in _WAYS:
        return None
    factor = _NUMBERS.get(number[1], number[1]) if number else ""
    part = _PARTS.get(name, "")
    right = "a.T" if name == "times its transpose" else "b"
    calls = [f"c = a @ {right}", f"other = {_WAYS[name].format(factor)}"]
    test = Test(
        name="difference over |A| |B|",
        residual=f"(abs(c{part} - other) / times(abs(a), abs({right})){part}).max()",
        allowed="2 * 16 * 2 * u * max(1, k / 100)",
    )
    lines = [*(_MOVED if name == "moved by" else []), *_operands(g)]
    source = "blat3.f's limit, for both sides"
    return g.case(lines, calls, [test], "c, other", source, sizes=sizes, title=f"a product {way}")


#: Products that metamorphic.repeat makes, of square matrices.
_REPEATED = {
    "gemm": "np.matmul(a, b, out=out)",
    "syrk": "np.matmul(a, a.T, out=out)",
    "gemv": "np.matmul(a, x, out=vector)",
    "dot": "np.dot(a.ravel(), b.ravel())",
}


def repeated_product(parameters: Parameters) -> LapackCase | None:
    """Return the case of a product that is computed into the same memory; None for others."""
    routine = parameters.get("routine")
    if routine not in _REPEATED:
        return None
    lines = [
        "a, b = (random(seed + i, n, n).astype(dtype) for i in (0, 1))",
        "out, vector, x = np.empty_like(a), np.empty(n, dtype), b[0].copy()",
    ]
    calls = [f"found = {_REPEATED[routine]}"]
    return Given.of(parameters).case(lines, calls, [], "found", "", title=routine)
