"""The runner with a released NumPy, its OpenBLAS and real threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from attrs import evolve
from made_cells import make_cell

from release_gate.model import HangKind, Outcome

if TYPE_CHECKING:
    from pathlib import Path

    from release_gate.model import Artifact

pytestmark = pytest.mark.network


def test_kernel_and_threads_are_those_that_were_asked_for(
    tmp_path: Path, numpy_wheel: Artifact
) -> None:
    cell = make_cell(
        tmp_path,
        numpy_wheel,
        product="""
        a = np.arange(160_000.0).reshape(400, 400) % 7
        ctx.ran()
        if not (a @ a == a.astype(int) @ a.astype(int)).all():
            ctx.fail("dgemm", "wrong product")
        """,
        singular="ctx.ran(); np.linalg.inv(np.zeros((3, 3)))",
    )
    cell = evolve(cell, cell=evolve(cell.cell, kernel="Nehalem"))
    result = cell.run()
    product, singular = result.observations
    assert (product.outcome, product.reason) == (Outcome.PASSED, "")
    assert singular.outcome is Outcome.FAILED
    assert singular.reason == "LinAlgError: Singular matrix"
    assert result.kernel.observed == "Nehalem"
    assert result.threads.observed == 8
    assert result.openblas.config is not None
    # The library names the kernel that runs in its own description, so the rest has to be equal.
    assert result.openblas.config.split()[:2] == numpy_wheel.config.split()[:2]


def test_a_deadlock_among_blas_threads_shows_them_in_its_stack(
    tmp_path: Path, numpy_wheel: Artifact
) -> None:
    # A thread that the main thread waits for holds a lock that it waits for itself, while the
    # library's own threads sleep.
    cell = make_cell(
        tmp_path,
        numpy_wheel,
        stuck="""
        a = np.ones((300, 300))
        a @ a
        lock = threading.Lock()
        lock.acquire()
        thread = threading.Thread(target=lock.acquire)
        thread.start()
        thread.join()
        """,
    ).with_limits("stuck", budget=120, idle=1.5)
    seen = cell.observe("stuck")
    assert (seen.outcome, seen.evidence.hang) == (Outcome.HUNG, HangKind.DEADLOCK)
    assert "blas_thread_server" in (seen.evidence.stack or "")
    assert "made.py" in (seen.evidence.stack or "")
