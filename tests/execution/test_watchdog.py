"""The clocks, by made-up looks; and what looks at real processes show."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from release_gate.execution import processes, stacks
from release_gate.execution.clocks import Clocks, Limits
from release_gate.execution.environment import TOKEN
from release_gate.execution.interrupts import held_back, termination_interrupts
from release_gate.execution.processes import Activity
from release_gate.model import HangKind

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMITS = Limits(budget=60.0, idle=10.0)


def look(cpu: float, *runnable: int, pid: int = 1) -> Activity:
    return Activity({pid: cpu}, frozenset(runnable))


def until_hung(*looks: Activity, limits: Limits = LIMITS) -> tuple[HangKind, int] | None:
    """Take the looks one second apart, the last one for ever; return the verdict and its second."""
    clocks = Clocks(limits, cores=2)
    for second in range(1000):
        hang = clocks.advance(1.0, looks[min(second, len(looks) - 1)])
        if hang is not None:
            return hang, second
    return None


def test_no_cpu_time_is_a_deadlock_after_the_idle_seconds() -> None:
    assert until_hung(look(3.0)) == (HangKind.DEADLOCK, 10)


def test_the_idle_clock_begins_again_with_every_progress() -> None:
    assert until_hung(*[look(float(n)) for n in range(20)]) == (HangKind.DEADLOCK, 29)


def test_cpu_time_until_the_budget_is_over_is_busy() -> None:
    assert until_hung(*[look(float(n)) for n in range(200)]) == (HangKind.BUSY, 59)
    assert until_hung(*[look(2.0 * n, 17, 18) for n in range(200)]) == (HangKind.BUSY, 59)


def test_a_thread_that_polls_now_and_then_does_not_hide_a_deadlock() -> None:
    assert until_hung(*[look(n * 0.005) for n in range(200)]) == (HangKind.DEADLOCK, 10)


def test_a_thread_that_waits_for_a_core_is_not_idle() -> None:
    assert until_hung(*[look(0.0, 17)] * 30, look(0.0)) == (HangKind.DEADLOCK, 39)


def test_threads_that_run_by_turns_for_a_moment_are_idle() -> None:
    assert until_hung(*[look(0.0, n) for n in range(200)]) == (HangKind.DEADLOCK, 10)


def test_a_child_that_gets_half_of_what_it_could_use_has_twice_the_time() -> None:
    hang, second = until_hung(*[look(float(n), 17, 18, 19) for n in range(1000)]) or (None, 0)
    assert hang is HangKind.BUSY
    assert 117 <= second <= 121


def test_a_child_that_gets_nothing_is_ended_all_the_same() -> None:
    hang, second = until_hung(look(0.0, 17)) or (None, 0)
    assert hang is HangKind.BUSY
    assert second > 500


def test_a_new_process_is_progress_only_if_it_works() -> None:
    assert until_hung(*[look(0.0, pid=n) for n in range(200)]) == (HangKind.DEADLOCK, 10)
    assert until_hung(*[look(1.0, pid=n) for n in range(200)]) == (HangKind.BUSY, 59)


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    code = "import os, time; pid = os.fork(); print(pid, flush=True) if pid else 0; time.sleep(600)"
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        start_new_session=True,
        env=os.environ | {TOKEN: "the-test"},
    )
    with process:
        yield process
        processes.kill_all(process.pid, "the-test")


def test_tree_and_activity_of_a_process_that_sleeps(sleeper: subprocess.Popen[bytes]) -> None:
    assert sleeper.stdout is not None
    grandchild = int(sleeper.stdout.readline())
    pids = processes.tree(sleeper.pid)
    assert pids == [sleeper.pid, grandchild]
    time.sleep(0.2)
    seen = processes.activity(pids)
    assert set(seen.cpu) == set(pids)
    assert not seen.runnable
    processes.kill_all(sleeper.pid, "the-test")
    sleeper.wait(30)
    assert processes.tree(sleeper.pid) == []
    assert processes.activity([sleeper.pid]) == Activity({}, frozenset())


def test_activity_of_a_process_that_works() -> None:
    before = processes.activity([os.getpid()])
    end = time.process_time() + 0.1
    while time.process_time() < end:
        pass
    after = processes.activity([os.getpid()])
    assert after.used_since(before) > 0.05
    assert after.runnable


def test_kill_all_spares_what_does_not_carry_the_token(sleeper: subprocess.Popen[bytes]) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        processes.kill_all(sleeper.pid, "the-test", frozenset({other.pid}))
        assert other.poll() is None
    assert other.returncode == 1  # EOFError: it lived until its stdin was closed


def test_stacks_of_a_process_that_is_gone_say_so() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait(30)
    assert "no stack could be taken" in stacks.capture([process.pid], str)


def test_without_tools_faulthandler_is_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: os.PathLike[str]
) -> None:
    monkeypatch.setattr(stacks, "_tools", lambda _pid: [])
    code = (
        "import faulthandler, signal; faulthandler.register(signal.SIGUSR1); print(flush=True);"
        "signal.pause()"
    )
    path = os.path.join(tmp_path, "log")  # noqa: PTH118  (PathLike)
    with open(path, "wb") as log:  # noqa: PTH123
        process = subprocess.Popen([sys.executable, "-c", code], stderr=log, stdout=subprocess.PIPE)
    with process:
        assert process.stdout is not None
        process.stdout.readline()

        def read() -> str:
            with open(path, encoding="utf-8") as stream:  # noqa: PTH123
                return stream.read()

        report = stacks.capture([process.pid], read)
        process.kill()
    assert "most recent call first" in report
    assert f"process {process.pid}" in report


def test_long_reports_lose_their_middle() -> None:
    assert stacks.shorten("x" * 10, 10) == "x" * 10
    short = stacks.shorten("a" * 100 + "b" * 100, 20)
    assert short.startswith("a" * 10 + "\n")
    assert short.endswith("\n" + "b" * 10)
    assert "180 characters left out" in short


def test_the_report_of_a_crash_is_found_in_the_talk() -> None:
    log = "Core: Haswell\nFatal Python error: Segmentation fault\n\nThread 0x1:\n  File ..."
    assert (stacks.fault_report(log) or "").startswith("Fatal Python error: Segmentation fault")
    assert stacks.fault_report("Core: Haswell") is None


def test_termination_is_seen_as_an_interrupt_only_inside() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), termination_interrupts():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before


def test_an_interrupt_is_held_back_but_not_lost() -> None:
    reached = False
    with pytest.raises(KeyboardInterrupt), held_back():  # noqa: PT012  (the order is the question)
        signal.raise_signal(signal.SIGINT)
        reached = True
    assert reached


def test_a_body_can_see_what_is_held_back_and_its_error_does_not_swallow_it() -> None:
    with pytest.raises(KeyboardInterrupt) as caught, held_back() as signals:  # noqa: PT012
        assert not signals
        signal.raise_signal(signal.SIGINT)
        assert list(signals) == [signal.SIGINT]
        raise ValueError
    assert isinstance(caught.value.__context__, ValueError)
