"""NaN in packed matrices damages memory in NumPy 2.4.6's library; one that refuses it passes."""

from __future__ import annotations

from pathlib import Path

import pytest
from planted import ask_checks, plant
from written import example, run_text

pytestmark = pytest.mark.network

CHECK, MODULES = "special.packed-nan", ["special_packed_nan"]

#: One or both triangles of six routines; places of orders 2 and 5, each with NaN and infinity.
CASES = 6 * 2 * 2 * (3 + 15)


@pytest.fixture(scope="module")
def site(numpy_site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = Path(__file__).with_name("packed_nan_faults.c").read_text()
    return plant(numpy_site, source, tmp_path_factory.mktemp("planted"))


def test_a_released_library_is_found(site: Path) -> None:
    (answer,) = ask_checks(site, MODULES, [("", CHECK, 1)])
    assert answer["outcome"] == "failed"
    assert answer["run"] == CASES
    assert {case["routine"] for case in answer["cases"]} >= {"dspsv"}


def test_a_library_that_refuses_nan_passes(site: Path) -> None:
    (answer,) = ask_checks(site, MODULES, [("refuses-nan", CHECK, 1)])
    assert (answer["outcome"], answer["run"]) == ("passed", CASES)


def test_a_library_that_writes_beyond_the_pivots_fails(site: Path) -> None:
    before = 'os.environ["OVERWRITES"] = "1"'
    (answer,) = ask_checks(site, MODULES, [("refuses-nan", CHECK, 1)], before=before)
    assert answer["outcome"] == "failed"
    assert "wrote behind argument 5" in answer["cases"][0]["message"]


def test_the_script_shows_it(site: Path) -> None:
    assert run_text(example(CHECK), site, "") == 1
    assert run_text(example(CHECK), site, "refuses-nan") == 0
