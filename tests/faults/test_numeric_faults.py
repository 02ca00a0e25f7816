"""Each numeric check finds a fault of the kind that it is for, and none where there is none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from planted import ask_checks, plant
from written import source_of_case

from release_gate.execution.environment import child_environment
from release_gate.pipeline import all_checks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

pytestmark = pytest.mark.network

MODULES = [
    "accuracy_orthogonal",
    "accuracy_products",
    "accuracy_spectra",
    "accuracy_systems",
    "exact",
    "exact_panels",
    "exact_stacked",
    "special_empty",
    "special_flags",
    "special_lapack",
    "special_nan_lapack",
    "special_products",
    "special_updates",
    "special_vectors",
]

#: fault, check that must find it, threads.
FAULTS = [
    ("element", "exact.gemm", 1),
    ("tile", "exact.gemm", 1),
    ("row-tail", "exact.gemm", 1),
    ("column-tail", "exact.gemm", 1),
    ("transposed", "exact.gemm", 1),
    ("deep", "exact.gemm", 1),
    ("outside", "exact.gemm", 1),
    ("threaded", "exact.gemm", 2),
    ("beta", "exact.gemm", 1),
    ("panels", "exact.gemm-panels", 2),
    ("stacked", "exact.stacked-matmul", 1),
    ("stacked-threads", "exact.stacked-matmul", 2),
    ("flag", "exact.gemm", 1),
    ("gemv-tail", "exact.gemv", 1),
    ("gemv-flag", "exact.gemv", 1),
    ("gemv-few-rows", "exact.gemv", 2),
    ("dot", "exact.dot", 1),
    ("dot-flag", "exact.dot", 1),
    ("syrk-deep", "exact.syrk", 1),
    ("syrk-flag", "exact.syrk", 1),
    ("low-bits", "accuracy.gemm", 1),
    ("gesv", "accuracy.solve", 1),
    ("gesv", "accuracy.inv", 1),
    ("potrf", "accuracy.cholesky", 1),
    ("geqrf", "accuracy.qr", 1),
    ("syevd", "accuracy.eigh", 1),
    ("geev", "accuracy.eig", 1),
    ("gesdd", "accuracy.svd", 1),
    ("gelsd", "accuracy.lstsq", 1),
    ("getrf", "accuracy.det", 1),
    ("lost-nan", "special.nan", 1),
    ("scal", "special.scal-nan", 1),
    ("gesv-nan", "special.nan-lapack", 1),
    ("beta", "special.beta-zero", 1),
    ("syrk-triangle", "special.beta-zero", 1),
    ("stale-nan", "special.stale-buffer", 1),
    ("flag", "special.fp-flags", 1),
    ("singular", "special.lapack-info", 1),
    ("indefinite", "special.lapack-info", 1),
    ("empty", "special.empty", 1),
]

#: Their faults are planted by test_level12_faults and test_lapack_faults.
ELSEWHERE = {
    "special.blas-flags",
    "special.complex-scal",
    "special.iamax",
    "special.not-finite-lapack",
    "special.nrm2",
}

GOOD = [("", check, 1) for check in sorted({check for _, check, _ in FAULTS})]
GOOD += [("threaded", "exact.gemm", 1), ("", "exact.gemm", 2), ("", "exact.stacked-matmul", 2)]
# What is left behind by the member before: one product at a time does not show it.
GOOD += [("stacked", "exact.gemm", 1)]

#: Faults that leave numbers finite and small: found by their exact place.
FIRST_BAD = {"element": [1, 1], "tile": [16, 16], "transposed": [0, 0], "deep": [0, 0]}


@pytest.fixture(scope="module")
def planted_site(numpy_site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = Path(__file__).with_name("numeric_faults.c").read_text()
    return plant(numpy_site, source, tmp_path_factory.mktemp("planted"))


@pytest.fixture(scope="module")
def answers(planted_site: Path) -> Mapping[tuple[str, str, int], dict[str, Any]]:
    asked = [*GOOD, *FAULTS]
    return dict(zip(asked, ask_checks(planted_site, MODULES, asked), strict=True))


@pytest.mark.parametrize(("fault", "check", "threads"), FAULTS)
def test_a_planted_fault_is_found(
    fault: str,
    check: str,
    threads: int,
    answers: Mapping[tuple[str, str, int], dict[str, Any]],
) -> None:
    answer = answers[fault, check, threads]
    assert answer["outcome"] == "failed"
    assert answer["failed"] < answer["run"]
    case = answer["cases"][0]
    assert case["routine"].startswith("d")
    assert case["message"]
    assert case["parameters"]


@pytest.mark.parametrize(("fault", "place"), FIRST_BAD.items())
def test_a_wrong_element_is_located(
    fault: str, place: list[int], answers: Mapping[tuple[str, str, int], dict[str, Any]]
) -> None:
    case = answers[fault, "exact.gemm", 1]["cases"][0]
    if case["parameters"]["order"] == "C":
        assert case["first_bad"] == place


def test_a_wrong_tile_is_called_a_tile(
    answers: Mapping[tuple[str, str, int], dict[str, Any]],
) -> None:
    cases = answers["tile", "exact.gemm", 1]["cases"]
    assert any("a full tile of 4 x 8" in case["message"] for case in cases)
    assert [[16, 19], [16, 23]] in [case["box"] for case in cases]


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


def test_every_numeric_check_has_a_fault() -> None:
    modules = {f"checks.{module}" for module in MODULES}
    checks = {spec.id for spec in all_checks() if spec.module in modules}
    assert checks - ELSEWHERE == {check for _, check, _ in FAULTS}


@pytest.fixture(scope="module")
def scripts(
    planted_site: Path,
    answers: Mapping[tuple[str, str, int], dict[str, Any]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str, str, int, str], subprocess.CompletedProcess[str]]:
    """Return a function that runs the script of a check with its first failing case's input."""
    folder = tmp_path_factory.mktemp("scripts")

    def run(fault: str, check: str, threads: int, now: str) -> subprocess.CompletedProcess[str]:
        case = answers[fault, check, threads]["cases"][0]
        source = source_of_case(check, case, "Haswell", threads)
        script = folder / "script.py"
        script.write_text(source.text(source.trial))
        environment = child_environment("Haswell", threads)
        environment |= {"PYTHONPATH": str(planted_site), "PLANTED_FAULT": now}
        return subprocess.run(
            [sys.executable, "-S", str(script)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


@pytest.mark.parametrize(("fault", "check", "threads"), FAULTS)
def test_the_script_shows_the_fault_again_and_only_the_fault(
    fault: str,
    check: str,
    threads: int,
    scripts: Callable[[str, str, int, str], subprocess.CompletedProcess[str]],
) -> None:
    bad = scripts(fault, check, threads, fault)
    assert bad.returncode == 1, bad.stdout + bad.stderr
    assert "Traceback" not in bad.stderr
    good = scripts(fault, check, threads, "")
    assert good.returncode == 0, good.stdout + good.stderr
