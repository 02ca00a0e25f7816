"""What a check does, and what is said of it."""

from __future__ import annotations

import shutil
import signal
import time
from typing import TYPE_CHECKING

import pytest
from attrs import evolve
from made_cells import MadeCell, is_alive, make_cell, make_site

from release_gate.model import HangKind, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def outcomes(cell: MadeCell, *names: str) -> dict[str, Outcome]:
    result = cell.run(*names)
    return {seen.check.removeprefix("made."): seen.outcome for seen in result.observations}


def test_each_way_to_return_has_its_outcome(made: Callable[..., MadeCell]) -> None:
    cell = made(
        passes="ctx.ran(3)",
        fails='ctx.ran(2); ctx.fail("gemm", "wrong", {"n": 5}, ratio=float("nan"), limit=16)',
        nothing="pass",
        unproved='ctx.ran(); ctx.not_exercised("one thread only")',
        unsupported='ctx.unsupported("no fork here")',
        singular='ctx.ran(); raise np.linalg.LinAlgError("singular")',
        flags='ctx.ran(); raise FloatingPointError("overflow")',
        broken='ctx.ran(); raise KeyError("a slip in the check")',
        leaves="ctx.ran(); sys.exit(3)",
        fails_then_stops='ctx.ran(); ctx.fail("dot", "wrong"); ctx.not_exercised("rest not done")',
    )
    assert outcomes(cell) == {
        "passes": Outcome.PASSED,
        "fails": Outcome.FAILED,
        "nothing": Outcome.NOT_EXERCISED,
        "unproved": Outcome.NOT_EXERCISED,
        "unsupported": Outcome.UNSUPPORTED,
        "singular": Outcome.FAILED,
        "flags": Outcome.FAILED,
        "broken": Outcome.ERROR,
        "leaves": Outcome.ERROR,
        "fails_then_stops": Outcome.FAILED,
    }


def test_evidence_of_a_failure_is_kept_as_it_was_given(made: Callable[..., MadeCell]) -> None:
    seen = made(
        fails="""
        ctx.ran(4)
        ctx.rounds, ctx.threads_used = 12, 2
        ctx.details["flops"] = float("inf")
        ctx.fail("gemm", "wrong", {"n": 5, "layout": "nt"}, ratio=float("nan"), limit=16,
                 first_bad=(1, 2), bad=3, of=25, box=((0, 1), (2, 4)))
        """
    ).observe("fails")
    assert seen.reason == "1 of 4 cases failed; first: gemm: wrong"
    (case,) = seen.evidence.cases
    assert (case.routine, case.message, case.parameters) == (
        "gemm",
        "wrong",
        {"n": 5, "layout": "nt"},
    )
    assert (case.ratio, case.limit, case.first_bad, case.bad, case.of) == (
        None,
        16.0,
        (1, 2),
        3,
        25,
    )
    assert case.box == ((0, 1), (2, 4))
    assert (seen.evidence.cases_run, seen.evidence.cases_failed) == (4, 1)
    assert (seen.evidence.rounds, seen.evidence.threads_used) == (12, 2)
    assert seen.evidence.details == {"flops": None}


def test_an_error_in_a_check_carries_its_traceback(made: Callable[..., MadeCell]) -> None:
    seen = made(broken='raise KeyError("slip")').observe("broken")
    assert seen.reason == "KeyError: 'slip'"
    assert "made.py" in seen.evidence.details["traceback"]


def test_a_module_that_cannot_be_imported_is_an_error_of_its_checks(
    made: Callable[..., MadeCell],
) -> None:
    cell = made(one="ctx.ran()")
    (cell.checks / "made.py").write_text("import no_such_module\n")
    seen = cell.observe("one")
    assert seen.outcome is Outcome.ERROR
    assert "no_such_module" in seen.reason


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV"),
        ("ctypes.string_at(0)", "SIGSEGV"),
        ("os.abort()", "SIGABRT"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
    ],
)
def test_a_crash_is_blamed_on_its_check_with_the_signal(
    made: Callable[..., MadeCell], body: str, name: str
) -> None:
    cell = made(before="ctx.ran()", crash=f'print("last words"); {body}', after="ctx.ran()")
    before, crash, after = cell.run().observations
    assert (before.outcome, after.outcome) == (Outcome.PASSED, Outcome.PASSED)
    assert (crash.outcome, crash.evidence.signal) == (Outcome.CRASHED, name)
    assert name in crash.reason
    assert "last words" in (crash.evidence.log or "")
    assert crash.repeat is None, "a crash is never retried away"
    if name != "SIGKILL":
        assert "in crash" in (crash.evidence.stack or "")


def test_a_crash_names_the_input_that_was_being_tried(made: Callable[..., MadeCell]) -> None:
    seen = made(
        crash="""
        ctx.trying("sgemm", {"n": 3, "layout": "CF", "size": [1, 2]})
        ctx.ran()
        ctx.trying("dgemm", {"n": 4, "layout": "CC", "size": [2, 2]})
        os.kill(os.getpid(), signal.SIGSEGV)
        """
    ).observe("crash")
    (case,) = seen.evidence.cases
    assert case.routine == "dgemm"
    assert case.parameters == {"n": 4, "layout": "CC", "size": [2, 2]}


@pytest.mark.parametrize("parameters", ['{"x": object()}', '{"x": "y" * 20000}'])
def test_an_input_that_cannot_be_noted_is_left_out(
    parameters: str, made: Callable[..., MadeCell]
) -> None:
    body = f'ctx.trying("dgemm", {parameters}); os.kill(os.getpid(), signal.SIGSEGV)'
    seen = made(crash=body).observe("crash")
    assert seen.outcome is Outcome.CRASHED
    assert seen.evidence.cases == ()


def test_what_an_earlier_check_tried_is_not_blamed(made: Callable[..., MadeCell]) -> None:
    cell = made(
        earlier='ctx.ran(); ctx.trying("dgemm", {"n": 4})',
        crash="os.kill(os.getpid(), signal.SIGSEGV)",
    )
    _, crash = cell.run().observations
    assert crash.outcome is Outcome.CRASHED
    assert crash.evidence.cases == ()


@pytest.mark.skipif(shutil.which("gdb") is None, reason="native stacks of crashes need gdb")
def test_a_crash_has_its_native_stack_and_says_if_it_did_not_come_again(
    made: Callable[..., MadeCell],
) -> None:
    cell = made(
        always="ctypes.string_at(0)",
        once='if ask_count(marks / "once") == 1: os.abort()',
    )
    always, once = cell.run().observations
    assert "received signal SIGSEGV" in (always.evidence.stack or "")
    assert "string_at" in (always.evidence.stack or "")
    assert once.outcome is Outcome.CRASHED
    assert "did not crash again" in (once.evidence.stack or "")
    kept = cell.run().observations
    assert [seen.evidence for seen in kept] == [always.evidence, once.evidence]


@pytest.mark.parametrize("status", [0, 3])
def test_an_early_exit_is_a_crash_whatever_its_status(
    made: Callable[..., MadeCell], status: int
) -> None:
    cell = made(early=f"ctx.ran(); os._exit({status})", after="ctx.ran()")
    early, after = cell.run().observations
    assert (early.outcome, early.evidence.exit_status) == (Outcome.CRASHED, status)
    assert f"exited early with status {status}" in early.reason
    assert after.outcome is Outcome.PASSED


def test_a_deadlock_is_told_from_a_busy_loop_each_with_its_stack(
    made: Callable[..., MadeCell],
) -> None:
    cell = (
        made(
            deadlock="lock = threading.Lock(); lock.acquire(); lock.acquire()",
            busy="while True: pass",
            after="ctx.ran()",
        )
        .with_limits("deadlock", budget=60, idle=0.5)
        .with_limits("busy", budget=1.5, idle=30)
    )
    deadlock, busy, after = cell.run().observations
    assert (deadlock.outcome, deadlock.evidence.hang) == (Outcome.HUNG, HangKind.DEADLOCK)
    assert "made.py" in (deadlock.evidence.stack or "")
    assert (busy.outcome, busy.evidence.hang) == (Outcome.HUNG, HangKind.BUSY)
    assert "made.py" in (busy.evidence.stack or "")
    assert after.outcome is Outcome.PASSED


def test_a_check_may_take_longer_in_stress(made: Callable[..., MadeCell]) -> None:
    cell = made(
        works="""
        end = time.process_time() + 1.5
        while time.process_time() < end:
            pass
        ctx.ran()
        """
    ).with_limits("works", budget=0.5, idle=30)
    assert cell.observe("works").outcome is Outcome.HUNG
    assert evolve(cell, profile="stress").observe("works").outcome is Outcome.PASSED


def test_a_child_whose_forked_child_works_is_not_idle(made: Callable[..., MadeCell]) -> None:
    cell = made(
        waits="""
        pid = os.fork()
        if pid == 0:
            end = time.process_time() + 1.0
            while time.process_time() < end:
                pass
            os._exit(0)
        os.waitpid(pid, 0)
        ctx.ran()
        """
    ).with_limits("waits", budget=60, idle=0.5)
    assert cell.observe("waits").outcome is Outcome.PASSED


def test_a_deadlock_in_a_forked_child_is_a_deadlock_of_the_check(
    made: Callable[..., MadeCell],
) -> None:
    cell = made(
        forks="""
        pid = os.fork()
        if pid == 0:
            threading.Lock().acquire()
            signal.pause()
        (marks / "pid").write_text(str(pid))
        os.waitpid(pid, 0)
        """
    ).with_limits("forks", budget=60, idle=0.5)
    seen = cell.observe("forks")
    assert (seen.outcome, seen.evidence.hang) == (Outcome.HUNG, HangKind.DEADLOCK)
    pid = int((cell.folder / "marks" / "pid").read_text())
    assert f"process {pid}" in (seen.evidence.stack or "")
    assert not is_alive(pid)


def test_what_is_printed_does_not_spoil_the_protocol(made: Callable[..., MadeCell]) -> None:
    cell = made(
        noise="""
        print('{"event": "done"}')
        os.write(1, b'{"event": "finished"}\\n')
        sys.__stdout__.write("more")
        subprocess.run([sys.executable, "-c", "print('from a grandchild')"])
        ctx.ran()
        """,
        after="ctx.ran()",
    )
    assert outcomes(cell) == {"noise": Outcome.PASSED, "after": Outcome.PASSED}


def test_a_forked_child_that_comes_back_does_not_go_on_as_a_second_runner(
    made: Callable[..., MadeCell],
) -> None:
    cell = made(
        forks="ctx.ran(); os.fork()",
        counts="""
        ctx.ran()
        with (marks / "count").open("a") as stream:
            stream.write("x")
        """,
    )
    assert outcomes(cell) == {"forks": Outcome.PASSED, "counts": Outcome.PASSED}
    assert (cell.folder / "marks" / "count").read_text() == "x"


def test_a_grandchild_that_survives_neither_delays_nor_outlives_the_cell(
    made: Callable[..., MadeCell],
) -> None:
    cell = made(
        leaves="""
        ctx.ran()
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:  # an orphan in a session of its own
                (marks / "pid").write_text(str(os.getpid()))
                time.sleep(600)
            os._exit(0)
        while not (marks / "pid").exists():
            time.sleep(0.01)
        """
    )
    begin = time.monotonic()
    assert cell.observe("leaves").outcome is Outcome.PASSED
    assert time.monotonic() - begin < 60, "waited for the grandchild"
    assert not is_alive(int((cell.folder / "marks" / "pid").read_text()))


def test_a_pipe_that_is_held_open_from_outside_python_does_not_block(
    made: Callable[..., MadeCell],
) -> None:
    # fork() of the C library runs none of Python's hooks, so the pipe stays open in it.
    cell = made(
        holds="""
        if ctypes.CDLL(None).fork() == 0:
            time.sleep(600)
        os._exit(0)
        """
    )
    seen = cell.observe("holds")
    assert (seen.outcome, seen.evidence.exit_status) == (Outcome.CRASHED, 0)


def test_a_crash_at_exit_is_not_lost(made: Callable[..., MadeCell]) -> None:
    cell = made(
        first="ctx.ran()",
        last="""
        import atexit
        atexit.register(os.abort)
        ctx.ran(5)
        """,
    )
    first, last = cell.run().observations
    assert first.outcome is Outcome.PASSED
    assert (last.outcome, last.evidence.signal) == (Outcome.CRASHED, "SIGABRT")
    assert "at exit" in last.reason
    assert last.evidence.details["answered"] == "passed"
    assert last.evidence.cases_run == 5


def test_a_status_other_than_zero_at_exit_is_not_lost(made: Callable[..., MadeCell]) -> None:
    cell = made(last="import atexit; atexit.register(os._exit, 7); ctx.ran()")
    seen = cell.observe("last")
    assert (seen.outcome, seen.evidence.exit_status) == (Outcome.CRASHED, 7)


def test_an_import_that_kills_every_child_is_told_of_every_check(
    tmp_path: Path,
) -> None:
    artifact = make_site(tmp_path / "site", numpy="import os; os.abort()")
    cell = make_cell(tmp_path, artifact, one="ctx.ran()", two="ctx.ran()", three="ctx.ran()")
    result = cell.run()
    assert {seen.outcome for seen in result.observations} == {Outcome.CRASHED}
    assert all("import numpy" in seen.reason for seen in result.observations)
    assert all(seen.evidence.signal == "SIGABRT" for seen in result.observations)
    assert result.kernel.observed is None


def test_an_import_that_raises_fails_every_check_and_is_not_repeated(tmp_path: Path) -> None:
    artifact = make_site(tmp_path / "site", numpy='raise ImportError("undefined symbol")')
    cell = make_cell(tmp_path, artifact, one="ctx.ran()", two="ctx.ran()")
    result = cell.run()
    for seen in result.observations:
        assert seen.outcome is Outcome.FAILED
        assert "ImportError: undefined symbol" in seen.reason
        assert seen.repeat is None


def test_another_numpy_than_the_wheels_is_an_error_not_an_answer(
    tmp_path: Path, made: Callable[..., MadeCell]
) -> None:
    cell = made(one="ctx.ran()")
    other = tmp_path / "other"
    other.mkdir()
    wrong = evolve(cell, artifact=evolve(cell.artifact, library=str(other / "libopenblas.so")))
    seen = wrong.observe("one")
    assert seen.outcome is Outcome.ERROR
    assert "libopenblas.so" in seen.reason


def test_threads_are_set_read_back_and_restored(made: Callable[..., MadeCell]) -> None:
    cell = made(
        changes="ctx.ran(); ctx.blas.set_num_threads(3); threading.stack_size(256 * 1024)",
        looks="""
        ctx.ran()
        ctx.details.update(threads=ctx.blas.get_num_threads(), stack=threading.stack_size())
        """,
    )
    result = cell.run()
    assert result.observations[1].evidence.details == {"threads": 8, "stack": 0}
    assert (result.threads.requested, result.threads.observed) == (8, 8)
    assert (result.kernel.requested, result.kernel.observed) == ("Haswell", "Haswell")
    assert result.openblas.config == "OpenBLAS 0.3.99 USE64BITINT made up"


def test_more_threads_than_the_library_has_are_told(made: Callable[..., MadeCell]) -> None:
    cell = made(one="ctx.ran()")
    result = evolve(cell, cell=evolve(cell.cell, threads=100)).run()
    assert (result.threads.requested, result.threads.observed) == (100, 64)


def test_threads_that_a_check_leaves_are_counted(made: Callable[..., MadeCell]) -> None:
    cell = made(
        leaves="ctx.ran(); threading.Thread(target=time.sleep, args=(60,), daemon=True).start()"
    )
    assert cell.observe("leaves").evidence.details == {"threads_left": 1}


def test_many_checks_go_through_one_child(made: Callable[..., MadeCell]) -> None:
    body = 'ctx.ran(); ctx.details["pid"] = os.getpid()'
    result = made(**{f"number_{n}": body for n in range(300)}).run()
    assert [seen.check for seen in result.observations] == [f"made.number_{n}" for n in range(300)]
    assert len({seen.evidence.details["pid"] for seen in result.observations}) == 1


def test_failures_are_repeated_once_in_a_fresh_process(made: Callable[..., MadeCell]) -> None:
    tries = (
        "tries = ask_count(marks / sys._getframe().f_code.co_name); ctx.ran()\n"
        'ctx.details["pid"] = os.getpid()\n'
    )
    cell = made(
        always=tries + 'ctx.fail("gemm", "wrong")',
        passing="ctx.ran(); ask_count(marks / sys._getframe().f_code.co_name)",
        flaky=tries + 'if tries == 1: ctx.fail("gemm", "wrong")',
        worse=tries + 'os.abort() if tries == 2 else ctx.fail("gemm", "wrong")',
        last=tries + 'ctx.fail("gemm", "wrong")',
    )
    always, passing, flaky, worse, last = cell.run().observations
    assert always.repeat is not None
    assert always.repeat.outcome is Outcome.FAILED
    assert not always.flaky
    assert flaky.outcome is Outcome.FAILED
    assert flaky.repeat is not None
    assert flaky.repeat.outcome is Outcome.PASSED
    assert flaky.flaky
    assert worse.outcome is Outcome.FAILED
    assert worse.repeat is not None
    assert worse.repeat.outcome is Outcome.CRASHED
    assert worse.repeat.evidence.signal == signal.SIGABRT.name
    assert last.repeat is not None
    assert last.repeat.outcome is Outcome.FAILED, "what follows a crash is asked all the same"
    assert passing.repeat is None
    assert (cell.folder / "marks" / "passing").read_text() == "x"
    for name in ("always", "flaky", "worse", "last"):
        assert (cell.folder / "marks" / name).read_text() == "xx"

    first = always.evidence.details["pid"]
    again = always.repeat.evidence.details["pid"]
    afterwards = last.repeat.evidence.details["pid"]
    assert len({first, again, afterwards}) == 3
    assert last.evidence.details["pid"] == first
    assert flaky.repeat.evidence.details["pid"] == again
    assert [text for text in cell.told.notes if "made.flaky" in text][1:] == [
        f"{cell.cell.id}: made.flaky passed when it was repeated: flaky"
    ]


def test_much_talk_is_cut_to_its_end(made: Callable[..., MadeCell]) -> None:
    cell = made(
        talks="""
        for n in range(20000):
            print("line", n)
        os.abort()
        """
    )
    log = cell.observe("talks").evidence.log or ""
    assert "line 19999" in log
    assert "line 9999\n" not in log
