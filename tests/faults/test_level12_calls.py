"""The streams of calls of levels 1 and 2 cover what they say, and their operands are minimal."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from release_gate.execution.environment import child_environment

pytestmark = pytest.mark.network

_SCRIPT = """
import collections, json
import numpy as np
from checks import level1, level2
from checks.calls import Operand
from checks.cblas import plain_name
from checks.storage import bits

seen = collections.defaultdict(set)
ends = []
sizes = [(m, (37 * m + 11) % 71) for m in range(71)]
full = level2.calls(1, sizes, ("gemv", "trsv", "symv"), ("float64", "complex64"), turns=24)
for call in full:
    facts = call.parameters
    flags = [facts.get(name) for name in ("order", "uplo", "trans", "diag")]
    seen[call.routine, call.dtype].add((*flags, facts["n"] % 16))
    if call.routine == "trsv":
        seen["increments of trsv", call.dtype].add((facts["incx"], facts["n"] % 16))
for call in [*level2.calls(1, sizes[::7]), *level1.calls(1, range(0, 40, 3))]:
    for argument in call.arguments:
        if isinstance(argument, Operand) and len(argument.before):
            used = ~np.isnan(argument.before.real) | ~np.isnan(argument.after.real)
            ends.append(bool(len(argument.before) == len(argument.after)))
            if call.routine in ("gemv", "axpy", "ger", "scal"):
                ends.append(bool(used[0] and used[-1]))
names = [plain_name(*name) for name in (
    ("dotu", "complex64"), ("nrm2", "complex128"), ("rot", "complex128"), ("rscal", "complex64"),
    ("iamax", "complex128"), ("asum", "float32"), ("dsdot", "float32"), ("trsv", "float64"),
)]
same = [
    [call.parameters for call in level2.calls(1, sizes[:9])]
    == [call.parameters for call in level2.calls(1, sizes[:9])]
]
print(json.dumps({
    "seen": {" ".join(key): len(values) for key, values in seen.items()},
    "ends": all(ends), "names": names, "same": all(same), "routines": len(level2.ROUTINES),
}))
"""


@pytest.fixture(scope="module")
def told(numpy_site: Path) -> dict[str, Any]:
    project = Path(__file__).parents[2]
    environment = child_environment(None, 1) | {"PYTHONPATH": f"{numpy_site}:{project}"}
    done = subprocess.run(
        [sys.executable, "-S", "-B", "-c", _SCRIPT],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_all_flags_meet_all_residues_modulo_16(told: dict[str, Any]) -> None:
    seen = told["seen"]
    assert seen["gemv float64"] == 2 * 3 * 16
    assert seen["gemv complex64"] == 2 * 4 * 16
    assert seen["symv float64"] == 2 * 2 * 16
    assert seen["trsv float64"] >= 0.97 * 2 * 2 * 3 * 2 * 16
    assert seen["trsv complex64"] >= 0.97 * 2 * 2 * 4 * 2 * 16
    assert seen["increments of trsv float64"] == 5 * 16


def test_operands_start_and_end_with_what_is_used(told: dict[str, Any]) -> None:
    assert told["ends"]


def test_the_same_seed_gives_the_same_calls(told: dict[str, Any]) -> None:
    assert told["same"]
    assert told["routines"] == 25


def test_names_of_level_1_are_those_of_cblas(told: dict[str, Any]) -> None:
    assert told["names"] == [
        *("cdotu_sub", "dznrm2", "zdrot", "csscal", "izamax", "sasum", "dsdot", "dtrsv"),
    ]
