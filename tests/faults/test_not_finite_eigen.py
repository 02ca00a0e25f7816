"""Eigenvalues of NaN hang in every library there is; in one that refuses them the check passes."""

from __future__ import annotations

from pathlib import Path

import pytest
from planted import ask_checks, plant
from written import example, run_text

pytestmark = pytest.mark.network

CHECK, MODULES = "special.not-finite-eigen", ["special_not_finite"]

#: Orders, places, NaN and infinity, precisions, routines with variants.
CASES = 4 * 3 * 2 * 4 * (3 * 4)


@pytest.fixture(scope="module")
def site(numpy_site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = Path(__file__).with_name("not_finite_eigen_faults.c").read_text()
    return plant(numpy_site, source, tmp_path_factory.mktemp("planted"))


def test_reference_lapack_does_not_end(site: Path) -> None:
    (answer,) = ask_checks(site, MODULES, [("", CHECK, 1)])
    assert (answer["outcome"], answer["run"]) == ("failed", CASES)
    told = {case["routine"]: case["message"] for case in answer["cases"]}
    assert {"ssyevr", "dsyevr", "cheevr", "zheevr"} <= set(told)
    assert told["dsyevr"] == "nan at (0, 0) of a matrix of 3: does not end within 2 s of CPU time"


def test_a_library_that_refuses_them_passes(site: Path) -> None:
    (answer,) = ask_checks(site, MODULES, [("refuses", CHECK, 1)])
    assert (answer["outcome"], answer["run"]) == ("passed", CASES)


def test_a_library_that_writes_beside_its_arrays_fails(site: Path) -> None:
    before = 'os.environ["OVERWRITES"] = "1"'
    (answer,) = ask_checks(site, MODULES, [("refuses", CHECK, 1)], before=before)
    assert answer["outcome"] == "failed"
    assert "wrote behind INFO" in answer["cases"][0]["message"]


def test_the_script_shows_it(site: Path) -> None:
    script = example(CHECK).replace("dump_traceback_later(20", "dump_traceback_later(2")
    assert run_text(script, site, "") == 1
    assert run_text(script, site, "refuses") == 0
