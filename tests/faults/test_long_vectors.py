"""Long vectors end NumPy 2.4.6's process, or never end; a library without threads passes."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from planted import ask_checks, plant
from written import example, run_text, source_of_case

pytestmark = pytest.mark.network

WORKSPACE, NESTED, MODULES = "bounds.workspace", "concurrency.nested-threads", ["long_vectors"]
THREADS = 8
SINGLE = "single"

#: The precision that is asked, and seconds of CPU time: one thread takes 0.3.
DOUBLE = "from checks import long_vectors; long_vectors.LETTER = {'float64': 'd'}; "
SOON = "long_vectors.LIMIT = 4"


@pytest.fixture(scope="module")
def site(numpy_site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = Path(__file__).with_name("long_vectors_faults.c").read_text()
    return plant(numpy_site, source, tmp_path_factory.mktemp("planted"))


def test_the_released_library_writes_beyond_its_buffer(site: Path) -> None:
    (answer,) = ask_checks(site, MODULES, [("", WORKSPACE, THREADS)])
    assert (answer["outcome"], answer["run"]) == ("failed", 2 + 4)
    told = {case["routine"]: case["message"] for case in answer["cases"]}
    assert set(told) == {"dgbmv", "dtbmv"}
    assert "n = 576716, 8 threads: died with signal 11" in told["dgbmv"]


def test_the_released_library_waits_for_itself(site: Path) -> None:
    (answer,) = ask_checks(site, MODULES, [("", NESTED, THREADS)], before=DOUBLE + SOON)
    assert answer["outcome"] == "failed"
    told = {case["routine"]: case["message"] for case in answer["cases"]}
    assert told["dtpmv"] == "n = 15000, 2 threads: does not end within 4 s of CPU time"


@pytest.mark.parametrize(("check", "run"), [(WORKSPACE, 2 + 4), (NESTED, 2 * 2 + 4 * 4)])
def test_a_library_without_threads_passes(site: Path, check: str, run: int) -> None:
    (answer,) = ask_checks(site, MODULES, [(SINGLE, check, THREADS)])
    assert (answer["outcome"], answer["run"], answer["cases"]) == ("passed", run, [])


@pytest.mark.parametrize(
    ("fault", "check", "routine", "wrong"),
    [("gbmv-last", WORKSPACE, "dgbmv", 1), ("tpmv-first", NESTED, "dtpmv", 4)],
)
def test_a_wrong_element_is_found(
    site: Path, fault: str, check: str, routine: str, wrong: int
) -> None:
    (answer,) = ask_checks(site, MODULES, [(fault, check, THREADS)], before=DOUBLE)
    (case,) = answer["cases"]
    assert case["routine"] == routine
    assert f"threads: {wrong} elements wrong" in case["message"]


@pytest.mark.parametrize(
    ("check", "routine", "n"),
    [
        (WORKSPACE, "dgbmv", 576716),
        (WORKSPACE, "ztbmv", 288358),
        (NESTED, "zhpmv", 15000),
        (NESTED, "dtpmv", 15000),
    ],
)
def test_the_script_shows_it(site: Path, check: str, routine: str, n: int) -> None:
    dtype = {"d": "float64", "z": "complex128"}[routine[0]]
    parameters = {
        "routine": routine[1:],
        "dtype": dtype,
        "n": n,
        "count": 2 if check == NESTED else 8,
    }
    case = {"routine": routine, "message": "", "parameters": parameters}
    source = source_of_case(check, case, "Haswell", THREADS)
    script = source.text(source.trial).replace("dump_traceback_later(20", "dump_traceback_later(3")
    assert run_text(script, site, "") == (1 if check == NESTED else -signal.SIGSEGV)
    assert run_text(script, site, SINGLE) == 0


@pytest.mark.parametrize(("fault", "check"), [("gbmv-last", WORKSPACE), ("tpmv-first", NESTED)])
def test_the_script_tells_a_wrong_element(site: Path, fault: str, check: str) -> None:
    script = example(check).replace("[width:-width]", "[width:]")
    assert run_text(script, site, fault) == 1
