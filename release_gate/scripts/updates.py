"""Calls of special.beta-zero, told as those of levels 2 and 3 are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from release_gate.scripts.blas import Parameters

__all__ = ["EXAMPLE", "as_call"]

#: What to ask where no failing input was recorded.
EXAMPLE: Final = {
    "routine": "gemm", "dtype": "float64", "m": 33, "n": 31, "k": 34, "alpha": -2, "beta": 0,
    "ta": 111, "tb": 112,
}  # fmt: skip

#: What that check has the same in all its calls: row by row, from the left, nothing between lines.
_COMMON: Final = {
    "order": 101, "trans": 111, "side": 141, "lda": 0, "ldb": 0, "ldc": 0, "ld": 0, "incx": 1,
    "incy": 1,
}  # fmt: skip

#: {routine: {our name of a size: its name in that check}}: matrices there are m x k and k x n.
_SIZES: Final = {
    "gemm": {"m": "m", "n": "n", "k": "k"},
    "gemv": {"m": "m", "n": "k"},
    "symm": {"m": "m", "n": "n"},
    "hemm": {"m": "m", "n": "n"},
    "symv": {"n": "m"},
    "hemv": {"n": "m"},
    "syrk": {"n": "m", "k": "k"},
    "herk": {"n": "m", "k": "k"},
    "syr2k": {"n": "m", "k": "k"},
}


def as_call(parameters: Parameters) -> dict[str, Any]:
    """Return what `release_gate.scripts.level2` and `level3` read of that call."""
    sizes = {name: parameters[own] for name, own in _SIZES[parameters["routine"]].items()}
    others = {name: value for name, value in parameters.items() if name not in set("mnk")}
    return {**_COMMON, **others, **sizes}
