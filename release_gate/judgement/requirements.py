"""The comparisons held against one line of the policy."""

from __future__ import annotations

from collections import defaultdict
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from release_gate.model import (
    Comparison,
    ComparisonKind,
    Outcome,
    Plan,
    Requirement,
    RequirementResult,
    Satisfaction,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

__all__ = ["evaluate", "is_about", "is_unsupported", "violates"]

#: Groups that `why` names in full; the others are counted.
NAMED = 4


def is_about(requirement: Requirement, check: str) -> bool:
    """Say whether `requirement` is about `check`."""
    return any(fnmatchcase(check, pattern) for pattern in requirement.checks) and not any(
        fnmatchcase(check, pattern) for pattern in requirement.besides
    )


def violates(comparison: Comparison, requirement: Requirement) -> bool:
    """Say whether `comparison` alone leaves `requirement` unsatisfied."""
    return (
        is_about(requirement, comparison.check)
        and _counts(comparison, requirement)
        and comparison.kind in requirement.forbid
    )


def is_unsupported(comparison: Comparison) -> bool:
    """Say whether the question could not be asked of the candidate, nor was of the baseline.

    Such a comparison is listed as not covered and leaves no requirement open. Where the baseline
    did answer, the candidate has lost something and owes an answer.
    """
    observation = comparison.candidate_observation
    return (
        observation is not None
        and observation.outcome is Outcome.UNSUPPORTED
        and comparison.kind is ComparisonKind.UNKNOWN
    )


def evaluate(
    requirement: Requirement,
    plan: Plan,
    comparisons: Sequence[Comparison],
    absent: Mapping[str, str],
    excused: Collection[tuple[str, str]] = (),
) -> RequirementResult:
    """Return how `requirement` came out.

    `excused`: check and candidate cell id of what a waiver lets pass.

    `absent`: per cell id, why a planned cell has no answers that count. An absent cell, of either
    side, leaves each requirement open that it was planned for, whether or not the requirement
    insists on every single answer.
    """
    about = [each for each in comparisons if is_about(requirement, each.check)]
    counted = [each for each in about if _counts(each, requirement)]
    wrong = [each for each in counted if each.kind in requirement.forbid]
    waived = [each for each in wrong if (each.check, each.candidate.id) in excused]
    forbidden = [each for each in wrong if each not in waived]
    unanswered = [each for each in counted if not _answered(each)] if requirement.answers else []
    cells = [
        f"{entry.cell.id}: {absent[entry.cell.id]}"
        for entry in plan.cells
        if entry.cell.id in absent
        and (requirement.emulated or entry.cell.emulator is None)
        and any(is_about(requirement, check) for check in entry.checks)
    ]
    answered = [each for each in counted if _has_answer(each)]

    several = len(plan.platforms) > 1
    satisfaction = Satisfaction.UNANSWERED
    if forbidden:
        satisfaction = Satisfaction.VIOLATED
        why = _listed(forbidden, several=several)
    elif cells:
        why = "no answer from " + _some(cells)
    elif unanswered:
        why = "no answer: " + _listed(unanswered, several=several)
    elif not counted and requirement.answers:
        why = "none of its checks was planned" + (" on real hardware" if about else "")
    else:
        satisfaction = Satisfaction.SATISFIED
        let = f", {len(waived)} waived" if waived else ", none forbidden"
        why = f"{len(answered)} of {len(counted)} comparisons answered{let}"
        if not answered:
            why = "nothing of it could be asked here" if counted else "nothing of it was planned"
    return RequirementResult(
        id=requirement.id,
        title=requirement.title,
        tier=requirement.tier,
        owner=requirement.owner,
        reason=requirement.reason,
        satisfaction=satisfaction,
        why=why,
    )


def _counts(comparison: Comparison, requirement: Requirement) -> bool:
    return requirement.emulated or comparison.candidate.emulator is None


def _has_answer(comparison: Comparison) -> bool:
    observation = comparison.candidate_observation
    return observation is not None and observation.outcome.is_answer


def _answered(comparison: Comparison) -> bool:
    return _has_answer(comparison) or is_unsupported(comparison)


def _some(texts: Sequence[str]) -> str:
    more = f"; and {len(texts) - NAMED} more" if len(texts) > NAMED else ""
    return "; ".join(texts[:NAMED]) + more


def _listed(comparisons: Iterable[Comparison], *, several: bool) -> str:
    """Say which checks did what where: "exact.gemm regressed on Haswell (1, 8 threads)".

    `several`: platforms are told apart.
    """
    places: dict[tuple[str, str], dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    for each in comparisons:
        cell = each.candidate
        place = cell.place(several=several) if cell.kernel or several else ""
        places[each.check, _what(each)][place].add(cell.threads)
    return _some(
        [f"{check} {what}" + _where(kernels) for (check, what), kernels in sorted(places.items())]
    )


def _what(comparison: Comparison) -> str:
    if comparison.kind in {ComparisonKind.LOST, ComparisonKind.UNKNOWN}:
        observation = comparison.candidate_observation
        return "missing" if observation is None else str(observation.outcome)
    return str(comparison.kind)


def _where(kernels: Mapping[str, set[int]]) -> str:
    by_threads = defaultdict(list)
    for kernel, threads in sorted(kernels.items()):
        if kernel:
            by_threads[tuple(sorted(threads))].append(kernel)
    places = [
        ", ".join(names) + ("" if threads == (0,) else f" ({_counted(threads)})")
        for threads, names in by_threads.items()
    ]
    return f" on {' and '.join(places)}" if places else ""


def _counted(threads: tuple[int, ...]) -> str:
    return f"{', '.join(map(str, threads))} {'thread' if threads == (1,) else 'threads'}"
