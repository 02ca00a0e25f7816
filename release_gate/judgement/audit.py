"""What is known of a pin: each issue whose versions hold it, and what a run says about it.

Needs no build and no run; with a decision it also says what was seen.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from attrs import frozen

from release_gate.judgement.catalogue import Confidence, Severity
from release_gate.judgement.issues import version_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from release_gate.judgement.catalogue import KnownIssue
    from release_gate.model import Comparison, Decision, Host, Pin, Plan

__all__ = ["IssueState", "KnownIssueStatus", "audit", "statuses"]


class IssueState(StrEnum):
    """What became of a known issue whose versions hold a candidate."""

    REPRODUCED = "reproduced here"
    NOT_EXERCISED = "not exercised"  # this machine could
    ELSEWHERE = "needs another machine"
    NOT_SEEN = "exercised and not seen"
    IMPOSSIBLE = "cannot be exercised"  # by no machine with these wheels


@frozen(kw_only=True)
class KnownIssueStatus:
    """A known issue whose versions hold a candidate, and whether it was seen.

    `arrives`: the baseline's version is not among those that have it: it comes with the candidate.
    """

    id: str
    url: str
    title: str
    severity: Severity
    confidence: Confidence
    affected: str
    fixed_in: str
    candidate: str
    arrives: bool
    state: IssueState
    why: str


def statuses(
    decision: Decision,
    catalogue: Iterable[KnownIssue],
    plan: Plan,
    hosts: Sequence[Host],
) -> tuple[KnownIssueStatus, ...]:
    """Return, for each issue whose versions hold a candidate of `plan`, whether it showed.

    What showed comes first, then the worst.

    `decision` must have its findings linked (`with_issues`); `hosts`: where its results were made.
    "Not seen" means that a check which can see the issue passed under its conditions; a race may
    still be there.
    """
    issues = tuple(catalogue)
    return _ordered(
        _row(issue, pin, plan.baseline, *_state(decision, issue, pin, hosts))
        for pin in plan.candidates
        for issue in _of(pin, issues)
    )


def audit(
    catalogue: Iterable[KnownIssue], pin: Pin, host: Host, kernels: Collection[str]
) -> tuple[KnownIssueStatus, ...]:
    """Return the same for one pin without a run: which issues this machine could show.

    kernels: those that this CPU can execute.
    """

    def state(issue: KnownIssue) -> tuple[IssueState, str]:
        if out_of_reach := _out_of_reach(issue, [host]):
            return out_of_reach
        if issue.kernels and not any(map(issue.is_of_kernel, kernels)):
            return IssueState.ELSEWHERE, f"needs the kernel {_either(issue.kernels)}"
        threads = f", with {issue.min_threads} or more threads" if issue.min_threads > 1 else ""
        return IssueState.NOT_EXERCISED, f"by {', '.join(issue.checks)}{threads}"

    return _ordered(_row(issue, pin, None, *state(issue)) for issue in _of(pin, catalogue))


def _of(pin: Pin, catalogue: Iterable[KnownIssue]) -> Iterator[KnownIssue]:
    for issue in catalogue:
        if _holds(issue, pin):
            yield issue


def _holds(issue: KnownIssue, pin: Pin) -> bool:
    version = version_of(pin)
    return version is not None and issue.versions is not None and version in issue.versions


def _row(
    issue: KnownIssue, pin: Pin, baseline: Pin | None, state: IssueState, why: str
) -> KnownIssueStatus:
    return KnownIssueStatus(
        id=issue.id,
        url=issue.url,
        title=issue.title,
        severity=issue.severity,
        confidence=issue.confidence,
        affected=str(issue.versions),
        fixed_in=issue.fixed_in,
        candidate=str(pin),
        arrives=(
            baseline is not None
            and version_of(baseline) is not None
            and not _holds(issue, baseline)
        ),
        state=state,
        why=why,
    )


def _ordered(rows: Iterable[KnownIssueStatus]) -> tuple[KnownIssueStatus, ...]:
    """Return `rows` with what was seen first, then by severity; what the candidate brings first."""

    def place(row: KnownIssueStatus) -> tuple[bool, int, bool, int, int, str, str]:
        return (
            row.state is not IssueState.REPRODUCED,
            list(Severity).index(row.severity),
            not row.arrives,
            list(IssueState).index(row.state),
            list(Confidence).index(row.confidence),
            row.id,
            row.candidate,
        )

    return tuple(sorted(rows, key=place))


def _out_of_reach(issue: KnownIssue, hosts: Sequence[Host]) -> tuple[IssueState, str] | None:
    """Return why none of `hosts` can show an issue with these wheels; None if one can."""
    if issue.unseen:
        return IssueState.IMPOSSIBLE, issue.unseen
    if issue.build:
        return IssueState.IMPOSSIBLE, f"needs a build with {', '.join(issue.build)}"
    needs = [_needs(issue, host) for host in hosts]
    if all(needs):
        return IssueState.ELSEWHERE, "; ".join(dict.fromkeys(needs))
    return None


def _needs(issue: KnownIssue, host: Host) -> str:
    """Return what `host` would have to be to show an issue, or an empty string."""
    if issue.architectures and host.machine not in issue.architectures:
        return f"needs {_either(issue.architectures)}"
    if issue.systems and host.system not in issue.systems:
        return f"needs {_either(issue.systems)}"
    if not issue.is_of_cpu(host.cpu):
        return f"needs a CPU of {_either(issue.cpus)}"
    return ""


def _state(
    decision: Decision, issue: KnownIssue, pin: Pin, hosts: Sequence[Host]
) -> tuple[IssueState, str]:
    seen = [
        finding.id
        for finding in decision.findings
        if str(finding.candidate) == str(pin)
        and any(match.id == issue.id for match in finding.issues)
    ]
    if seen:
        return IssueState.REPRODUCED, f"finding {', '.join(seen)}"
    if out_of_reach := _out_of_reach(issue, hosts):
        return out_of_reach
    able = [
        each
        for each in decision.comparisons
        if str(each.candidate.pin) == str(pin) and issue.is_seen_by(each.check)
    ]
    conditions: list[tuple[str, Callable[[Comparison], bool]]] = [
        ("no check that can see it was planned", lambda _: True),
        (
            f"needs the kernel {_either(issue.kernels)}",
            lambda each: issue.is_of_kernel(each.candidate.kernel),
        ),
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


def _either(names: Iterable[str]) -> str:
    return " or ".join(names)


def _is_answered(comparison: Comparison) -> bool:
    observation = comparison.candidate_observation
    return observation is not None and observation.outcome.is_answer
