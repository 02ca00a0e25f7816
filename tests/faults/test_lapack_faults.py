"""Each check of LAPACK that NumPy does not call finds its faults, and none where there is none."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from planted import ask_checks, plant

from release_gate.pipeline import all_checks

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = pytest.mark.network

MODULES = [
    "accuracy_divided",
    "accuracy_lapack_alternatives",
    "accuracy_lapack_large",
    "accuracy_lapack_orthogonal",
    "accuracy_lapack_ranges",
    "accuracy_lapack_spectra",
    "accuracy_lapack_systems",
    "concurrency_lapack",
    "exact_laswp",
    "exact_lu",
    "exact_triangular",
    "special_lapack",
    "special_lapack_flags",
    "special_workspace",
]

#: trsm of this library raises flags without reason on AVX kernels: special.lapack-flags tells it.
KERNEL = "Nehalem"

#: fault, check that must find it, threads.
FAULTS = [
    ("getrf-tile", "exact.lu", 1),
    ("getrf-pivot", "exact.lu", 1),
    ("getrf-outside", "exact.lu", 1),
    ("getrf-threads", "exact.lu", 2),
    ("getrf-large", "exact.lu", 1),
    ("getrf-large", "exact.lu", 2),
    ("getrs-trans", "exact.lu", 1),
    ("getrs-columns", "exact.lu", 1),
    ("laswp-backwards", "exact.row-exchanges", 1),
    ("laswp-apart", "exact.row-exchanges", 1),
    ("laswp-apart", "exact.row-exchanges", 2),
    ("potrf-upper", "exact.cholesky", 1),
    ("potrf-triangle", "exact.cholesky", 1),
    ("potri", "exact.cholesky", 1),
    ("lauum", "exact.triangular-factors", 1),
    ("trtri-unit", "exact.triangular-factors", 1),
    ("larf", "exact.reflectors", 1),
    ("sytrs", "accuracy.lapack-systems", 1),
    ("gbsv", "accuracy.lapack-systems", 1),
    ("gbsv-info", "accuracy.lapack-systems", 1),
    ("getrs-trans", "accuracy.lapack-systems", 1),
    ("syevr", "accuracy.lapack-spectra", 1),
    ("syevr-length", "accuracy.lapack-spectra", 1),
    ("syevr-nan", "accuracy.lapack-spectra", 1),
    ("syevr-count", "accuracy.lapack-spectra", 1),
    ("getrf2", "accuracy.lapack-alternatives", 1),
    ("sytrf_rook", "accuracy.lapack-alternatives", 1),
    ("stemr-count", "accuracy.lapack-ranges", 1),
    ("stemr-litter", "accuracy.lapack-ranges", 1),
    ("syev-litter", "special.lapack-workspace", 1),
    ("syevd-deflation", "accuracy.divide-and-conquer", 1),
    ("ggev", "accuracy.lapack-spectra", 1),
    *((each, "accuracy.lapack-spectra", 1) for each in ("spevd", "trsen-order", "tgsen")),
    ("tgsen-count", "accuracy.lapack-spectra", 1),
    *((each, "accuracy.lapack-systems", 1) for each in ("ppsv", "spsv", "pftrf")),
    *((each, "accuracy.lapack-systems", 1) for each in ("pstrf", "pstrf-rank")),
    *((each, "accuracy.lapack-orthogonal", 1) for each in ("gglse", "ggglm")),
    ("gelsy-rank", "accuracy.lapack-orthogonal", 1),
    ("ormqr", "accuracy.lapack-orthogonal", 1),
    ("geqrf-beyond", "accuracy.lapack-orthogonal", 1),
    ("geqrf-info", "accuracy.lapack-orthogonal", 1),
    ("geqrf-argument", "accuracy.lapack-orthogonal", 1),
    ("geqrf-beyond", "accuracy.lapack-large", 2),
    ("geqrf-large", "accuracy.lapack-large", 2),
    ("sytrf-triangle", "accuracy.lapack-systems", 1),
    ("sytrf-pivots", "accuracy.lapack-systems", 2),
    ("gels-shared", "concurrency.lapack", 1),
    ("gels-leak", "concurrency.lapack", 1),
    ("geqrf-flag", "special.lapack-flags", 1),
    ("geqrf-flag", "special.lapack-flags", 2),
    ("getrf-info", "special.lapack-info", 1),
    ("getrf-late-info", "special.lapack-info", 1),
    ("potrf-info", "special.lapack-info", 1),
    ("trtri-info", "special.lapack-info", 1),
    ("potri-info", "special.lapack-info", 1),
    ("potri-info", "special.lapack-info", 2),
]

#: A table is about what its routine prepares for: factors of sytrf by what sytrs solves.
REPORTED = {
    ("sytrs", "accuracy.lapack-systems"): "dsytrf",
    ("geqrf-beyond", "accuracy.lapack-orthogonal"): "dgels",
    ("geqrf-info", "accuracy.lapack-orthogonal"): "dgels",
    ("geqrf-argument", "accuracy.lapack-orthogonal"): "dormqr",
    ("geqrf-flag", "special.lapack-flags"): "dggev",
}

#: Asks only that each call ends: no answer can be wrong.
NOT_FINITE = "special.not-finite-lapack"

#: Not in the smoke profile: it ends the process in every release.
WIDE = "exact.lu-wide"

GOOD = [("", check, 1) for check in sorted({check for _, check, _ in FAULTS})]
GOOD += [
    ("", NOT_FINITE, 1),
    ("getrf-threads", "exact.lu", 1),
    ("", "exact.lu", 2),
    ("", "exact.row-exchanges", 2),
    ("syev-litter", "accuracy.lapack-spectra", 1),
    ("syevd-deflation", "accuracy.lapack-spectra", 1),
    ("", "exact.triangular-factors", 2),
    ("", "accuracy.lapack-large", 2),
    ("", "concurrency.lapack", 2),
    ("", "special.lapack-info", 2),
]


@pytest.fixture(scope="module")
def planted_site(numpy_site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = Path(__file__).with_name("lapack_faults.c").read_text()
    return plant(numpy_site, source, tmp_path_factory.mktemp("planted"))


@pytest.fixture(scope="module")
def answers(planted_site: Path) -> Mapping[tuple[str, str, int], dict[str, Any]]:
    asked = [*GOOD, *FAULTS]
    return dict(zip(asked, ask_checks(planted_site, MODULES, asked, kernel=KERNEL), strict=True))


@pytest.mark.parametrize(("fault", "check", "threads"), FAULTS)
def test_a_planted_fault_is_found(
    fault: str,
    check: str,
    threads: int,
    answers: Mapping[tuple[str, str, int], dict[str, Any]],
) -> None:
    answer = answers[fault, check, threads]
    assert answer["outcome"] == "failed"
    assert 0 < answer["failed"] < answer["run"]
    case = answer["cases"][0]
    assert case["routine"] == REPORTED.get((fault, check), "d" + fault.partition("-")[0])
    assert case["message"]
    assert case["parameters"]["dtype"] == "float64"


@pytest.mark.parametrize(("fault", "check", "threads"), GOOD)
def test_the_real_library_passes(
    fault: str,
    check: str,
    threads: int,
    answers: Mapping[tuple[str, str, int], dict[str, Any]],
) -> None:
    answer = answers[fault, check, threads]
    assert (answer["outcome"], answer["cases"]) == ("passed", [])
    assert answer["run"]


def test_every_check_has_a_fault() -> None:
    modules = {f"checks.{module}" for module in MODULES}
    checks = {spec.id for spec in all_checks() if spec.module in modules}
    assert checks == {check for _, check, _ in FAULTS} | {NOT_FINITE, WIDE}


def test_wide_lu_finds_the_buffer_overflow_of_the_real_library(planted_site: Path) -> None:
    """See docs/found/getrf-wide.md: no fault need be planted."""
    with pytest.raises(AssertionError, match=f"-{int(signal.SIGSEGV)}"):
        ask_checks(planted_site, MODULES, [("", WIDE, 2)])


def test_a_driver_that_a_nan_kills_ends_the_child(planted_site: Path) -> None:
    """The gate names it by what was noted before the call; hangs are ended by its watchdog."""
    with pytest.raises(AssertionError, match=f"-{int(signal.SIGABRT)}"):
        ask_checks(planted_site, MODULES, [("gehrd-nan", NOT_FINITE, 1)])


def test_a_routine_that_needs_much_stack_ends_the_child(planted_site: Path) -> None:
    with pytest.raises(AssertionError, match=f"-{int(signal.SIGSEGV)}"):
        ask_checks(planted_site, MODULES, [("potrs-stack", "concurrency.lapack", 1)])
