"""Each check of threads, forks and process ends finds a fault of the kind that it is for.

Through the real runner and watchdog, since crashes and hangs need them.
"""

from __future__ import annotations

import signal
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from attrs import evolve
from planted import ask_checks, plant
from written import example

from release_gate.execution.cell import run_cell
from release_gate.execution.environment import child_environment
from release_gate.execution.store import ObservationStore
from release_gate.model import Cell, HangKind, Observation, Outcome, PlannedCell, Role
from release_gate.pipeline import all_checks
from release_gate.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from release_gate.model import Artifact, Host

    AskerOf = Callable[[Artifact, Sequence[str], int], list[Observation]]
    Asker = Callable[[str, Sequence[str], int], list[Observation]]
    WithLibrary = Callable[[str], Artifact]

pytestmark = pytest.mark.network

#: fault, check that must find it, threads, outcome, what the reason must say.
FAULTS = [
    ("shared-scratch", "concurrency.mixed-matmul", 2, "failed", "beside 2 other calls"),
    ("deadlock", "concurrency.mixed-matmul", 2, "hung", "deadlock"),
    ("beside-eigh", "concurrency.eigh-matmul", 2, "failed", "beside dsyevd"),
    ("shared-scratch", "concurrency.same-operation", 1, "failed", "gemm in 3 threads at once"),
    ("static-buffer", "concurrency.same-operation", 1, "failed", "gemv"),
    ("wide-sums", "concurrency.same-operation", 1, "failed", "gemv-wide"),
    ("three-threads", "concurrency.thread-sweep", 2, "failed", "gemm, 3 threads"),
    ("timing", "concurrency.thread-sweep", 2, "failed", "two calls with 1 threads differ"),
    ("lowered-count", "concurrency.count-changes", 2, "failed", "after a change to"),
    ("leak-thread", "concurrency.churn", 1, "failed", "the process has"),
    ("leak-memory", "concurrency.churn", 1, "failed", "resident memory grew"),
    ("leak-addresses", "concurrency.churn", 1, "failed", "address space grew in each"),
    ("early-exit", "concurrency.churn", 1, "crashed", "status 0"),
    ("stack-frame", "concurrency.small-stack", 1, "crashed", "SIG"),
    ("hang-after-fork", "forking.lu", 2, "hung", "deadlock"),
    ("wrong-in-child", "forking.after-blas", 2, "failed", "child: wrong result"),
    ("child-aborts", "forking.after-blas", 1, "failed", "died with signal 6"),
    ("abort-at-exit", "process.exit", 1, "failed", "signal 6"),
    ("hang-at-exit", "process.exit", 1, "hung", "deadlock"),
    ("abort-at-exit", "process.exit-busy", 1, "failed", "signal 6"),
    ("address-space", "process.address-space", 1, "failed", "thread reserves"),
    ("large-import", "process.address-space", 1, "failed", "import reserves"),
]

#: fault, check whose reproducer must show it.
SHOWN = [
    ("shared-scratch", "concurrency.mixed-matmul"),
    ("beside-eigh", "concurrency.eigh-matmul"),
    ("shared-scratch", "concurrency.same-operation"),
    ("three-threads", "concurrency.thread-sweep"),
    ("lowered-count", "concurrency.count-changes"),
    ("leak-thread", "concurrency.churn"),
    ("stack-frame", "concurrency.small-stack"),
    ("wrong-in-child", "forking.lu"),
    ("child-aborts", "forking.after-blas"),
    ("abort-at-exit", "process.exit"),
    ("abort-at-exit", "process.exit-busy"),
    ("address-space", "process.address-space"),
]

#: Seconds without CPU use after which a hang is one, in these tests.
IDLE = 2.0

SPECS = {spec.id: evolve(spec, idle=IDLE) for spec in all_checks()}
MODULE_OF = {spec.id: spec.module for spec in SPECS.values()}
CHECKS = sorted({check for _, check, *_ in FAULTS})
ASKED_BY_DEFAULT = [check for check in CHECKS if "smoke" in SPECS[check].profiles]


@pytest.fixture(scope="module")
def planted(with_library: WithLibrary, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """Return a NumPy with a library that is free of races and gets faults by their names."""
    good = with_library("0.3.34.481.3")
    source = Path(__file__).with_name("threading_faults.c").read_text()
    site = plant(Path(good.site), source, tmp_path_factory.mktemp("planted"))
    return evolve(good, site=str(site), library=str(site / "numpy.libs" / Path(good.library).name))


@pytest.fixture
def ask_of(this_host: Host, tmp_path: Path) -> AskerOf:
    """Return a function that asks checks of a NumPy, in one cell."""

    def asked(planted: Artifact, checks: Sequence[str], threads: int) -> list[Observation]:
        cell = Cell(
            role=Role.CANDIDATE,
            numpy=planted.numpy_version,
            pin=planted.pin,
            platform=this_host.platform,
            kernel="Haswell",
            threads=threads,
        )
        result = run_cell(
            PlannedCell(cell=cell, checks=tuple(checks)),
            planted,
            SPECS,
            MODULE_OF,
            this_host,
            ObservationStore(tmp_path / "answers"),
            profile="smoke",
            seed=1,
            stage=Silent(),
        )
        return list(result.observations)

    return asked


@pytest.fixture
def ask(planted: Artifact, ask_of: AskerOf, monkeypatch: pytest.MonkeyPatch) -> Asker:
    """Return a function that asks checks of the library with a fault."""

    def asked(fault: str, checks: Sequence[str], threads: int) -> list[Observation]:
        monkeypatch.setenv("PLANTED_FAULT", fault)
        return ask_of(planted, checks, threads)

    return asked


@pytest.mark.parametrize(("fault", "check", "threads", "outcome", "words"), FAULTS)
def test_a_planted_fault_is_found(  # noqa: PLR0917  (the columns of FAULTS)
    fault: str, check: str, threads: int, outcome: str, words: str, ask: Asker
) -> None:
    (answer,) = ask(fault, [check], threads)
    assert answer.outcome == outcome, answer.reason
    assert words in answer.reason
    if outcome == "failed":
        assert answer.evidence.cases[0].parameters


def test_the_real_library_passes_in_threads(ask: Asker) -> None:
    asked = [check for check in ASKED_BY_DEFAULT if SPECS[check].max_threads is None]
    for answer in ask("", asked, 2):
        assert answer.outcome is Outcome.PASSED, (answer.check, answer.reason)
        if answer.check != "process.exit":
            assert answer.evidence.threads_used is not None
            assert answer.evidence.threads_used >= 2


def test_the_real_library_passes_with_one_thread(ask: Asker) -> None:
    asked = [check for check in ASKED_BY_DEFAULT if SPECS[check].min_threads == 1]
    for answer in ask("", asked, 1):
        assert answer.outcome is Outcome.PASSED, (answer.check, answer.reason)


def test_a_library_that_does_not_split_work_is_not_called_tested(ask: Asker) -> None:
    asked = [check for check in CHECKS if check.startswith(("concurrency.", "forking."))]
    for answer in ask("serial", asked, 2):
        assert answer.outcome is Outcome.NOT_EXERCISED, (answer.check, answer.reason)


@pytest.mark.parametrize(("threads", "seen"), [(2, "2"), (1, "None")])
def test_threads_that_worked_are_seen(threads: int, seen: str, planted: Artifact) -> None:
    before = f"""
import time
from checks.workers import Watch, threads_at_work
library.set_num_threads(2)
library.set_num_threads({threads})
ones = numpy.ones((300, 300))
threads_at_work(lambda: None)  # waits until the others are at rest
watch = Watch()
ones @ ones
time.sleep(0.05)
assert watch.threads() == {seen}, watch.threads()
"""
    ask_checks(Path(planted.site), ["level2"], [("", "exact.level2", 1)], before=before)


def test_a_hang_after_fork_is_found_in_a_released_library(
    with_library: WithLibrary, ask_of: AskerOf
) -> None:
    (answer,) = ask_of(with_library("0.3.30.0.1"), ["forking.lu"], 4)
    assert answer.outcome is Outcome.HUNG
    assert answer.evidence.hang is HangKind.DEADLOCK
    assert "getrf" in (answer.evidence.stack or "")
    (answer,) = ask_of(with_library("0.3.29.0.0"), ["forking.lu"], 4)
    assert answer.outcome is Outcome.PASSED, answer.reason


@pytest.mark.parametrize(("fault", "check"), SHOWN)
def test_a_reproducer_shows_the_fault(fault: str, check: str, planted: Artifact) -> None:
    status = run_script(check, planted, fault)
    assert status in {1, -signal.SIGSEGV}


@pytest.mark.parametrize(
    "check",
    [
        "concurrency.thread-sweep",
        "concurrency.churn",
        "concurrency.small-stack",
        "forking.lu",
        "process.exit",
        "process.address-space",
    ],
)
def test_a_reproducer_ends_with_0_without_a_fault(check: str, planted: Artifact) -> None:
    assert run_script(check, planted, "") == 0


def run_script(check: str, artifact: Artifact, fault: str) -> int:
    """Run the template of `check` with its own input, and return its status."""
    environment = child_environment(None, 1)
    del environment["OPENBLAS_NUM_THREADS"]
    environment |= {"PYTHONPATH": artifact.site, "PLANTED_FAULT": fault}
    with tempfile.NamedTemporaryFile("w", suffix=".py") as script:
        script.write(example(check))
        script.flush()
        command = [artifact.interpreter.executable, script.name]
        return subprocess.run(
            command, env=environment, capture_output=True, timeout=60, check=False
        ).returncode


def test_every_check_of_threads_has_a_fault() -> None:
    categories = {"concurrency", "forking", "process"}
    asked = {spec.id for spec in SPECS.values() if spec.category in categories}
    others = Path(__file__).parent.glob("test_*.py")
    elsewhere = "".join(path.read_text() for path in others if path.name != Path(__file__).name)
    assert {check for check in asked if f'"{check}"' not in elsewhere} == set(CHECKS)
    assert set(CHECKS) == {check for _, check in SHOWN}
