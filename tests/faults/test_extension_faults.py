"""Groups of products and sums of matrices: faults are found, and those that OpenBLAS has."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from planted import ask_checks, plant
from written import assert_shows_only, run_text, source_of_case

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from release_gate.model import Artifact

    Answers = Mapping[tuple[str, str, int], dict[str, Any]]

pytestmark = pytest.mark.network

MODULES = ["exact_groups", "exact_geadd"]
GROUPS, SUMS, TURNED = "exact.gemm-groups", "exact.geadd", "exact.geadd-transposed"

#: fault, check that must find it, threads, routine that it must name.
FAULTS = [
    ("groups-fourth", GROUPS, 1, "dgemm_batch"),
    ("groups-large", GROUPS, 1, "dgemm_batch"),
    ("groups-large", GROUPS, 2, "dgemm_batch"),
    ("groups-padding", GROUPS, 1, "dgemm_batch"),
    ("groups-letters", GROUPS, 1, "dgemm_batch"),
    ("geadd-alpha", SUMS, 1, "dgeadd"),
    ("geadd-padding", SUMS, 1, "dgeadd"),
    ("geadd-turned", TURNED, 1, "dgeadd"),
]
ASKED = [(fault, check, threads) for fault, check, threads, _ in FAULTS]

#: complex64 is as wrong as complex128, and left out: only that has been cured here.
GOOD = [("", GROUPS, 1), ("", GROUPS, 2), ("", SUMS, 1), ("cured", TURNED, 1)]
WITHOUT_SINGLE = "from checks import exact_geadd; exact_geadd.DTYPES = ('float64', 'complex128')"


@pytest.fixture(scope="module")
def planted_site(
    with_library: Callable[[str], Artifact], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Return a NumPy with a library that has the routines, and their products right."""
    good = with_library("0.3.34.481.3")
    source = Path(__file__).with_name("extension_faults.c").read_text()
    return plant(Path(good.site), source, tmp_path_factory.mktemp("planted"))


@pytest.fixture(scope="module")
def answers(planted_site: Path) -> Answers:
    asked = [*GOOD, *ASKED]
    told = ask_checks(planted_site, MODULES, asked, before=WITHOUT_SINGLE)
    return dict(zip(asked, told, strict=True))


@pytest.mark.parametrize(("fault", "check", "threads", "routine"), FAULTS)
def test_a_planted_fault_is_found(
    fault: str, check: str, threads: int, routine: str, answers: Answers
) -> None:
    answer = answers[fault, check, threads]
    assert answer["outcome"] == "failed"
    assert answer["failed"] < answer["run"]
    assert routine in {case["routine"] for case in answer["cases"]}


@pytest.mark.parametrize("asked", GOOD)
def test_a_right_library_passes(asked: tuple[str, str, int], answers: Answers) -> None:
    answer = answers[asked]
    assert (answer["outcome"], answer["cases"]) == ("passed", [])
    assert answer["run"] >= 32


@pytest.mark.parametrize("asked", ASKED)
def test_the_script_shows_the_fault_and_only_it(
    asked: tuple[str, str, int], planted_site: Path, answers: Answers
) -> None:
    _, check, threads = asked
    case = next(each for each in answers[asked]["cases"] if each["routine"].startswith("d"))
    source = source_of_case(check, case, "Haswell", threads)
    assert_shows_only(source.text(source.trial), planted_site, asked, kernel="Haswell")


def test_the_released_library_conjugates_no_sum(planted_site: Path) -> None:
    (answer,) = ask_checks(planted_site, MODULES, [("", TURNED, 1)])
    assert {case["routine"] for case in answer["cases"]} == {"cgeadd", "zgeadd"}
    assert {case["parameters"]["ta"] for case in answer["cases"]} <= {113, 114}
    case = next(each for each in answer["cases"] if each["routine"] == "zgeadd")
    source = source_of_case(TURNED, case, "Haswell", 1)
    assert run_text(source.text(source.trial), planted_site, "") == 1
    assert run_text(source.text(source.trial), planted_site, "cured") == 0


def test_groups_of_small_matrices_end_the_process_of_an_older_library(numpy_site: Path) -> None:
    groups = [[111, 111, 3, 4, 5, 1, 3, 5, 0, 3, 1]]
    given = {"dtype": "float64", "order": 102, "interface": "", "groups": groups}
    case = {"routine": "dgemm_batch", "message": "", "parameters": given}
    source = source_of_case(GROUPS, case, "Haswell", 1)
    assert run_text(source.text(source.trial), numpy_site, "") == -signal.SIGSEGV


def test_libraries_without_transpositions_are_not_asked(numpy_site: Path) -> None:
    unsupported = "api.NotExercised = api.Unsupported"
    (sums, turned) = ask_checks(
        numpy_site, MODULES, [("", SUMS, 1), ("", TURNED, 1)], before=unsupported
    )
    assert (sums["outcome"], sums["cases"]) == ("passed", [])
    assert "takes no transpositions" in turned["reason"]
