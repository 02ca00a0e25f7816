"""One cell: what is known is taken from the store, the rest is asked in child processes.

How a child's ending becomes an answer:

- A check that had started when the child died or was ended gets the blame (`crashed`, `hung`), and
  a new child goes on with the next check. Neither is ever tried again.
- A child that dies after a check had finished, or at its exit, was left in that state by what ran
  in it: the last check that had finished gets the blame, its own answer is kept in the details
  (``answered``). Its answer is therefore written only when what comes next was heard.
- A child that dies before it could say hello was killed by ``import numpy``: the next check in line
  gets the blame and another child is tried; when that dies so as well, all others get it.
- A plain failure is asked once more, alone in a fresh process (`Attempt`).
- What is the gate's own or the machine's fault (another NumPy was imported, an unreadable protocol)
  is `error`, which is no answer and is not kept.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from attrs import define, evolve, field

import release_gate
from release_gate import wire
from release_gate.errors import ConfigurationError
from release_gate.execution.child import Ending, Event, Job, Limits, Phase, run_child
from release_gate.execution.environment import child_environment
from release_gate.execution.interrupts import termination_interrupts
from release_gate.execution.stacks import fault_report
from release_gate.execution.store import Kept, ObservationStore, Seen, environment_key
from release_gate.model import (
    Attempt,
    CellResult,
    Evidence,
    KernelSeen,
    Observation,
    OpenBLASSeen,
    Outcome,
    ThreadsSeen,
)
from release_gate.resources import checks_dir

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from release_gate.model import Artifact, CheckSpec, Host, PlannedCell
    from release_gate.progress import Stage

__all__ = ["run_cell"]

#: Children that may die before hello, one after the other, before the rest is not asked any more.
MOST_DEAD_STARTS = 2

#: Where `Evidence.details` says in which phase a child ended, unless it was in the check itself.
PHASE = "phase"


def run_cell(  # noqa: PLR0917  (the six that every caller gives)
    planned: PlannedCell,
    artifact: Artifact,
    specs: Mapping[str, CheckSpec],
    modules: Mapping[str, str],
    host: Host,
    store: ObservationStore,
    *,
    profile: str,
    seed: int,
    stage: Stage,
    fresh: bool = False,
    done_before: int = 0,
    launcher: tuple[str, ...] = (),
    checks: Path | None = None,
) -> CellResult:
    """Answer the checks of `planned` and return what was seen, in the planned order.

    `specs` and `modules` are by check id; `modules` names the module that registers the check
    ("checks.exact"). `fresh`: ask all again, whatever the store has. `done_before`: steps of
    `stage` that other cells have done; each check is one step. `launcher`: command to put before
    the interpreter. `checks`: the folder of the package `checks`, if not the gate's own.

    Raises KeyboardInterrupt (also for SIGTERM and SIGHUP) after the children have been ended; what
    was answered by then is in the store. Raises InfrastructureError when the interpreter cannot be
    started or an answer cannot be written.
    """
    begin = time.monotonic()
    key = environment_key(
        planned.cell, artifact, host, profile=profile, seed=seed, launcher=launcher
    )
    run = _CellRun(
        planned=planned,
        artifact=artifact,
        specs=specs,
        modules=modules,
        store=store,
        key=key,
        profile=profile,
        seed=seed,
        stage=stage,
        done_before=done_before,
        launcher=launcher,
        checks=checks_dir() if checks is None else checks,
    )
    if not fresh:
        run.recall()
    with termination_interrupts():
        run.ask_all()
        run.repeat_failures()
    return run.result(host, time.monotonic() - begin)


@define(kw_only=True)
class _CellRun:
    """A cell under way. `answers` by check id; `held`: an answer that waits for what comes next."""

    planned: PlannedCell
    artifact: Artifact
    specs: Mapping[str, CheckSpec]
    modules: Mapping[str, str]
    store: ObservationStore
    key: str
    profile: str
    seed: int
    stage: Stage
    done_before: int
    launcher: tuple[str, ...]
    checks: Path
    answers: dict[str, Observation] = field(factory=dict)
    held: Observation | None = None
    seen: Seen | None = None
    start_error: Event | None = None

    def recall(self) -> None:
        """Take the answers that the store has."""
        for check in self.planned.checks:
            kept = self.store.get(self.key, self.specs[check])
            if kept is not None:
                self.seen = kept.seen or self.seen
                self.answers[check] = evolve(kept.observation, reused=True)

    @property
    def pending(self) -> list[str]:
        return [check for check in self.planned.checks if check not in self.answers]

    def ask_all(self) -> None:
        """Ask what is pending, with as many children as it takes."""
        dead_starts = 0
        while pending := self.pending:
            ending = self._run(pending)
            if ending.phase is not Phase.START and self.start_error is None:
                dead_starts = 0
                self._settle(ending)
                continue
            dead_starts += 1
            blamed = pending if dead_starts == MOST_DEAD_STARTS else pending[:1]
            for check in blamed:
                self._keep(_dead_start(check, ending, self.start_error))

    def repeat_failures(self) -> None:
        """Ask each check that plainly failed once more, alone in a fresh process."""
        for check in self.planned.checks:
            if _needs_repeat(self.answers[check]):
                first = self.answers[check]
                self._keep(evolve(first, repeat=self._attempt(check), reused=False))

    def _attempt(self, check: str) -> Attempt:
        first = self.answers.pop(check)
        try:
            ending = self._run([check], again=True)
            second = (
                _dead_start(check, ending, self.start_error)
                if ending.phase is Phase.START or self.start_error is not None
                else self._settled(ending)
            )
        finally:
            self.answers[check] = first
            self.held = None
        return Attempt(
            outcome=second.outcome,
            reason=second.reason,
            evidence=second.evidence,
            seconds=second.seconds,
        )

    def _run(self, checks: Sequence[str], *, again: bool = False) -> Ending:
        self.start_error = None
        cell = self.planned.cell
        limits = {
            check: Limits(budget=self.specs[check].budget, idle=self.specs[check].idle)
            for check in checks
        }
        job = Job(
            checks=tuple((check, self.modules[check]) for check in checks),
            limits=limits,
            threads=cell.threads,
            profile=self.profile,
            seed=self.seed,
            site=self.artifact.site,
            library=self.artifact.library,
        )
        doing = "{} again" if again else "{}"
        return run_child(
            self.artifact.interpreter.executable,
            job,
            checks=self.checks,
            environment=child_environment(cell.kernel, cell.threads),
            on_event=lambda event: self._on_event(event, doing),
            launcher=self.launcher,
        )

    def _on_event(self, event: Event, doing: str) -> None:
        match event["event"]:
            case "hello":
                self.seen = _seen(event, self.planned.cell.kernel)
            case "started":
                if self.held is not None:  # the child has gone on: nothing followed from it
                    self._keep(self.held)
                    self.held = None
                what = doing.format(event["check"])
                name = f"{self.planned.cell.kernel} t{self.planned.cell.threads}: {what}"
                self.stage.step(self.done_before + len(self.answers), name)
            case "finished":
                self.held = _answer(event)
            case "error":
                self.start_error = event

    def _settle(self, ending: Ending) -> None:
        observation = self._settled(ending)
        self.held = None
        self._keep(observation)

    def _settled(self, ending: Ending) -> Observation:
        """Return the answer of the check that the ending is about."""
        if ending.phase is Phase.CHECK:
            assert ending.check is not None  # the phase has one
            return _blame(ending.check, ending)
        if self.held is None:  # died after hello, before the first check
            return _blame(self.pending[0], ending)
        if ending.complete:
            return self.held
        return _aftermath(self.held, ending)

    def _keep(self, observation: Observation) -> None:
        self.answers[observation.check] = observation
        kept = Kept(seen=self.seen, observation=observation)
        self.store.put(self.key, self.specs[observation.check], kept)
        self._tell(observation)

    def _tell(self, observation: Observation) -> None:
        """Step the stage on; say what is no plain pass."""
        self.stage.step(self.done_before + len(self.answers), observation.check)
        outcome, reason = observation.outcome, observation.reason
        if observation.repeat is not None:
            if observation.flaky:
                self.stage.note(
                    f"{self.planned.cell.id}: {observation.check}: passed when repeated"
                )
        elif outcome.is_failure or outcome is Outcome.ERROR:
            self.stage.note(f"{self.planned.cell.id}: {observation.check} {outcome}: {reason}")

    def result(self, host: Host, seconds: float) -> CellResult:
        """Return the cell's result; all checks must have been answered."""
        cell, artifact = self.planned.cell, self.artifact
        seen = self.seen or Seen(
            kernel=KernelSeen(requested=cell.kernel, observed=None),
            threads=ThreadsSeen(requested=cell.threads, observed=None),
            config=None,
            python=artifact.interpreter.version,
        )
        observations = tuple(self.answers[check] for check in self.planned.checks)
        return CellResult(
            cell=cell,
            tool_version=release_gate.__version__,
            wheel_name=artifact.name,
            wheel_sha256=artifact.sha256,
            openblas=OpenBLASSeen(
                config=seen.config, pin=artifact.pin, sha256=artifact.library_sha256
            ),
            kernel=seen.kernel,
            threads=seen.threads,
            host=host,
            python=seen.python,
            observations=observations,
            seconds=seconds,
            reused=all(observation.reused for observation in observations),
        )


def _needs_repeat(observation: Observation) -> bool:
    return (
        observation.outcome is Outcome.FAILED
        and observation.repeat is None
        and PHASE not in observation.evidence.details
    )


def _seen(hello: Event, kernel: str | None) -> Seen:
    return Seen(
        kernel=KernelSeen(requested=kernel, observed=hello["openblas"]["corename"]),
        threads=wire.from_data(hello["threads"], ThreadsSeen, "hello of the child"),
        config=hello["openblas"]["config"],
        python=hello["python"],
    )


def _answer(event: Event) -> Observation:
    """Return the observation in a `finished` event; `error` if it is not of the model's shape."""
    fields = {name: event.get(name) for name in ("check", "outcome", "reason", "evidence")}
    try:
        return wire.from_data(
            fields | {"seconds": event.get("seconds")}, Observation, "answer of the check"
        )
    except ConfigurationError as error:
        return Observation(check=event["check"], outcome=Outcome.ERROR, reason=str(error))


def _blame(check: str, ending: Ending, details: Mapping[str, Any] | None = None) -> Observation:
    """Return the observation of a check during which, or because of which, a child has ended."""
    outcome, reason = _verdict(ending)
    log = ending.log
    return Observation(
        check=check,
        outcome=outcome,
        reason=reason,
        seconds=ending.seconds,
        evidence=Evidence(
            signal=ending.signal,
            exit_status=ending.exit_status,
            hang=ending.hang,
            stack=ending.stack or (fault_report(log) if log else None),
            log=log,
            details=dict(details or {}),
        ),
    )


def _verdict(ending: Ending) -> tuple[Outcome, str]:
    if ending.spoiled is not None:
        return Outcome.ERROR, f"the child could not be understood: {ending.spoiled}"
    if ending.hang is not None:
        used = "without using the CPU" if ending.hang == "deadlock" else "using the CPU"
        return Outcome.HUNG, f"hung ({ending.hang}): {ending.seconds:.0f} s {used}"
    if ending.signal is not None:
        outside = " (sent from outside: out of memory?)" if ending.signal == "SIGKILL" else ""
        return Outcome.CRASHED, f"died with {ending.signal}{outside}"
    return Outcome.CRASHED, f"exited early with status {ending.exit_status}"


def _aftermath(answered: Observation, ending: Ending) -> Observation:
    """Return the answer of the last check in a child that ended badly after it."""
    blamed = _blame(answered.check, ending)
    when = "at exit" if ending.phase is Phase.EXIT else "right after the check"
    details = dict(answered.evidence.details)
    details |= {PHASE: ending.phase.value, "answered": answered.outcome.value}
    return evolve(
        blamed,
        reason=f"{when}, the process {blamed.reason} (the check had {answered.outcome})",
        seconds=answered.seconds,
        evidence=evolve(
            answered.evidence,
            signal=ending.signal,
            exit_status=ending.exit_status,
            hang=ending.hang,
            stack=blamed.evidence.stack,
            log=ending.log,
            details=details,
        ),
    )


def _dead_start(check: str, ending: Ending, error: Event | None) -> Observation:
    """Return the answer of a check whose child did not come to it."""
    details = {PHASE: Phase.START.value}
    if error is None:
        observation = _blame(check, ending, details)
        return evolve(observation, reason=f"import numpy: {observation.reason}")
    if error.get("kind") == "import":
        details["traceback"] = str(error.get("traceback", ""))
        return Observation(
            check=check,
            outcome=Outcome.FAILED,
            reason=f"import numpy raised {error.get('reason')}",
            evidence=Evidence(details=details, log=ending.log),
        )
    return Observation(
        check=check,
        outcome=Outcome.ERROR,
        reason=str(error.get("reason")),
        evidence=Evidence(details=details),
    )
