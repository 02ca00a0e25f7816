"""Scripts of all routines are right about a good library, and short."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from many_scripts import failing_scripts, run_program
from written import code_lines, source_of_case

from release_gate.scripts.text import Way

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

pytestmark = pytest.mark.network

#: A check that asks in each way.
CHECKS = {
    Way.CANARIES: "exact.level3",
    Way.PAGES: "bounds.level3",
    Way.AFTER_NAN: "special.stale-nan",
    Way.FLAGS: "special.blas-flags",
    Way.CALLERS: "concurrency.every-routine",
    Way.REPEATED: "process.leaks",
    Way.PROPAGATION: "special.level3-nan",
    Way.SUBNORMAL: "special.subnormal",
    Way.STACK: "concurrency.stack-every-routine",
    Way.ACCURATE: "accuracy.level3",
    Way.ALPHA_ZERO: "special.alpha-zero",
}

#: Ways whose scripts end at once, so that those of all routines can be run.
QUICK = (
    *(Way.CANARIES, Way.AFTER_NAN, Way.FLAGS),
    *(Way.PROPAGATION, Way.SUBNORMAL, Way.STACK, Way.ACCURATE, Way.ALPHA_ZERO),
)

#: What OpenBLAS itself gets wrong in releases that are about (docs/found).
OWN_FAULTS = {"gemm_batch_strided", "sum"}

#: Likewise, of complex symmetric matrices.
OWN_COMPLEX_FAULTS = {"spr", "syr2", "spr2"}

_CALLS = """
import json, sys, numpy
from checks import api, blas, fortran, level1, level2, level3
from checks.cblas import Cblas
cblas = Cblas(blas.find_library(numpy))
calls = [*level1.calls(1, [17], turns=2), *level1.idle_calls(1)]
calls += level2.calls(1, [(7, 5)], turns=2)
more = level2.COMPLEX_SYMMETRIC
calls += level2.calls(1, [(7, 5)], tuple(more), turns=2, table=more)
calls += list(level3.calls(1, least=1))[::5]
context = api.Context(blas=blas.find_library(numpy), threads=1, profile="smoke", seed=1)
ways = {"fortran": fortran.Fortran(context.blas), None: cblas}
calls += list(fortran.fortran_calls(context))[::7]
known = lambda c: ways[c.parameters.get("interface")].has(c.routine, c.dtype)
json.dump([c.parameters for c in calls if known(c)], sys.stdout)
"""

#: What the checks add to the parameters of a call, as they report them.
_SPECIAL_CALLS = """
import json, sys, numpy
from checks import accuracy_level3, api, blas
from checks import special_alpha, special_propagation, special_subnormal
asked = {"propagation": [], "subnormal": [], "accurate": [], "alpha_zero": []}
special_propagation.Propagation._judge = lambda *a: asked["propagation"].append(a[-1])
def kept(ctx, cblas, calls):
    asked["subnormal"] += [call.parameters for call in calls]
special_subnormal.between_canaries = kept
accuracy_level3._ask = lambda *a: asked["accurate"].append(
    dict(zip(("routine", "dtype", "size", "turn"), a[2:]), seed=1)
)
special_alpha._judged = lambda _, call, __: asked["alpha_zero"].append(call.parameters)
library = blas.find_library(numpy)
context = api.Context(blas=library, threads=1, profile="smoke", seed=1)
checks = ["special." + each for each in ("level1-nan", "level2-nan", "level3-nan", "subnormal")]
for name in [*checks, "special.alpha-zero", "accuracy.level3"]:
    api.CHECKS[name].function(context)
json.dump(asked, sys.stdout)
"""


@pytest.fixture(scope="module")
def inputs(numpy_site: Path) -> list[dict[str, Any]]:
    """Return parameters of calls of all routines, as checks report them."""
    made: list[dict[str, Any]] = json.loads(run_program(numpy_site, _CALLS))
    return made


@pytest.fixture(scope="module")
def inputs_of(
    inputs: list[dict[str, Any]], numpy_site: Path
) -> Callable[[Way], list[dict[str, Any]]]:
    """Return a function that gives the parameters of calls which checks ask about in that way."""
    special = json.loads(run_program(numpy_site, _SPECIAL_CALLS))

    def asked(way: Way) -> list[dict[str, Any]]:
        made: list[dict[str, Any]] = special.get(way.name.lower(), inputs)
        return made

    return asked


def script(way: Way, parameters: Mapping[str, Any]) -> str:
    case = {"routine": "", "message": "", "parameters": parameters}
    source = source_of_case(CHECKS[way], case, "Nehalem", 1)
    assert source.way is way
    return source.text(source.trial)


def is_own_fault(parameters: Mapping[str, Any]) -> bool:
    routine, is_complex = parameters["routine"], parameters["dtype"].startswith("c")
    return routine in OWN_FAULTS or (is_complex and routine in OWN_COMPLEX_FAULTS)


def test_all_routines_are_there(inputs: list[dict[str, Any]]) -> None:
    assert len({(each["routine"], each["dtype"]) for each in inputs}) > 184


@pytest.mark.parametrize("way", list(Way))
def test_scripts_are_short(way: Way, inputs_of: Callable[[Way], list[dict[str, Any]]]) -> None:
    for each in inputs_of(way):
        written = script(way, each)
        compile(written, "script", "exec")
        assert code_lines(written) <= 60, each
        assert max(map(len, written.splitlines())) <= 240


@pytest.mark.parametrize("way", QUICK)
def test_scripts_find_nothing_in_a_good_library(
    way: Way, inputs_of: Callable[[Way], list[dict[str, Any]]], numpy_site: Path
) -> None:
    asked = [each for each in inputs_of(way) if not is_own_fault(each)]
    if way is not Way.CANARIES:  # such checks make no call that does nothing
        asked = [each for each in asked if not each.get("idle")][::3]
    failed = failing_scripts(numpy_site, [script(way, each) for each in asked])
    assert [asked[index] for index in failed] == []
