"""Lost digits and special matrices: faults are found, or recorded where no standard says more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from planted import ask_checks, plant
from written import assert_shows_only, source_of_case

if TYPE_CHECKING:
    from collections.abc import Mapping

    Asked = tuple[str, str, int]

pytestmark = pytest.mark.network

MODULES = [
    *("accuracy_level3", "accuracy_orthogonal", "accuracy_products", "accuracy_spectra"),
    *("special_alpha", "special_nan_lapack"),
]

ROUTINES = ("dot", "symv", "symm", "syrk", "syr2k", "trmm", "trsm")

#: fault, check that must find it, threads.
FAULTS = [
    *((routine, "accuracy.level3", 1) for routine in ROUTINES),
    ("syrk", "accuracy.gemm", 1),
    ("syrk", "accuracy.gemm", 2),
    ("trsm-threads", "accuracy.level3", 2),
    ("symv-zero", "special.alpha-zero", 1),
    ("gesdd-zero", "accuracy.svd", 1),
    ("gesdd-subnormal", "accuracy.svd", 1),
    ("syevd-zero", "accuracy.eigh", 1),
    ("syevd-subnormal", "accuracy.eigh", 1),
    ("gelsd-zero", "accuracy.lstsq", 1),
    ("geqrf-zero", "accuracy.qr", 1),
]

#: What no standard settles: no failure, but another answer than that of the real library.
RECORDED = [
    ("gesdd-nan", "special.nan-lapack", "dgesdd of NaN", "numbers"),
    ("symv-spreads", "special.alpha-zero", "dsymv: NaN where alpha = 0", "spreads"),
]
GOOD = [("", check, threads) for _, check, threads in dict.fromkeys(("", *f[1:]) for f in FAULTS)]
GOOD += [("", "special.nan-lapack", 1)]

#: Makes a case of one answer that is recorded, so that it is told.
_TELLING = """
def told(self, name, behaviour):
    if name == {name!r}:
        self.fail(name, behaviour)
api.Context.record = told
"""


@pytest.fixture(scope="module")
def site(numpy_site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = Path(__file__).with_name("accuracy_faults.c").read_text()
    return plant(numpy_site, source, tmp_path_factory.mktemp("planted"))


@pytest.fixture(scope="module")
def answers(site: Path) -> Mapping[Asked, dict[str, Any]]:
    asked = [*GOOD, *FAULTS, *((fault, check, 1) for fault, check, *_ in RECORDED)]
    return dict(zip(asked, ask_checks(site, MODULES, asked, kernel="Haswell"), strict=True))


@pytest.mark.parametrize(("fault", "check", "threads"), FAULTS)
def test_a_planted_fault_is_found(
    fault: str, check: str, threads: int, answers: Mapping[Asked, dict[str, Any]]
) -> None:
    answer = answers[fault, check, threads]
    assert answer["outcome"] == "failed"
    assert 0 < answer["failed"] < answer["run"]
    assert {case["routine"] for case in answer["cases"]} == {"d" + fault.partition("-")[0]}
    assert answer["cases"][0]["parameters"]["dtype"] == "float64"


@pytest.mark.parametrize(("fault", "check", "threads"), GOOD)
def test_the_real_library_passes(
    fault: str, check: str, threads: int, answers: Mapping[Asked, dict[str, Any]]
) -> None:
    answer = answers[fault, check, threads]
    assert (answer["outcome"], answer["cases"]) == ("passed", [])
    assert answer["run"]


@pytest.mark.parametrize(("fault", "check", "name", "behaviour"), RECORDED)
def test_what_is_open_is_recorded(  # noqa: PLR0917  (the columns of RECORDED)
    fault: str,
    check: str,
    name: str,
    behaviour: str,
    site: Path,
    answers: Mapping[Asked, dict[str, Any]],
) -> None:
    assert answers[fault, check, 1]["outcome"] == "passed"
    before = _TELLING.format(name=name)
    asked = [("", check, 1), (fault, check, 1)]
    told = ask_checks(site, MODULES, asked, kernel="Haswell", before=before)
    real, planted = ([case["message"] for case in answer["cases"]] for answer in told)
    assert planted == [behaviour]
    assert real != planted


@pytest.mark.parametrize("asked", [("syrk", "accuracy.gemm", threads) for threads in (1, 2)])
def test_the_script_shows_the_fault_again_and_only_the_fault(
    asked: Asked, answers: Mapping[Asked, dict[str, Any]], site: Path
) -> None:
    _, check, threads = asked
    source = source_of_case(check, answers[asked]["cases"][0], "Haswell", threads)
    assert_shows_only(source.text(source.trial), site, asked, kernel="Haswell")
