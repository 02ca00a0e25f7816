"""Calls of accuracy.level3 for scripts: real numbers, and every element judged by |A| |B|."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from release_gate.scripts.blas import is_complex
from release_gate.scripts.level3 import LEFT, RIGHT
from release_gate.scripts.operands import operand_lines, scalar_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from release_gate.scripts.blas import BlasCall, Parameters
    from release_gate.scripts.text import Trial

__all__ = ["EXAMPLE", "accurate", "as_call", "numbers"]

#: What to ask where no failing input was recorded.
EXAMPLE: Final = {"routine": "syrk", "dtype": "float64", "size": [33, 40], "turn": 1, "seed": 1}

#: What that check has the same in all its calls: column by column, nothing between lines.
_COMMON: Final = {
    "order": 102, "diag": 131, "lda": 0, "ldb": 0, "ldc": 0, "ld": 0, "incx": 1, "incy": 1,
    "alpha": 1, "beta": 0,
}  # fmt: skip

#: Limits in units in the last place (test/dblat3.f; of solves LIN/dtrt02.f, there in half ones).
_PRODUCTS, _SOLVES = 16, 15


def as_call(parameters: Parameters) -> dict[str, Any]:
    """Return what `release_gate.scripts.level1` to `level3` read of that call."""
    routine, turn = parameters["routine"], parameters["turn"]
    order, other = parameters["size"]
    m, n = (other, order) if turn // 2 % 2 else (order, other)
    adjoint = turn % 3 == 1
    conjugated = routine.startswith("he") or (
        routine.startswith("tr") and is_complex(parameters["dtype"])
    )
    given = {
        **_COMMON,
        "routine": routine,
        "dtype": parameters["dtype"],
        "seed": parameters["seed"],
        "uplo": 121 if turn % 2 else 122,
        "side": RIGHT if turn // 2 % 2 else LEFT,
        "trans": (113 if conjugated else 112) if adjoint else 111,
    }
    match routine[-2:]:
        case "mv":
            return given | {"n": order, "alpha": 0.7, "beta": -1.3}
        case "rk" | "2k":
            return given | {"n": order, "k": other}
        case "mm" | "sm":
            return given | {"m": m, "n": n}
        case _:
            return given | {"n": other}


def numbers(call: BlasCall) -> list[str]:
    """Return the function that makes operands: numbers of the precision, far from zero.

    The name is that of exact scripts. Small ones of triangular matrices keep solves as accurate as
    their residual; `kept` takes the absolute values for |A| |B|.
    """
    wide = "complex" if is_complex(call.dtype) else "float"
    number = "x[0] + 1j * x[1]" if is_complex(call.dtype) else "x[0]"
    small = " / (2 * shape[0])" if call.name[1:] in {"trmm", "trsm"} else ""
    return [
        "def integers(seed, *shape):  # no integers: numbers of both signs",
        "    x = np.random.RandomState(seed).uniform(0.5, 1, (2, *shape))",
        "    x *= np.random.RandomState(seed).choice([-1, 1], x.shape)",
        f"    return kept(({number}){small}).astype(np.{call.dtype}).astype({wide})",
    ]


def accurate(call: BlasCall, trial: Trial) -> list[str]:
    """Return the statements that compare a call's result with its terms in absolute values."""
    solve = trial.parameters["routine"] == "trsm"
    limit = (_SOLVES if solve else _PRODUCTS) * max(1.0, _terms(trial.parameters) / 100)
    found, exact = "np.array([returned])", "np.array([value])"
    for place, each in enumerate(call.arrays):
        if each.after is not None:
            found, exact = f"given[{place}]", f"expected[{place}]"
    return [
        "",
        f"{', '.join(call.sizes)} = {', '.join(map(str, call.sizes.values()))}",
        "for kept in (abs, np.array):  # what all terms add up to, then the call itself",
        *(f"    {line}" for line in _made(call)),
        f"    exact = {exact}",
        "    bound = abs(exact) if kept is abs else bound",
        "returned = call(*given)",
        f"error = abs({found} - exact) / (np.finfo(np.{call.dtype}).eps * bound)",
        "worst = np.nan_to_num(error[~np.isnan(exact)], nan=np.inf).max()",
        f'print("largest error: %.3g ulp of |A| |B|, limit {limit:g}" % worst)',
        f"raise SystemExit(not worst < {limit:g})",
    ]


def _terms(p: Parameters) -> int:
    """Return how many products each element is the sum of."""
    match p["routine"][-2:]:
        case "rk" | "2k":
            return int(p["k"]) * (2 if p["routine"].endswith("2k") else 1)
        case "mm" | "sm":
            return int(p["m"] if p["side"] == LEFT else p["n"])
        case _:
            return int(p["n"])


def _made(call: BlasCall) -> Iterator[str]:
    """Yield the statements that make scalars and operands, all of them as `kept` leaves them."""
    yield from scalar_lines(call)
    for each in call.scalars:
        yield f"{each} = float(kept({each}))"
    for line in operand_lines(call):
        yield line
        if line.startswith("A = ") and "np.diag" in line:
            yield "A = kept(A)"
