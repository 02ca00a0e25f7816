"""What counts as a right answer of the whole gate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve

from tests.detection import verdicts
from tests.detection.backtest import BackTestCase, read_cases
from tests.detection.document import through_the_gate
from tests.detection.verdicts import Verdicts, is_right, pairs_of

if TYPE_CHECKING:
    from pathlib import Path

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


REPORT = {
    "numpy": {"version": "2.5.5"},
    "findings": [
        {
            "check": "exact.gemm",
            "failures": [{"kernel": "Haswell"}, {"kernel": None}],
            "blocking": True,
            "issues": [{"id": "OpenBLAS#1"}],
            "toggles": [{"hits": 3}],
            "symptom": "wrong result",
        }
    ],
}


def test_a_race_is_tried_until_the_gate_stops_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = iter(["GO", "NO-GO", "GO"])
    asked: list[list[str]] = []

    def ask(arguments: list[str]) -> dict[str, Any]:
        asked.append(arguments)
        return REPORT | {"verdict": next(said)}

    monkeypatch.setattr(verdicts, "_ask_gate", ask)
    race = evolve(CASE, runs=5)
    bad, good = pairs_of(race)
    part = Verdicts({}, tmp_path)
    first, second = part.attempt(bad), part.attempt(good)
    assert first is not None
    assert second is not None
    assert (first["verdict"], first["runs"]) == ("NO-GO", 2)
    assert (second["verdict"], second["runs"]) == ("GO", 1)
    assert len(asked) == 3
    assert "wheel.*" in asked[0][asked[0].index("--checks") + 1].split(",")
    assert part.attempt(bad) == first  # not asked again

    text = through_the_gate([(race, first), (race, second | {"verdict": "NO-GO"})])
    assert "Right: 1 of 2." in text
    assert "NO-GO (run 2 of 5)" in text
    assert "exact.gemm (wrong result) on Haswell, wheel: OpenBLAS#1, script shows it" in text
    assert "**NO-GO**" in text


def test_answers_are_not_shared_with_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "kept"
    for name in ("observations", "reproduced", "wheels"):
        (kept / name).mkdir(parents=True)
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_, **__: kept)
    cache = verdicts._cache_without_answers(tmp_path / "cache")
    (cache / "wheels" / "new").touch()
    assert [path.name for path in cache.iterdir()] == ["wheels"]
    assert (kept / "wheels" / "new").exists()
