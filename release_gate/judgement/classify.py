"""What the baseline's and the candidate's answers to one check say together."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, assert_never

from attrs import evolve

from release_gate.model import ComparisonKind, Evidence, Observation, Outcome

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["changes", "compare", "is_flaky", "newly_failing", "only", "severity"]


class _Answer(Enum):
    """What is left of an observation when it is compared."""

    PASS = auto()
    FAIL = auto()  # a wrong result that stayed wrong, or was not repeated
    DEATH = auto()  # a crash or a hang: one is enough, whatever a second run says
    FLAKY = auto()  # a wrong result, then a right one, from the same input
    NONE = auto()


def is_flaky(observation: Observation | None) -> bool:
    """Say whether a plain failure did not repeat. Crashes and hangs are never softened to this."""
    return _answer(observation) is _Answer.FLAKY


def _answer(observation: Observation | None) -> _Answer:
    if observation is None:
        return _Answer.NONE
    match observation.outcome:
        case Outcome.PASSED:
            return _Answer.PASS
        case Outcome.FAILED:
            return _repeated(observation)
        case Outcome.CRASHED | Outcome.HUNG:
            return _Answer.DEATH
        case Outcome.NOT_EXERCISED | Outcome.UNSUPPORTED | Outcome.ERROR:
            return _Answer.NONE
        case _:
            assert_never(observation.outcome)


def _repeated(observation: Observation) -> _Answer:
    if observation.repeat is None:
        return _Answer.FAIL
    match observation.repeat.outcome:
        case Outcome.PASSED:
            return _Answer.FLAKY
        case Outcome.CRASHED | Outcome.HUNG:
            return _Answer.DEATH
        # A second run without an answer does not take the first one back.
        case Outcome.FAILED | Outcome.NOT_EXERCISED | Outcome.UNSUPPORTED | Outcome.ERROR:
            return _Answer.FAIL
        case _:
            assert_never(observation.repeat.outcome)


#: Of several observations of one check in one cell, the one with the highest rank counts.
_RANK = {
    Outcome.CRASHED: 7,
    Outcome.HUNG: 6,
    Outcome.FAILED: 5,
    Outcome.PASSED: 3,
    Outcome.NOT_EXERCISED: 2,
    Outcome.UNSUPPORTED: 1,
    Outcome.ERROR: 0,
}


def severity(observation: Observation) -> int:
    """Rank an observation: of several of the same check in the same cell, the highest counts."""
    return 4 if is_flaky(observation) else _RANK[observation.outcome]


def compare(candidate: Observation | None, baseline: Observation | None) -> ComparisonKind:
    """Return what both sides say together; None stands for a result that is not there.

    A wrong result is no regression where the baseline was seen to give one too, be it at times: how
    often each does is luck, which one repetition does not measure. One in a routine that the
    baseline got right is one, and so is a crash or a hang where it was only wrong: a known fault
    of a check's must not hide the next. A candidate that passes where the baseline gave no answer
    counts as `still-passing`: nothing speaks against it. `unknown` is for what neither side
    answered.
    """
    before = _answer(baseline)
    match _answer(candidate):
        case _Answer.PASS:
            kind = _passing(before)
            changed = kind is ComparisonKind.STILL_PASSING and changes(candidate, baseline)
            return ComparisonKind.CHANGED if changed else kind
        case _Answer.FAIL | _Answer.FLAKY if before is _Answer.FLAKY:
            return ComparisonKind.STILL_FAILING
        case _Answer.FAIL | _Answer.DEATH as answer:
            worse = answer is _Answer.DEATH and before is _Answer.FAIL
            if worse or newly_failing(candidate, baseline):
                return ComparisonKind.REGRESSED
            return _failing(before)
        case _Answer.FLAKY:
            known = before in {_Answer.FAIL, _Answer.DEATH}
            return ComparisonKind.STILL_FAILING if known else ComparisonKind.FLAKY
        case _Answer.NONE:
            return ComparisonKind.UNKNOWN if before is _Answer.NONE else ComparisonKind.LOST
        case answer:
            assert_never(answer)


def newly_failing(candidate: Observation | None, baseline: Observation | None) -> frozenset[str]:
    """Return the routines that the candidate got wrong each time and the baseline never.

    Of two that fail in the same check only: what fails where the baseline passed is all new, and
    what fails at times is luck.
    """
    if not (_answer(candidate) is _answer(baseline) is _Answer.FAIL):
        return frozenset()
    before, after = _failing_routines(baseline), _failing_routines(candidate)
    if not all(before):
        return frozenset()  # it did not say which
    return frozenset.intersection(*after) - frozenset().union(*before)


def _failing_routines(observation: Observation | None) -> list[frozenset[str]]:
    """Return the routines with wrong results in each run that had some."""
    if observation is None:
        return []
    runs = [(observation.outcome, observation.evidence)]
    if observation.repeat is not None:
        runs.append((observation.repeat.outcome, observation.repeat.evidence))
    return [
        frozenset(evidence.routines_failed)
        for outcome, evidence in runs
        if outcome is Outcome.FAILED
    ]


def only(observation: Observation, routines: Collection[str]) -> Observation:
    """Return what `observation` says of `routines`, to be told and matched without the others."""
    evidence = _only(observation.evidence, routines)
    reason = f"{evidence.cases_failed} of {evidence.cases_run} cases failed"
    reason += ", not counting routines in which the baseline fails"
    if evidence.cases:
        reason += f"; first: {evidence.cases[0].message}"
    repeat = observation.repeat and evolve(
        observation.repeat, evidence=_only(observation.repeat.evidence, routines)
    )
    return evolve(observation, evidence=evidence, reason=reason, repeat=repeat)


def _only(evidence: Evidence, routines: Collection[str]) -> Evidence:
    failed = {name: n for name, n in evidence.routines_failed.items() if name in routines}
    return evolve(
        evidence,
        cases=tuple(case for case in evidence.cases if case.routine in routines),
        cases_failed=sum(failed.values()),
        routines_failed=failed,
    )


def changes(
    candidate: Observation | None, baseline: Observation | None
) -> dict[str, tuple[str, str]]:
    """Return {name: (the baseline's, the candidate's)} of recorded behaviour that differs.

    What only one side recorded is no change: the profiles may differ, or the checks.
    """
    if candidate is None or baseline is None:
        return {}
    before, after = baseline.evidence.recorded, candidate.evidence.recorded
    return {
        name: (before[name], after[name])
        for name in sorted(before.keys() & after.keys())
        if before[name] != after[name]
    }


def _passing(before: _Answer) -> ComparisonKind:
    match before:
        case _Answer.PASS | _Answer.NONE:
            return ComparisonKind.STILL_PASSING
        case _Answer.FAIL | _Answer.DEATH | _Answer.FLAKY:
            return ComparisonKind.FIXED
        case _:
            assert_never(before)


def _failing(before: _Answer) -> ComparisonKind:
    match before:
        case _Answer.PASS | _Answer.FLAKY:
            return ComparisonKind.REGRESSED
        case _Answer.FAIL | _Answer.DEATH:
            return ComparisonKind.STILL_FAILING
        case _Answer.NONE:
            return ComparisonKind.NEW
        case _:
            assert_never(before)
