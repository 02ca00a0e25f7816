"""Which case of LAPACK a check's failing input is, and how its script asks."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Final

from attrs import evolve

from release_gate.scripts import (
    lapack_divided,
    lapack_exact,
    lapack_orthogonal,
    lapack_ranges,
    lapack_reordering,
    lapack_spectra,
    lapack_storage,
    lapack_systems,
)
from release_gate.scripts.blas import LETTERS
from release_gate.scripts.drivers import driver
from release_gate.scripts.lapack import Given, LapackCase
from release_gate.scripts.lapack_text import LapackWay
from release_gate.scripts.metamorphic import other_way, repeated_product

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from release_gate.model import Case
    from release_gate.scripts.blas import Parameters

__all__ = ["WAYS", "lapack_case", "lapack_example", "lapack_input", "lapack_way"]

_TABLES = {
    **lapack_systems.ROUTINES,
    **lapack_orthogonal.ROUTINES,
    **lapack_spectra.ROUTINES,
    **lapack_storage.ROUTINES,
    **lapack_reordering.ROUTINES,
}

#: Long and short side of the rectangles of accuracy.lapack-large, whose parameters tell its shape.
_LARGE: Final = (17_407, 7)


def _of_table(
    parameters: Parameters, tables: Mapping[str, Callable[[Given], LapackCase]] = _TABLES
) -> LapackCase | None:
    """Return the case of a routine with the letter of its precision."""
    routine = str(parameters.get("routine", ""))[1:]
    if routine not in tables or "dtype" not in parameters:
        return None
    return tables[routine](evolve(Given.of(parameters), routine=routine))


def _lower(parameters: Parameters) -> LapackCase | None:
    """Return the case with all flags in lower case."""
    made = _of_table(parameters)
    if made is None:
        return None
    calls = (re.sub(r'"[A-Z]"', lambda flag: flag[0].lower(), line) for line in made.calls)
    return evolve(made, calls=tuple(calls))


#: Of successors of a routine: the line of a table that asks them, and what they replace there.
_ALTERNATIVES: Final = {
    "ggev3": ("ggev", {"ggev": "ggev3"}),
    "gges3": ("gges", {"gges": "gges3"}),
    "gelst": ("gels", {"gels": "gelst"}),
    "getsls": ("gels", {"gels": "getsls"}),
    "geqrfp": ("ormqr", {"geqrf": "geqrfp"}),
    "getrf2": ("getrs", {"getrf": "getrf2"}),
    "potrf2": ("potri", {"potrf": "potrf2"}),
    "sytrf_rook": ("sytrf", {"sytrf": "sytrf_rook", "sytrs": "sytrs_rook"}),
    "hetrf_rook": ("hetrf", {"hetrf": "hetrf_rook", "hetrs": "hetrs_rook"}),
}


def _alternative(parameters: Parameters) -> LapackCase | None:
    name = str(parameters.get("routine", ""))
    letter, newer = name[:1], name[1:]
    if newer not in _ALTERNATIVES:
        return None
    line, pairs = _ALTERNATIVES[newer]
    made = _of_table({**parameters, "routine": letter + line})
    if made is None:
        return None
    text = "\n".join(made.calls)
    for older, other in pairs.items():
        text = text.replace(f'"{letter}{older}"', f'"{letter}{other}"')
    return evolve(made, calls=tuple(text.split("\n")), title=name)


def _exact(parameters: Parameters) -> LapackCase | None:
    routine = parameters.get("routine")
    if routine not in lapack_exact.ROUTINES:
        return None
    return lapack_exact.ROUTINES[routine](Given.of(parameters))


def _repeated(parameters: Parameters) -> LapackCase | None:
    letterless = {**parameters, "routine": f"?{parameters.get('routine', '')}"}
    return repeated_product(parameters) or _of_table(letterless)


#: How the scripts of each check ask, and what tells its cases.
WAYS: Final[dict[str, tuple[LapackWay, Callable[[Parameters], LapackCase | None]]]] = {
    **dict.fromkeys(
        (
            *("accuracy.lapack-systems", "accuracy.lapack-orthogonal"),
            *("accuracy.lapack-spectra", "accuracy.lapack-large"),
        ),
        (LapackWay.TESTS, _of_table),
    ),
    **dict.fromkeys(
        (
            *("accuracy.solve", "accuracy.inv", "accuracy.cholesky", "accuracy.qr"),
            *("accuracy.lstsq", "accuracy.eigh", "accuracy.eig", "accuracy.svd"),
        ),
        (LapackWay.TESTS, driver),
    ),
    **dict.fromkeys(
        (
            *("exact.lu", "exact.lu-wide", "exact.reflectors", "exact.row-exchanges"),
            *("exact.cholesky", "exact.triangular-factors"),
        ),
        (LapackWay.TESTS, _exact),
    ),
    "metamorphic.products": (LapackWay.TESTS, other_way),
    "metamorphic.repeat": (LapackWay.REPEATED, _repeated),
    "accuracy.lapack-alternatives": (LapackWay.TESTS, _alternative),
    "exact.lower-case": (LapackWay.TESTS, _lower),
    "accuracy.divide-and-conquer": (
        LapackWay.TESTS,
        partial(_of_table, tables=lapack_divided.ROUTINES),
    ),
    "accuracy.lapack-ranges": (
        LapackWay.LITTERED,
        partial(_of_table, tables=lapack_ranges.ROUTINES),
    ),
    "special.lapack-workspace": (LapackWay.LITTERED, _of_table),
    "special.not-finite-lapack": (LapackWay.ENDS, _of_table),
    "special.lapack-flags": (LapackWay.FLAGS, _of_table),
    "concurrency.lapack": (LapackWay.AT_ONCE, _of_table),
    "process.leaks": (LapackWay.LEFT_BEHIND, _of_table),
}


def lapack_example(check: str) -> dict[str, object] | None:
    """Return an input of a check of `numpy.linalg`, for failures that recorded none."""
    if check not in WAYS or WAYS[check][1] is not driver:
        return None
    function = check.partition(".")[2]
    size = [129, 65] if function in {"lstsq", "qr"} else 129
    return {"function": function, "dtype": "float64", "kind": "random", "size": size, "seed": 1}


def lapack_way(check: str, case: Case) -> LapackWay:
    """Return how the script of that failing case asks."""
    if "of memory behind" in case.message:
        return LapackWay.LEFT_BEHIND
    if "alone, on input that has an answer" in case.message:
        return LapackWay.TESTS
    return WAYS[check][0]


def lapack_input(check: str, case: Case) -> dict[str, object]:
    """Return the parameters of a failing case, with what they leave out and a script can shrink."""
    parameters = {"routine": case.routine, **case.parameters}
    if check == "process.leaks":  # tells the precision by the letter of the routine only
        dtypes = {letter: dtype for dtype, letter in LETTERS.items()}
        return parameters | {"dtype": dtypes.get(case.routine[:1], "float64")}
    size, variant = parameters.get("size"), parameters.get("variant")
    if check == "accuracy.lapack-large" and (
        variant in {"tall", "wide"} or str(parameters["routine"])[1:] == "getrf"
    ):
        m, n = _LARGE if variant != "wide" else _LARGE[::-1]
        return parameters | {"m": m, "n": n}
    if isinstance(size, list):
        return parameters | dict(zip("mnk", size, strict=False))
    return parameters


def lapack_case(check: str, parameters: Parameters) -> LapackCase | None:
    """Return the case that parameters tell; None when they tell none of a known routine."""
    return WAYS[check][1](parameters) if check in WAYS else None
