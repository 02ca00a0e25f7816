"""What a child said, or how it ended, as the observation of a check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import evolve

from release_gate import wire
from release_gate.errors import ConfigurationError
from release_gate.execution.child import Ending, Event, Phase
from release_gate.execution.stacks import fault_report
from release_gate.execution.store import Seen
from release_gate.model import Evidence, HangKind, KernelSeen, Observation, Outcome, ThreadsSeen
from release_gate.openblas.cores import canonical

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["aftermath", "answer", "blame", "dead_start", "is_traceable", "needs_repeat", "seen"]

#: Where `Evidence.details` says in which phase a child ended, unless it was in the check itself.
PHASE = "phase"

#: Signals at which a debugger has something to show.
TRACEABLE = frozenset({"SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGSEGV", "SIGSYS", "SIGTRAP"})


def needs_repeat(observation: Observation) -> bool:
    """Whether the check plainly failed and has not been asked a second time."""
    return (
        observation.outcome is Outcome.FAILED
        and observation.repeat is None
        and PHASE not in observation.evidence.details
    )


def is_traceable(observation: Observation) -> bool:
    """Whether the check itself crashed, in a way whose native stack tells something."""
    evidence = observation.evidence
    return (
        observation.outcome is Outcome.CRASHED
        and evidence.signal in TRACEABLE
        and PHASE not in evidence.details
    )


def seen(hello: Event, kernel: str | None) -> Seen:
    """Return what a `hello` event tells of the child; `kernel` is the one that was asked for."""
    return Seen(
        kernel=KernelSeen(requested=kernel, observed=canonical(hello["openblas"]["corename"])),
        threads=wire.from_data(hello["threads"], ThreadsSeen, "hello of the child"),
        config=hello["openblas"]["config"],
        python=hello["python"],
    )


def answer(event: Event) -> Observation:
    """Return the observation in a `finished` event; `error` if it is not of the model's shape."""
    fields = {name: event.get(name) for name in ("check", "outcome", "reason", "evidence")}
    try:
        return wire.from_data(
            fields | {"seconds": event.get("seconds")}, Observation, "answer of the check"
        )
    except ConfigurationError as error:
        return Observation(check=event["check"], outcome=Outcome.ERROR, reason=str(error))


def blame(check: str, ending: Ending, details: Mapping[str, Any] | None = None) -> Observation:
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
            cases=() if ending.tried is None else (ending.tried,),
            details=dict(details or {}),
        ),
    )


def _verdict(ending: Ending) -> tuple[Outcome, str]:
    if ending.spoiled is not None:
        return Outcome.ERROR, f"the child could not be understood: {ending.spoiled}"
    if ending.hang is not None:
        used = "without using the CPU" if ending.hang is HangKind.DEADLOCK else "using the CPU"
        return Outcome.HUNG, f"hung ({ending.hang}): {ending.seconds:.0f} s {used}"
    if ending.signal is not None:
        outside = " (sent from outside: out of memory?)" if ending.signal == "SIGKILL" else ""
        return Outcome.CRASHED, f"died with {ending.signal}{outside}"
    return Outcome.CRASHED, f"exited early with status {ending.exit_status}"


def aftermath(answered: Observation, ending: Ending) -> Observation:
    """Return the answer of the last check in a child that ended badly after it."""
    blamed = blame(answered.check, ending)
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


def dead_start(check: str, ending: Ending, error: Event | None) -> Observation:
    """Return the answer of a check whose child did not come to it."""
    details = {PHASE: Phase.START.value}
    if error is None:
        observation = blame(check, ending, details)
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
