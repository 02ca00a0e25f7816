"""What the suites run with: obtained from an index, with a small SciPy and its tests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve
from made_cells import CELL
from made_wheels import (
    HOST,
    MadeIndex,
    make_openblas_wheel,
    make_scipy_wheel,
    write_wheel,
)

from release_gate.execution.cell import run_cell
from release_gate.execution.store import ObservationStore
from release_gate.matrix.load import load_matrices
from release_gate.matrix.suites import SciPyRelease, SuiteTable
from release_gate.model import Artifact, CellResult, Outcome, Pin, PlannedCell, Provider
from release_gate.openblas.index import Index, file_sha256
from release_gate.pipeline import all_checks
from release_gate.progress import Silent
from release_gate.resources import matrices_dir
from release_gate.wheels.suites import SuiteKit, obtain_suites

if TYPE_CHECKING:
    from collections.abc import Mapping

BOTH = ("suite.numpy-linalg", "suite.scipy-linalg")
SCIPY = "suite.scipy-linalg"

TABLE = SuiteTable(
    tools=("pytest==8.4.2",),
    scipy=(
        SciPyRelease(version="1.18.1", requires_python=">=3.9", numpy=">=2.0.0,<2.8"),
        SciPyRelease(version="1.9.0", requires_python=">=3.9", numpy=">=1.19,<2.8"),
    ),
)

TESTS = {
    "test_lapack.py": """
import pytest
def test_passes(): pass
def test_fails(): assert 1 + 1 == 3, "LU is wrong"
@pytest.mark.parametrize("path", ["a/b"])
def test_given(path): pass
@pytest.mark.slow
def test_slow(): assert False
@pytest.mark.xfail
def test_expected_to_fail(): assert False
def test_skipped(): pytest.skip("no such routine")
""",
    "test_solvers.py": "import no_such_module",
    "test_special_matrices.py": "def test_calls_no_blas(): assert False",
}
DYING = {
    "test_lapack.py": "import os, signal\ndef test_dies(): os.kill(os.getpid(), signal.SIGSEGV)"
}


@pytest.fixture
def stocked(made_index: MadeIndex, tmp_path: Path) -> MadeIndex:
    """An index that has all that is asked for."""
    made_index.add("scipy-openblas32", make_openblas_wheel(tmp_path, "0.3.99.0.0", bits=32))
    made_index.add("scipy", make_scipy_wheel(tmp_path, "1.18.1", TESTS))
    tools = tmp_path / "pytest-8.4.2-py3-none-any.whl"
    made_index.add("pytest", write_wheel(tools, "pytest", "8.4.2", {"pytest/__init__.py": b""}))
    return made_index


def obtained(index: MadeIndex, wheel: Artifact, cache: Path, table: SuiteTable = TABLE) -> SuiteKit:
    return obtain_suites(
        wheel,
        ("exact.gemm", *BOTH),
        table=table,
        pins={},
        host=HOST,
        index=Index(cache, index.url),
        cache=cache,
    )


def checked(
    wheel: Artifact, kit: SuiteKit, cache: Path, variables: Mapping[str, str] | None = None
) -> CellResult:
    """Ask the suite of SciPy, with this interpreter's own pytest."""
    specs = {spec.id: spec for spec in all_checks()}
    own = {"RELEASE_GATE_SUITE_PATH": str(Path(pytest.__file__).parents[1])}
    with Silent().stage("check", steps=1) as stage:
        return run_cell(
            PlannedCell(cell=evolve(CELL, threads=1), checks=(SCIPY,)),
            wheel,
            kit.specs(specs),
            {spec.id: spec.module for spec in specs.values()},
            HOST,
            ObservationStore(cache),
            profile="full",
            seed=1,
            stage=stage,
            variables={**kit.environment, **own, **(variables or {})},
            without=kit.without,
        )


def test_scipy_has_the_build_with_32_bit_integers_in_it(
    stocked: MadeIndex, made_artifact: Artifact, tmp_path: Path
) -> None:
    kit = obtained(stocked, made_artifact, tmp_path / "cache")
    assert kit.without == {}
    assert Path(kit.environment["RELEASE_GATE_SUITE_PATH"], "pytest").is_dir()
    site = Path(kit.environment["RELEASE_GATE_SUITE_SCIPY"])
    (library,) = (site / "scipy.libs").iterdir()
    assert library.name == "libscipy_openblas-abcdef01.so"  # the name that SciPy's modules ask for
    assert b"OpenBLAS 0.3.99.0.0 " in library.read_bytes()
    stocked.down = True
    assert obtained(stocked, made_artifact, tmp_path / "cache") == kit


def test_each_test_is_a_case(stocked: MadeIndex, made_artifact: Artifact, tmp_path: Path) -> None:
    kit = obtained(stocked, made_artifact, tmp_path / "cache")
    (seen,) = checked(made_artifact, kit, tmp_path / "cache").observations
    assert seen.outcome is Outcome.FAILED, seen
    assert seen.evidence.details == {
        "scipy": "1.18.1",
        "openblas": "OpenBLAS 0.3.99.0.0  DYNAMIC_ARCH NO_AFFINITY Haswell",
        "kernel": "Haswell",
        "skipped": 2,
    }
    assert {case.parameters["test"]: case.message for case in seen.evidence.cases} == {
        "test_lapack.py::test_fails": "test_lapack.py::test_fails: AssertionError: LU is wrong "
        "assert (1 + 1) == 3",
        "test_solvers.py": seen.evidence.cases[0].message,
    }
    assert "No module named 'no_such_module'" in seen.evidence.cases[0].message
    assert seen.evidence.cases_run == 4


def test_a_test_that_kills_the_process_has_its_name(
    made_index: MadeIndex, stocked: MadeIndex, made_artifact: Artifact, tmp_path: Path
) -> None:
    made_index.files["scipy"].clear()
    made_index.add("scipy", make_scipy_wheel(tmp_path, "1.18.1", DYING))
    kit = obtained(stocked, made_artifact, tmp_path / "cache")
    (seen,) = checked(made_artifact, kit, tmp_path / "cache").observations
    (case,) = seen.evidence.cases
    assert case.message == "test_lapack.py::test_dies: the process was killed by SIGSEGV"


def test_another_kernel_in_scipys_library_proves_nothing(
    stocked: MadeIndex, made_artifact: Artifact, tmp_path: Path
) -> None:
    kit = obtained(stocked, made_artifact, tmp_path / "cache")
    other = {"OPENBLAS_CORETYPE": "Prescott"}  # the made-up library has no such kernel
    (seen,) = checked(made_artifact, kit, tmp_path / "cache", other).observations
    assert seen.outcome is Outcome.NOT_EXERCISED
    assert seen.reason == "SciPy's OpenBLAS runs Haswell, not Prescott"


def test_without_an_index_nothing_else_is_lost(
    made_index: MadeIndex,
    made_artifact: Artifact,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")  # it would wait between them
    made_index.down = True
    kit = obtained(made_index, made_artifact, tmp_path / "cache")
    assert kit.without.keys() == set(BOTH)
    assert all(reason.startswith("no pytest: uv failed") for reason in kit.without.values())
    (seen,) = checked(made_artifact, kit, tmp_path / "cache").observations
    assert (seen.outcome, seen.reason) == (Outcome.UNSUPPORTED, kit.without[SCIPY])
    assert not list((tmp_path / "cache").glob("observations/**/*.json"))


def pin(provider: Provider, version: str) -> Pin:
    return Pin(provider=provider, version=version, filename="x", sha256="0" * 64)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"numpy_version": "2.8.0"}, "no release takes NumPy 2.8.0 and Python"),
        ({"numpy_version": "1.20.0"}, "no wheel of scipy '1.9.0' on the index"),
        (
            {"pin": pin(Provider.BUNDLED, "0.3.77")},
            "no version '0.3.77' of scipy-openblas32 in matrices/ or on the index",
        ),
        (
            {"pin": pin(Provider.FILE, "0.3.99.0.0")},
            "a library given as a file has no build with 32-bit integers beside it",
        ),
    ],
)
def test_why_there_is_no_scipy(
    stocked: MadeIndex,
    made_artifact: Artifact,
    tmp_path: Path,
    changes: dict[str, Any],
    reason: str,
) -> None:
    kit = obtained(stocked, evolve(made_artifact, **changes), tmp_path / "cache")
    assert kit.without.keys() == {SCIPY}
    assert kit.without[SCIPY].startswith(f"no SciPy: {reason}")
    assert kit.identities.keys() == set(BOTH)


def test_an_answer_is_of_what_the_suite_ran_with(
    stocked: MadeIndex, made_artifact: Artifact, tmp_path: Path
) -> None:
    specs = {spec.id: spec for spec in all_checks()}
    kit = obtained(stocked, made_artifact, tmp_path / "cache")
    changed = {
        check for check, spec in kit.specs(specs).items() if spec.digest != specs[check].digest
    }
    assert changed == set(BOTH)
    newer = write_wheel(tmp_path / "pytest-9.0.0-py3-none-any.whl", "pytest", "9.0.0", {"p": b""})
    stocked.add("pytest", newer)
    table = evolve(TABLE, tools=("pytest==9.0.0",))
    again = obtained(stocked, made_artifact, tmp_path / "cache", table)
    for check in BOTH:
        assert again.specs(specs)[check].digest != kit.specs(specs)[check].digest


def test_the_newest_release_that_fits_is_chosen() -> None:
    table = load_matrices(matrices_dir()).suites

    def chosen(numpy: str, python: str) -> str | None:
        release = table.newest_scipy(numpy, python)
        return release.version if release else None

    assert chosen("2.5.5", "3.12.1") == "1.18.1"
    assert chosen("2.6.0.dev0", "3.12.1") == "1.18.1"
    assert chosen("1.26.4", "3.12.1") == "1.17.1"
    assert chosen("2.4.6", "3.11.7") == "1.17.1"
    assert chosen("1.25.0", "3.11.7") == "1.15.3"
    assert chosen("1.19.5", "3.9.18") is None


def test_the_library_of_another_version_is_another_site(
    stocked: MadeIndex, made_artifact: Artifact, tmp_path: Path
) -> None:
    stocked.add("scipy-openblas32", make_openblas_wheel(tmp_path, "0.3.99.2.0", bits=32))
    sites = []
    for version in ("0.3.99.0.0", "0.3.99.2.0"):
        wheel = evolve(made_artifact, pin=pin(Provider.SCIPY_OPENBLAS64, version))
        kit = obtained(stocked, wheel, tmp_path / "cache")
        sites.append(Path(kit.environment["RELEASE_GATE_SUITE_SCIPY"]))
    one, other = (next((site / "scipy.libs").iterdir()) for site in sites)
    assert file_sha256(one) != file_sha256(other)
