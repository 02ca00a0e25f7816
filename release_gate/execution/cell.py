"""One cell: what is known is taken from the store, the rest is asked in child processes.

How a child's ending becomes an answer:

- A check that had started when the child died or was ended gets the blame (`crashed`, `hung`), and
  a new child goes on with the next check. Neither is ever tried again, but the first crashes run
  once more under gdb, where there is one, to have their native stacks.
- A child that dies after a check had finished, or at its exit, was left in that state by what ran
  in it: the last check that had finished gets the blame, its own answer is kept in the details
  (``answered``). Its answer is therefore written only when what comes next was heard.
- A child that dies before it could say hello was killed by ``import numpy``: the next check in line
  gets the blame and another child is tried; when that dies so as well, all others get it.
- What plainly failed is asked once more (`Attempt`), in a fresh process that is asked nothing else:
  what the checks before may have left behind is gone. One process for all of them, since starting
  one takes longer than most checks.
- What is the gate's own or the machine's fault (another NumPy was imported, an unreadable protocol)
  is `error`, which is no answer and is not kept.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import define, evolve, field

import release_gate
from release_gate.execution import answers
from release_gate.execution.child import Ending, Event, Job, Phase, run_child
from release_gate.execution.clocks import Limits
from release_gate.execution.environment import child_environment
from release_gate.execution.stacks import debugger, native_report
from release_gate.execution.store import Kept, ObservationStore, Seen, environment_key
from release_gate.model import (
    Attempt,
    CellResult,
    KernelSeen,
    Observation,
    OpenBLASSeen,
    Outcome,
    ThreadsSeen,
)
from release_gate.resources import checks_dir

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping, Sequence

    from release_gate.model import Artifact, CheckSpec, Host, PlannedCell
    from release_gate.progress import Stage

__all__ = ["run_cell"]

#: Children that may die before hello, one after the other, before the rest is not asked any more.
MOST_DEAD_STARTS = 2

#: Crashes of a cell that run again alone under gdb: more have the same cause, as a rule.
MOST_TRACED = 3


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
    stop: threading.Event | None = None,
    launcher: tuple[str, ...] = (),
    checks: Path | None = None,
    variables: Mapping[str, str] | None = None,
    without: Mapping[str, str] | None = None,
) -> CellResult:
    """Answer the checks of `planned` and return what was seen, in the planned order.

    `specs` and `modules` are by check id; `modules` names the module that registers the check
    ("checks.exact"). Each check is one step of `stage`. `fresh`: ask all again, whatever the store
    has. `stop`: how another thread ends the cell. `launcher`: command to put before the
    interpreter. `checks`: the folder of the package `checks`, if not the gate's own. `variables`:
    what the children get beside the settings of the cell. `without`: by check id, why it lacks
    something; it is not asked, and the answer is not kept.

    Raises KeyboardInterrupt, also for `stop`, after the children have been ended; what was answered
    by then is in the store. Raises InfrastructureError when the interpreter cannot be started or an
    answer cannot be written.
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
        stop=stop,
        launcher=launcher,
        checks=checks_dir() if checks is None else checks,
        variables=variables or {},
    )
    if not fresh:
        run.recall()
    run.leave_out(without or {})
    run.ask_all()
    run.repeat_failures()
    run.trace_crashes()
    return run.result(host, time.monotonic() - begin)


@define(kw_only=True)
class _CellRun:
    """A cell under way.

    `held`: an answer that waits for what comes next; `failed`: first answers of checks that are
    being asked once more.
    """

    planned: PlannedCell
    artifact: Artifact
    specs: Mapping[str, CheckSpec]
    modules: Mapping[str, str]
    store: ObservationStore
    key: str
    profile: str
    seed: int
    stage: Stage
    stop: threading.Event | None
    launcher: tuple[str, ...]
    checks: Path
    variables: Mapping[str, str]
    observations: dict[str, Observation] = field(factory=dict)
    failed: dict[str, Observation] = field(factory=dict)
    held: Observation | None = None
    seen: Seen | None = None
    start_error: Event | None = None

    def recall(self) -> None:
        """Take the answers that the store has."""
        for check in self.planned.checks:
            kept = self.store.get(self.key, self.specs[check])
            if kept is not None:
                self.seen = kept.seen or self.seen
                self.observations[check] = evolve(kept.observation, reused=True)

    def leave_out(self, reasons: Mapping[str, str]) -> None:
        """Answer checks that lack something with the reason; not kept, it may be had next time."""
        for check in set(self.planned.checks) & reasons.keys():
            self.observations[check] = Observation(
                check=check, outcome=Outcome.UNSUPPORTED, reason=reasons[check]
            )

    @property
    def pending(self) -> list[str]:
        return [check for check in self.planned.checks if check not in self.observations]

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
                self._conclude(answers.dead_start(check, ending, self.start_error))

    def repeat_failures(self) -> None:
        """Ask what plainly failed once more, in fresh processes."""
        for check in self.planned.checks:
            if answers.needs_repeat(self.observations[check]):
                self.failed[check] = self.observations.pop(check)
        self.ask_all()

    def trace_crashes(self) -> None:
        """Add the native stacks of the first crashes to their evidence."""
        crashes = [
            seen
            for seen in self.observations.values()
            if answers.is_traceable(seen) and not seen.reused
        ]
        for seen in crashes[:MOST_TRACED]:
            with tempfile.TemporaryDirectory(prefix="release-gate-") as folder:
                log = Path(folder) / "gdb.log"
                launcher = debugger(log)
                if not launcher or self.launcher:  # an emulator cannot be debugged from outside
                    return
                ending = self._run([seen.check], launcher=launcher)
                text = log.read_text(errors="replace") if log.exists() else ""
            self.held = None
            if ending.phase is Phase.START:
                continue  # gdb may not trace here
            native = native_report(text) or "it did not crash again"
            stack = f"{seen.evidence.stack or ''}\n\nrun again alone under gdb:\n{native}".strip()
            self._keep(evolve(seen, evidence=evolve(seen.evidence, stack=stack)))

    def _run(self, checks: Sequence[str], *, launcher: tuple[str, ...] | None = None) -> Ending:
        self.start_error = None
        cell = self.planned.cell
        limits = {check: Limits.of(self.specs[check], self.profile) for check in checks}
        job = Job(
            checks=tuple((check, self.modules[check]) for check in checks),
            limits=limits,
            threads=cell.threads,
            profile=self.profile,
            seed=self.seed,
            site=self.artifact.site,
            library=self.artifact.library,
        )
        return run_child(
            self.artifact.interpreter.executable,
            job,
            checks=self.checks,
            environment=child_environment(cell.kernel, cell.threads) | dict(self.variables),
            on_event=self._on_event,
            launcher=self.launcher if launcher is None else launcher,
            stop=self.stop,
        )

    def _on_event(self, event: Event) -> None:
        match event["event"]:
            case "hello":
                self.seen = answers.seen(event, self.planned.cell.kernel)
            case "started":
                if self.held is not None:  # the child has gone on: nothing followed from it
                    self._conclude(self.held)
                    self.held = None
                check = event["check"]
                again = " again" if check in self.failed or check in self.observations else ""
                name = f"{self.planned.cell.kernel} t{self.planned.cell.threads}: {check}{again}"
                self.stage.step(len(self.observations), name)
            case "finished":
                self.held = answers.answer(event)
            case "error":
                self.start_error = event

    def _settle(self, ending: Ending) -> None:
        observation = self._settled(ending)
        self.held = None
        self._conclude(observation)

    def _settled(self, ending: Ending) -> Observation:
        """Return the answer of the check that the ending is about."""
        if ending.phase is Phase.CHECK:
            assert ending.check is not None  # the phase has one
            return answers.blame(ending.check, ending)
        if self.held is None:  # died after hello, before the first check
            return answers.blame(self.pending[0], ending)
        if ending.complete or ending.spoiled is not None:  # what was said before is good
            return self.held
        return answers.aftermath(self.held, ending)

    def _conclude(self, observation: Observation) -> None:
        """Keep a first answer or a repeated one; say what is no plain pass, and what differs."""
        first = self.failed.pop(observation.check, None)
        if first is not None:
            repeat = Attempt(
                outcome=observation.outcome,
                reason=observation.reason,
                evidence=observation.evidence,
                seconds=observation.seconds,
            )
            observation = evolve(first, repeat=repeat, reused=False)
        self._keep(observation)
        self.stage.step(len(self.observations), observation.check)
        if observation.flaky:
            self._note(observation, "passed when it was repeated: flaky")
        elif first is None and (
            observation.outcome.is_failure or observation.outcome is Outcome.ERROR
        ):
            self._note(observation, f"{observation.outcome}: {observation.reason}")

    def _note(self, observation: Observation, text: str) -> None:
        self.stage.note(f"{self.planned.cell.id}: {observation.check} {text}")

    def _keep(self, observation: Observation) -> None:
        self.observations[observation.check] = observation
        kept = Kept(seen=self.seen, observation=observation)
        self.store.put(self.key, self.specs[observation.check], kept)

    def result(self, host: Host, seconds: float) -> CellResult:
        """Return the cell's result; all checks must have been answered."""
        cell, artifact = self.planned.cell, self.artifact
        seen = self.seen or Seen(
            kernel=KernelSeen(requested=cell.kernel, observed=None),
            threads=ThreadsSeen(requested=cell.threads, observed=None),
            config=None,
            python=artifact.interpreter.version,
        )
        observations = tuple(self.observations[check] for check in self.planned.checks)
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
