"""The SVD of infinity hangs with every library there is; a library that refuses it passes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from planted import ask_checks, plant
from written import example, run_text

pytestmark = pytest.mark.network

CHECK = "special.infinity-svd"


@pytest.fixture(scope="module")
def site(numpy_site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = Path(__file__).with_name("infinity_faults.c").read_text()
    return plant(numpy_site, source, tmp_path_factory.mktemp("planted"))


def test_reference_lapack_does_not_end(site: Path) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        ask_checks(site, ["special_infinity"], [("", CHECK, 1)], timeout=5)


def test_a_library_that_refuses_infinity_passes(site: Path) -> None:
    asked = [("refuses-infinity", CHECK, 1)]
    (answer,) = ask_checks(site, ["special_infinity"], asked, timeout=60)
    assert answer["outcome"] == "passed"
    assert answer["run"] == 4 * 4 * 3 * 2


def test_a_library_that_writes_beside_its_arrays_fails(site: Path) -> None:
    asked = [("refuses-infinity", CHECK, 1)]
    before = 'os.environ["OVERWRITES"] = "1"'
    (answer,) = ask_checks(site, ["special_infinity"], asked, timeout=60, before=before)
    assert (answer["outcome"], answer["failed"]) == ("failed", answer["run"])
    assert "wrote behind INFO" in answer["cases"][0]["message"]


def test_the_script_shows_it(site: Path) -> None:
    script = example(CHECK).replace("dump_traceback_later(20", "dump_traceback_later(2")
    assert run_text(script, site, "") == 1
    assert run_text(script, site, "refuses-infinity") == 0
