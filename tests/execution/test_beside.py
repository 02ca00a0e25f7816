"""Cells at the same time: really at the same time, and ended together."""

from __future__ import annotations

import signal
import threading
import time
from concurrent.futures import wait
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve
from made_cells import CELL, MadeCell, end, gate_at, is_alive, make_cell, wait_dead

from release_gate.errors import InfrastructureError, Problem
from release_gate.execution import beside
from release_gate.execution.beside import run_beside
from release_gate.model import Outcome

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future
    from pathlib import Path

    from release_gate.model import Artifact, CellResult

#: A check that passes only while another cell's runs too.
MEETS = """
me, other = ("one", "two") if os.environ["OPENBLAS_CORETYPE"] == "Haswell" else ("two", "one")
(marks / me).touch()
end = time.monotonic() + 60
while not (marks / other).exists():
    assert time.monotonic() < end, "it was alone"
    time.sleep(0.02)
ctx.ran()
"""


def test_results_are_in_the_order_of_the_tasks() -> None:
    ended: list[int] = []

    def task(number: int) -> Callable[[threading.Event], int]:
        def work(stop: threading.Event) -> int:
            while number == 0 and not ended and not stop.wait(0.01):
                pass  # the first ends last
            ended.append(number)
            return number

        return work

    assert run_beside([task(0), task(1)], width=2) == [0, 1]
    assert ended == [1, 0]


def test_no_more_run_at_a_time_than_are_allowed() -> None:
    running: list[int] = []
    seen: list[int] = []

    def work(_stop: threading.Event) -> None:
        running.append(1)
        seen.append(len(running))
        time.sleep(0.02)
        running.pop()

    run_beside([work] * 8, width=2)
    assert len(seen) == 8
    assert max(seen) <= 2


def test_an_error_ends_the_others_and_begins_no_more() -> None:
    began: list[str] = []

    def fails(_stop: threading.Event) -> None:
        began.append("fails")
        while "waits" not in began:
            time.sleep(0.01)
        raise InfrastructureError(Problem(what="no space left"))

    def waits(stop: threading.Event) -> None:
        began.append("waits")
        assert stop.wait(60)
        raise KeyboardInterrupt

    def never(_stop: threading.Event) -> None:
        began.append("never")

    with pytest.raises(InfrastructureError, match="no space left"):
        run_beside([fails, waits, never, never], width=2)
    assert sorted(began) == ["fails", "waits"]


@pytest.mark.timeout(30, method="thread")  # what would hang here, hangs the interpreter's exit
def test_a_signal_in_the_moment_after_a_lock_was_taken_leaves_none_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def work(stop: threading.Event) -> None:
        assert stop.wait(20)
        raise KeyboardInterrupt  # tells its future, which takes the lock

    def waits(pending: set[Future[None]], seconds: float, return_when: str) -> tuple[Any, Any]:
        for future in pending:
            future._condition.acquire()
        signal.raise_signal(signal.SIGINT)
        for future in pending:
            future._condition.release()
        return wait(pending, seconds, return_when)

    monkeypatch.setattr(beside, "wait", waits)
    with pytest.raises(KeyboardInterrupt):
        run_beside([work, work], width=2)


def test_two_cells_run_in_the_same_seconds(tmp_path: Path, made_artifact: Artifact) -> None:
    cell = make_cell(tmp_path, made_artifact, meets=MEETS)
    other = evolve(cell, cell=evolve(CELL, kernel="Zen"))

    def task(each: MadeCell) -> Callable[[threading.Event], CellResult]:
        return lambda stop: each.run(stop=stop)

    haswell, zen = run_beside([task(cell), task(other)], width=2)
    assert (haswell.cell.kernel, zen.cell.kernel) == ("Haswell", "Zen")
    for result in (haswell, zen):
        (seen,) = result.observations
        assert seen.outcome is Outcome.PASSED, seen.reason


def test_a_cell_that_is_stopped_keeps_what_was_answered_and_leaves_no_child(
    made: Callable[..., MadeCell],
) -> None:
    cell = made(
        one="ctx.ran()", two='(marks / "pid").write_text(str(os.getpid())); time.sleep(600)'
    )
    pid = cell.folder / "marks" / "pid"
    stop = threading.Event()
    reached: list[bool] = []

    def when_it_hangs() -> None:
        end = time.monotonic() + 60
        while not (pid.exists() and pid.read_text()) and time.monotonic() < end:
            time.sleep(0.02)
        reached.append(pid.exists())
        stop.set()

    other = threading.Thread(target=when_it_hangs)
    other.start()
    with pytest.raises(KeyboardInterrupt):
        cell.run(stop=stop)
    other.join()
    assert reached == [True]
    assert not is_alive(int(pid.read_text()))
    assert cell.store.known(cell.key, cell.specs) == {"made.one"}
    with pytest.raises(KeyboardInterrupt):  # and it starts no child any more
        cell.run("two", stop=stop)


SCRIPT = """
import sys
from pathlib import Path
from attrs import evolve
from made_cells import CELL, make_cell, make_site
from release_gate.execution.beside import run_beside
folder = Path(sys.argv[1])
cell = make_cell(folder, make_site(folder / "site"), hangs='''
(marks / os.environ["OPENBLAS_CORETYPE"]).write_text(str(os.getpid()))
time.sleep(600)
''')
cells = [evolve(cell, cell=evolve(CELL, kernel=name)) for name in ("Haswell", "Zen", "Nehalem")]
try:
    run_beside([lambda stop, each=each: each.run(stop=stop) for each in cells], width=2)
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Yield a process of which two cells hang and one has not begun."""
    with gate_at(tmp_path, SCRIPT, lambda: len(hanging(tmp_path)) == 2) as gate:
        yield gate


def hanging(folder: Path) -> dict[str, int]:
    """Return the process of each cell that has begun."""
    pids = {}
    for name in ("Haswell", "Zen", "Nehalem"):
        with suppress(OSError, ValueError):
            pids[name] = int((folder / "marks" / name).read_text())
    return pids


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_gate_that_is_ended_ends_all_cells(
    tmp_path: Path, gate: subprocess.Popen[bytes], number: signal.Signals
) -> None:
    killed = number == signal.SIGKILL
    assert end(gate, number) == (-number if killed else 130)
    pids = hanging(tmp_path)
    assert set(pids) == {"Haswell", "Zen"}
    for pid in pids.values():
        if killed:  # they end by themselves, a moment later
            wait_dead(pid)
        assert not is_alive(pid)
