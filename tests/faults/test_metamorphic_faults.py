"""What no single result shows is found by holding results against each other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from planted import ask_checks, plant

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = pytest.mark.network

#: fault, check that must find it, threads.
FAULTS = [
    ("gemm-range", "metamorphic.products", 1),
    ("gemm-inner", "metamorphic.products", 1),
    ("gemm-transposed", "metamorphic.products", 1),
    ("gemm-moved", "metamorphic.products", 1),
    ("gemv", "metamorphic.products", 1),
    ("syrk", "metamorphic.products", 1),
    ("gemm-race", "metamorphic.repeat", 1),
    ("gesv-race", "metamorphic.repeat", 1),
    ("gemm-race", "metamorphic.repeat", 2),
]
GOOD = [
    (check, threads) for check in sorted({check for _, check, _ in FAULTS}) for threads in (1, 2)
]


@pytest.fixture(scope="module")
def answers(
    numpy_site: Path, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[tuple[str, str, int], dict[str, Any]]:
    source = Path(__file__).with_name("metamorphic_faults.c").read_text()
    site = plant(numpy_site, source, tmp_path_factory.mktemp("planted"))
    asked = [*FAULTS, *(("", check, threads) for check, threads in GOOD)]
    return dict(zip(asked, ask_checks(site, ["metamorphic"], asked), strict=True))


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
    assert {case["parameters"]["dtype"] for case in answer["cases"]} == {"float64"}
    if check == "metamorphic.repeat":
        assert answer["cases"][0]["routine"] == "d" + fault.partition("-")[0]


@pytest.mark.parametrize(("check", "threads"), GOOD)
def test_the_real_library_passes(
    check: str, threads: int, answers: Mapping[tuple[str, str, int], dict[str, Any]]
) -> None:
    answer = answers["", check, threads]
    assert (answer["outcome"], answer["cases"]) == ("passed", [])
    assert answer["run"]
