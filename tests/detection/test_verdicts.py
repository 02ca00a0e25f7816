"""What counts as a right answer of the whole gate."""

from __future__ import annotations

from typing import Any

import pytest

from tests.detection.backtest import BackTestCase, read_cases
from tests.detection.verdicts import is_right, pairs_of

CASE = BackTestCase(
    id="OpenBLAS#1",
    title="wrong",
    checks=("exact.gemm",),
    bad=("numpy==2.4.6 + scipy-openblas64==0.3.2.0", "numpy==2.5.5", "numpy==1.19.4 + source v1"),
    good=("numpy==2.4.6 + scipy-openblas64==0.3.1.0", "numpy==2.4.6 + scipy-openblas64==0.3.3.0"),
)
FINDING = {
    "check": "exact.gemm",
    "kernels": ["Haswell", "SkylakeX"],
    "blocking": True,
    "issues": ["OpenBLAS#2", "OpenBLAS#1"],
}


def test_a_bad_library_is_held_against_a_good_one_and_the_reverse() -> None:
    assert [(each.candidate, each.baseline, each.bad) for each in pairs_of(CASE)] == [
        ("scipy-openblas64==0.3.2.0", "scipy-openblas64==0.3.1.0", True),
        ("scipy-openblas64==0.3.3.0", "scipy-openblas64==0.3.2.0", False),
    ]


def test_the_cases_have_such_pairs() -> None:
    asked = {case.id for case in read_cases() for _ in pairs_of(case)}
    assert {"OpenBLAS#5836", "OpenBLAS#5520", "OpenBLAS#6013", "OpenBLAS#4413"} <= asked


@pytest.mark.parametrize(
    ("change", "right"),
    [
        ({}, True),
        ({"verdict": "GO"}, False),
        ({"findings": []}, False),
        ({"findings": [FINDING | {"blocking": False}]}, False),
        ({"findings": [FINDING | {"check": "exact.gemv"}]}, False),
        ({"findings": [FINDING | {"issues": ["OpenBLAS#2"]}]}, False),
        ({"findings": [FINDING | {"kernels": ["SkylakeX"]}]}, False),
        ({"bad": False}, False),
        ({"bad": False, "verdict": "GO", "findings": []}, True),
        ({"bad": False, "verdict": "INCONCLUSIVE", "findings": []}, False),
    ],
)
def test_what_is_right(change: dict[str, Any], right: bool) -> None:  # noqa: FBT001
    line = {"bad": True, "verdict": "NO-GO", "findings": [FINDING]} | change
    assert is_right(CASE, line) is right
