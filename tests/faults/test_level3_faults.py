"""The checks of level 3 and of bounds find faults of their kind, and none where there is none."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from planted import ask_checks, plant
from written import assert_shows_only, source_of_case

if TYPE_CHECKING:
    from collections.abc import Mapping

    Answers = Mapping[tuple[str, str, int], dict[str, Any]]

pytestmark = pytest.mark.network

#: Newer kernels have faults of their own: trsm of 0.3.31 divides by zero beside its triangle.
KERNEL = "Nehalem"

MODULES = ["exact_level3", "exact_bfloat16", "bounds"]

#: fault, check that must find it, threads, routine that it must name.
FAULTS = [
    ("gemm-empty", "exact.gemm-variants", 1, "dgemm"),
    ("gemm-alpha", "exact.gemm-variants", 1, "dgemm"),
    ("gemm-padding", "exact.gemm-variants", 1, "dgemm"),
    ("gemm-deep", "exact.gemm-variants", 1, "dgemm"),
    ("gemm-wide", "exact.gemm-variants", 1, "dgemm"),
    ("gemm-input", "exact.gemm-variants", 1, "dgemm"),
    ("gemm-threaded", "exact.gemm-variants", 2, "dgemm"),
    ("gemm-long-shares", "exact.gemm-variants", 2, "dgemm"),
    ("gemm3m", "exact.gemm-variants", 1, "zgemm3m"),
    ("gemmt", "exact.gemm-variants", 1, "dgemmt"),
    ("omatcopy", "exact.matcopy", 1, "domatcopy"),
    ("imatcopy-oblong", "exact.matcopy", 1, "dimatcopy"),
    ("batch", "exact.gemm-batch", 1, "dgemm_batch_strided"),
    ("sbgemm", "exact.bfloat16", 1, "sbgemm"),
    ("sbgemm-empty", "exact.bfloat16", 1, "sbgemm"),
    ("sbgemv", "exact.bfloat16", 1, "sbgemv"),
    ("sbstobf16", "exact.bfloat16", 1, "sbstobf16"),
    ("symm", "exact.level3", 1, "dsymm"),
    ("symm-middle", "exact.level3", 1, "dsymm"),
    ("herk", "exact.level3", 1, "zherk"),
    ("herk-deep", "exact.level3", 2, "zherk"),
    ("syr2k", "exact.level3", 1, "dsyr2k"),
    ("syr2k-threaded", "exact.level3", 2, "dsyr2k"),
    ("syr2k-blocks", "exact.level3", 1, "dsyr2k"),
    ("trmm", "exact.triangular", 1, "dtrmm"),
    ("trmm-middle", "exact.triangular", 1, "dtrmm"),
    ("trmm-blocks", "exact.triangular", 1, "dtrmm"),
    ("trsm", "exact.triangular", 1, "ztrsm"),
    ("trsm-large", "exact.triangular", 1, "ztrsm"),
    ("trsm-threaded", "exact.triangular", 2, "ztrsm"),
    ("gemm-reads-on", "bounds.level3", 1, "dgemm"),
    ("gemm-reads-before", "bounds.level3", 1, "dgemm"),
    ("gemm-writes-on", "bounds.level3", 1, "dgemm"),
    ("trsm-reads-on", "bounds.level3", 1, "ztrsm"),
    ("gemv-reads-on", "bounds.level2", 1, "dgemv"),
    ("gemv-tall-reads", "bounds.level2", 1, "dgemv"),
    ("axpy-reads-on", "bounds.level1", 1, "daxpy"),
    ("axpy-shares-read", "bounds.threads", 2, "daxpy"),
]
ASKED = [(fault, check, threads) for fault, check, threads, _ in FAULTS]
GOOD = [("", check, 1) for check in sorted({check for _, check, _ in ASKED})]
GOOD += [
    ("", check, 2)
    for check in sorted({c for _, c, _ in ASKED if c.startswith("exact.")} - {"exact.matcopy"})
]
GOOD += [("gemm-threaded", "exact.gemm-variants", 1)]

#: Faults that OpenBLAS itself has (docs/found), as far as the smoke profile meets them.
OWN_FAULTS = {
    "bounds.level2": {"zhemv"},
    "exact.gemm-batch": {"cgemm_batch_strided", "zgemm_batch_strided"},
}


@pytest.fixture(scope="module")
def planted_site(numpy_site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = Path(__file__).with_name("level3_faults.c").read_text()
    return plant(numpy_site, source, tmp_path_factory.mktemp("planted"))


@pytest.fixture(scope="module")
def answers(planted_site: Path) -> Answers:
    asked = [*GOOD, *ASKED]
    return dict(zip(asked, ask_checks(planted_site, MODULES, asked, kernel=KERNEL), strict=True))


@pytest.mark.parametrize(("fault", "check", "threads", "routine"), FAULTS)
def test_a_planted_fault_is_found(
    fault: str, check: str, threads: int, routine: str, answers: Answers
) -> None:
    answer = answers[fault, check, threads]
    assert answer["outcome"] == "failed"
    assert answer["failed"] < answer["run"]
    case = answer["cases"][0]
    assert case["routine"] == routine
    assert case["parameters"]


@pytest.mark.parametrize(("fault", "check", "threads"), GOOD)
def test_the_real_library_passes(fault: str, check: str, threads: int, answers: Answers) -> None:
    answer = answers[fault, check, threads]
    assert {case["routine"] for case in answer["cases"]} <= OWN_FAULTS.get(check, set())
    assert answer["run"]


def test_a_crash_does_not_hide_what_comes_after_it(answers: Answers) -> None:
    good, bad = answers["", "bounds.level3", 1], answers["gemm-reads-on", "bounds.level3", 1]
    assert bad["failed"] == 1
    assert bad["run"] > good["run"] * 0.8
    assert "SIGSEGV" in bad["cases"][0]["message"]


@pytest.mark.parametrize("asked", ASKED)
def test_the_script_shows_the_fault_again_and_only_the_fault(
    asked: tuple[str, str, int], planted_site: Path, answers: Answers
) -> None:
    _, check, threads = asked
    source = source_of_case(check, answers[asked]["cases"][0], KERNEL, threads)
    assert_shows_only(source.text(source.trial), planted_site, asked, kernel=KERNEL)
