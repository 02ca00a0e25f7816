"""Comparisons with one root cause, grouped and told in words."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, assert_never

from attrs import frozen

from release_gate.judgement.classify import changes, is_flaky
from release_gate.model import (
    CheckSpec,
    Comparison,
    ComparisonKind,
    Evidence,
    Finding,
    HangKind,
    Observation,
    Outcome,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

__all__ = ["first_failing", "group", "routine_family", "symptom"]

#: Worst first: a finding takes the first kind that one of its comparisons has.
_KINDS = (
    ComparisonKind.REGRESSED,
    ComparisonKind.NEW,
    ComparisonKind.FLAKY,
    ComparisonKind.STILL_FAILING,
    ComparisonKind.LOST,
    ComparisonKind.CHANGED,
)

#: What the findings of a library are about that NumPy cannot even be imported with.
IMPORT = "import"

_PRECISION = re.compile(r"^[sdczSDCZ](?=[a-z][a-z0-9_]{2,}$)")


def routine_family(routine: str) -> str:
    """Return the name without its precision: ``dgemm`` and ``zgemm`` give ``?gemm``.

    What is no BLAS or LAPACK name (``np.matmul``) stays as it is.
    """
    name = routine.casefold()
    return _PRECISION.sub("?", name)


def symptom(observation: Observation | None) -> str:
    """Return in words how the library failed: the same words for the same manner of failing."""
    if observation is None:
        return "no answer"
    match observation.outcome:
        case Outcome.PASSED:
            return "right result"
        case Outcome.FAILED:
            return "wrong result"
        case Outcome.CRASHED:
            return f"crash ({_death(observation.evidence)})"
        case Outcome.HUNG:
            return f"hang ({_hang(observation.evidence)})"
        case Outcome.NOT_EXERCISED | Outcome.UNSUPPORTED | Outcome.ERROR:
            return "no answer"
        case _:
            assert_never(observation.outcome)


def _death(evidence: Evidence) -> str:
    if evidence.signal:
        return evidence.signal
    if evidence.exit_status is not None:
        return f"exit status {evidence.exit_status}"
    return "early exit"


def _hang(evidence: Evidence) -> str:
    match evidence.hang:
        case HangKind.DEADLOCK | None:
            return "deadlock"
        case HangKind.BUSY:
            return "busy"
        case _:
            assert_never(evidence.hang)


def first_failing(finding: Finding) -> tuple[Comparison, Observation] | None:
    """Return the comparison to show and to reproduce: the worst kind, with a case if there is one.

    None when no candidate observation of `finding` failed (an answer that was lost).
    """
    failing = [
        (each, each.candidate_observation)
        for each in finding.comparisons
        if each.candidate_observation is not None and each.candidate_observation.outcome.is_failure
    ]
    return min(
        failing,
        key=lambda pair: (
            _KINDS.index(pair[0].kind),
            not any(case.parameters for case in pair[1].evidence.cases),
            _cell_order(pair[0]),
        ),
        default=None,
    )


@frozen
class _Key:
    """What the comparisons of a finding have in common, besides a family of routines."""

    pin: str  # one release, whose files differ from platform to platform
    check: str
    kinds: frozenset[ComparisonKind]
    symptom: str


def group(
    comparisons: Iterable[Comparison],
    *,
    blocking: Collection[tuple[str, str]],
    checks: Mapping[str, CheckSpec],
) -> tuple[Finding, ...]:
    """Return the findings in `comparisons`, blocking ones first.

    One finding is of one candidate, check, kind and symptom; comparisons whose failing cases have a
    routine family in common belong together. `blocking`: check and candidate cell id of those that
    violate a blocking requirement.
    """
    comparisons = list(comparisons)
    several = len({each.candidate.platform for each in comparisons}) > 1
    by_key: dict[_Key, list[Comparison]] = defaultdict(list)
    for each in comparisons:
        if _is_finding(each):
            key = _Key(
                pin=str(each.candidate.pin),
                check=IMPORT if _died_at_import(each) else each.check,
                kinds=_kind_class(each.kind),
                symptom=(
                    "other behaviour"
                    if each.kind is ComparisonKind.CHANGED
                    else symptom(each.candidate_observation)
                ),
            )
            by_key[key].append(each)
    findings = [
        _finding(key, members, families, blocking, checks.get(key.check), several=several)
        for key, candidates in by_key.items()
        for families, members in _by_family(candidates)
    ]
    return tuple(
        sorted(
            findings,
            key=lambda each: (not each.blocking, _KINDS.index(each.kind), each.check, each.id),
        )
    )


def _is_finding(comparison: Comparison) -> bool:
    match comparison.kind:
        case (
            ComparisonKind.REGRESSED
            | ComparisonKind.NEW
            | ComparisonKind.FLAKY
            | ComparisonKind.STILL_FAILING
            | ComparisonKind.CHANGED
        ):
            return True
        case ComparisonKind.LOST:
            # A cell that is missing is said once, as a missing cell; an error is not the library's.
            observation = comparison.candidate_observation
            return observation is not None and observation.outcome is not Outcome.ERROR
        case ComparisonKind.FIXED | ComparisonKind.STILL_PASSING | ComparisonKind.UNKNOWN:
            return False
        case _:
            assert_never(comparison.kind)


def _died_at_import(comparison: Comparison) -> bool:
    """Say whether the child never came to the check: one cause, however many checks share it."""
    observation = comparison.candidate_observation
    return observation is not None and observation.evidence.details.get("phase") == "start"


def _kind_class(kind: ComparisonKind) -> frozenset[ComparisonKind]:
    """Return the kinds that differ only in whether the baseline could be asked."""
    both = frozenset({ComparisonKind.REGRESSED, ComparisonKind.NEW})
    return both if kind in both else frozenset({kind})


def _families(comparison: Comparison) -> frozenset[str]:
    observation = comparison.candidate_observation
    cases = () if observation is None else observation.evidence.cases
    return frozenset(routine_family(case.routine) for case in cases)


def _by_family(
    comparisons: Sequence[Comparison],
) -> list[tuple[frozenset[str], list[Comparison]]]:
    """Split into the connected parts of "has a routine family in common"."""
    parts: list[tuple[frozenset[str], list[Comparison]]] = []
    for each in comparisons:
        families = _families(each)
        joined = [part for part in parts if part[0] & families or (not part[0] and not families)]
        parts = [part for part in parts if part not in joined]
        members = [member for part in joined for member in part[1]]
        parts.append((families.union(*(part[0] for part in joined)), [*members, each]))
    return parts


def _finding(
    key: _Key,
    members: Sequence[Comparison],
    families: frozenset[str],
    blocking: Collection[tuple[str, str]],
    spec: CheckSpec | None,
    *,
    several: bool,
) -> Finding:
    members = sorted(members, key=_cell_order)
    kind = min((each.kind for each in members), key=_KINDS.index)
    routines = tuple(
        sorted(
            {
                case.routine
                for each in members
                if each.candidate_observation is not None
                for case in each.candidate_observation.evidence.cases
            }
        )
    ) or (spec.routines if spec else ())
    return Finding(
        id=_id(key, families),
        check=key.check,
        kind=kind,
        symptom=key.symptom,
        summary=_summary(key, kind, members, routines, spec, several=several),
        routines=routines,
        candidate=members[0].candidate.pin,
        blocking=any((each.check, each.candidate.id) in blocking for each in members),
        comparisons=tuple(members),
    )


def _id(key: _Key, families: Iterable[str]) -> str:
    """Return an id that is the same in every run that sees the same failure of the same pin."""
    parts = [key.pin, key.check, key.symptom, *sorted(key.kinds), *sorted(families)]
    return f"{key.check}-{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:8]}"


def _cell_order(comparison: Comparison) -> tuple[str, int, str, str]:
    cell = comparison.candidate
    return cell.kernel or "", cell.threads, cell.id, comparison.check


def _summary(
    key: _Key,
    kind: ComparisonKind,
    members: Sequence[Comparison],
    routines: Sequence[str],
    spec: CheckSpec | None,
    *,
    several: bool,
) -> str:
    """Say what fails, where, and how the baseline does, in two or three short sentences."""
    title = "importing NumPy" if key.check == IMPORT else spec.title if spec else key.check
    what = f"{_title(key.symptom)} in {title}"
    if routines and len(routines) <= 4:
        what += f" ({', '.join(routines)})"
    return (
        f"{what} on {_places(members, several=several)}. {_baseline(kind, members)}"
        + _first_message(members)
    )


def _title(text: str) -> str:
    return text[:1].upper() + text[1:]


def _places(members: Sequence[Comparison], *, several: bool) -> str:
    cells = [each.candidate for each in members]
    kernels = sorted({cell.place(several=several) for cell in cells if cell.kernel})
    if not kernels:
        platforms = sorted({cell.platform for cell in cells})
        return "the wheel itself" + (f" ({', '.join(platforms)})" if several else "")
    threads = sorted({each.candidate.threads for each in members})
    count = ", ".join(map(str, threads))
    return f"{', '.join(kernels)} with {count} {'thread' if threads == [1] else 'threads'}"


def _baseline(kind: ComparisonKind, members: Sequence[Comparison]) -> str:
    before = Counter(
        "flaky" if is_flaky(each.baseline_observation) else symptom(each.baseline_observation)
        for each in members
    )
    match kind:
        case ComparisonKind.REGRESSED | ComparisonKind.NEW:
            return _baseline_of_new(before.keys())
        case ComparisonKind.FLAKY:
            return f"The same input gave two answers; baseline: {', '.join(sorted(before))}."
        case ComparisonKind.STILL_FAILING:
            return f"The baseline fails too: {', '.join(sorted(before))}."
        case ComparisonKind.LOST:
            return "The baseline answered, the candidate did not."
        case ComparisonKind.CHANGED:
            return "Nothing is wrong; the baseline does otherwise."
        case ComparisonKind.FIXED | ComparisonKind.STILL_PASSING | ComparisonKind.UNKNOWN:
            return ""
        case _:
            assert_never(kind)


def _baseline_of_new(before: Collection[str]) -> str:
    match sorted(before):
        case ["right result"]:
            return "The baseline passes."
        case ["no answer"]:
            return "The baseline gave no answer."
        case ["no answer", "right result"]:
            return "The baseline passes where it answered."
        case _:
            return "The baseline fails too, but not in this way or not in these routines."


def _first_message(members: Sequence[Comparison]) -> str:
    for each in members:
        if each.kind is ComparisonKind.CHANGED:
            changed = changes(each.candidate_observation, each.baseline_observation)
            name, (before, after) = next(iter(changed.items()))
            more = f", and {len(changed) - 1} more" if len(changed) > 1 else ""
            return f" {_title(name)}: {before} before, {after} now{more}."
        observation = each.candidate_observation
        if observation is not None and observation.evidence.cases:
            return f" First: {observation.evidence.cases[0].message}."
    reasons = (each.candidate_observation.reason for each in members if each.candidate_observation)
    return next((f" {_title(reason.rstrip('.'))}." for reason in reasons if reason), "")
