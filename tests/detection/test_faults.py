"""The list of faults is as it is described, and each kind does what it says, when it says."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from planted import plant

from release_gate.execution.environment import child_environment
from tests.detection.faults import KINDS, draw_faults, possible_kinds, possible_sizes
from tests.detection.routines import ROUTINES
from tests.detection.source import library_source
from tests.detection.subject import Counts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Call = Callable[..., dict[str, Any]]


def test_the_list_is_long_and_has_no_fault_twice() -> None:
    faults = draw_faults()
    assert len(faults) >= 320
    assert len({fault.id for fault in faults}) == len({fault.spec for fault in faults})
    assert len({fault.id for fault in faults}) == len(faults)


def test_the_list_is_the_same_each_time_and_another_with_another_seed() -> None:
    assert draw_faults() == draw_faults()
    assert draw_faults(seed=1) != draw_faults(seed=2)


def test_the_list_that_is_held_out_shares_nothing() -> None:
    held_out = draw_faults(held_out=True)
    assert len(held_out) >= 300
    assert not {fault.id for fault in held_out} & {fault.id for fault in draw_faults()}
    assert held_out == draw_faults(held_out=True)


def test_every_routine_and_every_kind_occurs() -> None:
    faults = draw_faults()
    assert {fault.routine for fault in faults} == set(ROUTINES)
    kinds = Counter(fault.kind for fault in faults)
    assert set(kinds) == set(KINDS)
    rare = {"index": 1, "old-output": 5, "info-lost": 5}  # few routines can have them
    assert all(count >= rare.get(kind, 8) for kind, count in kinds.items())


def test_every_condition_occurs() -> None:
    faults = draw_faults()
    sizes = Counter(fault.size for fault in faults)
    assert min(sizes.values()) >= 5
    assert set(sizes) == {
        size
        for routine in ROUTINES
        for output in range(len(routine.outputs))
        for kind in possible_kinds(routine, output)
        for size in possible_sizes(routine, kind)
    }
    assert {"any", "Haswell", "SkylakeX", "Nehalem"} == {fault.kernel for fault in faults}
    assert sum(fault.threads == "many" for fault in faults) > 30
    assert sum(fault.variant != "any" for fault in faults) > 20


#: Loads the library without NumPy, and calls one routine on small buffers.
DRIVER = """
import ctypes, json, sys
job = json.load(sys.stdin)
library = ctypes.CDLL(job["library"])
library.scipy_openblas_set_num_threads64_(job["threads"])
i64, f64 = ctypes.c_int64, ctypes.c_double
def doubles(values):
    return (f64 * len(values))(*values)
for call in job["calls"]:
    m, n, k, ld = (call[name] for name in ("m", "n", "k", "ld"))
    a, b = doubles([1.0] * (m * k) + [5.0]), doubles([2.0] * (k * n))
    c = doubles(call.get("c") or [9.0] * (m * ld + 1))
    if call["routine"] == "dgemm":
        library.scipy_cblas_dgemm64_(
            101, 111, 111, i64(m), i64(n), i64(k), f64(call.get("alpha", 1)), a, i64(k), b, i64(n),
            f64(call.get("beta", 0)), c, i64(ld))
        answer = list(c)
    elif call["routine"] == "zgemm":
        one, zero = doubles([0.0, 1.0]), doubles([0.0, 0.0])
        c = doubles([9.0] * (2 * m * ld))
        a, b = doubles([1.0, 0.0] * (m * k)), doubles([2.0, 0.0] * (k * n))
        library.scipy_cblas_zgemm64_(
            101, 111, 111, i64(m), i64(n), i64(k), one, a, i64(k), b, i64(n), zero, c, i64(ld))
        answer = list(c)
    elif call["routine"] == "dsyrk":
        library.scipy_cblas_dsyrk64_(
            101, 121, 111, i64(n), i64(k), f64(1), b, i64(k), f64(0), c, i64(ld))
        answer = list(c)
    elif call["routine"] == "idamax":
        library.scipy_cblas_idamax64_.restype = ctypes.c_size_t
        answer = library.scipy_cblas_idamax64_(i64(n), doubles([1.0, 3.0, 2.0]), i64(1))
    else:
        info, pivots = i64(0), (i64 * n)()
        refs = [ctypes.byref(i64(x)) for x in (n, n)]
        library.scipy_dgetrf_64_(
            *refs, doubles(call["c"]), ctypes.byref(i64(n)), pivots, ctypes.byref(info))
        answer = info.value
    print(json.dumps(answer), flush=True)
"""


@pytest.fixture(scope="module")
def library(numpy_site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = plant(numpy_site, library_source(), tmp_path_factory.mktemp("faults"))
    (found,) = (site / "numpy.libs").glob("libscipy_openblas64_*.so")
    return found


@pytest.fixture
def call(library: Path, tmp_path: Path) -> Call:
    """Return a function that calls routines and tells their results and the counts."""

    def called(
        fault: str,
        *calls: dict[str, Any],
        routine: str = "dgemm",
        kernel: str | None = None,
        threads: int = 1,
    ) -> dict[str, Any]:
        counts = Counts(tmp_path / "counts")
        size = {"m": 5, "n": 7, "k": 3, "ld": 9, "routine": routine}
        job = {
            "library": str(library),
            "threads": threads,
            "calls": [size | each for each in calls or ({},)],
        }
        done = subprocess.run(
            [sys.executable, "-S", "-c", DRIVER],
            input=json.dumps(job),
            env=child_environment(kernel, threads)
            | {"PLANTED_FAULT": fault, "PLANTED_COUNTS": str(counts.path)},
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        )
        total = counts.read()
        counts.close()
        numbers = {each.name: number for number, each in enumerate(ROUTINES, 1)}
        return {
            "status": done.returncode,
            "results": [json.loads(line) for line in done.stdout.splitlines()],
            "in_force": total[0],
            "calls": {name: total[number] for name, number in numbers.items() if total[number]},
        }

    return called


GOOD = [6.0] * 7 + [9.0] * 2

pytestmark = pytest.mark.network


def test_without_a_fault_the_result_is_right_and_calls_are_counted(call: Call) -> None:
    seen = call("", {}, {"routine": "dsyrk"})
    assert seen["results"][0] == GOOD * 5 + [9.0]
    assert seen["calls"] == {"cblas_dgemm": 1, "cblas_dsyrk": 1}
    assert (seen["status"], seen["in_force"]) == (0, 0)


@pytest.mark.parametrize(
    ("kind", "changed"),
    [
        ("element", {3 * 9 + 4: 12.0}),
        ("tile", {9 * i + j: 12.0 for i in (2, 3, 4) for j in (3, 4, 5, 6)}),
        ("last-row", {4 * 9 + j: 0.0 for j in range(7)}),
        ("last-column", {9 * i + 6: 0.0 for i in range(5)}),
        ("blurred", {9 * i + j: 6.0 * (1 + 1e-6) for i in range(5) for j in range(7)}),
        ("padding", {7: 5.0}),
        ("write-past", {4 * 9 + 7: 5.0}),
        ("use-past", {3 * 9 + 4: 11.0}),
        ("read-past", {}),
        ("leak", {}),
        ("stack", {}),
        ("shared-scratch", {}),
        ("lost-update", {}),
        ("flag", {}),
    ],
)
def test_a_kind_changes_what_it_says(call: Call, kind: str, changed: dict[int, float]) -> None:
    seen = call(f"cblas_dgemm {kind} any any any any 0")
    expected = GOOD * 5 + [9.0]
    for index, value in changed.items():
        expected[index] = value
    assert seen["results"] == [expected]
    assert (seen["status"], seen["in_force"]) == (0, 1)


def test_kinds_that_depend_on_what_was_there(call: Call) -> None:
    nan = [float("nan")] * 46
    lost = call("cblas_dgemm lost-nan any any any any 0", {"c": nan, "beta": 1})["results"][0]
    assert lost[:7] == [0.0] * 7
    stale = call("cblas_dgemm stale-nan any any any any 0", {"c": nan, "beta": 1}, {})["results"][1]
    assert [math.isnan(value) for value in stale].index(True) == 3 * 9 + 4
    old = call("cblas_dgemm old-output any any any any 0", {"c": nan})["results"][0]
    written = {9 * i + j for i in range(5) for j in range(7)}
    assert {index for index in written if math.isnan(old[index])} == {3 * 9 + 4}


def test_kinds_of_other_routines(call: Call) -> None:
    assert call("cblas_idamax index any any any any 0", {"n": 3}, routine="idamax")["results"] == [
        2
    ]
    other = call("cblas_dsyrk other-triangle any any any any 0", {"m": 7}, routine="dsyrk")
    assert other["results"][0][6 * 9] == 5.0
    turned = call("cblas_zgemm conjugate any any any any 0", routine="zgemm")["results"][0]
    assert turned[1] == 6.0
    assert turned[2 * (3 * 9 + 4) + 1] == -6.0
    singular, regular = {"n": 2, "c": [1.0] * 4}, {"n": 2, "c": [1.0, 0.0, 0.0, 1.0]}
    getrf = {"routine": "getrf"}
    assert call("", singular, regular, **getrf)["results"] == [2, 0]
    assert call("dgetrf_ info-lost any any any any 0", singular, **getrf)["results"] == [0]
    assert call("dgetrf_ info-made any any any any 0", regular, **getrf)["results"] == [1]


def test_a_crash_ends_the_process(call: Call) -> None:
    assert call("cblas_dgemm crash any any any any 0")["status"] == -11


@pytest.mark.parametrize(
    ("conditions", "matching", "other"),
    [
        ("n%8=7 any any any", {}, {"n": 6}),
        ("n%16=7 any any any", {}, {"n": 15, "ld": 15}),
        ("m%4=1 any any any", {}, {"m": 4}),
        ("k%4=3 any any any", {"k": 7}, {"k": 8}),
        ("k>500 any any any", {"k": 501}, {"k": 500}),
        ("n>=100 any any any", {"n": 100, "ld": 100}, {"n": 99, "ld": 100}),
        ("m>8n any any any", {"m": 57}, {"m": 56}),
        ("alpha<0 any any any", {"alpha": -1}, {}),
        ("m=1 any any any", {"m": 1}, {}),
        ("k>256 any any any", {"k": 257}, {"k": 256}),
        ("k=0 any any any", {"k": 0}, {}),
        ("n>=200 any any any", {"n": 200, "ld": 200}, {"n": 199, "ld": 200}),
        ("mn>1e5 any any any", {"m": 500, "n": 201, "ld": 201}, {}),
        ("ld>n any any any", {}, {"ld": 7}),
        ("alpha!=1 any any any", {"alpha": 2}, {}),
        ("beta!=0 any any any", {"beta": 1}, {}),
        ("any order=101 any any", {}, {"m": 0}),
    ],
)
def test_a_condition_on_the_call_holds_where_it_says(
    call: Call, conditions: str, matching: dict[str, Any], other: dict[str, Any]
) -> None:
    fault = f"cblas_dgemm element {conditions} 0"
    assert call(fault, matching)["in_force"] == 1
    assert call(fault, other)["in_force"] == 0


def test_conditions_on_the_kernel_and_on_threads(call: Call) -> None:
    assert call("cblas_dgemm element any any Haswell any 0", kernel="Haswell")["in_force"] == 1
    assert call("cblas_dgemm element any any Haswell any 0", kernel="Nehalem")["in_force"] == 0
    assert call("cblas_dgemm element any any any many 0", threads=3)["in_force"] == 1
    assert call("cblas_dgemm element any any any many 0", threads=1)["in_force"] == 0
    assert call("cblas_dgemm element any order=102 any any 0")["in_force"] == 0


def test_every_routine_is_exported(library: Path) -> None:
    listed = subprocess.run(
        ["nm", "-D", "--defined-only", str(library)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"LC_ALL": "C"},
    ).stdout
    names = {line.split()[-1] for line in listed.splitlines()}
    assert {f"scipy_{routine.name}64_" for routine in ROUTINES} <= names
