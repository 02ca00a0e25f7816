"""Findings held against known OpenBLAS and NumPy issues: a link and the reasons, never a pardon."""

from __future__ import annotations

from enum import StrEnum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, assert_never

import attrs
from attrs import frozen

from release_gate.errors import ConfigurationError
from release_gate.judgement.catalogue import KnownIssue, Symptom
from release_gate.judgement.findings import routine_family
from release_gate.model import ComparisonKind, IssueMatch, Outcome
from release_gate.versions import OpenBLASVersion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from release_gate.model import Comparison, Decision, Finding, Pin

__all__ = [
    "IssueState",
    "KnownIssueStatus",
    "match_issues",
    "statuses",
    "with_issues",
]


class IssueState(StrEnum):
    """What became of a known issue whose versions hold the candidate."""

    REPRODUCED = "reproduced"
    NOT_SEEN = "exercised and not seen"
    NOT_EXERCISED = "not exercised"


@frozen(kw_only=True)
class KnownIssueStatus:
    """A known issue whose versions hold a candidate, and whether it was seen."""

    id: str
    url: str
    title: str
    affected: str
    fixed_in: str
    candidate: str
    state: IssueState
    why: str


@frozen(kw_only=True)
class _Match:
    issue: KnownIssue
    score: int
    known_version: bool  # False: outside the range, or no version to compare
    reasons: tuple[str, ...]


def match_issues(
    finding: Finding, catalogue: Iterable[KnownIssue], cpu: str = ""
) -> tuple[IssueMatch, ...]:
    """Return the issues that `finding` looks like, best first, with the reasons in words.

    Check, symptom, routine, kernel, CPU and thread count must agree as far as the issue names
    them. Issues whose versions do not hold the candidate are offered only when no other matches,
    and say so: an old bug may have come back.
    """
    matches = [match for issue in catalogue if (match := _match(finding, issue, cpu)) is not None]
    likely = [match for match in matches if match.known_version]
    ordered = sorted(likely or matches, key=_rank)
    return tuple(
        IssueMatch(
            id=match.issue.id,
            url=match.issue.url,
            title=match.issue.title,
            why_matched="; ".join(match.reasons),
        )
        for match in (ordered if likely else ordered[:2])
    )


def _rank(match: _Match) -> tuple[int, int, int, str]:
    """Return the place of a match: of equals, what is seen by fewer checks, then what is newer."""
    number = int(match.issue.id.rpartition("#")[2])
    return -match.score, len(match.issue.checks), -number, match.issue.id


def with_issues(decision: Decision, catalogue: Sequence[KnownIssue], cpu: str = "") -> Decision:
    """Return `decision` with each finding linked to the issues that it looks like."""
    return attrs.evolve(
        decision,
        findings=tuple(
            attrs.evolve(finding, issues=match_issues(finding, catalogue, cpu))
            for finding in decision.findings
        ),
    )


def _match(finding: Finding, issue: KnownIssue, cpu: str) -> _Match | None:
    if _symptom(finding) not in issue.symptoms or not _is_about(issue, finding.check):
        return None
    agreements = [
        _Agreement(1, f"{finding.check} can see it, and it shows as {finding.symptom}"),
        _routines(finding, issue),
        _kernels(finding, issue),
        _cpu(issue, cpu),
        _threads(finding, issue),
        _versions(finding, issue),
    ]
    held = [each for each in agreements if each is not None]
    if len(held) < len(agreements):
        return None
    version = _version(finding.candidate)
    return _Match(
        issue=issue,
        score=sum(each.score for each in held),
        known_version=version is not None and version in issue.affected,
        reasons=tuple(each.reason for each in held if each.reason),
    )


@frozen
class _Agreement:
    """How much one condition of an issue speaks for it, and why. None stands for a refusal."""

    score: int
    reason: str = ""


_NOTHING_ASKED = _Agreement(0)


def _routines(finding: Finding, issue: KnownIssue) -> _Agreement | None:
    known = {routine_family(each) for each in issue.routines}
    shared = sorted(known & {routine_family(each) for each in finding.routines})
    if shared:
        return _Agreement(2, f"in {', '.join(shared)}")
    return None if known and finding.routines else _NOTHING_ASKED


def _kernels(finding: Finding, issue: KnownIssue) -> _Agreement | None:
    if not issue.kernels:
        return _NOTHING_ASKED
    hit = sorted(
        {each.candidate.kernel or "" for each in finding.comparisons if _on_kernel(issue, each)}
    )
    return _Agreement(2, f"on the kernel {', '.join(hit)}") if hit else None


def _cpu(issue: KnownIssue, cpu: str) -> _Agreement | None:
    if not issue.cpus:
        return _NOTHING_ASKED
    return _Agreement(1, f"on this CPU ({cpu})") if _has_cpu(issue, cpu) else None


def _threads(finding: Finding, issue: KnownIssue) -> _Agreement | None:
    if issue.min_threads == 1:
        return _NOTHING_ASKED
    if min(each.candidate.threads for each in finding.comparisons) < issue.min_threads:
        return None
    return _Agreement(1, f"with {issue.min_threads} or more threads only")


def _versions(finding: Finding, issue: KnownIssue) -> _Agreement:
    pin = finding.candidate
    version = _version(pin)
    if version is None:
        return _Agreement(0, f"the version of {pin} is not known, it affects {issue.affected}")
    if version not in issue.affected:
        why = f"{version} is outside of {issue.affected}: it may be back, or this is another bug"
        return _Agreement(0, why)
    if _baseline_contradicts(finding, issue):
        why = f"{version} is in {issue.affected}, though the baseline is too and does not show it"
        return _Agreement(1, why)
    return _Agreement(2, f"{version} is in {issue.affected}")


def _symptom(finding: Finding) -> Symptom | None:
    for comparison in finding.comparisons:
        observation = comparison.candidate_observation
        if observation is not None:
            match observation.outcome:
                case Outcome.FAILED:
                    return Symptom.WRONG
                case Outcome.CRASHED:
                    return Symptom.CRASH
                case Outcome.HUNG:
                    return Symptom.HANG
                case Outcome.PASSED | Outcome.NOT_EXERCISED | Outcome.UNSUPPORTED | Outcome.ERROR:
                    continue
                case _:
                    assert_never(observation.outcome)
    return None


def _is_about(issue: KnownIssue, check: str) -> bool:
    return any(fnmatchcase(check, pattern) for pattern in issue.checks)


def _version(pin: Pin) -> OpenBLASVersion | None:
    """Return the version of `pin`; None for a file that has none that can be compared."""
    try:
        return OpenBLASVersion.parse(pin.version)
    except ConfigurationError:
        return None


def _baseline_contradicts(finding: Finding, issue: KnownIssue) -> bool:
    if finding.kind is not ComparisonKind.REGRESSED:
        return False
    versions = {_version(each.baseline.pin) for each in finding.comparisons if each.baseline}
    return any(version is not None and version in issue.affected for version in versions)


def statuses(
    decision: Decision, catalogue: Iterable[KnownIssue], candidates: Iterable[Pin], cpu: str = ""
) -> tuple[KnownIssueStatus, ...]:
    """Return, for each issue whose versions hold a candidate, whether it showed.

    `decision` must have its findings linked (`with_issues`). "Not seen" means that a check which
    can see the issue passed under its conditions; a race may still be there.
    """
    rows = []
    issues = tuple(catalogue)
    for pin in candidates:
        version = _version(pin)
        for issue in issues:
            if version is None or version not in issue.affected:
                continue
            state, why = _state(decision, issue, pin, cpu)
            rows.append(
                KnownIssueStatus(
                    id=issue.id,
                    url=issue.url,
                    title=issue.title,
                    affected=str(issue.affected),
                    fixed_in=issue.fixed_in,
                    candidate=str(pin),
                    state=state,
                    why=why,
                )
            )
    order = list(IssueState)
    return tuple(sorted(rows, key=lambda row: (order.index(row.state), row.id, row.candidate)))


def _state(decision: Decision, issue: KnownIssue, pin: Pin, cpu: str) -> tuple[IssueState, str]:
    seen = [
        finding.id
        for finding in decision.findings
        if finding.candidate == pin and any(match.id == issue.id for match in finding.issues)
    ]
    if seen:
        return IssueState.REPRODUCED, f"finding {', '.join(seen)}"
    able = [
        each
        for each in decision.comparisons
        if each.candidate.pin == pin and _is_about(issue, each.check)
    ]
    conditions: list[tuple[str, Callable[[Comparison], bool]]] = [
        ("no check that can see it was planned", lambda _: True),
        (f"needs a CPU of {' or '.join(issue.cpus)}", lambda _: _has_cpu(issue, cpu)),
        (f"needs the kernel {' or '.join(issue.kernels)}", lambda each: _on_kernel(issue, each)),
        (
            f"needs {issue.min_threads} or more threads",
            lambda each: each.candidate.threads >= issue.min_threads,
        ),
        ("the checks that can see it gave no answer", _is_answered),
    ]
    for missing, holds in conditions:
        able = [each for each in able if holds(each)]
        if not able:
            return IssueState.NOT_EXERCISED, missing
    return IssueState.NOT_SEEN, f"by {', '.join(sorted({each.check for each in able}))}"


def _has_cpu(issue: KnownIssue, cpu: str) -> bool:
    return not issue.cpus or any(part.casefold() in cpu.casefold() for part in issue.cpus)


def _on_kernel(issue: KnownIssue, comparison: Comparison) -> bool:
    kernel = (comparison.candidate.kernel or "").casefold()
    return not issue.kernels or kernel in {each.casefold() for each in issue.kernels}


def _is_answered(comparison: Comparison) -> bool:
    observation = comparison.candidate_observation
    return observation is not None and observation.outcome.is_answer
