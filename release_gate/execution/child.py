"""One child process: started, listened to, timed, and always ended with all that it started.

`run_child` returns an `Ending` for every way in which a child can end. What it means for the checks
is for `release_gate.execution.cell` to say.
"""

from __future__ import annotations

import json
import queue
import signal
import subprocess
import sys
import threading
import time
import uuid
from contextlib import suppress
from enum import StrEnum
from typing import IO, TYPE_CHECKING, Any

from attrs import define, evolve, field, frozen

from release_gate.errors import InfrastructureError, Problem
from release_gate.execution import processes, stacks
from release_gate.execution.clocks import Clocks, Limits
from release_gate.execution.environment import TOKEN
from release_gate.execution.interrupts import held_back
from release_gate.execution.log import Log
from release_gate.execution.notes import Notes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from release_gate.model import Case, HangKind

__all__ = ["Ending", "Event", "Job", "Phase", "run_child"]

Event = dict[str, Any]

#: Nothing installed beside the interpreter takes part: no site-packages (-S, -s), no inherited
#: PYTHON* variables (the environment is scrubbed; -I would ignore the hash seed that the gate
#: sets), and the wheel and the checks instead of the working directory, which -c puts first.
FLAGS = ("-s", "-S", "-u")
BOOTSTRAP = (
    "import sys; sys.path[:1] = sys.argv[1:]; import runpy; "
    "runpy.run_module('checks', run_name='__main__', alter_sys=True)"
)

#: A longer line is no event (an event holds at most eight cases and a cut traceback).
MOST_LINE_BYTES = 2**22
#: Characters that are kept of what a check wrote to stderr.
MOST_LOG_CHARACTERS = 8_000
#: The clocks advance by no more than this at a look, so that a gate that was stopped (Ctrl-Z, a
#: machine asleep) does not take its own absence for a hang.
MOST_LOOK_SECONDS = 2.0
#: Seconds that a killed child has to disappear, and its pipe to be drained.
REAP_SECONDS = 10.0
DRAIN_SECONDS = 0.5


class Phase(StrEnum):
    """Where a child was when it ended."""

    START = "start"  # before hello: the interpreter starts, NumPy is imported
    CHECK = "check"  # a check had started
    BETWEEN = "between"  # after a check had finished, before the next one or "done"
    EXIT = "exit"  # after "done": the interpreter ends


#: `import numpy` takes half a second; an emulated one on a loaded machine may take a minute.
START_LIMITS = Limits(budget=180.0, idle=30.0)
EXIT_LIMITS = Limits(budget=60.0, idle=15.0)


@frozen(kw_only=True)
class Job:
    """What a child is to do: (check id, module) pairs in order, and the facts of its cell."""

    checks: tuple[tuple[str, str], ...]
    limits: Mapping[str, Limits]  # by check id
    threads: int
    profile: str
    seed: int
    site: str
    library: str
    start_limits: Limits = START_LIMITS
    exit_limits: Limits = EXIT_LIMITS

    def message(self, notes: Path) -> bytes:
        """Return the JSON object that `checks.__main__` reads from stdin.

        `notes` is the file in which it notes what it tries.
        """
        asked = [
            {"id": check, "module": module, "budget": self.limits[check].budget}
            for check, module in self.checks
        ]
        facts = {
            "checks": asked,
            "threads": self.threads,
            "profile": self.profile,
            "seed": self.seed,
            "site": self.site,
            "library": self.library,
            "notes": str(notes),
        }
        return json.dumps(facts).encode()


@frozen(kw_only=True)
class Ending:
    """How a child ended. All of `signal`, `hang` and `spoiled` None and `complete`: as it should.

    `check`: the one that had started, or (later phases) the last that had finished; `seconds`: wall
    time of the phase; `exit_status`: of a child that exited by itself; `spoiled`: why the protocol
    could not be understood; `log`: the end of stderr since the check had started; `tried`: the
    input that the check had noted last.
    """

    phase: Phase
    check: str | None
    seconds: float
    exit_status: int | None = None
    signal: str | None = None
    hang: HangKind | None = None
    stack: str | None = None
    spoiled: str | None = None
    log: str | None = None
    tried: Case | None = None

    @property
    def complete(self) -> bool:
        """Whether the child said all that it had to and ended with status 0."""
        return self.phase is Phase.EXIT and self.exit_status == 0 and self.hang is None


def run_child(
    interpreter: str,
    job: Job,
    *,
    checks: Path,
    environment: Mapping[str, str],
    on_event: Callable[[Event], None],
    launcher: tuple[str, ...] = (),
    stop: threading.Event | None = None,
) -> Ending:
    """Run `job` and return how it ended; call `on_event` for each event as it comes.

    `checks` is the folder of the package `checks`; `launcher` is put before the interpreter (an
    emulator). Whatever happens, also KeyboardInterrupt or an error of `on_event`, no process of the
    child's tree is left. The calling thread is the one whose end would end the child.
    Raises InfrastructureError when the interpreter cannot be started, KeyboardInterrupt when `stop`
    is set by another thread: signals do not reach this one unless it is the main thread.
    """
    stop = stop or threading.Event()
    if stop.is_set():
        raise KeyboardInterrupt
    token = uuid.uuid4().hex
    command = [*launcher, interpreter, *FLAGS, "-c", BOOTSTRAP]
    command += [job.site, str(checks.parent)]
    with Log() as log, Notes() as notes:
        process = _start(command, {**environment, TOKEN: token}, log)
        watched = _Watched(process=process, job=job, log=log, notes=notes, stop=stop)
        try:
            return watched.run(on_event)
        finally:
            with held_back():
                processes.kill_all(process.pid, token, frozenset(watched.seen))
                watched.close()


def _start(command: list[str], environment: dict[str, str], log: Log) -> subprocess.Popen[bytes]:
    # Its own session: Ctrl-C on the terminal reaches the gate alone, and one kill reaches all.
    apart: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        apart = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log.writer,
            env=environment,
            **apart,
        )
    except OSError as error:
        raise InfrastructureError(
            Problem(
                what=f"cannot start the interpreter: {error.strerror or error}",
                where=command[0],
                hint="is it still installed? `release-gate plan` shows the one that is chosen",
            )
        ) from error


class _Spoiled(Exception):  # noqa: N818  (never leaves this module)
    """What came through the pipe is not the protocol."""


def _read_lines(stream: IO[bytes], lines: queue.SimpleQueue[bytes | None]) -> None:
    """Put whole lines into the queue, then None. A last line that was cut by a death is dropped.

    A thread, since pipes cannot be waited for with a timeout on all systems.
    """
    with suppress(OSError, ValueError):
        while line := stream.readline(MOST_LINE_BYTES):
            if line.endswith(b"\n") or len(line) == MOST_LINE_BYTES:
                lines.put(line)
    lines.put(None)


@define
class _Watched:
    """A child that runs."""

    process: subprocess.Popen[bytes]
    job: Job
    log: Log
    notes: Notes
    stop: threading.Event
    phase: Phase = Phase.START
    check: str | None = None
    seen: set[int] = field(factory=set)
    clocks: Clocks = field(init=False)
    begun: float = field(factory=time.monotonic)
    lines: queue.SimpleQueue[bytes | None] = field(factory=queue.SimpleQueue)
    reader: threading.Thread = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.clocks = Clocks(self.job.start_limits)
        self.reader = threading.Thread(
            target=_read_lines, args=(self.process.stdout, self.lines), daemon=True
        )

    def run(self, on_event: Callable[[Event], None]) -> Ending:
        """Listen until the child has ended or has to be ended; it may still live then."""
        self.reader.start()
        self._send()
        looked = time.monotonic()
        try:
            while True:
                look = self._look_seconds()
                with suppress(queue.Empty):
                    line = self.lines.get(timeout=max(0.0, looked + look - time.monotonic()))
                    if line is None:
                        return self._ended()
                    self._hear(line, on_event)
                    continue
                if self.process.poll() is not None:
                    self._drain(on_event)
                    return self._ended()
                now = time.monotonic()
                hang = self._look(min(now - looked, MOST_LOOK_SECONDS))
                looked = now
                if hang is not None:
                    return self._hung(hang)
        except _Spoiled as spoiled:
            return self._ending(spoiled=str(spoiled))

    def close(self) -> None:
        """Reap the child, which has been killed, and close its pipe."""
        self.process.kill()  # Windows: there is no group to kill, and no look may have been taken
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(REAP_SECONDS)
        self.reader.join(REAP_SECONDS)
        if not self.reader.is_alive() and self.process.stdout is not None:
            self.process.stdout.close()

    def _send(self) -> None:
        assert self.process.stdin is not None  # asked for in _start
        with suppress(BrokenPipeError, ConnectionResetError):  # it died already: seen by its exit
            self.process.stdin.write(self.job.message(self.notes.path))
        with suppress(BrokenPipeError, ConnectionResetError):
            self.process.stdin.close()

    def _look_seconds(self) -> float:
        return min(0.5, max(0.05, self.clocks.limits.idle / 10))

    def _look(self, seconds: float) -> HangKind | None:
        if self.stop.is_set():
            raise KeyboardInterrupt
        pids = processes.tree(self.process.pid)
        self.seen.update(pids)
        self.log.bound()
        return self.clocks.advance(seconds, processes.activity(pids))

    def _hear(self, line: bytes, on_event: Callable[[Event], None]) -> None:
        event = _parse(line)
        match event["event"], self.phase:
            case "hello", Phase.START:
                self._enter(Phase.BETWEEN, None, self.job.exit_limits)
            case "started", Phase.BETWEEN if event.get("check") in self.job.limits:
                self.notes.mapped()
                self.log.mark(int(event["log"]))
                self._enter(Phase.CHECK, event["check"], self.job.limits[event["check"]])
            case "finished", Phase.CHECK if event.get("check") == self.check:
                self._enter(Phase.BETWEEN, self.check, self.job.exit_limits)
            case "error", Phase.START:
                self._enter(Phase.EXIT, None, self.job.exit_limits)
            case "done", Phase.BETWEEN:
                self._enter(Phase.EXIT, self.check, self.job.exit_limits)
            case name, phase:
                raise _Spoiled(f"unexpected event {name!r:.40} in phase {phase}")
        on_event(event)

    def _enter(self, phase: Phase, check: str | None, limits: Limits) -> None:
        self.phase, self.check = phase, check
        self.clocks = Clocks(limits)
        self.begun = time.monotonic()

    def _drain(self, on_event: Callable[[Event], None]) -> None:
        """Hear what a dead child has still said, without waiting for others that hold its pipe."""
        with suppress(queue.Empty):
            while (line := self.lines.get(timeout=DRAIN_SECONDS)) is not None:
                self._hear(line, on_event)

    def _ended(self) -> Ending:
        """Return the ending of a child that has closed its pipe, which it does by ending."""
        while True:
            try:
                status = self.process.wait(self._look_seconds())
            except subprocess.TimeoutExpired:
                hang = self._look(self._look_seconds())
                if hang is not None:
                    return self._hung(hang)
            else:
                break
        if status < 0:
            return self._ending(signal=_signal_name(-status))
        return self._ending(exit_status=status)

    def _hung(self, hang: HangKind) -> Ending:
        seconds = time.monotonic() - self.begun  # taking the stacks is not the check's time
        stack = stacks.capture(processes.tree(self.process.pid), self.log.text)
        return evolve(self._ending(hang=hang, stack=stack), seconds=seconds)

    def _ending(self, **facts: Any) -> Ending:  # noqa: ANN401  (fields of Ending)
        return Ending(
            phase=self.phase,
            check=self.check,
            seconds=time.monotonic() - self.begun,
            log=self.log.text()[-MOST_LOG_CHARACTERS:].strip() or None,
            tried=self.notes.last(self.check) if self.phase is Phase.CHECK else None,
            **facts,
        )


def _parse(line: bytes) -> Event:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _Spoiled(f"not JSON: {line[:80]!r}") from error
    if not isinstance(event, dict) or not isinstance(event.get("event"), str):
        raise _Spoiled(f"not an event: {line[:80]!r}")
    return event


def _signal_name(number: int) -> str:
    with suppress(ValueError):
        return signal.Signals(number).name
    return f"signal {number}"
