"""The checks of levels 1 and 2 and of special values find faults of their kind, and only those."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from planted import ask_checks, plant
from written import assert_shows_only, source_of_case

from release_gate.pipeline import all_checks

pytestmark = pytest.mark.network

MODULES = [
    "accuracy_rotations",
    "exact_dsdot",
    "fortran",
    "level1",
    "level2",
    "special_flags",
    "special_propagation",
    "special_subnormal",
    "special_vectors",
    "special_zero_signs",
]

#: The kernel of all runs here. Newer ones have faults of their own, which docs/found describes.
KERNEL = "Nehalem"

#: fault, check that must find it, threads. The last one changes the process for good.
FAULTS = [
    ("dot-backwards", "exact.level1", 1),
    ("dot-threads", "exact.level1", 2),
    ("axpy-outside", "exact.level1", 1),
    ("axpy-between", "exact.level1", 1),
    ("iamax-tie", "exact.level1", 1),
    ("iamin", "exact.extensions", 1),
    ("sum", "exact.sum", 1),
    ("dsdot-single", "exact.dsdot", 1),
    ("dsdot-rounded", "exact.dsdot", 1),
    ("sdsdot-single", "exact.dsdot", 1),
    ("dsdot-threads", "exact.dsdot", 2),
    ("gemv-beta", "exact.level2", 1),
    ("gemv-increment", "exact.level2", 1),
    ("gemv-conjugate", "exact.level2", 1),
    ("gemv-long", "exact.level2", 1),
    ("ger-threads", "exact.level2", 2),
    ("ger-padding", "exact.level2", 1),
    ("symv-triangle", "exact.level2", 1),
    ("trsv-unit", "exact.level2", 1),
    ("hemv-shares", "exact.level2", 2),
    ("tbmv", "exact.banded", 1),
    ("gbmv-shares", "exact.banded", 2),
    ("spr2", "exact.packed", 1),
    ("zsymv-conjugated", "exact.complex-symmetric", 1),
    ("zsymv-shares", "exact.complex-symmetric", 2),
    ("cspr", "exact.complex-symmetric", 1),
    ("fortran-trmv", "exact.fortran", 1),
    ("fortran-iamax", "exact.fortran", 1),
    ("rotg", "accuracy.rotg", 1),
    ("rotmg", "accuracy.rotmg", 1),
    ("zrotg", "accuracy.complex-rotg", 1),
    ("axpy-lost-nan", "special.level1-nan", 1),
    ("gemv-spreads", "special.level2-nan", 1),
    ("trsv-lost-nan", "special.level2-nan", 1),
    ("symm-lost-nan", "special.level3-nan", 1),
    ("flag-trmv", "special.blas-flags", 1),
    ("flag-symm", "special.blas-flags", 1),
    ("flag-symm", "special.blas-flags", 2),
    ("nan-scal", "special.scal-nan", 1),
    ("zscal", "special.complex-scal", 1),
    ("iamax-nowhere", "special.iamax", 1),
    ("nrm2-range", "special.nrm2", 1),
    ("nrm2-single", "special.nrm2", 1),
    ("nrm2-infinity", "special.nrm2", 1),
    ("copy-adds", "special.zero-signs", 1),
    ("swap-quiet", "special.zero-signs", 1),
    ("axpy-plus-zero", "special.zero-signs", 1),
    ("gemv-idle", "special.zero-signs", 1),
    ("axpy-flush", "special.subnormal", 1),
    ("flush-to-zero", "special.subnormal", 1),
]

#: Found elsewhere: faults of gemm and syrk.
ELSEWHERE = {"accuracy.complex-rotg-ordinary", "special.fp-flags"}

#: What the real library fails with any kernel (docs/found), and the right one that is planted.
RIGHT = {"accuracy.complex-rotg": "zrotg-right", "exact.complex-symmetric": "spr-right"}

GOOD = [(RIGHT.get(check, ""), check, 1) for check in sorted({check for _, check, _ in FAULTS})]
GOOD += [
    ("", check, 2) for check in ("exact.dsdot", "exact.level1", "exact.level2", "exact.banded")
]
GOOD += [("spr-right", "exact.complex-symmetric", 2)]
GOOD += [("", check, 2) for check in ("special.blas-flags", "special.zero-signs")]

Answers = dict[tuple[str, str, int], dict[str, Any]]


@pytest.fixture(scope="module")
def planted_site(numpy_site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = Path(__file__).with_name("level12_faults.c").read_text()
    return plant(numpy_site, source, tmp_path_factory.mktemp("planted"))


@pytest.fixture(scope="module")
def answers(planted_site: Path) -> Answers:
    asked = [*GOOD, *FAULTS]
    return dict(zip(asked, ask_checks(planted_site, MODULES, asked, kernel=KERNEL), strict=True))


@pytest.mark.parametrize(("fault", "check", "threads"), FAULTS)
def test_a_planted_fault_is_found(fault: str, check: str, threads: int, answers: Answers) -> None:
    answer = answers[fault, check, threads]
    assert answer["outcome"] == "failed"
    assert answer["failed"] < answer["run"]
    case = answer["cases"][0]
    names = ("d", "id", "iz", "sdsdot", "z", "cspr")
    assert fault == "flush-to-zero" or case["routine"].startswith(names)
    assert case["message"]
    assert case["parameters"]


@pytest.mark.parametrize(("fault", "check", "threads"), GOOD)
def test_a_right_library_passes(fault: str, check: str, threads: int, answers: Answers) -> None:
    answer = answers[fault, check, threads]
    assert (answer["outcome"], answer["cases"]) == ("passed", [])
    assert answer["run"]


def test_every_check_has_a_fault() -> None:
    modules = {f"checks.{module}" for module in MODULES}
    checks = {spec.id for spec in all_checks() if spec.module in modules}
    assert checks - ELSEWHERE == {check for _, check, _ in FAULTS}


#: Those of accuracy have scripts of templates, which tests/scripts tries.
WITHOUT_SCRIPT = {"accuracy.rotmg", "accuracy.complex-rotg"}


@pytest.mark.parametrize("asked", [asked for asked in FAULTS if asked[1] not in WITHOUT_SCRIPT])
def test_the_script_shows_the_fault_again_and_only_the_fault(
    asked: tuple[str, str, int], answers: Answers, planted_site: Path
) -> None:
    fault, check, threads = asked
    source = source_of_case(check, answers[asked]["cases"][0], KERNEL, threads)
    other_routine = fault == "flush-to-zero"  # than the one whose result is wrong for it
    script = source.text(source.otherwise[-1] if other_routine else source.trial)
    assert_shows_only(script, planted_site, asked, kernel=KERNEL)
