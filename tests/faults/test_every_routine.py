"""What is asked of every routine alike finds a fault of any one: shared, kept, leaked, read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from planted import ask_checks, plant
from written import assert_shows_only, source_of_case

pytestmark = pytest.mark.network

MODULES = [
    *("bounds", "concurrency_every", "exact", "exact_level3", "leaks", "level1", "special_stale"),
    *("special_propagation", "stacks"),
]

#: Newer kernels have faults of their own, which docs/found describes.
KERNEL = "Nehalem"

#: fault, check that must find it, threads.
FAULTS = [
    ("spmv-shared", "concurrency.every-routine", 1),
    ("trsm-leak", "process.leaks", 1),
    ("trsm-leak", "process.leaks", 2),
    ("potrf-leak", "process.leaks", 1),
    ("gemv-stack", "concurrency.stack-every-routine", 1),
    ("gemv-stack", "concurrency.stack-every-routine", 2),
    ("geqrf-stack", "concurrency.stack-lapack", 1),
    ("her-stale", "special.stale-nan", 1),
    ("her-stale", "special.stale-nan", 2),
    ("dot-threads-read", "bounds.threads", 2),
    ("nrm2-long-read", "bounds.level1", 1),
    ("dot-threads-nan", "special.level1-nan", 2),
    ("gemv-threads-nan", "special.level2-nan", 2),
    ("hbmv-nan", "special.level2-nan", 1),
    ("dot-flag", "exact.level1", 1),
    ("dot-flag", "exact.dot", 1),
    ("gemm-flag", "exact.gemm", 1),
    ("gemm-flag", "exact.gemm-variants", 1),
    ("scal-between", "exact.level1", 1),
]
GOOD = [("", check, threads) for check, threads in sorted({asked[1:] for asked in FAULTS})]

Answers = dict[tuple[str, str, int], dict[str, Any]]


@pytest.fixture(scope="module")
def planted_site(numpy_site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = Path(__file__).with_name("every_faults.c").read_text()
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
    routine = fault.partition("-")[0]
    assert answer["cases"][0]["routine"].endswith(routine)
    assert answer["cases"][0]["parameters"]


@pytest.mark.parametrize(("fault", "check", "threads"), GOOD)
def test_the_real_library_passes(fault: str, check: str, threads: int, answers: Answers) -> None:
    answer = answers[fault, check, threads]
    assert (answer["outcome"], answer["cases"]) == ("passed", [])
    assert answer["run"]


@pytest.mark.parametrize("asked", FAULTS)
def test_the_script_shows_the_fault_again_and_only_the_fault(
    asked: tuple[str, str, int], answers: Answers, planted_site: Path
) -> None:
    _, check, threads = asked
    source = source_of_case(check, answers[asked]["cases"][0], KERNEL, threads)
    assert_shows_only(source.text(source.trial), planted_site, asked, kernel=KERNEL)
