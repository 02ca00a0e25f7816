"""Scripts of planted faults: small, right about the fault, and toggled to tell what it needs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve
from gate_values import CANDIDATE, INTERPRETER, artifact
from planted import plant
from written import source_of_case

from release_gate.scripts.running import run_script
from release_gate.scripts.shrinking import shrink
from release_gate.scripts.toggling import toggle

if TYPE_CHECKING:
    from release_gate.model import Artifact
    from release_gate.scripts.sources import Source
    from release_gate.scripts.text import Trial

pytestmark = pytest.mark.network

GEMM = {
    "routine": "gemm", "dtype": "float64", "order": 101, "ta": 112, "tb": 111, "m": 61, "n": 58,
    "k": 47, "lda": 64, "ldb": 59, "ldc": 61, "alpha": 2, "beta": 0.5,
}  # fmt: skip
SCAL = {"routine": "scal", "dtype": "float64", "seed": 1, "n": 130, "incx": 1, "alpha": -1}
ASUM = {"routine": "asum", "dtype": "float64", "seed": 1, "n": 50021, "incx": 2}

#: Fault, check, input of the case, threads, and what is left of it.
FAULTS = [
    ("wide", "exact.gemm-variants", GEMM, 1, {"m": 1, "n": 37, "k": 1, "ta": 111, "alpha": 1}),
    ("beyond", "bounds.level1", SCAL | {"at_end": 1}, 1, {"n": 5, "alpha": 1}),
    ("kept", "process.leaks", ASUM | {"times": 4}, 1, {"n": 1, "incx": 1}),
    ("flags", "special.blas-flags", ASUM | {"zeros": False}, 1, {"n": 1, "incx": 1}),
    ("stale", "special.stale-nan", ASUM, 1, {"n": 1, "incx": 1}),
    # How many callers it takes is luck.
    ("together", "concurrency.every-routine", ASUM | {"callers": 3}, 1, {}),
    ("threads", "exact.gemm-variants", GEMM, 8, {"m": 1, "n": 1, "k": 1, "beta": 0}),
]


@pytest.fixture(scope="module")
def wheel(numpy_site: Path, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    source = Path(__file__).with_name("planted_faults.c").read_text()
    site = plant(numpy_site, source, tmp_path_factory.mktemp("planted"))
    interpreter = evolve(INTERPRETER, executable=sys.executable)
    return evolve(artifact(CANDIDATE, site=str(site)), interpreter=interpreter)


def source_for(check: str, parameters: dict[str, Any], kernel: str, threads: int) -> Source:
    case = {"routine": "a routine", "message": "is wrong", "parameters": parameters}
    return source_of_case(check, case, kernel, threads)


def code_lines(script: str) -> int:
    """Return how many lines are neither empty nor a comment."""
    return sum(bool(line.strip()) and line[0] != "#" for line in script.splitlines())


@pytest.mark.parametrize("planted", FAULTS, ids=[fault for fault, *_ in FAULTS])
def test_a_script_shrinks_and_shows_the_fault_and_only_the_fault(
    planted: tuple[str, str, dict[str, Any], int, dict[str, Any]],
    wheel: Artifact,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fault, check, parameters, threads, left = planted
    source = source_for(check, parameters, "Nehalem", threads)
    path = tmp_path / "script.py"

    def fails(trial: Trial) -> bool:
        path.write_text(source.text(trial))
        ran = run_script(path, wheel, 60)
        assert ran.note == ""
        assert ran.core in {None, "Nehalem"}
        return ran.hit

    monkeypatch.setenv("PLANTED_FAULT", fault)
    if fault == "together":  # how often a race shows is luck
        assert any(fails(source.trial) for _ in range(5))
        monkeypatch.setenv("PLANTED_FAULT", "")
        assert not fails(source.trial)
        return
    assert fails(source.trial)
    smallest = shrink(source.trial, fails, 45)
    assert {name: smallest.parameters[name] for name in left} == left
    assert smallest.threads == (2 if fault == "threads" else 1)
    assert fails(smallest)
    assert code_lines(path.read_text()) <= 60
    monkeypatch.setenv("PLANTED_FAULT", "")
    assert not fails(smallest)


@pytest.mark.parametrize(
    ("fault", "wrong"),
    [
        ("kernel", {("Nehalem", 1), ("Nehalem", 2), ("Nehalem", 8)}),
        ("threads", {(kernel, n) for kernel in ("Nehalem", "Katmai", None) for n in (2, 8)}),
    ],
)
def test_toggles_tell_faults_of_kernels_and_of_threads_apart(
    fault: str,
    wrong: set[tuple[str | None, int]],
    wheel: Artifact,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = source_for("exact.gemm-variants", GEMM, "Nehalem", 8)
    monkeypatch.setenv("PLANTED_FAULT", fault)
    seen = toggle(
        source,
        source.trial,
        wheel,
        tmp_path,
        kernels=("Katmai", "Nehalem"),
        threads=(1, 2, 8),
        seconds=200,
    )
    assert (seen[0].kernel, seen[0].threads) == ("Nehalem", 8)
    native = {each.core for each in seen if each.kernel is None}
    assert len(native) == 1
    assert {each.core for each in seen} == {"Nehalem", "Katmai"} | native
    if native & {"Nehalem", "Katmai"}:
        pytest.skip("the CPU is so old that its own kernel is one of those")
    assert {(each.kernel, each.threads) for each in seen if each.hits == each.tries} == wrong
    assert all(each.hits == 0 for each in seen if (each.kernel, each.threads) not in wrong)
    assert len(seen) == 9


def test_toggling_ends_with_its_time(wheel: Artifact, tmp_path: Path) -> None:
    source = source_for("exact.gemm-variants", GEMM, "Nehalem", 1)
    seen = toggle(
        source, source.trial, wheel, tmp_path, kernels=("Katmai",), threads=(1, 2), seconds=0
    )
    assert seen == ()
