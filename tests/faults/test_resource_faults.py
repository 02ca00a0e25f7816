"""Each check of what a process gives to the library, and gets back, finds a fault of its kind.

Through the real runner, in processes of their own, since most of these faults end one.
"""

from __future__ import annotations

import signal
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from attrs import evolve
from planted import plant
from written import example

from release_gate.execution.cell import run_cell
from release_gate.execution.environment import child_environment
from release_gate.execution.store import ObservationStore
from release_gate.model import Artifact, Cell, Outcome, PlannedCell, Role
from release_gate.pipeline import all_checks
from release_gate.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from release_gate.model import Host, Observation

    Asker = Callable[[Artifact, Sequence[str], int], list[Observation]]

pytestmark = pytest.mark.network

#: fault, check that must find it, threads, what the reason must say.
FAULTS = [
    ("lost-beside-syrk", "concurrency.mixed-routines", 1, "beside 2 threads in other routines"),
    ("few-buffers", "concurrency.many-callers", 1, "died with signal 6"),
    ("overflow", "concurrency.many-callers", 1, "wrong results"),
    ("mapped-each-time", "concurrency.buffers-again", 1, "MiB of address space gained"),
    ("native-scratch", "concurrency.native-threads", 1, "beside 3 native threads"),
    ("native-scratch", "concurrency.native-threads", 2, "beside 3 native threads"),
    ("thread-stays", "concurrency.native-threads", 1, "threads more than before"),
    ("large-frame", "concurrency.stack-use", 2, "of its caller's stack"),
    ("interrupted", "concurrency.signals", 2, "under signals"),
    ("counted-early", "process.counts-at-start", 1, "elements wrong after openblas_set"),
    ("beyond-bounds", "process.counts-at-start", 1, "reads 71"),
    ("abort-at-unload", "process.reload", 1, "died with signal 6"),
    ("second-copy", "process.two-copies", 2, "elements wrong"),
    ("ignores-refusal", "process.address-limit", 1, "died with SIGSEGV"),
    ("never-gives-up", "process.address-limit", 1, "does not give up"),
    ("leak-after-fork", "forking.repeated", 2, "each generation leaves"),
    ("child-aborts", "forking.before-blas", 2, "died with signal 6"),
]

#: fault, check whose reproducer must show it.
SHOWN = [
    ("native-scratch", "concurrency.native-threads"),
    ("thread-stays", "concurrency.native-threads"),
    ("lost-beside-syrk", "concurrency.mixed-routines"),
    ("few-buffers", "concurrency.many-callers"),
    ("large-frame", "concurrency.stack-use"),
    ("interrupted", "concurrency.signals"),
    ("ignores-refusal", "process.address-limit"),
    ("counted-early", "process.counts-at-start"),
    ("beyond-bounds", "process.counts-at-start"),
    ("abort-at-unload", "process.reload"),
    ("second-copy", "process.two-copies"),
    ("leak-after-fork", "forking.repeated"),
    ("child-aborts", "forking.before-blas"),
]

#: What a library with planted faults does not stand without one: docs/found has the first; the
#: real library beneath stays loaded with its threads.
OWN_FAULTS = {"concurrency.many-callers", "process.reload"}

SPECS = {spec.id: spec for spec in all_checks()}
MODULE_OF = {spec.id: spec.module for spec in SPECS.values()}
CHECKS = sorted({check for _, check, *_ in FAULTS})


@pytest.fixture(scope="module")
def good(with_library: Callable[[str], Artifact]) -> Artifact:
    """Return a NumPy with a library that passes all of these checks but one."""
    return with_library("0.3.34.481.3")


@pytest.fixture(scope="module")
def planted(good: Artifact, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    source = Path(__file__).with_name("resource_faults.c").read_text()
    site = plant(Path(good.site), source, tmp_path_factory.mktemp("planted"))
    return evolve(good, site=str(site), library=str(site / "numpy.libs" / Path(good.library).name))


@pytest.fixture
def ask(this_host: Host, tmp_path: Path) -> Asker:
    """Return a function that asks checks of a NumPy, in one cell."""

    def asked(artifact: Artifact, checks: Sequence[str], threads: int) -> list[Observation]:
        cell = Cell(
            role=Role.CANDIDATE,
            numpy=artifact.numpy_version,
            pin=artifact.pin,
            platform=this_host.platform,
            kernel="Haswell",
            threads=threads,
        )
        planned = PlannedCell(cell=cell, checks=tuple(checks))
        store = ObservationStore(tmp_path / "answers")
        return list(
            run_cell(
                planned,
                artifact,
                SPECS,
                MODULE_OF,
                this_host,
                store,
                profile="smoke",
                seed=1,
                stage=Silent(),
            ).observations
        )

    return asked


@pytest.mark.parametrize(("fault", "check", "threads", "words"), FAULTS)
def test_a_planted_fault_is_found(  # noqa: PLR0917  (the columns of FAULTS)
    fault: str,
    check: str,
    threads: int,
    words: str,
    ask: Asker,
    planted: Artifact,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PLANTED_FAULT", fault)
    (answer,) = ask(planted, [check], threads)
    assert answer.outcome is Outcome.FAILED, answer.reason
    assert words in answer.reason
    assert answer.evidence.cases[0].parameters


@pytest.mark.parametrize("threads", [1, 2])
def test_a_good_library_passes(threads: int, ask: Asker, good: Artifact) -> None:
    asked = [
        check
        for check in CHECKS
        if SPECS[check].min_threads <= threads <= (SPECS[check].max_threads or threads)
        and check != "concurrency.buffers-again"  # docs/found/buffers-beyond-the-table.md
    ]
    assert len(asked) >= 5
    for answer in ask(good, asked, threads):
        assert answer.outcome is Outcome.PASSED, (answer.check, answer.reason)


def test_a_crash_at_the_end_of_a_native_thread_is_found(
    ask: Asker, planted: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLANTED_FAULT", "thread-end")
    (answer,) = ask(planted, ["concurrency.native-threads"], 1)
    assert answer.outcome is Outcome.CRASHED, answer.reason


def test_buffers_that_are_used_again_pass(
    ask: Asker, planted: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLANTED_FAULT", "no-buffers")
    (answer,) = ask(planted, ["concurrency.buffers-again"], 1)
    assert answer.outcome is Outcome.PASSED, answer.reason


@pytest.mark.parametrize(
    ("check", "words"),
    [
        ("concurrency.many-callers", "not inside at once"),
        ("process.reload", "stays in memory"),  # what a planted library does
    ],
)
def test_what_did_not_happen_proves_nothing(
    check: str, words: str, ask: Asker, planted: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLANTED_FAULT", "no-buffers")
    (answer,) = ask(planted, [check], 1)
    assert answer.outcome is Outcome.NOT_EXERCISED
    assert words in answer.reason


@pytest.mark.parametrize(("fault", "check"), SHOWN)
def test_a_reproducer_shows_the_fault(fault: str, check: str, planted: Artifact) -> None:
    assert run_script(check, planted, fault) in {1, -signal.SIGABRT}


@pytest.mark.parametrize("check", sorted({check for _, check in SHOWN} - OWN_FAULTS))
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
