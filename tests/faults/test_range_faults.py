"""Checks at the ends of the range, of empty input and of lower case find faults, and only them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from planted import ask_checks, plant
from written import code_lines, run_text, source_of_case

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from release_gate.model import Artifact

    Answers = Mapping[tuple[str, str, int], dict[str, Any]]

pytestmark = pytest.mark.network

MODULES = [
    *("accuracy_norms", "accuracy_rotations", "exact_long", "exact_range", "lower_case"),
    *("special_infinite", "special_lapack_empty", "special_scaling"),
]

#: fault, check that must find it, routine that it must name.
FAULTS = [
    ("rotmg-loops", "special.scaling", "drotmg"),
    ("larfg-loops", "special.scaling", "dlarfg"),
    ("larfg-behind", "special.scaling", "dlarfg"),
    ("", "special.scaling-extremes", "drotmg"),
    ("gesvd-scales", "special.infinite-lapack", "dgesvd"),
    ("gels-loops", "special.infinite-lapack", "dgels"),
    ("", "special.infinite-eigen", "dgeev"),
    ("", "special.infinite-eigen", "dggev"),
    ("", "special.infinite-eigen", "dsyevx"),
    ("lange-large", "accuracy.norms", "dlange"),
    ("lansy-half", "accuracy.norms", "dlansy"),
    ("trtrs-case", "exact.lower-case", "dtrtrs"),
    ("gemv-case", "exact.lower-case", "dgemv"),
    ("gelss-clears", "special.lapack-empty", "dgelss"),
    ("getrs-info", "special.lapack-empty", "dgetrs"),
    ("gemv-long", "exact.gemv-long", "dgemv"),
    ("zscal-large", "exact.scal-range", "zscal"),
    ("dscal-small", "exact.scal-range", "dscal"),
    ("zrotg-behind", "accuracy.complex-rotg-ordinary", "zrotg"),
]

#: What fails in every release passes when it is mended.
CURED = ("special.scaling-extremes", "special.infinite-eigen")
GOOD = [
    ("cured" if check in CURED else "", check) for check in sorted({each[1] for each in FAULTS})
]

#: Scripts that make the case again. dlarfg's ask whether it ends, not what it writes.
SHOWN = [each for each in FAULTS if each[0] not in ("larfg-behind", "gesvd-scales", "gels-loops")]


@pytest.fixture(scope="module")
def planted_site(
    with_library: Callable[[str], Artifact], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    good = with_library("0.3.34.481.3")
    source = Path(__file__).with_name("range_faults.c").read_text()
    return plant(Path(good.site), source, tmp_path_factory.mktemp("planted"))


@pytest.fixture(scope="module")
def answers(planted_site: Path) -> Answers:
    asked = list(dict.fromkeys([(*each, 1) for each in [*GOOD, *(each[:2] for each in FAULTS)]]))
    return dict(zip(asked, ask_checks(planted_site, MODULES, asked), strict=True))


@pytest.mark.parametrize(("fault", "check", "routine"), FAULTS)
def test_a_fault_is_found(fault: str, check: str, routine: str, answers: Answers) -> None:
    answer = answers[fault, check, 1]
    assert answer["outcome"] == "failed"
    assert routine in {case["routine"] for case in answer["cases"]}


@pytest.mark.parametrize("asked", GOOD)
def test_a_right_library_passes(asked: tuple[str, str], answers: Answers) -> None:
    answer = answers[(*asked, 1)]
    assert (answer["outcome"], answer["cases"]) == ("passed", [])
    assert answer["run"] >= 2


@pytest.mark.parametrize(("fault", "check", "routine"), SHOWN)
def test_the_script_shows_the_fault_and_only_it(
    fault: str, check: str, routine: str, planted_site: Path, answers: Answers
) -> None:
    cases = answers[fault, check, 1]["cases"]
    case = next(each for each in cases if each["routine"] == routine)
    source = source_of_case(check, case, "Haswell", 1)
    script = source.text(source.trial).replace("dump_traceback_later(20", "dump_traceback_later(2")
    assert code_lines(script) <= 60
    assert run_text(script, planted_site, fault) == 1
    assert run_text(script, planted_site, "cured" if check in CURED else "") == 0
