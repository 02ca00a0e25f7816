"""What another BLAS is asked for, and which of its failures have a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from release_gate.pipeline import open_workshop
from release_gate.progress import Silent
from tests.detection.document import render
from tests.detection.third import DEVIATIONS, ThirdOpinion, forwarded

if TYPE_CHECKING:
    from pathlib import Path

    from release_gate.pipeline import Workshop


@pytest.fixture(scope="module")
def shop() -> Workshop:
    return open_workshop(Silent())


def test_names_are_forwarded_to_those_with_64_bit_integers() -> None:
    asked = ["scipy_cblas_dgemm64_", "scipy_dgesv_64_", "scipy_cblas_drotg64_", "scipy_dsum_64_"]
    offered = frozenset(["cblas_dgemm", "cblas_dgemm_64", "dgesv_", "dgesv_64_", "cblas_drotg"])
    assert forwarded(asked, offered) == {
        "scipy_cblas_dgemm64_": "cblas_dgemm_64",
        "scipy_dgesv_64_": "dgesv_64_",
        "scipy_cblas_drotg64_": "cblas_drotg",
    }


def case(routine: str, message: str = "wrong", **parameters: Any) -> dict[str, Any]:
    return {"routine": routine, "message": message, "parameters": parameters}


@pytest.mark.parametrize(
    ("check", "failed", "reasons"),
    [
        ("exact.level2", case("zgemv", trans=114), 1),
        ("exact.gemm-variants", case("zgemm", ta=111, tb=114), 1),
        ("exact.level2", case("zgemv", trans=113), 0),
        ("exact.level1", case("dscal", incx=-2), 1),
        ("exact.level1", case("dscal", incx=2), 0),
        ("exact.level3", case("zherk", "element 0 is (nan+0j), exactly (1+0j)", trans=113), 1),
        ("exact.level3", case("zherk", "element 0 is (2+0j), exactly (1+0j)", trans=113), 0),
        ("accuracy.solve", case("dgesv", kind="random"), 0),
        ("accuracy.rotmg", case("drotmg"), 1),
    ],
)
def test_a_reason_is_for_the_cases_that_it_names(
    check: str, failed: dict[str, Any], reasons: int
) -> None:
    assert sum(each.explains(check, failed) for each in DEVIATIONS) == reasons


def test_an_answer_is_asked_once_and_told_with_its_reasons(
    shop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = ThirdOpinion(shop, "numpy==2.4.6", tmp_path)
    asked = part.asked()
    assert ("exact.gemm", 2) in [(spec.id, threads) for spec, threads in asked]
    assert not [spec for spec, _ in asked if spec.category in {"process", "forking", "suite"}]
    spec = next(spec for spec, _ in asked if spec.id == "exact.level2")
    calls: list[str] = []

    def answer(*_: object) -> dict[str, Any]:
        calls.append(spec.id)
        cases = [case("zgemv", trans=114), case("zgemv", trans=114), case("dgemv", trans=111)]
        return {"outcome": "failed", "reason": "", "run": 9, "cases": cases}

    monkeypatch.setattr(ThirdOpinion, "_ask", answer)
    assert part.attempt(spec, 1) == part.attempt(spec, 1)
    assert calls == ["exact.level2"]
    text = render(
        shop.host,
        **dict.fromkeys(("trials", "held_out", "numpy", "costs", "cases", "verdicts"), ()),
        **dict.fromkeys(("silence", "history", "catalogue"), ()),
        states={},
        kept={},
        third=ThirdOpinion(shop, "numpy==2.4.6", tmp_path).lines(),
    )
    assert "an extension of OpenBLAS: exact.level2 (2)" in text
    assert "unexplained: dgemv: wrong: exact.level2 (1)" in text
    assert "Answers: 1 failed; 9 cases." in text
